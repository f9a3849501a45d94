//! `marline live`: the agents that run.

use std::path::PathBuf;
use std::process::ExitCode;

use marline_agents::registry;
use marline_control::live::{Asks, Claims, Control, Daemon, LiveSession, Now, Radar, Reply};
use marline_control::{Risk, RiskKind};
use marline_model::{LiveState, SessionId, Source};
use marline_store::work::WorkStore as _;
use serde::Serialize;

use crate::args::ReadArgs;
use crate::args::live::LiveCommand;
use crate::ask::{Answer, ask};
use crate::commands::work::store;
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, HIT, ago, fit, harmless, note, pad, source_style, styled, width};

mod reopen;
mod steer;

pub use steer::proven;

pub fn run(command: &LiveCommand) -> Result<ExitCode, Failure> {
    match command {
        LiveCommand::Ls { why, read } => ls(read, *why),
        other => steer::run(other),
    }
}

/// Everything that runs, and the index that it was joined with.
pub struct Look {
    pub context: Context,
    pub now: Now,
    pub tmux: Option<PathBuf>,
}

pub fn look(read: &ReadArgs) -> Result<Look, Failure> {
    let places = Places::read()?;
    let context = Context::read(read)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tmux = marline_control::find_program("tmux", &path);
    // What Marline itself has agents do; where it never did, nothing is made for the question.
    let work = places.data.join("marline.db").exists().then(|| store(&places)).transpose()?;
    let (held, asked) = match &work {
        Some(work) => (work.held()?, work.questions(true, 10_000)?),
        None => Default::default(),
    };
    let home = registry::agent(Source::Codex).map(|codex| (codex.live(), codex.home(&context.env)));
    let daemon = home.and_then(|(live, home)| Daemon::survey(&live.service(&home)?));
    let radar = Radar {
        daemon: daemon.as_ref(),
        memory: None,
        record: None,
        env: &context.env,
        index: &context.index,
        tmux: tmux.as_deref(),
        path: &path,
        held: &held,
        asked: &asked,
        told: &[],
    };
    let mut now = radar.look(context.now);
    waits(&places, &mut now);
    Ok(Look { context, now, tmux })
}

/// Adds what a board alone knows: what hooks have told, of whom is away and of dialogs, and what it has seen of a daemon's
/// terminals.
fn waits(places: &Places, now: &mut Now) {
    let claims = Claims::at(&places.state);
    let is_bare =
        |one: &LiveSession| one.asks.as_ref().is_some_and(|asks| asks.is_approval && asks.what.is_none());
    let is_held = |one: &LiveSession| matches!(one.control, Control::Service { .. });
    let needs_it = |one: &LiveSession| is_bare(one) || is_held(one);
    if claims.now(crate::context::now()).is_empty() && !now.sessions.iter().any(needs_it) {
        return;
    }
    let told = ask(&places.socket, "GET", "/api/v1/live", None).ok().and_then(Answer::good);
    let told = told.as_ref().and_then(|told| told["sessions"].as_array()).into_iter().flatten();
    let told: Vec<LiveSession> =
        told.filter_map(|one| serde_json::from_value(one["live"].clone()).ok()).collect();
    // Which terminal shows which thread of a daemon knows better who has looked all the time.
    if !told.is_empty() {
        now.sessions.retain(|one| !is_held(one));
        now.sessions.extend(told.iter().filter(|one| is_held(one)).cloned());
    }
    let key = |one: &LiveSession| one.asks.as_ref().map(|asks| asks.key.clone());
    for one in &mut now.sessions {
        let said = told.iter().find(|said| said.id == one.id && said.asks.is_some());
        let Some(said) = said else { continue };
        if claims.holds(&said.id, crate::context::now()) {
            *one = said.clone();
        } else if key(one) == key(said) {
            one.asks.clone_from(&said.asks);
        }
    }
    now.sort();
}

/// The sessions that have ended a short while ago: the board knows, which has looked before.
fn ended(now: &Now) -> Result<Vec<LiveSession>, Failure> {
    let told = ask(&Places::read()?.socket, "GET", "/api/v1/live", None).ok().and_then(Answer::good);
    let told = told.as_ref().and_then(|told| told["ended"].as_array()).into_iter().flatten();
    let told = told.filter_map(|one| serde_json::from_value::<LiveSession>(one["live"].clone()).ok());
    Ok(told.filter(|ended| !now.sessions.iter().any(|live| live.id == ended.id)).collect())
}

