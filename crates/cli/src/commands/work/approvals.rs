//! `marline approvals`: what agents ask, and what they are told.

use std::process::ExitCode;

use marline_agents::talk::Decision;
use marline_store::work::{Asked, WorkStore as _};

use super::{desk, store};
use crate::args::work::ApprovalCommand;
use crate::commands::{print_json, print_line};
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, harmless, note, styled};

/// Who answers from here.
const BY: &str = "the command line";

pub fn run(command: &ApprovalCommand) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let decide = |number: u64, decision: Decision| {
        let asked = desk(&places)?.decide(number, decision, BY)?;
        let how = if matches!(asked.decision, Some(Decision::Deny { .. })) { "Denied" } else { "Allowed" };
        let session = asked.session.as_ref().map_or_else(|| asked.source.to_string(), ToString::to_string);
        print_line(&format!("{how}: {} ({}, {session}).", harmless(&asked.question.what), asked.name))?;
        Ok(ExitCode::SUCCESS)
    };
    match command {
        ApprovalCommand::List(json) => list(&places, json.json),
        ApprovalCommand::Allow { number, session: false } => decide(*number, Decision::Allow),
        ApprovalCommand::Allow { number, session: true } => decide(*number, Decision::AllowForSession),
        ApprovalCommand::Deny { number, reason } => {
            decide(*number, Decision::Deny { reason: reason.clone() })
        }
    }
}

fn list(places: &Places, is_json: bool) -> Result<ExitCode, Failure> {
    let mut open = store(places)?.questions(true, 1000)?;
    open.retain(|asked| asked.decision.is_none());
    if is_json {
        print_json(&serde_json::json!({ "questions": open }))?;
    } else {
        open.iter().try_for_each(show)?;
        if open.is_empty() {
            note("No agent asks anything.");
        }
    }
    Ok(if open.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn show(asked: &Asked) -> Result<(), Failure> {
    let question = &asked.question;
    let session = asked.session.as_ref().map_or_else(|| asked.source.to_string(), ToString::to_string);
    print_line(&format!(
        "{} {} {}",
        styled(BOLD, &format!("{:>3} {}", asked.number, harmless(&question.tool))),
        harmless(&question.what),
        styled(DIM, &format!("({}, {session}, {})", asked.name, ago(asked.at, now()))),
    ))?;
    let facts = [
        question.cwd.as_ref().map(|cwd| format!("in {cwd}")),
        (!question.files.is_empty()).then(|| format!("touches {}", question.files.join(", "))),
        question.why.as_ref().map(|why| format!("because {why}")),
    ];
    for fact in facts.into_iter().flatten() {
        print_line(&format!("    {}", harmless(&fact)))?;
    }
    for line in question.diff.iter().flat_map(|diff| diff.lines()) {
        print_line(&format!("    {}", styled(DIM, &harmless(line))))?;
    }
    Ok(())
}
