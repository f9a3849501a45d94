//! `marline review`: one agent's work, seen by another.

use std::process::ExitCode;

use marline_control::reviews::{
    Context as Shown, ContextError, NewReview, Told, Wanted, context, heading, review_prompt,
};
use marline_model::Timestamp;
use marline_store::reviews::{Finding, Review, ReviewState, ReviewStore as _, Reviews, Severity};
use serde_json::json;

use crate::args::ReadArgs;
use crate::args::review::{ReviewCommand, StartArgs};
use crate::commands::work::{desk, engine, prompt, store};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, dollars, fit, harmless, note, pad, source_style, styled};

mod send_back;
mod work;

/// Reviews of one list.
const MOST: usize = 500;

pub fn run(command: &ReviewCommand) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    match command {
        ReviewCommand::Start(args) => start(&places, args),
        ReviewCommand::Ls { session, json } => list(&places, session.as_deref(), json.json),
        ReviewCommand::Show { review, wait, prompts } => {
            let mut one = store(&places)?.review(&review.id)?;
            if *wait && one.state == ReviewState::Running {
                Context::read(&ReadArgs::FRESH)?;
                let _indexing = crate::commands::work::Indexing::start(&places);
                work::wait(&places, None, std::slice::from_ref(&one.id), &mut |_| Ok(()))?;
                one = store(&places)?.review(&one.id)?;
            }
            shown(&one, review.json.json, *prompts)
        }
        ReviewCommand::Ask { review, text, detach } => {
            let text = prompt(text)?;
            let is_json = review.json.json;
            if *detach {
                let one = desk(&places)?.ask_reviewer(&review.id, &text, None, None)?;
                return left(&places, &[one], is_json);
            }
            Context::read(&ReadArgs::FRESH)?;
            let _indexing = crate::commands::work::Indexing::start(&places);
            let engine = engine(&places)?;
            let one = desk(&places)?.ask_reviewer(&review.id, &text, None, Some(engine.claim()))?;
            work::wait(&places, Some(engine), std::slice::from_ref(&one.id), &mut |_| Ok(()))?;
            shown(&store(&places)?.review(&one.id)?, is_json, false)
        }
        ReviewCommand::SendBack(args) => send_back::run(&places, args),
        ReviewCommand::End { review } => {
            let one = desk(&places)?.end_review(&review.id)?;
            // Where nobody works at it, its reviewer is ended from here.
            if desk(&places)?.open_run(&one.id)?.is_some() {
                Context::read(&ReadArgs::FRESH)?;
                let _indexing = crate::commands::work::Indexing::start(&places);
                work::wait(&places, None, std::slice::from_ref(&one.id), &mut |_| Ok(()))?;
            }
            let one = store(&places)?.review(&one.id)?;
            if review.json.json {
                print_json(&Told::whole(one))?;
            } else {
                print_line(&format!("Review {} is ended; `marline review show` still shows it.", one.id))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Index(error) => error.into(),
            error => {
                let words = marline_control::chain(&error);
                Failure::none(
                    &format!("{}.", words.trim_end_matches('.')),
                    "`marline show --json` tells the keys of items; --item, --from and --to take them.",
                )
            }
        }
    }
}

fn start(places: &Places, args: &StartArgs) -> Result<ExitCode, Failure> {
    let shown_to = {
        let read = Context::read(&ReadArgs::FRESH)?;
        let session = read.index.session(&args.session)?;
        let wanted = Wanted { anchor: args.anchor(), parts: args.part.clone(), task: args.task.clone() };
        context(&read.index, &session, &wanted)?
    };
    if args.dry_run {
        return preview(&shown_to, args.json.json);
    }
    let wanted =
        NewReview { context: shown_to, reviewers: args.with.clone(), max_rounds: args.rounds, key: None };
    if args.detach {
        let begun = desk(places)?.begin_reviews(&wanted, None)?;
        return left(places, &begun, args.json.json);
    }
    let _indexing = crate::commands::work::Indexing::start(places);
    let engine = engine(places)?;
    let begun = desk(places)?.begin_reviews(&wanted, Some(&engine.claim()))?;
    if !args.json.json {
        for review in &begun {
            note(&format!("{} reviews it: marline review show {}", review.source, review.id));
        }
    }
    let ids: Vec<String> = begun.into_iter().map(|review| review.id).collect();
    let is_json = args.json.json;
    let mut worst = 0;
    work::wait(places, Some(engine), &ids, &mut |review| {
        worst = worst.max(code(review));
        if is_json { print_json(&Told::whole(review.clone())) } else { print(review, false) }
    })?;
    Ok(ExitCode::from(worst))
}