/// A live session with what its transcript tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    live: &'a LiveSession,
    title: Option<String>,
    project: Option<String>,
    model: Option<String>,
}

fn ls(read: &ReadArgs, why: bool) -> Result<ExitCode, Failure> {
    let look = look(read)?;
    // Those of reviewers belong to the reviews: `marline review ls`.
    let reviewers = crate::commands::work::reviewers()?;
    let shown = look.now.sessions.iter().filter(|live| !reviewers.contains(&live.id));
    let sessions: Vec<Told<'_>> = shown.map(|live| told(&look.context, live)).collect();
    let ended = ended(&look.now)?;
    let ended: Vec<Told<'_>> = ended.iter().map(|live| told(&look.context, live)).collect();
    if read.json {
        print_json(&serde_json::json!({ "sessions": sessions, "ended": ended, "strays": look.now.strays }))?;
    } else {
        for one in sessions.iter().chain(&ended) {
            print_line(&if width().is_some() { row(one) } else { plain(one) })?;
            if why {
                one.live.evidence.iter().try_for_each(|evidence| {
                    let channel = format!("{:?}", evidence.channel).to_lowercase();
                    let at = evidence.at.map_or_else(String::new, |at| format!(", {}", ago(at, now())));
                    let line = format!("    {}: {}{at}", channel, harmless(&evidence.says));
                    print_line(&styled(DIM, &line))
                })?;
            }
        }
        for stray in &look.now.strays {
            let cwd = stray.cwd.as_deref().unwrap_or("?");
            note(&format!("{}, process {}, in {cwd}: {}.", stray.source, stray.pid, stray.why));
        }
        if sessions.is_empty() && look.now.strays.is_empty() {
            note("No agent runs.");
        }
    }
    Ok(if sessions.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn told<'a>(context: &Context, live: &'a LiveSession) -> Told<'a> {
    let known = context.index.session_by_id(&live.id).ok();
    let project = || Some(live.cwd.as_deref()?.rsplit('/').next()?.to_owned());
    Told {
        live,
        title: known
            .as_ref()
            .and_then(|known| known.title.clone())
            .filter(|title| !is_markup(title))
            .or_else(|| live.name.clone()),
        project: known.as_ref().and_then(|known| known.project.clone()).or_else(project),
        model: known.and_then(|known| known.model),
    }
}

fn row(one: &Told<'_>) -> String {
    let live = one.live;
    let raw = live.id.raw();
    let style = match live.state {
        state if state.needs_you() => HIT,
        LiveState::Working => BOLD,
        _ => DIM,
    };
    let words = live.state.as_str().replace('_', " ");
    let since = live.since.map_or_else(String::new, |since| ago(since, now()));
    let place = place(live);
    let asks = asks_line(live);
    format!(
        "{} {} {} {} {} {}{}",
        styled(source_style(live.source), &pad(live.source.as_str(), 8)),
        styled(DIM, &pad(&raw[..raw.floor_char_boundary(13)], 13)),
        styled(style, &pad(&words, 14)),
        styled(DIM, &pad(&since, 10)),
        pad(&fit(one.project.as_deref().unwrap_or("-"), 16), 16),
        styled(BOLD, &harmless(&fit(one.title.as_deref().unwrap_or("(nothing said yet)"), 60))),
        styled(DIM, &format!("  {}{asks}", harmless(&place))),
    )
}

/// By what it is reached.
fn place(live: &LiveSession) -> String {
    match &live.control {
        Control::Tmux { pane } => format!("tmux {}:{}", pane.session_name, pane.window_name),
        Control::Service { pane: Some(pane), .. } => {
            format!("daemon, tmux {}:{}", pane.session_name, pane.window_name)
        }
        Control::Service { pane: None, .. } => "daemon".to_owned(),
        Control::Marline { .. } => "by Marline".to_owned(),
        Control::None { .. } if live.state == LiveState::Ended => "marline live start --resume".to_owned(),
        Control::None { .. } => "read only".to_owned(),
    }
}

