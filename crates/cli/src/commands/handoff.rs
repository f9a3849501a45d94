//! `marline handoff`: work goes on in another agent.

use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ExitCode, Stdio};
use std::sync::atomic::AtomicBool;

use marline_control::{Conversation, Fate, HandOver, Handoff, Range, Report, Started, Target, Way};
use marline_index::{Filter, Session, Sort};
use marline_model::Source;
use serde_json::json;

use crate::args::{HandoffArgs, ReadArgs, WayArg};
use crate::commands::act::{acts, told};
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::{DIM, note, styled};

pub fn run(args: &HandoffArgs) -> Result<ExitCode, Failure> {
    let act = &args.act;
    let read = ReadArgs { json: act.json, no_refresh: false };
    let context = Context::read(&read)?;
    let session = context.index.session(&act.id)?;
    let target = Target::of(&session)?;
    let range = Range { from: args.from, to: args.to_seq };
    let conversation = Conversation::read(&context.index, &target.id, range)?;
    let is_document = args.print || args.run;
    let way = match args.way {
        Some(WayArg::Native) => Way::Native,
        Some(WayArg::Brief) => Way::Brief,
        Some(WayArg::Pack) => Way::Pack,
        None if is_document => Way::Brief,
        None if matches!(args.to, Source::Claude | Source::Codex) => Way::Native,
        None => Way::Brief,
    };
    if way == Way::Native && is_document {
        return Err(Failure::usage(
            "A native hand-over makes a session; there is no document to print or to run.",
            "Leave --print and --run out, and go on with marline resume; or say --as brief or --as pack.",
        ));
    }
    let marline = std::env::current_exe().ok().map(|path| path.display().to_string());
    let marline = marline.as_deref().unwrap_or("marline");
    let asked = HandOver { to: args.to, way, cwd: args.cwd.as_deref(), marline };
    let acts = acts()?;
    let handoff = acts.hand_over(&target, &conversation, &asked)?;
    if act.dry_run {
        return dry_run(args, &handoff);
    }
    if let (Some(document), true) = (&handoff.document, args.print) {
        print_line(document.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let Handoff { report, document, plan } = handoff;
    if let Some(document) = document {
        return start(args, &context, &document, &report, &target.directory(args.cwd.as_deref())?);
    }
    let plan = plan.expect("what is no document is a plan");
    let entry = acts.carry_out(&target, plan)?;
    let made = entry.plan.makes.clone().expect("a hand-over makes a session");
    if act.json {
        let context = Context::read(&read)?;
        let session = context.index.session_by_id(&made).ok();
        print_json(&json!({"act": entry, "session": session, "report": report}))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{}.", entry.plan.says))?;
    print_report(&report)?;
    print_line(&format!("Go on: marline resume {made}"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Err(missing) = Started::begin(args.to, "", false, &target.directory(args.cwd.as_deref())?, &path) {
        note(&format!("{missing}."));
    }
    print_line(&styled(DIM, &format!("Back: marline undo {}", entry.number)))?;
    Ok(ExitCode::SUCCESS)
}

fn print_report(report: &Report) -> Result<(), Failure> {
    for line in &report.lines {
        let fate = match line.fate {
            Fate::Carried => "carried",
            Fate::Changed => "changed",
            Fate::Dropped => "dropped",
        };
        print_line(&format!("  {fate}  {:>6}  {}", line.count, line.what))?;
    }
    print_line(&styled(DIM, &format!("  about {} tokens", report.tokens)))
}

fn dry_run(args: &HandoffArgs, handoff: &Handoff) -> Result<ExitCode, Failure> {
    if args.act.json {
        print_json(handoff)?;
        return Ok(ExitCode::SUCCESS);
    }
    match (&handoff.plan, &handoff.document) {
        (Some(plan), _) => {
            print_line(&format!("{}. To be done:", plan.says))?;
            for step in &plan.steps {
                print_line(&format!("  {}", told(step)))?;
            }
        }
        (None, document) => print_line(document.as_deref().unwrap_or_default())?,
    }
    print_report(&handoff.report)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the other agent on a document.
fn start(
    args: &HandoffArgs,
    context: &Context,
    document: &str,
    report: &Report,
    cwd: &std::path::Path,
) -> Result<ExitCode, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let started = Started::begin(args.to, document, args.run, cwd, &path)?;
    let mut command = started.command();
    if !args.run {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "An agent needs a terminal, and this is none.",
                "Let it do one turn without one (--run), or print the document (--print).",
            ));
        }
        print_report(report)?;
        // From here on this process is the agent.
        return Err(Failure::file(&started.program, &command.exec()));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output().map_err(|error| Failure::file(&started.program, &error))?;
    context.index.refresh(&context.env, &AtomicBool::new(false), &|_| {})?;
    let Some(made) = newest(context, args.to, document)? else {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::agent(&format!("No session came of it ({}).", output.status), words.trim()));
    };
    if args.act.json {
        print_json(&json!({"session": made, "report": report}))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{} goes on with {}.", made.id, args.act.id))?;
    print_report(report)?;
    Ok(ExitCode::SUCCESS)
}

/// The newest session of an agent that begins with a text.
fn newest(context: &Context, source: Source, text: &str) -> Result<Option<Session>, Failure> {
    let filter = Filter { sources: vec![source], ..Filter::default() };
    let page = context.index.sessions(&filter, Sort::Started, 20, None)?;
    let begins = |session: &Session| {
        let prompt = session.first_prompt.as_deref().unwrap_or_default().trim();
        !prompt.is_empty()
            && text.starts_with(prompt.get(..prompt.floor_char_boundary(200)).unwrap_or(prompt))
    };
    Ok(page.sessions.into_iter().find(begins))
}
