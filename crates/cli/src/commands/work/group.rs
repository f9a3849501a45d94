//! `marline group`.

use std::process::ExitCode;

use marline_control::work::GroupRun;
use marline_store::work::{Group, Member, Options, Wish, WorkStore as _};
use serde_json::json;

use super::{
    absolute, counted, desk, export, follow, import, many, prompt, runs, sessions, state, store, table,
    tasks_of, told, wish,
};
use crate::args::ReadArgs;
use crate::args::work::{GroupCommand, GroupRunArgs, MemberArgs};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, fit, note, pad, source_style, styled};

pub fn run(command: &GroupCommand) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let done = |words: String| print_line(&words).map(|()| ExitCode::SUCCESS);
    let wishes = |args: &crate::args::work::NameArgs, what: Wish| {
        let group = store(&places)?.group(&args.name)?;
        wish(&group.id, &group.name, false, what, args.json.json)
    };
    match command {
        GroupCommand::Create { name, description, members: wanted } => {
            let members = members(wanted)?;
            let group = desk(&places)?.create_group(name, description.as_deref(), members)?;
            done(format!("{} has {}.", group.name, many(group.members.len(), "session")))
        }
        GroupCommand::List(args) => list(&places, args.json),
        GroupCommand::Show(args) => show(&places, &args.name, args.json.json),
        GroupCommand::Add { name, members: wanted } => {
            let wanted = members(wanted)?;
            if wanted.is_empty() {
                return Err(Failure::usage(
                    "Nothing to add.",
                    "Give ids of sessions, or --agent for new ones.",
                ));
            }
            let group = desk(&places)?.add_members(name, &wanted)?;
            done(format!("{} has {}.", group.name, many(group.members.len(), "session")))
        }
        GroupCommand::Remove { name, sessions: ids } => {
            let group = desk(&places)?.remove_members(name, &members_of(&places, name, ids)?)?;
            done(format!("{} has {}.", group.name, many(group.members.len(), "session")))
        }
        GroupCommand::Rename { name, new } => {
            desk(&places)?.change_group(name, |group| {
                group.name.clone_from(new);
                Ok(())
            })?;
            done(format!("{name} is {new} now."))
        }
        GroupCommand::Delete { name } => {
            desk(&places)?.delete_group(name)?;
            done(format!("{name} is deleted; its sessions are where they were."))
        }
        GroupCommand::Run(args) => begin(&places, args),
        GroupCommand::Runs { name, run, events, json } => {
            let group = store(&places)?.group(name)?;
            runs(&group.id, *run, *events, json.json)
        }
        GroupCommand::Watch(args) => {
            let desk = desk(&places)?;
            let group = desk.store().group(&args.name)?;
            let Some(run) = desk.open_run(&group.id)? else {
                note(&format!("{} does not run.", args.name));
                return Ok(ExitCode::from(1));
            };
            follow::watch(&places, &run.id, "group", args.json.json)
        }
        GroupCommand::Pause(args) => wishes(args, Wish::Pause),
        GroupCommand::Resume(args) => wishes(args, Wish::Run),
        GroupCommand::Stop(args) => wishes(args, Wish::Stop),
        GroupCommand::Export(args) => {
            let desk = desk(&places)?;
            match &args.name {
                Some(name) => export(args, &desk.export_group(name)?),
                None => {
                    let groups = desk.store().groups()?;
                    let all: Result<Vec<_>, _> =
                        groups.iter().map(|group| desk.export_group(&group.id)).collect();
                    export(args, &json!({ "groups": all? }))
                }
            }
        }
        GroupCommand::Import(args) => import(args, "groups.json"),
    }
}

fn members(args: &MemberArgs) -> Result<Vec<Member>, Failure> {
    let known = sessions(&args.sessions)?.into_iter();
    let mut members: Vec<Member> =
        known.map(|id| Member { source: id.source(), session: Some(id), cwd: None }).collect();
    if let Some(source) = args.agent {
        let cwd = match &args.cwd {
            Some(cwd) => cwd.canonicalize().map_err(|error| Failure::file(cwd, &error))?,
            None => std::env::current_dir().map_err(Failure::output)?,
        };
        let cwd = Some(cwd.display().to_string());
        members.extend((0..args.count).map(|_| Member { source, session: None, cwd: cwd.clone() }));
    }
    Ok(members)
}

