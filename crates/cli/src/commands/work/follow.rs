//! Showing a run while it goes on, and working at it.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use marline_agents::talk::{AgentEvent, CallStatus};
use marline_control::quoted;
use marline_control::work::{Engine, is_alive};
use marline_store::work::{Claim, Logged, Run, Status, Task, Wish, WorkError, WorkEvent, WorkStore};

use super::{clock, counted, desk, engine, line, many, result, store, table, tasks_of};
use crate::commands::{print_json, print_line};
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::signals::Signals;
use crate::terminal::{BOLD, DIM, fit, note, styled, width};

/// How often agents are heard.
const TICK: Duration = Duration::from_millis(15);
/// The same while a run is paused and none works.
const IDLE: Duration = Duration::from_millis(100);
/// How often the screen is drawn at most.
const DRAW: Duration = Duration::from_millis(80);
/// How often at least, for its clocks.
const CLOCK: Duration = Duration::from_secs(1);
/// How often it is asked whether anybody works at a run.
const ASK: Duration = Duration::from_secs(1);
/// How long it may be impossible to write down what happens.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events of one look.
const PAGE: usize = 500;

/// Begins a run, works at it and shows it, until it is over.
pub fn begin(
    places: &Places,
    kind: &str,
    is_json: bool,
    begin: impl FnOnce(Claim) -> Result<Run, Failure>,
) -> Result<ExitCode, Failure> {
    let _indexing = super::Indexing::start(places);
    let mut engine = engine(places)?;
    // Claimed from the first: nobody else works at it in between.
    let run = begin(engine.claim())?;
    engine.take(&run.id)?;
    show(places, &run.id, kind, is_json, Some(engine))
}

/// Goes on with a run that nobody works at, and shows it.
pub fn work(places: &Places, run: &str, kind: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let _indexing = super::Indexing::start(places);
    let mut engine = engine(places)?;
    match engine.take(run) {
        Ok(()) => show(places, run, kind, is_json, Some(engine)),
        // A board was faster.
        Err(WorkError::Conflict { .. }) => show(places, run, kind, is_json, None),
        Err(error) => Err(error.into()),
    }
}

/// Shows a run that somebody else works at.
pub fn watch(places: &Places, run: &str, kind: &str, is_json: bool) -> Result<ExitCode, Failure> {
    show(places, run, kind, is_json, None)
}

fn show(
    places: &Places,
    id: &str,
    kind: &str,
    is_json: bool,
    mut engine: Option<Engine>,
) -> Result<ExitCode, Failure> {
    let signals = Signals::listen()?;
    let store = store(places)?;
    let mut screen = Screen::new(is_json);
    let (mut after, mut seen, mut asked, mut is_stopping) = (0, None, Instant::now(), false);
    let mut failing: Option<Instant> = None;
    let mut run = store.run(id)?;
    loop {
        if let Some(engine) = &mut engine {
            match engine.step() {
                Ok(_) => failing = None,
                // The disk may be full for a while; agents work on, and nothing of theirs is lost.
                Err(error) if failing.get_or_insert_with(Instant::now).elapsed() > PATIENCE => {
                    return Err(error.into());
                }
                Err(_) => std::thread::sleep(ASK),
            }
        }
        let version = store.version()?;
        let is_news = seen != Some(version);
        if is_news {
            seen = Some(version);
            run = store.run(id)?;
            loop {
                let events = store.events(id, after, PAGE)?;
                let Some(last) = events.last() else { break };
                after = last.seq;
                let tasks = tasks_of(&store, &run)?;
                events.iter().try_for_each(|logged| screen.tell(logged, &tasks))?;
            }
        }
        screen.draw(&store, &run, is_news)?;
        if run.ended_at.is_some() {
            return screen.end(&store, &run);
        }
        if let Some(engine) = &mut engine {
            if signals.is_told_to_go() || signals.interrupts() > 1 {
                screen.clear()?;
                return go(engine, kind, &run);
            }
            if signals.interrupts() == 1 && !is_stopping {
                is_stopping = true;
                desk(places)?.wish(&run.list, &run.name, Wish::Stop)?;
                screen.note("Stopping. Ctrl-C again leaves the agents working.")?;
            }
        } else {
            if signals.are_heard() {
                screen.clear()?;
                return Ok(ExitCode::SUCCESS);
            }
            if asked.elapsed() > ASK {
                asked = Instant::now();
                if !run.claim.as_ref().is_some_and(|claim| is_alive(claim, now())) {
                    screen.clear()?;
                    return Err(Failure::refused(
                        &format!("Nobody works at {} any more.", run.name),
                        &format!("Go on with it: marline {kind} resume {}", quoted(&run.name)),
                    ));
                }
            }
        }
        let is_idle = engine.as_ref().is_none_or(|engine| engine.agents() == 0) && run.wish == Wish::Pause;
        std::thread::sleep(if is_idle { IDLE } else { TICK });
    }
}

