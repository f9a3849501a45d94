//! `marline hooks`: having agents tell what they do.

use std::process::ExitCode;

use marline_control::{HookEdit, HookStatus};
use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::act::acts;
use crate::args::live::{HookArgs, HooksCommand};
use crate::commands::{confirmed, print_json, print_line};
use crate::context::Places;
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, harmless, note, styled};

pub fn run(command: &HooksCommand) -> Result<ExitCode, Failure> {
    match command {
        HooksCommand::Status(args) => status(args.json),
        HooksCommand::Install(args) => install(args),
        HooksCommand::Uninstall(args) => uninstall(args),
    }
}

/// The agents that are meant: one, or all that have hooks.
fn meant(args: &HookArgs) -> Result<Vec<HookStatus>, Failure> {
    let mut all = acts()?.hook_status()?;
    if let Some(source) = args.agent {
        all.retain(|status| status.source == source);
        if all.is_empty() {
            return Err(Failure::usage(
                &format!("{source} has no hooks that Marline knows."),
                "Claude Code, Codex and Gemini CLI have.",
            ));
        }
    }
    Ok(all)
}

fn status(is_json: bool) -> Result<ExitCode, Failure> {
    let all = acts()?.hook_status()?;
    if is_json {
        let one = |status: &HookStatus| {
            let HookStatus { source, path, told, missing, gone, .. } = status;
            json!({"source": source, "path": path, "told": told, "missing": missing, "gone": gone})
        };
        print_json(&json!({"agents": all.iter().map(one).collect::<Vec<_>>()}))?;
        return Ok(ExitCode::SUCCESS);
    }
    for status in &all {
        let how = match (status.told.len(), status.missing.len()) {
            (0, _) => "not installed".to_owned(),
            _ if status.gone.is_some() => {
                let gone = harmless(status.gone.as_deref().unwrap_or_default());
                format!("installed, but {gone} is gone: install them again")
            }
            (_, 0) => "installed".to_owned(),
            _ => "installed in part: install them again".to_owned(),
        };
        print_line(&format!(
            "{} {how}  {}",
            styled(BOLD, &format!("{:8}", status.source)),
            styled(DIM, &harmless(&status.path.display().to_string()))
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn install(args: &HookArgs) -> Result<ExitCode, Failure> {
    let (places, acts) = (Places::read()?, acts()?);
    let marline = std::env::current_exe().map_err(|error| Failure::file("marline".as_ref(), &error))?;
    let marline = marline.display().to_string();
    let mut done = 0;
    for status in meant(args)? {
        let Some(edit) = acts.hooks_in(status.source, &marline, &places.hooks())? else {
            note(&format!("{} tells already.", status.source));
            continue;
        };
        show(&edit)?;
        if args.dry_run {
            continue;
        }
        if !args.yes && !confirmed()? {
            return Err(unchanged());
        }
        let entry = acts.carry_out_free(edit.plan)?;
        print_line(&format!("{} (act {}).", entry.plan.says, entry.number))?;
        if !status.note.is_empty() {
            note(status.note);
        }
        done += 1;
    }
    if done > 0 {
        note("The board hears them while it is up: marline up");
    }
    Ok(ExitCode::SUCCESS)
}

fn uninstall(args: &HookArgs) -> Result<ExitCode, Failure> {
    let acts = acts()?;
    for status in meant(args)? {
        let Some(edit) = acts.hooks_out(status.source)? else {
            note(&format!("{} has none of ours.", status.source));
            continue;
        };
        show(&edit)?;
        if args.dry_run {
            continue;
        }
        if !args.yes && !confirmed()? {
            return Err(unchanged());
        }
        acts.remove_hooks(status.source)?;
        print_line(&format!("{} tells nothing any more.", status.source))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what changes in a file.
fn show(edit: &HookEdit) -> Result<(), Failure> {
    print_line(&styled(BOLD, &harmless(&edit.path.display().to_string())))?;
    let diff = TextDiff::from_lines(&edit.before, &edit.after);
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            print_line(&format!("{sign} {}", harmless(change.value().trim_end_matches('\n'))))?;
        }
    }
    Ok(())
}

fn unchanged() -> Failure {
    Failure::refused("Nothing was changed.", "Say that it is meant: --yes")
}