/// What a session asks, on a line of its own, and the answers to choose from on another; nothing of one that asks nothing.
fn asks_line(live: &LiveSession) -> String {
    let Some(asks) = &live.asks else { return String::new() };
    let lines = [asked_words(live), risks(asks), answers(asks)].into_iter().filter(|line| !line.is_empty());
    lines.map(|line| format!("\n    {}", harmless(&fit(&line, 160)))).collect()
}

/// What is to be minded of what is asked.
pub fn risks(asks: &Asks) -> String {
    let word = |risk: &Risk| match risk.kind {
        RiskKind::LeavesProject => format!("leaves the project ({})", risk.seen),
        RiskKind::Network => format!("speaks to other machines ({})", risk.seen),
        RiskKind::Secrets => format!("touches secrets ({})", risk.seen),
        RiskKind::Destroys => format!("takes away for good ({})", risk.seen),
        RiskKind::Opaque => format!("can't be read beforehand ({})", risk.seen),
    };
    let all: Vec<String> = asks.risks.iter().map(word).collect();
    if all.is_empty() { String::new() } else { format!("! {}", all.join("; ")) }
}

/// The answers to choose from, each with its number; nothing where leave is asked for.
pub fn answers(asks: &Asks) -> String {
    let answer = |(place, reply): (usize, &Reply)| {
        let mark = if reply.is_chosen == Some(true) { " (chosen)" } else { "" };
        format!("{} {}{mark}", place + 1, reply.label)
    };
    let all = asks.replies.iter().filter(|_| !asks.is_approval).enumerate();
    all.map(answer).collect::<Vec<_>>().join(" · ")
}

/// What a session asks: the command or the change, what its dialog says of it, the question; where it is about no call, the
/// question first.
pub fn asked_words(live: &LiveSession) -> String {
    let Some(asks) = &live.asks else { return "something that can't be read from here".to_owned() };
    let what = asks.what.iter().map(|what| what.what.as_str());
    // A dialog says what it is about in its own way, which is the same once more.
    let told = asks.what.as_ref().map(|what| what.what.as_str()).filter(|what| !what.is_empty());
    let is_new = |line: &&str| told.is_none_or(|told| !told.contains(*line) && !line.contains(told));
    let mut words: Vec<&str> = what.chain(asks.about.iter().map(String::as_str).filter(is_new)).collect();
    let place = if asks.what.is_some() { words.len() } else { 0 };
    words.insert(place, &asks.question);
    words.retain(|words| !words.is_empty());
    words.join(" · ")
}

/// Says whether a title is a tag and nothing else, such as `<pasted_content id="889c">`.
fn is_markup(title: &str) -> bool {
    let mut rest = title.trim();
    while let Some(inner) = rest.strip_prefix('<') {
        let Some((_, behind)) = inner.split_once('>') else { return false };
        rest = behind.trim_start();
    }
    rest.is_empty()
}

/// One session a line, fields separated by tabs; what it asks stands below it, indented.
fn plain(one: &Told<'_>) -> String {
    let since = one.live.since.map_or_else(String::new, |since| ago(since, now()));
    let line = [
        one.live.id.to_string(),
        one.live.state.as_str().to_owned(),
        since,
        fit(one.project.as_deref().unwrap_or(""), 200),
        fit(one.title.as_deref().unwrap_or(""), 500),
        place(one.live),
    ]
    .join("\t");
    line + &asks_line(one.live)
}

impl Look {
    /// The live session that some words name.
    pub fn find(&self, given: &str) -> Result<&LiveSession, Failure> {
        let is_it = |id: &SessionId| id.to_string().starts_with(given) || id.raw().starts_with(given);
        let mut found = self.now.sessions.iter().filter(|live| is_it(&live.id));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => {
                Err(Failure::usage(&format!("{given} names several sessions."), "Give more of the id."))
            }
            (None, _) => Err(Failure::none(
                &format!("No agent has a session {given} open."),
                "`marline live ls` tells which are; `marline live start --resume` opens one.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_markup;

    #[test]
    fn a_tag_is_no_title() {
        for markup in ["<pasted_content id=\"889c\">", " <a> </a> ", ""] {
            assert!(is_markup(markup), "{markup}");
        }
        for title in ["<a>Mend it</a>", "a < b", "<", "Mend it"] {
            assert!(!is_markup(title), "{title}");
        }
    }
}