/// Says what the reviewer would be told.
fn preview(shown: &Shown, is_json: bool) -> Result<ExitCode, Failure> {
    let prompt = review_prompt(shown.session.source(), shown);
    if is_json {
        print_json(&json!({ "anchor": shown.anchor, "context": shown.parts, "prompt": prompt }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for part in &shown.parts {
        let cut = match part.cut_bytes {
            0 => String::new(),
            bytes => format!(", {bytes} bytes left out"),
        };
        note(&format!("{}: {} bytes{cut}", heading(part.kind), part.text.len()));
    }
    print_line(&harmless(&prompt))?;
    Ok(ExitCode::SUCCESS)
}

/// Says that reviews were left to the board.
fn left(places: &Places, reviews: &[Review], is_json: bool) -> Result<ExitCode, Failure> {
    for review in reviews {
        if is_json {
            print_json(&Told::whole(review.clone()))?;
        } else {
            print_line(&review.id)?;
        }
    }
    if std::os::unix::net::UnixStream::connect(&places.socket).is_err() {
        note("No board is up. It begins with `marline up`, or with `marline review show --wait`.");
    }
    Ok(ExitCode::SUCCESS)
}

fn list(places: &Places, session: Option<&str>, is_json: bool) -> Result<ExitCode, Failure> {
    let reviews = match session {
        Some(given) => {
            let session = Context::read(&ReadArgs::FRESH)?.index.session(given)?;
            let mut all = store(places)?.reviews(Reviews::Of(&session.id))?;
            all.reverse();
            all
        }
        None => store(places)?.reviews(Reviews::Last(MOST))?,
    };
    let is_empty = reviews.is_empty();
    if is_json {
        let told: Vec<Told> = reviews.into_iter().map(Told::short).collect();
        print_json(&json!({ "reviews": told }))?;
    } else {
        for review in &reviews {
            print_line(&line(review, now()))?;
        }
        if is_empty {
            note("There are no reviews. Begin one: marline review start SESSION --with codex");
        }
    }
    Ok(if is_empty { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn line(review: &Review, now: Timestamp) -> String {
    let who = review.model.as_deref().unwrap_or_default();
    let found = review.rounds.iter().rev().find(|round| round.is_structured);
    let found = found.map_or_else(String::new, |round| match round.findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    });
    let why = review.rounds.last().and_then(|round| round.why.as_deref()).unwrap_or_default();
    format!(
        "{} {} {} {} {} {:>8}  {}",
        styled(DIM, &review.id),
        styled(source_style(review.source), &pad(review.source.as_str(), 8)),
        pad(review.state.as_str(), 8),
        styled(DIM, &pad(&ago(review.created_at, now), 10)),
        pad(&found, 11),
        dollars(review.cost_micro_usd()),
        styled(DIM, &fit(&[who, why, &review.parent.to_string()].join(" "), 100)),
    )
}

/// How a command that waited for it ends.
fn code(review: &Review) -> u8 {
    match review.state {
        ReviewState::Failed => 4,
        ReviewState::Running => 3,
        ReviewState::Answered | ReviewState::Ended => 0,
    }
}

fn shown(review: &Review, is_json: bool, prompts: bool) -> Result<ExitCode, Failure> {
    if is_json {
        print_json(&Told::whole(review.clone()))?;
    } else {
        print(review, prompts)?;
    }
    Ok(ExitCode::from(code(review)))
}

fn print(review: &Review, prompts: bool) -> Result<(), Failure> {
    let model = review.model.as_ref().map_or_else(String::new, |model| format!(" ({model})"));
    let title = format!("{}{model}, {}", review.source, review.state.as_str());
    let left = match review.rounds_left() {
        1 => "1 round left".to_owned(),
        left => format!("{left} rounds left"),
    };
    print_line(&styled(BOLD, &title))?;
    print_line(&styled(DIM, &format!("review {} of {}", review.id, review.parent)))?;
    if let Some(child) = &review.child {
        print_line(&styled(DIM, &format!("session {child}, {left}, {}", dollars(review.cost_micro_usd()))))?;
    }
    for (number, round) in review.rounds.iter().enumerate() {
        print_line("")?;
        if prompts {
            print_line(&styled(DIM, &format!("round {}, told:", number + 1)))?;
            print_line(&harmless(&round.prompt))?;
        } else if number > 0 {
            print_line(&styled(DIM, &format!("round {}: {}", number + 1, fit(&round.prompt, 100))))?;
        }
        if let Some(text) = &round.text {
            print_line(&harmless(text))?;
        }
        if let Some(why) = &round.why {
            print_line(&harmless(&format!("{:?}: {why}", round.state).to_lowercase()))?;
        }
        let is_last = !review.rounds[number + 1..].iter().any(|later| later.is_structured);
        for (at, finding) in round.findings.iter().enumerate() {
            let number = if is_last { format!("{:>3}.", at + 1) } else { "   -".to_owned() };
            print_line(&format!("{number} {}", told(finding)))?;
        }
        if round.is_structured && round.findings.is_empty() {
            print_line(&styled(DIM, "No findings."))?;
        }
    }
    for sent in &review.sent_back {
        let outcome = serde_json::to_value(&sent.outcome).unwrap_or_default();
        let word = outcome["outcome"].as_str().unwrap_or_default();
        print_line(&styled(DIM, &format!("sent back {}: {word}", sent.at)))?;
    }
    Ok(())
}

/// A finding in a line, or more where it has more.
fn told(finding: &Finding) -> String {
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line} "),
        (Some(file), None) => format!("{file} "),
        _ => String::new(),
    };
    let style = match finding.severity {
        Severity::Critical | Severity::Major => BOLD,
        Severity::Minor | Severity::Note => DIM,
    };
    let text = finding.text.replace('\n', "\n       ");
    let word = styled(style, &pad(finding.severity.as_str(), 8));
    format!("{word} {}{}", styled(BOLD, &harmless(&place)), harmless(&text))
}
