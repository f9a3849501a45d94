//! `marline approvals`: what agents ask, and what they are told.

use std::path::PathBuf;
use std::process::ExitCode;

use marline_agents::talk::Decision;
use marline_control::live::{Control, LiveSession};
use marline_control::work::NewRule;
use marline_store::work::{Asked, Rule, WorkStore as _};

use super::{desk, reviewers, store};
use crate::args::work::ApprovalCommand;
use crate::args::{Lasting, ReadArgs};
use crate::ask::ask;
use crate::commands::live::{answers, asked_words, look, risks};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, harmless, note, styled};

/// Who answers from here.
pub const BY: &str = "the command line";

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
        ApprovalCommand::Log { limit, json } => log(&places, *limit, json.json),
        ApprovalCommand::Rules(json) => rules(&places, json.json),
        ApprovalCommand::Always { command, directory, lasts, agent, json } => {
            let given = directory.clone().unwrap_or_else(|| PathBuf::from("."));
            let project = given.canonicalize().ok().filter(|dir| dir.is_dir()).ok_or_else(|| {
                Failure::usage(&format!("{} is no directory that is there.", given.display()), "Give --in.")
            })?;
            let lasts = match lasts {
                Lasting::For(lasts) => Some(*lasts),
                Lasting::Ever => None,
            };
            let project = project.display().to_string();
            let new = NewRule { command: command.clone(), project, source: *agent, lasts };
            let rule = desk(&places)?.add_rule(new, places.env.home(), BY)?;
            if json.json {
                print_json(&rule)?;
            } else {
                show_rule(&rule)?;
                note(&format!("To take it away: marline approvals never {}", short(&rule.id)));
            }
            Ok(ExitCode::SUCCESS)
        }
        ApprovalCommand::Never { id } => {
            let rule = desk(&places)?.remove_rule(id)?;
            print_line(&format!("Asked again: {}", harmless(&rule.words.join(" "))))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn rules(places: &Places, is_json: bool) -> Result<ExitCode, Failure> {
    let rules = desk(places)?.rules()?;
    if is_json {
        print_json(&serde_json::json!({ "rules": rules }))?;
    } else {
        rules.iter().try_for_each(show_rule)?;
        if rules.is_empty() {
            note("Nothing is allowed without asking.");
        }
    }
    Ok(if rules.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The end of a rule's id: the beginning is the time, and the same for rules of one moment.
fn short(id: &str) -> &str {
    const LENGTH: usize = 8;
    id.get(id.len().saturating_sub(LENGTH)..).unwrap_or(id)
}

fn show_rule(rule: &Rule) -> Result<(), Failure> {
    let until = rule.until.map_or_else(
        || "until it is taken away".to_owned(),
        |until| {
            let minutes = (until.as_millis() - now().as_millis()).max(0) / 60_000;
            format!("for {} h {} min more", minutes / 60, minutes % 60)
        },
    );
    let who = rule.source.map_or_else(|| "every agent".to_owned(), |source| source.to_string());
    print_line(&format!(
        "{} {} {}",
        styled(DIM, short(&rule.id)),
        styled(BOLD, &harmless(&rule.words.join(" "))),
        styled(DIM, &format!("({who}, in {}, {until}, by {})", harmless(&rule.project), harmless(&rule.by))),
    ))
}

fn log(places: &Places, limit: usize, is_json: bool) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    // Whether what was allowed has run since stands in the transcripts.
    if let Ok(context) = Context::read(&ReadArgs::FRESH) {
        desk.follow_answers(&context.index)?;
    }
    let entries = desk.store().audit(u64::MAX, limit)?;
    if is_json {
        print_json(&serde_json::json!({ "entries": entries }))?;
    } else {
        entries.iter().try_for_each(|entry| {
            // What came of it comes first: an answer that was not taken is neither a yes nor a no, and one that was heard has
            // not run yet.
            let how = match (&entry.decision, entry.outcome.as_str()) {
                (Decision::AllowForSession, _) if entry.ran_at.is_some() => "allowed for the session",
                _ if entry.ran_at.is_some() => "allowed",
                (Decision::Deny { .. }, "delivered") => "denied",
                (Decision::AllowForSession, "delivered") => "answered (yes, for the session)",
                (_, "delivered") => "answered (yes)",
                (Decision::Deny { .. }, "refused") => "not answered (no)",
                (_, "refused") => "not answered (yes)",
                (Decision::Deny { .. }, _) => "perhaps answered (no)",
                (..) => "perhaps answered (yes)",
            };
            let session = entry.session.as_ref().map(ToString::to_string).unwrap_or_default();
            print_line(&format!(
                "{} {} {}",
                styled(BOLD, how),
                harmless(&entry.what),
                styled(
                    DIM,
                    &format!(
                        "({}, {session}, by {}: {})",
                        ago(entry.at, now()),
                        harmless(&entry.by),
                        harmless(&entry.proof)
                    )
                ),
            ))
        })?;
        if entries.is_empty() {
            note("Nothing was allowed or refused yet.");
        }
    }
    Ok(if entries.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn list(places: &Places, is_json: bool) -> Result<ExitCode, Failure> {
    let mut open = store(places)?.questions(true, 1000)?;
    open.retain(|asked| asked.decision.is_none());
    let live = live(places)?;
    if is_json {
        print_json(&serde_json::json!({ "questions": open, "live": live }))?;
    } else {
        open.iter().try_for_each(show)?;
        live.iter().try_for_each(show_live)?;
        if open.is_empty() && live.is_empty() {
            note("No agent asks anything.");
        }
    }
    Ok(if open.is_empty() && live.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The live sessions that need a person; those that Marline works with ask above.
fn live(places: &Places) -> Result<Vec<LiveSession>, Failure> {
    let reviewers = reviewers()?;
    let mut sessions = match by_board(places) {
        Some(sessions) => sessions,
        None => look(&ReadArgs::FRESH)?.now.sessions,
    };
    let is_asking =
        |live: &LiveSession| live.state.needs_you() && !matches!(live.control, Control::Marline { .. });
    sessions.retain(|live| is_asking(live) && !reviewers.contains(&live.id));
    Ok(sessions)
}

/// As the board sees them, where one runs: it alone knows what hooks wait with.
fn by_board(places: &Places) -> Option<Vec<LiveSession>> {
    let told = ask(&places.socket, "GET", "/api/v1/live", None).ok()?.good()?;
    let all = told["sessions"].as_array()?.iter();
    all.map(|one| serde_json::from_value(one["live"].clone()).ok()).collect()
}

fn show_live(live: &LiveSession) -> Result<(), Failure> {
    let since = live.since.map_or_else(String::new, |since| format!(", {}", ago(since, now())));
    let state = live.state.as_str().replace('_', " ");
    print_line(&format!(
        "{} {} {}",
        styled(BOLD, &format!("{:>3} {}", "-", live.source)),
        harmless(&asked_words(live)),
        styled(DIM, &format!("({}, {state}{since})", live.id)),
    ))?;
    let cwd =
        live.asks.as_ref().and_then(|asks| asks.what.as_ref()?.cwd.clone()).or_else(|| live.cwd.clone());
    let answer = match (&live.control, &live.asks) {
        (Control::None { .. }, _) => "answer it in its terminal".to_owned(),
        (_, Some(asks)) if asks.is_approval => {
            format!("marline live approve {} --key {}   (or deny)", live.id, asks.key)
        }
        (_, Some(asks)) if asks.takes_words => {
            format!("marline live choose {} --text \"…\" --key {}   (or deny)", live.id, asks.key)
        }
        (_, Some(asks)) if !asks.replies.is_empty() => {
            format!("marline live choose {} NUMBER --key {}   (or deny)", live.id, asks.key)
        }
        _ => format!("marline live attach {}", live.id),
    };
    let choices = live.asks.as_ref().map(answers).filter(|answers| !answers.is_empty());
    let risks = live.asks.as_ref().map(risks).filter(|risks| !risks.is_empty());
    for fact in [risks, choices, cwd.map(|cwd| format!("in {cwd}")), Some(answer)].into_iter().flatten() {
        print_line(&format!("    {}", harmless(&fact)))?;
    }
    Ok(())
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
