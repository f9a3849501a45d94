//! The first pass: facts, prompts and answers of every file that changed, read side by side, written by one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use marline_agents::agent::{Stat, Stored};
use marline_agents::frame::{Framed, Framer};
use marline_agents::{Event, SessionFile, Shape, Want, hash, registry};
use rusqlite::{OptionalExtension, params};

use crate::IndexError;
use crate::part::{Builder, FileState, Part};
use crate::scan::{Plan, Progress, Report, Stop, UNSETTLED, note};
use crate::write::{FileEnd, Writer, is_read_whole};

/// How many bytes of a file's start tell whether it is still the same file.
const HEAD: usize = 512;
/// A first record is at most so long: Codex puts its instructions into it, some 20 KB.
const HEADER: u64 = 256 * 1024;
/// Parts on their way to the writer; together with the workers' buffers they bound the memory.
const PARTS_IN_FLIGHT: usize = 4;
/// A batch is committed when this much time has passed, so that results appear while the scan works.
const BATCH: Duration = Duration::from_millis(1500);

/// A worker's message to the writer.
enum Message {
    Part { plan: usize, part: Part, end: Box<FileEnd> },
    Problem { plan: usize, problem: String },
}

pub fn first_pass(
    writer: &mut Writer<'_>,
    plans: &[Plan],
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), IndexError> {
    if plans.is_empty() {
        return Ok(());
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(plans.len());
    let next = AtomicUsize::new(0);
    let read = AtomicU64::new(0);
    // A file whose part turned out to be a copy of another one is not read on.
    let dropped: Vec<AtomicBool> = plans.iter().map(|_| AtomicBool::new(false)).collect();
    let (sender, receiver) = bounded::<Message>(PARTS_IN_FLIGHT);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            let (next, read, dropped) = (&next, &read, &dropped);
            scope.spawn(move || {
                let mut framer = Framer::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(n) else { return };
                    let halt = || stop.load(Ordering::Relaxed) || dropped[n].load(Ordering::Relaxed);
                    let send = |message| sender.send(message).is_ok();
                    if let Err(error) = read_file(&mut framer, n, plan, &halt, &send) {
                        send(Message::Problem { plan: n, problem: error.to_string() });
                    }
                    read.fetch_add(plan.bytes, Ordering::Relaxed);
                }
            });
        }
        drop(sender);
        let outcome = write_parts(writer, plans, &receiver, &dropped, &|| {
            progress(Progress::Read(read.load(Ordering::Relaxed)))
        });
        if outcome.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        // Workers that wait to send go on when the channel is closed.
        drop(receiver);
        outcome
    })
}

fn write_parts(
    writer: &mut Writer<'_>,
    plans: &[Plan],
    receiver: &Receiver<Message>,
    dropped: &[AtomicBool],
    tell: &dyn Fn(),
) -> Result<(), IndexError> {
    let mut committed = Instant::now();
    for message in receiver {
        match message {
            Message::Part { plan: n, part, end } => {
                let plan = &plans[n];
                if dropped[n].load(Ordering::Relaxed) && !end.is_whole {
                    continue;
                }
                if dropped[n].load(Ordering::Relaxed)
                    || !writer.part(&plan.file, plan.number, &end.state, part)?
                {
                    dropped[n].store(true, Ordering::Relaxed);
                    let end = FileEnd { read_to: 0, is_whole: true, ..*end };
                    writer.file_end(plan.number, &plan.file, &end)?;
                } else {
                    writer.file_end(plan.number, &plan.file, &end)?;
                }
            }
            Message::Problem { plan: n, problem } => {
                let plan = &plans[n];
                writer.file_problem(plan.number, &plan.file, &problem)?;
            }
        }
        if committed.elapsed() > BATCH {
            commit_unsettled(writer)?;
            committed = Instant::now();
        }
        tell();
    }
    Ok(())
}

/// Commits while the scan goes on. What was read is listed and found; lineage, which may know better, comes later.
pub fn commit_unsettled(writer: &mut Writer<'_>) -> Result<(), IndexError> {
    let mut statement = writer.connection.prepare_cached(
        "UPDATE sessions SET listed = warm_up = 0 AND prompts + answers + tool_calls + errors > 0
         WHERE number = ?1 AND listed <> (warm_up = 0 AND prompts + answers + tool_calls + errors > 0)",
    )?;
    for session in &writer.changed {
        statement.execute([session])?;
    }
    note(writer.connection, UNSETTLED)?;
    writer.commit()
}