/// The members that ids, or their beginnings, stand for; their sessions may be gone.
fn members_of(places: &Places, name: &str, ids: &[String]) -> Result<Vec<marline_model::SessionId>, Failure> {
    let group = store(places)?.group(name)?;
    let known: Vec<_> = group.members.iter().filter_map(|member| member.session.clone()).collect();
    let find = |id: &String| {
        let mut found = known
            .iter()
            .filter(|session| session.to_string().starts_with(id) || session.raw().starts_with(id));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => Err(Failure::usage(
                &format!("{name} has no session {id}."),
                "`marline group show` lists them.",
            )),
            _ => Err(Failure::usage(&format!("{id} stands for several sessions."), "Give more of the id.")),
        }
    };
    ids.iter().map(find).collect()
}

fn list(places: &Places, is_json: bool) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    let groups = desk.store().groups()?;
    let mut all = Vec::new();
    for group in &groups {
        let run = desk.store().runs(marline_store::work::Runs::Of(&group.id, 1))?.pop();
        if is_json {
            all.push(json!({ "group": group, "lastRun": run.as_ref().map(told) }));
            continue;
        }
        let last = run.map_or_else(String::new, |run| {
            let state = match run.ended_at {
                Some(_) => format!("last run {}", ago(run.created_at, now()).replace("now", "just now")),
                None => state(&desk, "group", &run),
            };
            format!("{state}: {}", counted(&run.counts))
        });
        let sessions = pad(&many(group.members.len(), "session"), 12);
        print_line(&format!(
            "{} {sessions}  {}",
            styled(BOLD, &pad(&fit(&group.name, 24), 24)),
            styled(DIM, &last)
        ))?;
    }
    if is_json {
        print_json(&json!({ "groups": all }))?;
    } else if groups.is_empty() {
        note("There are no groups. Make one: marline group create NAME SESSION…");
    }
    Ok(if groups.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn show(places: &Places, name: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let store = store(places)?;
    let group: Group = store.group(name)?;
    let run = store.runs(marline_store::work::Runs::Of(&group.id, 1))?.pop();
    if is_json {
        print_json(&json!({ "group": group, "lastRun": run.as_ref().map(told) }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&styled(BOLD, &group.name))?;
    if let Some(description) = &group.description {
        print_line(description)?;
    }
    let context = Context::read(&ReadArgs::FRESH)?;
    for member in &group.members {
        let source = styled(source_style(member.source), &pad(member.source.as_str(), 8));
        let words = match &member.session {
            Some(id) => {
                let session = context.index.session_by_id(id).ok();
                let title = session.as_ref().and_then(|session| session.title.as_deref());
                let raw = id.raw();
                let short = &raw[..raw.floor_char_boundary(13)];
                let known = title.unwrap_or(if session.is_some() { "(no title)" } else { "(not found)" });
                format!("{} {}", styled(DIM, &pad(short, 13)), fit(known, 80))
            }
            None => format!("{} {}", styled(DIM, &pad("new", 13)), member.cwd.as_deref().unwrap_or_default()),
        };
        print_line(&format!("  {source} {words}"))?;
    }
    if let Some(run) = run {
        if run.ended_at.is_none() {
            print_line(&styled(DIM, &state(&desk(places)?, "group", &run)))?;
        }
        table(&run, &tasks_of(&store, &run)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn begin(places: &Places, args: &GroupRunArgs) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    // Sessions are looked up in it.
    Context::read(&ReadArgs::FRESH)?;
    let wanted = GroupRun {
        prompt: prompt(&args.prompt)?,
        images: absolute(&args.image)?,
        options: args.options.over(Options::default()),
        max_concurrency: args.max_concurrent,
        place: args.place(),
    };
    follow::begin(places, "group", args.json.json, |claim| {
        Ok(desk.run_group(&args.name, wanted, Some(claim))?)
    })
}
