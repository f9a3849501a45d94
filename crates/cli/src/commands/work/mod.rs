//! `marline group`, `queue`, `approvals`: many sessions and prompts, worked through without a terminal.

pub mod approvals;
mod follow;
pub mod group;
pub mod queue;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use marline_control::quoted;
use marline_control::work::{Desk, Engine, Means};
use marline_index::Index;
use marline_model::{SessionId, Timestamp};
use marline_store::reviews::ReviewStore as _;
use marline_store::work::{
    Counts, Exchanged, LocalWorkStore, Logged, Run, Status, Task, Wish, WorkError, WorkStore, read_exchanged,
};
use serde::Serialize;

use crate::args::ReadArgs;
use crate::args::work::{ExportArgs, ImportArgs};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now, random};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, fit, harmless, note, pad, short, source_style, styled, width};

/// A file of groups or queues is not larger.
const LARGEST_FILE: u64 = 256 << 20;
/// After a failure indexing is tried again so much later.
const PAUSE: Duration = Duration::from_secs(2);
/// Nor is a prompt.
const LARGEST_PROMPT: u64 = 64 << 20;

/// Opens the groups and queues.
pub fn desk(places: &Places) -> Result<Desk, Failure> {
    Ok(Desk::new(Box::new(store(places)?), now, random))
}

pub fn store(places: &Places) -> Result<LocalWorkStore, Failure> {
    Ok(LocalWorkStore::open(&places.data.join("marline.db"))?)
}

/// The sessions of reviewers; where nothing was ever reviewed, nothing is made for the question.
pub fn reviewers() -> Result<Vec<SessionId>, Failure> {
    let places = Places::read()?;
    if !places.data.join("marline.db").exists() {
        return Ok(Vec::new());
    }
    Ok(store(&places)?.reviewers()?)
}

pub fn engine(places: &Places) -> Result<Engine, Failure> {
    let marline = std::env::current_exe().map_err(|error| Failure::file(Path::new("marline"), &error))?;
    Ok(Engine::new(Means {
        store: Box::new(store(places)?),
        index_dir: places.index.clone(),
        acts: Arc::new(crate::commands::act::acts()?),
        env: places.env.clone(),
        dir: places.data.join("work"),
        marline,
        path: std::env::var_os("PATH").unwrap_or_default(),
        now,
    }))
}

/// Keeps the index fresh as long as it lives, unless another Marline does.
pub struct Indexing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Indexing {
    pub fn start(places: &Places) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (dir, env, told) = (places.index.clone(), places.env.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            // What keeps it from working may pass: a full disk, a catalogue that was deleted.
            while !told.load(Ordering::Relaxed) {
                let watched = Index::open(&dir).map_err(Failure::from).and_then(|index| {
                    marline_index::watch(&index, &env, &told, &|_| {}, &mut |_| {}).map_err(Failure::from)
                });
                if let Err(failure) = watched {
                    failure.report();
                    std::thread::sleep(PAUSE);
                }
            }
        });
        Indexing { stop, thread: Some(thread) }
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The sessions that ids, or their beginnings, stand for.
fn sessions(ids: &[String]) -> Result<Vec<SessionId>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let context = Context::read(&ReadArgs::FRESH)?;
    ids.iter().map(|id| Ok(context.index.session(id)?.id)).collect()
}

/// A prompt that was given, or standard input.
pub fn prompt(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LARGEST_PROMPT).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::usage(&format!("Standard input could not be read: {error}."), "Give text.")
    })?;
    Ok(text)
}

/// Files as they are named from everywhere.
fn absolute(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    files.iter().map(|file| file.canonicalize().map_err(|error| Failure::file(file, &error))).collect()
}