/// Reads a file from where it was left, in parts.
fn read_file(
    framer: &mut Framer,
    n: usize,
    plan: &Plan,
    halt: &dyn Fn() -> bool,
    send: &dyn Fn(Message) -> bool,
) -> io::Result<()> {
    let file = &plan.file;
    let Some(agent) = registry::agent(file.source) else { return Ok(()) };
    let mut input = File::open(&file.path)?;
    let whole = is_read_whole(file.shape);
    let want = if whole { Want::Everything } else { Want::Messages };
    let state = (plan.from > 0).then_some(plan.state.reader.as_str());
    let mut reader = agent.reader(file, state);
    let mut builder = Builder::new(plan.state.clone(), whole);
    if file.shape == Shape::Document {
        builder.state.session = session_of(framer, file)?;
    }
    let head = if plan.head == 0 { head_of(&file.path, HEAD)? } else { plan.head };
    let mut halted = false;
    let mut each = |framed: Framed<'_>| match framed {
        Framed::Record { offset, value } => {
            if halted {
                return;
            }
            if builder.is_full() {
                builder.state.reader = reader.state();
                // A document can't be read on from its middle.
                let read_to = if file.shape == Shape::Lines { offset } else { 0 };
                let end = FileEnd { read_to, state: builder.state.clone(), head, is_whole: false };
                halted = halt() || !send(Message::Part { plan: n, part: builder.take(), end: Box::new(end) });
                if halted {
                    return;
                }
            }
            builder.record();
            let length = value.bytes().len() as u64;
            let outcome = reader.read(value, want, &mut |event| builder.event(event, offset, length));
            if outcome.is_err() {
                builder.skip("not JSON");
            }
        }
        Framed::Broken { reason, .. } => builder.skip(reason),
    };
    let read_to = match file.shape {
        Shape::Document => {
            framer.document(&mut input, &mut each)?;
            file.stat.size
        }
        Shape::CompressedLines => {
            let mut input = zstd::stream::read::Decoder::new(input)?;
            framer.lines(&mut input, 0, &mut each)?;
            file.stat.size
        }
        _ => {
            input.seek(SeekFrom::Start(plan.from))?;
            framer.lines(&mut input, plan.from, &mut each)?
        }
    };
    if halted {
        return Ok(());
    }
    builder.state.reader = reader.state();
    let end = FileEnd { read_to, state: builder.state.clone(), head, is_whole: true };
    send(Message::Part { plan: n, part: builder.take(), end: Box::new(end) });
    Ok(())
}

/// Looks a document's session up: it may stand behind everything that is said, and parts are handed on before.
fn session_of(framer: &mut Framer, file: &SessionFile) -> io::Result<Option<String>> {
    let Some(agent) = registry::agent(file.source) else { return Ok(None) };
    let (mut reader, mut session) = (agent.reader(file, None), None);
    let mut each = |framed: Framed<'_>| {
        // The fields around the messages come as one record at the document's start.
        let Framed::Record { offset: 0, value } = framed else { return };
        // What is broken is told when everything is read.
        let _ = reader.read(value, Want::Messages, &mut |event| {
            if let Event::Identity(id) = event {
                session = Some(id.into_owned());
            }
        });
    };
    framer.document(&mut File::open(&file.path)?, &mut each)?;
    Ok(session)
}

