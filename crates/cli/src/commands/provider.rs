//! `marline provider`, `rehome`, `restore`: the model provider behind an agent, and behind sessions.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use marline_control::{Acts, KeyFrom, Profile, ProviderSessions, Rehome, Switch, Synced};
use marline_model::{Source, ThreadId};
use marline_store::{Rehomed, RehomedThread};
use serde_json::json;

use crate::args::ReadArgs;
use crate::args::provider::{ModeArg, ProfileArgs, ProviderCommand, RehomeArgs, RestoreArgs, UseArgs};
use crate::commands::act::{acts, told};
use crate::commands::{confirmed, print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{DIM, harmless, note, styled};

/// More sessions are worth a word while they are done.
const MANY: u64 = 100;

pub fn run(command: &ProviderCommand) -> Result<ExitCode, Failure> {
    let acts = acts()?;
    match command {
        ProviderCommand::List { json } => list(&acts, *json),
        ProviderCommand::Add(args) => {
            if acts.profiles()?.by_name.contains_key(&args.name) {
                return Err(Failure::refused(
                    &format!("There is a provider {} already.", args.name),
                    &format!("Change it: marline provider edit {}", args.name),
                ));
            }
            keep(&acts, args, None)
        }
        ProviderCommand::Edit(args) => {
            let before = acts.profiles()?.get(&args.name)?.clone();
            check_id(&acts, args, &before)?;
            keep(&acts, args, Some(before))
        }
        ProviderCommand::Import { name, all, json } => import(&acts, name, *all, *json),
        ProviderCommand::Remove { name } => remove(&acts, name),
        ProviderCommand::Current { json } => current(&acts, *json),
        ProviderCommand::Use(args) => switch(&acts, args),
        ProviderCommand::Undo { json } => {
            let entry = acts.undo_switch()?;
            let dangling = acts.dangling()?;
            if dangling > 0 {
                note(&format!(
                    "{dangling} sessions name providers that Codex' configuration does not know: it would not resume them. \
                     `marline restore` gives those that were re-homed their first provider back."
                ));
            }
            if *json {
                print_json(&entry)?;
            } else {
                print_line(&format!("Taken back: {}.", entry.plan.says))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        ProviderCommand::Test { name, json } => test(&acts, name, *json),
        ProviderCommand::Sessions { json } => sessions(&acts, *json),
        // An agent asks for it; it is printed to nobody's terminal.
        ProviderCommand::Key { name } => {
            if std::io::stdout().is_terminal() {
                return Err(Failure::refused(
                    "A key is not shown on a terminal.",
                    "It is for the agent that asks for it.",
                ));
            }
            print_line(&acts.key_of(name)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Refuses another id where the old one is needed, unless that is meant.
fn check_id(acts: &Acts, args: &ProfileArgs, before: &Profile) -> Result<(), Failure> {
    let id = before.codex_id(&args.name);
    if args.yes || before.agent != Source::Codex || args.id.as_deref().is_none_or(|new| new == id) {
        return Ok(());
    }
    let is_used = acts.current_providers()?.iter().any(|one| one.profile.as_ref() == Some(&args.name));
    let named = sessions_under(acts, id)?;
    if !is_used && named == 0 {
        return Ok(());
    }
    let used = if is_used { "is in use, and " } else { "" };
    let bear = if named == 1 { "bears" } else { "bear" };
    Err(Failure::refused(
        &format!("{} {used}{} {bear} the id {id:?}.", args.name, sessions_of(named)),
        "They keep it, and its entry stays in Codex' config.toml. If that is meant: --yes",
    ))
}

fn sessions_under(acts: &Acts, provider: &str) -> Result<u64, Failure> {
    let found = acts.provider_sessions()?.into_iter().find(|one| one.provider == provider);
    Ok(found.map_or(0, |one| one.sessions))
}

fn list(acts: &Acts, json: bool) -> Result<ExitCode, Failure> {
    let (profiles, current) = (acts.profiles()?, acts.current_providers()?);
    let is_used = |name: &str| current.iter().any(|one| one.profile.as_deref() == Some(name));
    if json {
        let profiles: Vec<_> = profiles
            .by_name
            .iter()
            .map(|(name, profile)| json!({"name": name, "used": is_used(name), "profile": profile}))
            .collect();
        print_json(&json!({"providers": profiles}))?;
        return Ok(ExitCode::SUCCESS);
    }
    for (name, profile) in &profiles.by_name {
        let mark = if is_used(name) { "*" } else { " " };
        let address = profile.base_url.as_deref().unwrap_or("(its own)");
        print_line(&harmless(&format!(
            "{mark} {name}\t{}\t{address}\t{}",
            profile.agent,
            key_words(&profile.key)
        )))?;
    }
    if profiles.by_name.is_empty() {
        print_line(
            "No providers yet. Add one: marline provider add NAME --agent codex --base-url URL --key-stdin",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn key_words(key: &KeyFrom) -> String {
    match key {
        KeyFrom::Env(variable) => format!("key from {variable}"),
        KeyFrom::Kept => "key kept".to_owned(),
        KeyFrom::Login => "the agent's login".to_owned(),
        KeyFrom::None => "no key".to_owned(),
    }
}

fn keep(acts: &Acts, args: &ProfileArgs, before: Option<Profile>) -> Result<ExitCode, Failure> {
    let agent = match (&before, args.agent) {
        (Some(before), None) => before.agent,
        (_, Some(agent)) => agent,
        (None, None) => {
            return Err(Failure::usage(
                "Whose provider is it?",
                "Say so: --agent codex, claude, gemini or opencode.",
            ));
        }
    };
    let mut headers = before.as_ref().map_or_else(BTreeMap::new, |before| before.headers.clone());
    for header in &args.header {
        let Some((name, value)) = header.split_once('=') else {
            return Err(Failure::usage(&format!("{header:?} is no header."), "Write it as NAME=VALUE."));
        };
        headers.insert(name.to_owned(), value.to_owned());
    }
    let mut key = None;
    let from = if args.key_stdin {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::file(std::path::Path::new("standard input"), &error))?;
        key = Some(text.trim().to_owned());
        KeyFrom::Kept
    } else if let Some(variable) = &args.key_env {
        KeyFrom::Env(variable.clone())
    } else if args.login {
        KeyFrom::Login
    } else if args.no_key {
        KeyFrom::None
    } else {
        // A login is sent to no other address than its own unless that is said.
        let is_elsewhere = |before: &Profile| before.key == KeyFrom::Login && before.base_url.is_none();
        match (&before, &args.base_url) {
            (None, None) => KeyFrom::Login,
            (Some(before), None) => before.key.clone(),
            (Some(before), Some(_)) if !is_elsewhere(before) => before.key.clone(),
            (_, Some(_)) => {
                return Err(Failure::usage(
                    "Which key is sent to that address?",
                    "Say so: --key-stdin, --key-env VARIABLE, --login for the agent's own, or --no-key.",
                ));
            }
        }
    };
    let or = |new: &Option<String>, old: fn(&Profile) -> &Option<String>| {
        new.clone().or_else(|| before.as_ref().and_then(|before| old(before).clone()))
    };
    let profile = Profile {
        agent,
        id: or(&args.id, |profile| &profile.id),
        base_url: or(&args.base_url, |profile| &profile.base_url),
        model: or(&args.model, |profile| &profile.model),
        wire_api: or(&args.wire_api, |profile| &profile.wire_api),
        key: from,
        headers,
    };
    acts.keep_profile(&args.name, profile, key)?;
    print_line(&format!("{} is kept. Switch to it: marline provider use {}", args.name, args.name))?;
    Ok(ExitCode::SUCCESS)
}

fn import(acts: &Acts, names: &[String], all: bool, json: bool) -> Result<ExitCode, Failure> {
    let (offers, unread) = acts.offers()?;
    unread.iter().for_each(|what| note(&format!("{what}.")));
    if names.is_empty() && !all {
        if json {
            print_json(&json!({"offers": offers}))?;
            return Ok(ExitCode::SUCCESS);
        }
        for offer in &offers {
            let address = offer.profile.base_url.as_deref().unwrap_or_default();
            print_line(&harmless(&format!(
                "{}\t{}\t{address}\tfrom {}",
                offer.name, offer.profile.agent, offer.from
            )))?;
        }
        let words = if offers.is_empty() {
            "Nothing was found that is not there already."
        } else {
            "Take them over: marline provider import NAME, or --all"
        };
        print_line(&styled(DIM, words))?;
        return Ok(ExitCode::SUCCESS);
    }
    for name in names {
        if !offers.iter().any(|offer| offer.name == *name) {
            return Err(Failure::usage(
                &format!("No {name} is offered."),
                "marline provider import lists what is.",
            ));
        }
    }
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for offer in offers.iter().filter(|offer| all || names.contains(&offer.name)) {
        if let Err(error) = acts.accept(offer) {
            note(&format!("{} is not taken over: {error}.", offer.name));
            failed.push(json!({"name": offer.name, "why": error.to_string()}));
            continue;
        }
        taken.push(&offer.name);
        if !json {
            print_line(&format!("{} is kept.", offer.name))?;
        }
    }
    if json {
        print_json(&json!({"imported": taken, "failed": failed}))?;
    }
    Ok(if failed.is_empty() && unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(4) })
}

fn remove(acts: &Acts, name: &str) -> Result<ExitCode, Failure> {
    let profile = acts.forget_profile(name)?;
    print_line(&format!("{name} is forgotten, with its key."))?;
    if profile.agent == Source::Codex {
        let id = profile.codex_id(name);
        let sessions = sessions_under(acts, id)?;
        if sessions > 0 {
            print_line(&styled(
                DIM,
                &format!(
                    "{sessions} sessions name it; its entry stays in Codex' config.toml, or they could not be resumed. Another \
                 provider for them: marline rehome --from {id} --to PROVIDER --mode sync"
                ),
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn current(acts: &Acts, json: bool) -> Result<ExitCode, Failure> {
    let current = acts.current_providers()?;
    if json {
        print_json(&json!({"current": current}))?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in current {
        let what = one.profile.or(one.provider).unwrap_or_else(|| "its own".to_owned());
        print_line(&harmless(&format!("{}\t{what}", one.agent)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn test(acts: &Acts, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let probed = acts.probe(name, &|variable| std::env::var(variable).ok())?;
    let code = if probed.good { ExitCode::SUCCESS } else { ExitCode::from(4) };
    if json {
        print_json(&probed)?;
    } else if probed.good {
        print_line(&format!("{name} answers, and takes the key."))?;
    } else {
        let what = if matches!(probed.status, 401 | 403) {
            "does not take the key"
        } else {
            "does not answer as it should"
        };
        print_line(&harmless(&format!("{name} {what} ({}): {}", probed.status, probed.words)))?;
    }
    Ok(code)
}

fn sessions(acts: &Acts, json: bool) -> Result<ExitCode, Failure> {
    let (sessions, listed) = (acts.provider_sessions()?, acts.listed_by_provider()?);
    let listed = |one: &ProviderSessions| listed.get(&one.provider).copied().unwrap_or(0);
    if json {
        let providers: Vec<_> = sessions
            .iter()
            .map(|one| {
                let mut told = json!(one);
                told["listed"] = listed(one).into();
                told
            })
            .collect();
        print_json(&json!({"providers": providers}))?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in &sessions {
        let shown = if one.shown { "shown" } else { "hidden" };
        let known = if one.known {
            ""
        } else {
            ", and its configuration has no entry of it: they can't be resumed there"
        };
        let (provider, count, listed) = (&one.provider, one.sessions, listed(one));
        print_line(&harmless(&format!("{provider}\t{count}\t{listed} {shown} by Codex{known}")))?;
    }
    print_line(&styled(
        DIM,
        "Codex lists no session of a script or a sub-agent, and none that is archived.",
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn marline() -> String {
    std::env::current_exe().map_or_else(|_| "marline".to_owned(), |path| path.display().to_string())
}

fn switch(acts: &Acts, args: &UseArgs) -> Result<ExitCode, Failure> {
    if let Some(KeyFrom::Env(variable)) = acts.profiles()?.by_name.get(&args.name).map(|profile| &profile.key)
        && std::env::var_os(variable).is_none_or(|key| key.is_empty())
    {
        if !args.yes && !args.dry_run {
            return Err(Failure::refused(
                &format!("{variable}, which its key comes from, is not set here."),
                "Set it; or say --yes, if it is set where the agent runs.",
            ));
        }
        note(&format!(
            "{variable}, which its key comes from, is not set here: where the agent runs, it must be."
        ));
    }
    let to = match args.sync_sessions {
        true => Some(acts.codex_id(&args.name, args.alias.as_deref())?),
        false => None,
    };
    let sync = to.as_deref().map(|to| Rehome { to: Some(to), from: &[], threads: &[], dry_run: false });
    let mut switch = acts.use_provider(&args.name, args.alias.as_deref(), &marline())?;
    let planned = sync.as_ref().map(|sync| planned(acts, sync)).transpose()?;
    if args.dry_run {
        return switch_planned(args, &switch, planned.as_ref());
    }
    if let (Some(sync), Some(plan)) = (&sync, &planned) {
        // All is shown and allowed before anything is done.
        if !is_allowed(sync, plan, args.yes, args.json)? {
            return Err(not_allowed());
        }
        let to = sync.to.unwrap_or_default().to_owned();
        switch.plan.synced = (plan.updated > 0).then(|| Synced { to, sessions: plan.threads.clone() });
    }
    // Nothing to do is no act.
    let is_act = !switch.plan.steps.is_empty() || switch.plan.synced.is_some();
    let entry = if is_act { Some(acts.switch(&switch)?) } else { None };
    let tally = sync.as_ref().map(|sync| carried_out(acts, sync)).transpose()?;
    if let Some(sync) = &sync {
        (switch.shows, switch.hides) = acts.shown_and_hidden(sync.to.unwrap_or_default())?;
    }
    if args.json {
        let act = json!({
            "act": entry, "shows": switch.shows, "hides": switch.hides, "running": switch.running,
        });
        let Some(tally) = tally else {
            print_json(&act)?;
            return Ok(ExitCode::SUCCESS);
        };
        let mut told = tally.json();
        told["switch"] = act;
        print_json(&told)?;
        return Ok(tally.code());
    }
    print_line(&format!("{}{}.", switch.plan.says, if is_act { "" } else { " already" }))?;
    said_of_sessions(&switch)?;
    if entry.is_some() {
        print_line(&styled(DIM, "Back: marline provider undo"))?;
    }
    tally.map_or(Ok(ExitCode::SUCCESS), |tally| tally.report(""))
}

/// Says what a switch would do, and what would become of sessions with it.
fn switch_planned(args: &UseArgs, switch: &Switch, sync: Option<&Tally>) -> Result<ExitCode, Failure> {
    if args.json {
        let mut told = json!(switch);
        if let Some(sync) = sync {
            told["sessions"] = sync.json();
        }
        print_json(&told)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{}. To be done:", switch.plan.says))?;
    for step in &switch.plan.steps {
        print_line(&format!("  {}", told(step)))?;
    }
    match sync {
        Some(sync) => sync.report("would be "),
        None => said_of_sessions(switch).map(|()| ExitCode::SUCCESS),
    }
}

fn said_of_sessions(switch: &Switch) -> Result<(), Failure> {
    if switch.hides > 0 {
        print_line(&format!(
            "Codex lists {} sessions then and hides {} of other providers; Marline shows and resumes all of them.",
            switch.shows, switch.hides
        ))?;
    }
    if switch.running > 0 {
        print_line(&format!(
            "{} running sessions keep the old provider until they are restarted.",
            switch.running
        ))?;
    }
    Ok(())
}

pub fn rehome(args: &RehomeArgs) -> Result<ExitCode, Failure> {
    let acts = acts()?;
    let threads = threads(&args.session)?;
    match args.mode {
        ModeArg::Keep => {
            print_line(
                "Sessions keep their provider. Marline shows all of them, and resumes each under its own.",
            )?;
            Ok(ExitCode::SUCCESS)
        }
        ModeArg::Alias => Err(Failure::usage(
            "An alias is a matter of the switch: sessions keep their provider's id, and its address and key change behind it.",
            "marline provider use NAME --alias ID",
        )),
        ModeArg::Fork => fork(&acts, args, &threads),
        ModeArg::Sync => {
            let to = Some(target(args)?);
            let rehome = Rehome { to, from: &args.from, threads: &threads, dry_run: args.dry_run };
            rehomed(&acts, &rehome, args.yes, args.json)
        }
    }
}

fn target(args: &RehomeArgs) -> Result<&str, Failure> {
    args.to
        .as_deref()
        .ok_or_else(|| Failure::usage("Which provider are they to get?", "Say its id: --to PROVIDER"))
}

fn threads(given: &[String]) -> Result<Vec<ThreadId>, Failure> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let context = Context::read(&ReadArgs::FRESH)?;
    given
        .iter()
        .map(|id| {
            let session = context.index.session(id)?;
            let thread = session.id.raw().parse().ok().filter(|_| session.source == Source::Codex);
            thread.ok_or_else(|| {
                Failure::usage(
                    &format!("{} is no session of Codex.", session.id),
                    "Others have no provider in them.",
                )
            })
        })
        .collect()
}

/// New sessions under another provider, which go on from the old ones.
fn fork(acts: &Acts, args: &RehomeArgs, threads: &[ThreadId]) -> Result<ExitCode, Failure> {
    let to = target(args)?;
    let found =
        if threads.is_empty() && !args.from.is_empty() { acts.threads_of(&args.from)? } else { Vec::new() };
    let threads = if found.is_empty() { threads } else { &found };
    if threads.is_empty() {
        return Err(Failure::usage(
            "Which sessions are to be forked?",
            "Name them (--session ID), or their provider (--from PROVIDER).",
        ));
    }
    if !args.dry_run && args.session.is_empty() && !args.yes {
        print_line(&format!("Will make {} under {to:?}.", sessions_of(threads.len() as u64)))?;
        if !confirmed()? {
            return Err(not_allowed());
        }
    }
    let mut made = Vec::new();
    for thread in threads {
        let plan = acts.fork_under(thread, to)?;
        if args.dry_run {
            print_line(&format!("{}.", plan.says))?;
            continue;
        }
        let entry = acts.carry_out_free(plan)?;
        if !args.json {
            print_line(&format!("{}.", entry.plan.says))?;
        }
        made.push(entry);
    }
    if args.json {
        print_json(&json!({"acts": made}))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub fn restore(args: &RestoreArgs) -> Result<ExitCode, Failure> {
    let threads = threads(&args.session)?;
    rehomed(
        &acts()?,
        &Rehome { to: None, from: &[], threads: &threads, dry_run: args.dry_run },
        true,
        args.json,
    )
}

fn not_allowed() -> Failure {
    Failure::refused("Nothing was changed.", "Say that it is meant: --yes")
}

fn planned(acts: &Acts, rehome: &Rehome<'_>) -> Result<Tally, Failure> {
    let mut plan = Tally::default();
    acts.rehome(&Rehome { dry_run: true, ..*rehome }, &mut |one| plan.take(one))?;
    Ok(plan)
}

/// Shows what would be done, and asks whether it may be.
fn is_allowed(rehome: &Rehome<'_>, plan: &Tally, yes: bool, json: bool) -> Result<bool, Failure> {
    if plan.updated == 0 {
        return Ok(true);
    }
    if !json {
        let sources: Vec<String> = plan.from.keys().map(|name| format!("{name:?}")).collect();
        let to = rehome.to.map_or_else(|| "their first provider".to_owned(), |to| format!("{to:?}"));
        let which = sources.join(", ");
        print_line(&harmless(&format!("Will re-home {} from {which} to {to}.", sessions_of(plan.updated))))?;
        plan.report_exceptions()?;
        if rehome.to.is_some() {
            note(
                "Reasoning that the old provider sealed may not be read by another account; a fork is the careful way.",
            );
        }
    }
    Ok(yes || confirmed()?)
}

fn sessions_of(count: u64) -> String {
    format!("{count} session{}", if count == 1 { "" } else { "s" })
}

fn carried_out(acts: &Acts, rehome: &Rehome<'_>) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    acts.rehome(rehome, &mut |one| {
        tally.take(one);
        if tally.total() % MANY == 0 {
            note(&format!("{} sessions so far", tally.total()));
        }
    })?;
    Ok(tally)
}

/// Does it, after it was shown and allowed, and tells of each that was not simply done.
fn rehomed(acts: &Acts, rehome: &Rehome<'_>, yes: bool, json: bool) -> Result<ExitCode, Failure> {
    if let Some(to) = rehome.to {
        acts.check_known(to)?;
    }
    let (tally, would) = if rehome.dry_run {
        (planned(acts, rehome)?, "would be ")
    } else if is_allowed(rehome, &planned(acts, rehome)?, yes, json)? {
        (carried_out(acts, rehome)?, "")
    } else {
        return Err(not_allowed());
    };
    if json {
        print_json(&tally.json())?;
        return Ok(tally.code());
    }
    tally.report(would)
}

/// What became of sessions.
#[derive(Default)]
struct Tally {
    updated: u64,
    right: u64,
    from: BTreeMap<String, u64>,
    /// Those that are updated, by the provider that they had.
    threads: BTreeMap<String, Vec<ThreadId>>,
    deferred: Vec<RehomedThread>,
    refused: Vec<RehomedThread>,
    failed: Vec<RehomedThread>,
}

impl Tally {
    fn take(&mut self, one: RehomedThread) {
        match &one.rehomed {
            Rehomed::Updated => {
                self.updated += 1;
                *self.from.entry(one.from.clone()).or_default() += 1;
                self.threads.entry(one.from).or_default().push(one.thread);
            }
            Rehomed::AlreadyRight => self.right += 1,
            Rehomed::Deferred(_) => self.deferred.push(one),
            Rehomed::Refused(_) => self.refused.push(one),
            Rehomed::Failed(_) => self.failed.push(one),
        }
    }

    fn total(&self) -> u64 {
        self.updated + self.right + (self.deferred.len() + self.refused.len() + self.failed.len()) as u64
    }

    fn code(&self) -> ExitCode {
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(4) }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "updated": self.updated, "alreadyRight": self.right, "from": self.from, "deferred": self.deferred,
            "refused": self.refused, "failed": self.failed,
        })
    }

    fn report(&self, would: &str) -> Result<ExitCode, Failure> {
        let head = if would.is_empty() { "Synced" } else { "Planned" };
        print_line(&format!(
            "{head}: {} {would}updated, {} already right, {} deferred (in use), {} refused, {} failed",
            self.updated,
            self.right,
            self.deferred.len(),
            self.refused.len(),
            self.failed.len()
        ))?;
        self.report_exceptions()?;
        if !self.deferred.is_empty() {
            print_line(&styled(DIM, "What is in use is done by the same command later."))?;
        }
        Ok(self.code())
    }

    /// Names those that are not simply done.
    fn report_exceptions(&self) -> Result<(), Failure> {
        for (word, list) in
            [("deferred", &self.deferred), ("refused", &self.refused), ("failed", &self.failed)]
        {
            for one in list {
                let why = match &one.rehomed {
                    Rehomed::Deferred(why) | Rehomed::Refused(why) | Rehomed::Failed(why) => why,
                    Rehomed::Updated | Rehomed::AlreadyRight => continue,
                };
                print_line(&harmless(&format!("  {word}: codex:{}: {why}", one.thread)))?;
            }
        }
        Ok(())
    }
}
