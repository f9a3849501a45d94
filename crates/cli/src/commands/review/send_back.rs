//! `marline review send-back`: findings go back into the session.

use std::process::ExitCode;

use marline_control::live::{Command, Steered};
use marline_control::reviews::{Sending, Told, obstacle, send_back_prompt};
use marline_store::reviews::{Review, ReviewStore as _, SendOutcome};
use serde_json::json;

use super::work;
use crate::args::ReadArgs;
use crate::args::review::SendBackArgs;
use crate::commands::live::{look, proven};
use crate::commands::work::{Indexing, desk, engine, prompt, store};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::harmless;

pub fn run(places: &Places, args: &SendBackArgs) -> Result<ExitCode, Failure> {
    let review = store(places)?.review(&args.review.id)?;
    let is_json = args.review.json.json;
    let text = match &args.prompt {
        Some(given) => prompt(given)?,
        None => made(&review, &args.finding)?,
    };
    if args.dry_run {
        if is_json {
            print_json(&json!({ "prompt": text }))?;
        } else {
            print_line(&harmless(&text))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let key = crate::commands::act::acts()?.uuid();
    let review = if args.headless {
        without_terminal(places, &review, &key, &text)?
    } else {
        typed(places, &review, &key, &text, args.queue)?
    };
    told(&review, &key, is_json)
}

/// The prompt of findings by their numbers, as `review show` tells them.
fn made(review: &Review, numbers: &[usize]) -> Result<String, Failure> {
    let count =
        Told::whole(review.clone()).current_round.map_or(0, |round| review.rounds[round].findings.len());
    if let Some(wrong) = numbers.iter().find(|number| **number == 0 || **number > count) {
        return Err(Failure::usage(
            &format!("There is no finding {wrong}; there are {count}."),
            "`marline review show` numbers them.",
        ));
    }
    if review.rounds.iter().all(|round| round.text.is_none() && !round.is_structured) {
        return Err(Failure::refused(
            "The reviewer has said nothing yet.",
            "Wait for it: marline review show --wait",
        ));
    }
    let chosen: Vec<usize> = numbers.iter().map(|number| number - 1).collect();
    Ok(send_back_prompt(review, &chosen))
}

fn typed(
    places: &Places,
    review: &Review,
    key: &str,
    text: &str,
    may_queue: bool,
) -> Result<Review, Failure> {
    let look = look(&ReadArgs::FRESH)?;
    let live = look.now.sessions.iter().find(|live| live.id == review.parent);
    if let Some(why) = obstacle(live, may_queue) {
        let hint = if live.is_none() { "Give --headless." } else { "Nothing was sent." };
        return Err(Failure::refused(&format!("It can't be sent back now: {why}."), hint));
    }
    let Some(live) = live else { return Err(Failure::refused("Nobody has it open.", "Give --headless.")) };
    let desk = desk(places)?;
    let since = now();
    if let Sending::Before(_) = desk.begin_send_back(&review.id, key, text)? {
        return Ok(store(places)?.review(&review.id)?);
    }
    let send = Command::Send { text: text.to_owned(), images: Vec::new() };
    let steered = match live.steer(look.tmux.as_deref(), &places.state, key, &send) {
        Ok(steered) => proven(steered, &live.id, text, since),
        Err(error) => Steered::Unknown { seen: format!("it could not be said: {error}") },
    };
    let why = match &steered {
        Steered::Refused { why } => Some(why.clone()),
        _ => None,
    };
    let review = desk.end_send_back(&review.id, key, steered)?;
    match why {
        Some(why) => {
            Err(Failure::refused(&format!("It can't be sent back now: {why}."), "Nothing was sent."))
        }
        None => Ok(review),
    }
}

fn without_terminal(places: &Places, review: &Review, key: &str, text: &str) -> Result<Review, Failure> {
    Context::read(&ReadArgs::FRESH)?;
    let _indexing = Indexing::start(places);
    let engine = engine(places)?;
    desk(places)?.send_back_without_terminal(&review.id, key, text, Some(engine.claim()))?;
    work::wait(places, Some(engine), std::slice::from_ref(&review.id), &mut |_| Ok(()))?;
    Ok(store(places)?.review(&review.id)?)
}

fn told(review: &Review, key: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let sent = review.sent_back.iter().find(|sent| sent.key == key);
    let (words, code) = match sent.map(|sent| &sent.outcome) {
        Some(SendOutcome::Delivered { proof }) => (format!("Sent back to {}: {proof}.", review.parent), 0),
        Some(SendOutcome::Refused { why }) => (format!("Refused: {why}."), 4),
        Some(SendOutcome::Unknown { seen }) => (format!("Unknown: {seen}. Nothing is tried again."), 4),
        Some(SendOutcome::Running) | None => ("It is not over yet.".to_owned(), 3),
    };
    if is_json {
        print_json(&Told::whole(review.clone()))?;
    } else {
        print_line(&harmless(&words))?;
    }
    Ok(ExitCode::from(code))
}