/// Reads a database of sessions; those that did not change are left alone.
pub fn read_store(
    writer: &mut Writer<'_>,
    file: &SessionFile,
    report: &mut Report,
) -> Result<(), IndexError> {
    let Some(database) = registry::agent(file.source).and_then(|agent| agent.database()) else {
        return Ok(());
    };
    let number = writer.file_number(file)?;
    let connection = writer.connection;
    let sql =
        "SELECT source_session_id, fingerprint FROM sessions WHERE file = ?1 AND fingerprint IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    let known: HashMap<String, u64> = statement
        .query_map([number], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?
        .collect::<Result<_, _>>()?;
    let mut present: HashSet<String> = HashSet::new();
    let mut builder = Builder::new(FileState::default(), true);
    let mut current: Option<(String, u64, SessionFile)> = None;
    let mut failure = None;
    let outcome = database.read(file, &|session| known.get(session).copied(), &mut |stored| {
        let step = || -> Result<(), IndexError> {
            match stored {
                Stored::Begin { session, fingerprint, archived } => {
                    present.insert(session.to_owned());
                    let state = FileState { session: Some(session.to_owned()), ..FileState::default() };
                    builder = Builder::new(state, true);
                    let file = SessionFile { archived, ..file.clone() };
                    current = Some((session.to_owned(), fingerprint, file));
                    let id = format!("{}:{session}", current.as_ref().map_or(file_source(&current), |c| c.2.source));
                    let sql = "SELECT number FROM sessions WHERE id = ?1";
                    let before: Option<i64> = connection.query_row(sql, [&id], |row| row.get(0)).optional()?;
                    if let Some(before) = before {
                        writer.clear_session(before)?;
                    }
                }
                Stored::Event { place, length, event } => {
                    builder.event(event, place, length);
                    if builder.is_full()
                        && let Some((_, _, file)) = &current {
                            writer.part(file, number, &builder.state.clone(), builder.take())?;
                        }
                }
                Stored::End => {
                    if let Some((session, fingerprint, file)) = current.take() {
                        writer.part(&file, number, &builder.state.clone(), builder.take())?;
                        let sql = "UPDATE sessions SET fingerprint = ?3 WHERE source = ?1 AND source_session_id = ?2";
                        connection.execute(sql, params![file.source.as_str(), session, fingerprint as i64])?;
                    }
                }
                Stored::Unchanged { session } => {
                    present.insert(session.to_owned());
                }
                Stored::Skipped { reason } => builder.skip(reason),
            }
            Ok(())
        };
        if failure.is_none() {
            failure = step().err();
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    match outcome {
        Ok(()) => {
            for session in known.keys().filter(|session| !present.contains(*session)) {
                // Without a fingerprint it is read anew, should it come back.
                let sql = "UPDATE sessions SET missing = 1, fingerprint = NULL
                    WHERE source = ?1 AND source_session_id = ?2 RETURNING number";
                let gone =
                    connection.query_row(sql, params![file.source.as_str(), session], |row| row.get(0));
                writer.note_change(gone?);
            }
            let end = FileEnd { read_to: 0, state: FileState::default(), head: 0, is_whole: true };
            writer.file_end(number, file, &end)
        }
        Err(error) => {
            // Locked or damaged: what was read of it before stays, and it is tried again at the next change.
            report.problems.push((file.path.clone(), error.to_string()));
            let retry = SessionFile { stat: Stat { mtime_ns: 0, ..file.stat }, ..file.clone() };
            writer.file_problem(number, &retry, &error.to_string())
        }
    }
}

fn file_source(current: &Option<(String, u64, SessionFile)>) -> marline_model::Source {
    current.as_ref().map_or(marline_model::Source::OpenCode, |current| current.2.source)
}

/// Sums up a file's first bytes: their hash, and how many they are.
fn head_of(path: &Path, limit: usize) -> io::Result<i64> {
    let mut bytes = Vec::with_capacity(HEAD);
    File::open(path)?.take(limit.min(HEAD) as u64).read_to_end(&mut bytes)?;
    Ok(((hash(&[&bytes]) & !0x3ff) | bytes.len() as u64) as i64)
}

/// What the start of a file says that was patched in its place.
pub struct HeaderAgain {
    /// The sum of its first bytes.
    pub head: i64,
    /// The provider of its first record, if that says one.
    pub provider: Option<String>,
}

/// Reads the first record of a file again, of which nothing else changed.
pub fn header_again(file: &SessionFile, head: i64) -> io::Result<HeaderAgain> {
    let mut provider = None;
    if let Some(agent) = registry::agent(file.source) {
        let mut reader = agent.reader(file, None);
        let mut each = |framed: Framed<'_>| {
            let Framed::Record { value, .. } = framed else { return };
            // What can't be read says nothing.
            let _ = reader.read(value, Want::Messages, &mut |event| {
                if let Event::Meta(meta) = event {
                    provider = meta.provider.map(Cow::into_owned).or(provider.take());
                }
            });
        };
        let mut line = Vec::new();
        BufReader::new(File::open(&file.path)?).take(HEADER).read_until(b'\n', &mut line)?;
        Framer::default().lines(&mut &line[..], 0, &mut each)?;
    }
    Ok(HeaderAgain { head: head_of(&file.path, (head & 0x3ff) as usize)?, provider })
}

pub fn starts_with(path: &Path, head: i64) -> bool {
    head_of(path, (head & 0x3ff) as usize).is_ok_and(|now| now == head)
}
