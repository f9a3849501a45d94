//! `marline rename`, `archive`, `unarchive`, `delete`, `fork`, `undo`: acts on one session.

use std::process::ExitCode;

use marline_control::{ActError, Acts, Fork, Outcome, Places, Plan, Step, Target};
use marline_index::{IndexError, ItemKey, MarkKind};
use marline_model::ItemKind;
use serde_json::json;

use crate::args::{ActArgs, DeleteArgs, ForkArgs, ReadArgs, RenameArgs, UndoArgs};
use crate::commands::{print_json, print_line};
use crate::context::{Context, keyring, now, random, utc_offset_seconds};
use crate::failure::Failure;
use crate::terminal::{DIM, styled};

pub fn rename(args: &RenameArgs) -> Result<ExitCode, Failure> {
    act(&args.act, |acts, target, _| acts.rename(target, &args.name))
}

pub fn archive(args: &ActArgs) -> Result<ExitCode, Failure> {
    act(args, |acts, target, _| acts.archive(target, true))
}

pub fn unarchive(args: &ActArgs) -> Result<ExitCode, Failure> {
    act(args, |acts, target, _| acts.archive(target, false))
}

pub fn delete(args: &DeleteArgs) -> Result<ExitCode, Failure> {
    act(&args.act, |acts, target, _| acts.delete(target, args.now))
}

pub fn fork(args: &ForkArgs) -> Result<ExitCode, Failure> {
    act(&args.act, |acts, target, context| {
        let at = place(args, target, context)?;
        acts.fork(target, &at)
    })
}

pub fn undo(args: &UndoArgs) -> Result<ExitCode, Failure> {
    let entry = acts()?.undo(args.number)?;
    if args.json {
        print_json(&entry)?;
    } else {
        print_line(&format!("Taken back: {}.", entry.plan.title()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The record before which a fork ends.
fn place(args: &ForkArgs, target: &Target, context: &Context) -> Result<Fork, ActError> {
    let failed = |error: IndexError| ActError::failed_to_read(&target.id, error);
    let key = match (args.at, args.nth_message) {
        (Some(seq), _) => ItemKey::own(seq),
        (None, Some(n)) => {
            let outline = context.index.outline(&target.id).map_err(failed)?;
            let mut prompts = outline.marks.iter().filter(|mark| mark.kind == MarkKind::Prompt);
            let nth = n.checked_sub(1).and_then(|n| prompts.nth(n));
            nth.map(|mark| mark.key).ok_or_else(|| ActError::Invalid {
                message: format!("{} has no prompt number {n}", target.id),
                hint: Some(format!("Prompts are numbered from 1: marline show {}", target.id)),
            })?
        }
        (None, None) => return Ok(Fork::Head),
    };
    let item = context.index.item_at(&target.id, key).map_err(|error| match error {
        IndexError::Lacks { .. } => ActError::Invalid {
            message: format!("there is no item {key} in {}", target.id),
            hint: Some(format!("Items are numbered: marline show {}", target.id)),
        },
        error => failed(error),
    })?;
    if item.kind != ItemKind::Prompt {
        return Err(ActError::Invalid {
            message: format!("item {key} of {} is no prompt", target.id),
            hint: Some("A fork begins from before a prompt of yours.".to_owned()),
        });
    }
    Ok(Fork::Before { file: item.raw.path.into(), offset: item.raw.offset })
}

pub fn acts() -> Result<Acts, Failure> {
    let places = crate::context::Places::read()?;
    Ok(Acts::new(Places {
        env: places.env,
        state: places.state,
        config: places.config,
        keyring: keyring(),
        now,
        random,
        utc_offset_seconds: utc_offset_seconds(),
    }))
}

fn act(
    args: &ActArgs,
    plan: impl FnOnce(&Acts, &Target, &Context) -> Result<Plan, ActError>,
) -> Result<ExitCode, Failure> {
    let read = ReadArgs { json: args.json, no_refresh: false };
    let context = Context::read(&read)?;
    let session = context.index.session(&args.id)?;
    let target = Target::of(&session)?;
    let acts = acts()?;
    let plan = plan(&acts, &target, &context)?;
    if args.dry_run {
        acts.check(&target, &plan)?;
        return dry_run(args, &plan);
    }
    let entry = acts.carry_out(&target, plan)?;
    // What came of it is read back.
    let context = Context::read(&read)?;
    if entry.outcome == Outcome::Final {
        context.index.purge(&target.id)?;
    }
    if args.json {
        let wanted = entry.plan.makes.as_ref().unwrap_or(&target.id);
        let session = context.index.session_by_id(wanted).ok();
        print_json(&json!({"act": entry, "session": session}))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{}.", entry.plan.says))?;
    if entry.outcome == Outcome::Done {
        let who = match &entry.plan.shown_by {
            Some(agent) => format!("{agent} shows it so, too."),
            None => "Marline alone shows it so: the agent has no way to keep it.".to_owned(),
        };
        let words = format!("{who} Back: marline undo {}", entry.number);
        print_line(&styled(DIM, &words))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn dry_run(args: &ActArgs, plan: &Plan) -> Result<ExitCode, Failure> {
    if args.json {
        print_json(plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&format!("{}. To be done:", plan.says))?;
    for step in &plan.steps {
        print_line(&format!("  {}", told(step)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A step in words.
pub fn told(step: &Step) -> String {
    match step {
        Step::Append { path, text, .. } => format!("append {} bytes to {}", text.len(), path.display()),
        Step::CopyTranscript { copy, path, sum } => format!(
            "copy the first {} bytes of {} to {}, {} bytes",
            copy.until,
            copy.origin.display(),
            path.display(),
            sum.length
        ),
        Step::Create { path, sum, .. } => format!("write {}, {} bytes", path.display(), sum.length),
        Step::CodexCreate { thread, .. } => {
            format!("make thread {} of {} records, under {}", thread.id, thread.records, thread.provider)
        }
        Step::Replace { path, old: None, .. } => format!("make {}", path.display()),
        Step::Replace { path, .. } => format!("change {}", path.display()),
        Step::Move { from, to } => format!("move {} to {}", from.display(), to.display()),
        Step::CodexName { thread, new, .. } => {
            format!("name thread {thread} “{}”", new.as_deref().unwrap_or_default())
        }
        Step::CodexArchive { thread, away: true, .. } => format!("move thread {thread} to Codex' archive"),
        Step::CodexArchive { thread, away: false, .. } => {
            format!("move thread {thread} out of Codex' archive")
        }
        Step::CodexDelete { thread, files, .. } => {
            format!("lay {} files of thread {thread} aside and delete it", files.len())
        }
        Step::CodexFork { thread, origin, before, .. } => match before {
            Some(before) => format!("make thread {thread} of {origin}, up to record {before}"),
            None => format!("make thread {thread} of all of {origin}"),
        },
        Step::OpenCodeSet { session, column, new, .. } => {
            format!("set {} of session {session} to {new}", column.name())
        }
        Step::OpenCodeFork { fork, .. } => {
            format!("copy the rows of session {} to {}", fork.origin, fork.new)
        }
        Step::Overlay { session, .. } => format!("note it of {session} in Marline's own keeping"),
        Step::OpenCodeDelete { sessions, rows, .. } => {
            format!("lay the rows of {} sessions aside in {} and delete them", sessions.len(), rows.display())
        }
    }
}