/// Leaves what runs to whoever comes next.
fn go(engine: &mut Engine, kind: &str, run: &Run) -> Result<ExitCode, Failure> {
    let working = engine.agents();
    engine.let_go()?;
    let works = if working == 1 { "works" } else { "work" };
    let waiting = many(run.counts.pending as usize, "prompt");
    let left = format!("{} {works} on without this command, {waiting} left.", many(working, "agent"));
    note(&format!("{left} Go on: marline {kind} resume {}, or marline up", quoted(&run.name)));
    Ok(ExitCode::from(3))
}

/// What is shown: lines of JSON, a log, or a table that is drawn again and again.
struct Screen {
    is_json: bool,
    is_live: bool,
    drawn: usize,
    last: Instant,
    /// Something happened since it was drawn.
    is_old: bool,
    /// What each session said last.
    words: HashMap<String, String>,
    /// Open questions in words.
    questions: Vec<(u64, String)>,
    notes: Vec<String>,
}

impl Screen {
    fn new(is_json: bool) -> Self {
        let is_live = !is_json && std::io::stdout().is_terminal();
        Screen {
            is_json,
            is_live,
            drawn: 0,
            last: Instant::now() - DRAW,
            is_old: true,
            words: HashMap::new(),
            questions: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn tell(&mut self, logged: &Logged, tasks: &[Task]) -> Result<(), Failure> {
        if self.is_json {
            return print_json(logged);
        }
        match &logged.event {
            WorkEvent::NeedsApproval { number, question } => {
                self.questions.push((*number, format!("{}: {}", question.tool, question.what)));
            }
            WorkEvent::Answered { number, .. } => self.questions.retain(|(known, _)| known != number),
            _ => {}
        }
        if !self.is_live {
            return match &logged.event {
                WorkEvent::Item { item: AgentEvent::Tokens { .. } | AgentEvent::Began } => Ok(()),
                _ => print_line(&told(logged, tasks)),
            };
        }
        if let (Some(task), Some(words)) = (&logged.task, said(&logged.event)) {
            let known = self.words.entry(task.clone()).or_default();
            if matches!(&logged.event, WorkEvent::Item { item: AgentEvent::Said { more: true, .. } }) {
                known.push_str(&words);
            } else {
                *known = words;
            }
        }
        Ok(())
    }

    fn note(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_live {
            self.notes.push(text.to_owned());
        } else {
            note(text);
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Failure> {
        if self.drawn > 0 {
            let mut out = std::io::stdout().lock();
            write!(out, "\x1b[{}A\x1b[J", self.drawn).map_err(Failure::output)?;
            out.flush().map_err(Failure::output)?;
            self.drawn = 0;
        }
        Ok(())
    }

    fn draw(&mut self, store: &dyn WorkStore, run: &Run, is_news: bool) -> Result<(), Failure> {
        self.is_old |= is_news;
        // Clocks go on, whatever happens.
        let rest = if self.is_old { DRAW } else { CLOCK };
        if !self.is_live || self.last.elapsed() < rest {
            return Ok(());
        }
        self.last = Instant::now();
        self.is_old = false;
        let tasks = tasks_of(store, run)?;
        let mut lines = vec![styled(BOLD, &heading(run))];
        // What runs first; what waits last, and not all of it.
        let room = rows().saturating_sub(4 + self.questions.len() + self.notes.len()).max(3);
        let mut shown: Vec<&Task> = tasks.iter().collect();
        if shown.len() > room {
            shown.sort_by_key(|task| match task.status {
                Status::Running | Status::Claimed => 0,
                Status::Failed | Status::Interrupted => 1,
                Status::Pending => 2,
                _ => 3,
            });
            shown.truncate(room - 1);
            shown.sort_by_key(|task| task.position);
        }
        for task in &shown {
            let words = if task.status.is_held() {
                self.words.get(&task.id).map_or("", String::as_str).trim_end()
            } else {
                result(task)
            };
            // Of what it says now, the end.
            let last = words.lines().next_back().unwrap_or_default();
            lines.push(line(task, if last.is_empty() { &task.prompt } else { last }, false));
        }
        if shown.len() < tasks.len() {
            lines.push(styled(DIM, &format!("    … {} more", tasks.len() - shown.len())));
        }
        let columns = width().unwrap_or(100);
        for (number, question) in &self.questions {
            let how = format!("  marline approvals allow {number} | deny {number}");
            let question =
                fit(&format!("{number} asks {question}"), columns.saturating_sub(how.len() + 2).max(20));
            lines.push(format!("{}{}", styled(crate::terminal::HIT, &question), styled(DIM, &how)));
        }
        lines.extend(self.notes.iter().map(|note| styled(DIM, note)));
        self.clear()?;
        self.drawn = lines.len();
        let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
        out.write_all((lines.join("\n") + "\n").as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::output)
    }

    fn end(mut self, store: &dyn WorkStore, run: &Run) -> Result<ExitCode, Failure> {
        self.clear()?;
        let tasks = tasks_of(store, run)?;
        if !self.is_json {
            table(run, &tasks)?;
        }
        let is_well = tasks.iter().all(|task| matches!(task.status, Status::Completed | Status::Pending));
        Ok(match (run.wish, is_well) {
            (Wish::Stop, _) => ExitCode::from(3),
            (_, true) => ExitCode::SUCCESS,
            (_, false) => ExitCode::from(4),
        })
    }
}

fn heading(run: &Run) -> String {
    let state = match run.wish {
        Wish::Run => "",
        Wish::Pause => "  paused",
        Wish::Stop => "  stopping",
    };
    format!("{}, run {}: {}{state}", run.name, run.number, counted(&run.counts))
}

/// How many lines the terminal has.
fn rows() -> usize {
    let known = std::env::var("LINES").ok().and_then(|lines| lines.parse().ok());
    known
        .or_else(|| Some(rustix::termios::tcgetwinsize(std::io::stdout()).ok()?.ws_row as usize))
        .unwrap_or(24)
}

/// What is worth showing of an event as a session's last words.
fn said(event: &WorkEvent) -> Option<String> {
    Some(match event {
        WorkEvent::Item { item } => match item {
            AgentEvent::Said { text, .. } => text.clone(),
            AgentEvent::Tool { title, .. } if title.is_empty() => return None,
            AgentEvent::Tool { title, status: CallStatus::Running, .. } => format!("▸ {title}"),
            AgentEvent::Tool { title, status: CallStatus::Completed, .. } => format!("✓ {title}"),
            AgentEvent::Tool { title, .. } => format!("✗ {title}"),
            AgentEvent::Note { text } => text.clone(),
            _ => return None,
        },
        WorkEvent::NeedsApproval { question, .. } => format!("asks: {}", question.what),
        WorkEvent::Note { text } => text.clone(),
        WorkEvent::Waits { why, until } => format!("waits until {}: {why}", clock(*until)),
        _ => return None,
    })
}

/// An event as a line of a log.
pub fn told(logged: &Logged, tasks: &[Task]) -> String {
    let task = logged.task.as_ref().and_then(|id| tasks.iter().find(|task| task.id == *id));
    let whose = task.map_or_else(String::new, |task| format!("{}#{} ", task.source, task.number));
    let words = match &logged.event {
        WorkEvent::Started { attempt: 1 } => "started".to_owned(),
        WorkEvent::Started { attempt } => format!("started, attempt {attempt}"),
        WorkEvent::Adopted => "found again".to_owned(),
        WorkEvent::Item { item: AgentEvent::Session { session } } => format!("session {session}"),
        WorkEvent::Item { item: AgentEvent::Began } => "has the prompt".to_owned(),
        WorkEvent::Item { item: AgentEvent::Tokens { usage } } => format!("{} tokens", usage.total()),
        WorkEvent::Item { item: AgentEvent::Ended { .. } } => "turn ended".to_owned(),
        WorkEvent::Answered { number, decision, by } => {
            let by = by.as_deref().unwrap_or("nobody");
            let how = match decision {
                Some(marline_agents::talk::Decision::Deny { .. }) => "denied",
                Some(_) => "allowed",
                None => "closed",
            };
            format!("question {number} {how} by {by}")
        }
        WorkEvent::NeedsApproval { number, question } => {
            format!("asks {number}: {}: {} (marline approvals allow {number})", question.tool, question.what)
        }
        WorkEvent::Completed { .. } => "completed".to_owned(),
        WorkEvent::Failed { why } => format!("failed: {why}"),
        WorkEvent::Interrupted { why } => format!("interrupted: {why}"),
        WorkEvent::Cancelled => "cancelled".to_owned(),
        WorkEvent::Progress { counts } => counted(counts),
        WorkEvent::Wished { wish } => match wish {
            Wish::Run => "the run goes on".to_owned(),
            Wish::Pause => {
                "the run is paused: what works finishes, and no more begins until it is resumed".to_owned()
            }
            Wish::Stop => "the run is stopped".to_owned(),
        },
        WorkEvent::Ended { counts } => format!("over: {}", counted(counts)),
        other => said(other).unwrap_or_default(),
    };
    format!("{} {whose}{}", styled(DIM, &clock(logged.at)), fit(&words, 400))
}