/// Writes JSON to standard output, or into a file, whole or not at all.
fn export(args: &ExportArgs, value: &impl Serialize) -> Result<ExitCode, Failure> {
    let Some(path) = &args.output else {
        print_json(value)?;
        return Ok(ExitCode::SUCCESS);
    };
    let write = || -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = fs::File::options().create_new(true).write(true).mode(0o600).open(&beside)?;
        let written =
            file.write_all(&text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    };
    write().map_err(|error| Failure::file(path, &error))?;
    note(&format!("Written to {}.", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// Reads a file of groups and queues; `own` is codex-agent's, below the user's settings.
fn import(args: &ImportArgs, own: &str) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let path = match &args.file {
        Some(file) => file.clone(),
        None => places.env.dir("XDG_CONFIG_HOME", ".config").join("codex-agent").join(own),
    };
    let mut text = String::new();
    let read = fs::File::open(&path).and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut text));
    read.map_err(|error| Failure::file(&path, &error))?;
    let found: Exchanged = read_exchanged(&text)?;
    let names = desk(&places)?.import(found)?;
    if names.is_empty() {
        note(&format!("{} holds none.", path.display()));
        return Ok(ExitCode::from(1));
    }
    print_line(&format!("Imported {}.", names.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

/// Has a wish fulfilled by whoever works at the run, or here, where nobody does.
fn wish(list: &str, name: &str, is_queue: bool, wish: Wish, is_json: bool) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let desk = desk(&places)?;
    let run = desk.wish(list, name, wish)?;
    let is_held = !desk.is_left(&run);
    let kind = if is_queue { "queue" } else { "group" };
    match wish {
        Wish::Pause => {
            print_line(&format!("{name} begins nothing more; what runs goes on to its end."))?;
            note(&format!("Go on: marline {kind} resume {}", quoted(name)));
            return Ok(ExitCode::SUCCESS);
        }
        Wish::Run if is_held => {
            print_line(&format!("{name} goes on."))?;
            return Ok(ExitCode::SUCCESS);
        }
        Wish::Run | Wish::Stop => {}
    }
    if !is_held {
        Context::read(&ReadArgs::FRESH)?;
    }
    let followed = match is_held {
        true => follow::watch(&places, &run.id, kind, is_json),
        false => follow::work(&places, &run.id, kind, is_json),
    }?;
    // It was to stop, and did.
    Ok(if wish == Wish::Stop { ExitCode::SUCCESS } else { followed })
}

/// How a run that has no end stands, in a word or two.
fn state(desk: &Desk, kind: &str, run: &Run) -> String {
    if desk.is_left(run) {
        return format!("its Marline is gone: marline {kind} resume {}", quoted(&run.name));
    }
    match run.wish {
        Wish::Run => "runs",
        Wish::Pause => "paused",
        Wish::Stop => "stopping",
    }
    .to_owned()
}

/// A time of day, UTC as all times here.
fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// So many of a kind.
fn many(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// How many prompts stand how, in words.
fn counted(counts: &Counts) -> String {
    let words = [
        (counts.completed, "completed"),
        (counts.running, "running"),
        (counts.pending, "pending"),
        (counts.failed, "failed"),
        (counts.interrupted, "interrupted"),
        (counts.cancelled, "cancelled"),
    ];
    let some: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

fn status_style(status: Status) -> anstyle::Style {
    let color = match status {
        Status::Completed => anstyle::AnsiColor::Green,
        Status::Failed => anstyle::AnsiColor::Red,
        Status::Interrupted => anstyle::AnsiColor::Yellow,
        Status::Running | Status::Claimed => anstyle::AnsiColor::Cyan,
        Status::Pending | Status::Cancelled => return DIM,
    };
    anstyle::Style::new().fg_color(Some(color.into()))
}

/// How long something took.
fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let (Some(from), Some(to)) = (from, to) else { return String::new() };
    let seconds = (to.as_millis() - from.as_millis()).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// A prompt in a line: how it stands, whose it is, how long, tokens, and words.
fn line(task: &Task, words: &str, is_prompt: bool) -> String {
    let session = task.session.as_ref().map_or("new", |id| id.raw());
    let session = &session[..session.floor_char_boundary(13)];
    let tokens = task.usage.total();
    let tokens = if tokens == 0 { String::new() } else { short(tokens) };
    let ended = task.completed_at.or_else(|| task.status.is_held().then(now));
    let words = if is_prompt { &task.prompt } else { words };
    let room = width().unwrap_or(120).saturating_sub(4 + 12 + 9 + 14 + 7 + 7 + 1).max(20);
    format!(
        "{:>3} {} {} {} {:>6} {:>6} {}",
        task.number,
        styled(status_style(task.status), &pad(task.status.as_str(), 11)),
        styled(source_style(task.source), &pad(task.source.as_str(), 8)),
        styled(DIM, &pad(session, 13)),
        took(task.started_at, ended),
        tokens,
        fit(words, room),
    )
}

/// What came of a prompt, in words.
fn result(task: &Task) -> &str {
    match task.status {
        Status::Completed => task.answer.as_deref().unwrap_or_default(),
        _ => task.why.as_deref().unwrap_or_default(),
    }
}

/// A run and its prompts, as a table.
fn table(run: &Run, tasks: &[Task]) -> Result<(), Failure> {
    print_line(&styled(BOLD, &format!("{}, run {}: {}", run.name, run.number, counted(&Counts::of(tasks)))))?;
    for task in tasks {
        print_line(&line(task, result(task), false))?;
        // Why something failed is worth more than what fits.
        if let Some(why) = task.why.as_ref().filter(|why| task.status != Status::Completed && why.len() > 40)
        {
            print_line(&styled(DIM, &format!("      {}", harmless(why))))?;
        }
    }
    Ok(())
}

/// The runs of a group or queue, or one of them.
fn runs(list: &str, number: Option<u64>, events: bool, is_json: bool) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let store = store(&places)?;
    let Some(number) = number else {
        let runs = store.runs(marline_store::work::Runs::Of(list, 1000))?;
        if is_json {
            print_json(&serde_json::json!({ "runs": runs.iter().map(told).collect::<Vec<_>>() }))?;
        } else {
            for run in &runs {
                let state = if run.ended_at.is_some() { "" } else { " (goes on)" };
                print_line(&format!("{:>4} {} {}{state}", run.number, run.created_at, counted(&run.counts)))?;
            }
        }
        return Ok(if runs.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS });
    };
    let run = store.run(&number.to_string())?;
    if run.list != list {
        return Err(WorkError::NotFound { what: format!("run {number} of this one") }.into());
    }
    let tasks = tasks_of(&store, &run)?;
    let all = if events { happened(&store, &run)? } else { Vec::new() };
    if is_json {
        print_json(&serde_json::json!({ "run": told(&run), "tasks": tasks, "events": all }))?;
    } else {
        table(&run, &tasks)?;
        all.iter().try_for_each(|logged| print_line(&follow::told(logged, &tasks)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that happened in a run.
fn happened(store: &dyn WorkStore, run: &Run) -> Result<Vec<Logged>, Failure> {
    let mut all: Vec<Logged> = Vec::new();
    loop {
        let some = store.events(&run.id, all.last().map_or(0, |last| last.seq), 1000)?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
    }
}

/// A run without what may be secret.
fn told(run: &Run) -> Run {
    let mut run = run.clone();
    run.options.env.clear();
    run
}

/// The prompts that a run worked at.
fn tasks_of(store: &dyn WorkStore, run: &Run) -> Result<Vec<Task>, Failure> {
    if !run.is_queue {
        return Ok(store.tasks(&run.id)?);
    }
    let mut tasks = store.tasks(&run.list)?;
    tasks.retain(|task| {
        task.run.as_ref() == Some(&run.id) || (run.ended_at.is_none() && !task.status.is_over())
    });
    Ok(tasks)
}
