//! Bringing the catalogue and the search index up to what is on disk.
//!
//! A scan walks, compares, and reads only what changed: appended bytes of a file that grew, the whole of one
//! that was replaced. Workers read and parse; one writer writes, so that memory is bounded by the channel
//! between them. The first pass takes facts, prompts and answers; the second one every other text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use marline_agents::agent::{Stat, Stored};
use marline_agents::frame::{Framed, Framer};
use marline_agents::json::Raw;
use marline_agents::{Agent, Env, Event, FileRole, SessionFile, Shape, Want, hash, registry};
use marline_text::{Doc, Inverter};
use rusqlite::{Connection, OptionalExtension, params};

use crate::part::{Builder, FileState, Part};
use crate::pending::{Piece, unpack};
use crate::text_index::Written;
use crate::write::{FileEnd, Writer, is_read_whole};
use crate::{IndexError, lineage};

/// How many bytes of a file's start tell whether it is still the same file.
const HEAD: usize = 512;
/// Parts on their way to the writer; together with the workers' buffers they bound the memory.
const PARTS_IN_FLIGHT: usize = 8;
/// A batch is committed when this much time has passed, so that results appear while the scan works.
const BATCH: Duration = Duration::from_millis(1500);
/// Records of the second pass are read in pieces of this size.
const PIECE: usize = 512 * 1024;
/// Places of the second pass that go to a worker at once.
const UNIT: usize = 1500;

/// What a scan tells while it works.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    /// The walk is done: so many files, and so many bytes to read.
    Planned {
        /// Files that changed.
        files: u64,
        /// Bytes to be read in the first pass.
        bytes: u64,
    },
    /// Bytes read so far in the first pass.
    Read(u64),
    /// Every prompt and answer can be found.
    MessagesSearchable,
    /// Bytes of the other texts indexed so far, of all that there are.
    Indexed {
        /// So far.
        bytes: u64,
        /// Of these.
        of: u64,
    },
}

/// What a scan did.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// Files that were found.
    pub files: u64,
    /// Files that were read.
    pub read: u64,
    /// Bytes that were read in the first pass.
    pub bytes: u64,
    /// Files that are no longer there.
    pub gone: u64,
    /// Places that could not be read, with the reason.
    pub problems: Vec<(PathBuf, String)>,
    /// Directories to watch.
    pub directories: Vec<PathBuf>,
}

/// How a file is to be read.
struct Plan {
    file: SessionFile,
    number: i64,
    from: u64,
    head: i64,
    state: FileState,
    bytes: u64,
}

/// What the catalogue knows of a file.
struct Known {
    number: i64,
    size: i64,
    mtime_ns: i64,
    inode: i64,
    head: i64,
    read_to: i64,
    missing: bool,
    is_copy: bool,
    /// The walk came across it.
    is_seen: bool,
}

/// Stops a scan between two parts; what was committed stays.
pub type Stop = AtomicBool;

/// Walks all agents' files, side by side: a walk waits for the system most of its time.
pub fn discover(env: &Env) -> Vec<(&'static dyn Agent, marline_agents::Discovery)> {
    std::thread::scope(|scope| {
        let walks: Vec<_> =
            registry::all().iter().map(|agent| (*agent, scope.spawn(|| agent.discover(env)))).collect();
        walks.into_iter().map(|(agent, walk)| (agent, walk.join().expect("a walk does not panic"))).collect()
    })
}

/// Brings everything up to date. The caller holds the lock.
pub fn scan(
    connection: &Connection,
    search_dir: &Path,
    env: &Env,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, IndexError> {
    let mut report = Report::default();
    let mut known = known_files(connection)?;
    let mut changed: Vec<SessionFile> = Vec::new();
    for (_, found) in discover(env) {
        report.directories.extend(found.directories);
        report.problems.extend(found.problems.into_iter().map(|(path, error)| (path, error.to_string())));
        for file in found.files {
            report.files += 1;
            let same = known.get_mut(&*file.path.to_string_lossy()).is_some_and(|known| {
                known.is_seen = true;
                !known.missing
                    && known.size == file.stat.size as i64
                    && known.mtime_ns == file.stat.mtime_ns
                    && known.inode == file.stat.inode as i64
            });
            if !same {
                changed.push(file);
            }
        }
    }
    let gone: Vec<(&String, &Known)> = known
        .iter()
        .filter(|(_, known)| !known.missing && !known.is_seen)
        // What lies below a place that could not be looked into is not known to be gone.
        .filter(|(path, _)| !report.problems.iter().any(|(place, _)| Path::new(path).starts_with(place)))
        .collect();
    let unfinished: i64 = connection.query_row("SELECT COUNT(*) FROM pending", [], |row| row.get(0))?;
    let is_unsettled = has_note(connection, UNSETTLED)?;
    if changed.is_empty() && gone.is_empty() && unfinished == 0 && !is_unsettled {
        if !has_note(connection, SCANNED)? {
            note(connection, SCANNED)?;
        }
        return Ok(report);
    }
    let mut writer = Writer::begin(connection, search_dir)?;
    let outcome = (|| {
        report.gone = gone.len() as u64;
        let promoted = forget(&mut writer, &gone, &known)?;
        for path in promoted {
            let found =
                discover(env).into_iter().flat_map(|(_, found)| found.files).find(|file| file.path == path);
            changed.extend(found.filter(|file| !changed.iter().any(|known| known.path == file.path)));
        }
        let (stores, mut plans) = plan(&mut writer, changed, &known, &mut report)?;
        plans.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.file.path.cmp(&b.file.path)));
        report.read = (stores.len() + plans.len()) as u64;
        report.bytes = plans.iter().map(|plan| plan.bytes).sum();
        progress(Progress::Planned { files: report.read, bytes: report.bytes });
        first_pass(&mut writer, &plans, stop, progress)?;
        for store in &stores {
            read_store(&mut writer, store, &mut report)?;
        }
        commit_unsettled(&mut writer)?;
        progress(Progress::MessagesSearchable);
        settle(&mut writer, is_unsettled)?;
        writer.commit()?;
        // The second pass needs the memory more.
        connection.execute_batch("PRAGMA shrink_memory")?;
        second_pass(&mut writer, stop, progress)
    })();
    match outcome {
        Ok(()) => {
            if !stop.load(Ordering::Relaxed) {
                note(connection, SCANNED)?;
            }
            writer.finish()?;
        }
        Err(error) => {
            // A full disk, say: what was committed before stays, the rest is read again next time.
            let _ = connection.execute_batch("ROLLBACK");
            return Err(error);
        }
    }
    Ok(report)
}

/// A note: a scan has come to its end, so that an empty answer is an answer.
pub const SCANNED: &str = "scanned";
/// A note: sessions were committed whose lineage is not settled yet.
const UNSETTLED: &str = "unsettled";

fn note(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO meta VALUES (?1, 1)";
    connection.prepare_cached(sql)?.execute([name]).map(drop)
}

pub fn has_note(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = ?1)";
    connection.prepare_cached(sql)?.query_row([name], |row| row.get(0))
}

/// Settles lineage and sums of the sessions that changed; of all, if a process died before it came to that.
fn settle(writer: &mut Writer<'_>, is_unsettled: bool) -> Result<(), IndexError> {
    let mut changed = std::mem::take(&mut writer.changed);
    if is_unsettled {
        let mut all = writer.connection.prepare("SELECT number FROM sessions")?;
        changed.extend(all.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?);
    }
    lineage::settle(writer.connection, &changed)?;
    writer.connection.execute("DELETE FROM meta WHERE name = ?1", [UNSETTLED])?;
    Ok(())
}

fn known_files(connection: &Connection) -> Result<HashMap<String, Known>, IndexError> {
    let mut statement = connection.prepare(
        "SELECT path, number, size, mtime_ns, inode, head, read_to, missing, copy_of IS NOT NULL
         FROM files INDEXED BY files_at_a_glance",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get(0)?,
            Known {
                number: row.get(1)?,
                size: row.get(2)?,
                mtime_ns: row.get(3)?,
                inode: row.get(4)?,
                head: row.get(5)?,
                read_to: row.get(6)?,
                missing: row.get(7)?,
                is_copy: row.get(8)?,
                is_seen: false,
            },
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Marks what is gone as missing. Returns files that were its copies and take its place.
fn forget(
    writer: &mut Writer<'_>,
    gone: &[(&String, &Known)],
    known: &HashMap<String, Known>,
) -> Result<Vec<PathBuf>, IndexError> {
    let mut promoted = Vec::new();
    for (_, file) in gone {
        let connection = writer.connection;
        connection.execute("UPDATE files SET missing = 1 WHERE number = ?1", [file.number])?;
        connection.execute("DELETE FROM pending WHERE file = ?1", [file.number])?;
        connection.execute("UPDATE sessions SET missing = 1 WHERE file = ?1", [file.number])?;
        let mut copies = connection.prepare_cached(
            "SELECT f.path FROM files f JOIN sessions s ON f.copy_of = s.id WHERE s.file = ?1 AND f.missing = 0",
        )?;
        let copies: Vec<String> =
            copies.query_map([file.number], |row| row.get(0))?.collect::<Result<_, _>>()?;
        promoted.extend(copies.into_iter().filter(|path| known.contains_key(path)).map(PathBuf::from));
    }
    Ok(promoted)
}

fn plan(
    writer: &mut Writer<'_>,
    changed: Vec<SessionFile>,
    known: &HashMap<String, Known>,
    report: &mut Report,
) -> Result<(Vec<SessionFile>, Vec<Plan>), IndexError> {
    let (mut stores, mut plans) = (Vec::new(), Vec::new());
    for file in changed {
        if file.role == FileRole::Store {
            stores.push(file);
            continue;
        }
        let number = writer.file_number(&file)?;
        let fresh =
            Plan { number, from: 0, head: 0, state: FileState::default(), bytes: file.stat.size, file };
        let before = known.get(&*fresh.file.path.to_string_lossy());
        let grown = before.filter(|known| {
            fresh.file.shape == Shape::Lines
                && !known.is_copy
                && !known.missing
                && known.read_to > 0
                && known.inode == fresh.file.stat.inode as i64
                && known.size != fresh.file.stat.size as i64
                && known.read_to <= fresh.file.stat.size as i64
        });
        let plan = match grown {
            Some(known) if starts_with(&fresh.file.path, known.head) => {
                let sql = "SELECT state FROM files WHERE number = ?1";
                let state: String = writer.connection.query_row(sql, [number], |row| row.get(0))?;
                match serde_json::from_str(&state) {
                    Ok(state) => Plan {
                        from: known.read_to as u64,
                        head: known.head,
                        state,
                        bytes: fresh.file.stat.size - known.read_to as u64,
                        ..fresh
                    },
                    Err(_) => fresh,
                }
            }
            _ => fresh,
        };
        if plan.from == 0 && before.is_some() {
            writer.clear_file(number)?;
        }
        plans.push(plan);
    }
    report.problems.sort();
    Ok((stores, plans))
}

/// Sums up a file's first bytes: their hash, and how many they are.
fn head_of(path: &Path, limit: usize) -> io::Result<i64> {
    let mut bytes = Vec::with_capacity(HEAD);
    File::open(path)?.take(limit.min(HEAD) as u64).read_to_end(&mut bytes)?;
    Ok(((hash(&[&bytes]) & !0x3ff) | bytes.len() as u64) as i64)
}

fn starts_with(path: &Path, head: i64) -> bool {
    head_of(path, (head & 0x3ff) as usize).is_ok_and(|now| now == head)
}

/// A worker's message to the writer.
enum Message {
    Part { plan: usize, part: Part, end: Box<FileEnd> },
    Problem { plan: usize, problem: String },
}

fn first_pass(
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
fn commit_unsettled(writer: &mut Writer<'_>) -> Result<(), IndexError> {
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

/// Reads a database of sessions; those that did not change are left alone.
fn read_store(writer: &mut Writer<'_>, file: &SessionFile, report: &mut Report) -> Result<(), IndexError> {
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
                let sql = "UPDATE sessions SET missing = 1 WHERE source = ?1 AND source_session_id = ?2";
                connection.execute(sql, params![file.source.as_str(), session])?;
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

/// A unit of the second pass.
struct Unit {
    file: SessionFile,
    pieces: Vec<Piece>,
}

/// Indexes the texts that the first pass left, in bounded units; committed units are forgotten.
fn second_pass(
    writer: &mut Writer<'_>,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), IndexError> {
    let connection = writer.connection;
    let of: i64 =
        connection.query_row("SELECT COALESCE(SUM(LENGTH(pieces)), 0) FROM pending", [], |row| row.get(0))?;
    let mut done = 0;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut inverters: Vec<Inverter> = (0..workers).map(|_| Inverter::default()).collect();
    loop {
        let rows = pending_rows(connection)?;
        if rows.is_empty() || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let last = rows.last().map_or(0, |row| row.0);
        let numbers: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let units = units(connection, rows, &mut done)?;
        index_units(writer, &mut inverters, units)?;
        for number in numbers {
            connection.prepare_cached("DELETE FROM pending WHERE number = ?1")?.execute([number])?;
        }
        tracing::debug!(last, "texts indexed");
        writer.commit()?;
        progress(Progress::Indexed { bytes: done, of: of as u64 });
    }
}

/// Bytes of packed places that are indexed between two commits: some 300 MB of records.
const PENDING_BATCH: usize = 900 * 1024;

fn pending_rows(connection: &Connection) -> Result<Vec<(i64, i64, Vec<u8>)>, IndexError> {
    let mut statement =
        connection.prepare_cached("SELECT number, file, pieces FROM pending ORDER BY number")?;
    let mut rows = statement.query([])?;
    let (mut out, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let row: (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        bytes += row.2.len();
        out.push(row);
        if bytes > PENDING_BATCH {
            break;
        }
    }
    Ok(out)
}

fn units(
    connection: &Connection,
    rows: Vec<(i64, i64, Vec<u8>)>,
    done: &mut u64,
) -> Result<Vec<Unit>, IndexError> {
    let mut out = Vec::new();
    for (_, file, packed) in rows {
        *done += packed.len() as u64;
        let Some(file) = file_row(connection, file)? else { continue };
        let pieces = unpack(&packed);
        let mut rest = &pieces[..];
        while !rest.is_empty() {
            // Items of one record stay together.
            let mut end = UNIT.min(rest.len());
            while end < rest.len() && rest[end].offset == rest[end - 1].offset {
                end += 1;
            }
            out.push(Unit { file: file.clone(), pieces: rest[..end].to_vec() });
            rest = &rest[end..];
        }
    }
    Ok(out)
}

/// Makes a file out of its row, with what reading its records needs.
pub fn file_row(connection: &Connection, number: i64) -> Result<Option<SessionFile>, IndexError> {
    let found = connection
        .prepare_cached("SELECT path, source, shape FROM files WHERE number = ?1")?
        .query_row([number], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    Ok(found.and_then(|(path, source, shape)| {
        let shape = [Shape::Lines, Shape::CompressedLines, Shape::Document, Shape::Database, Shape::Tree]
            .into_iter()
            .find(|known| *known as i64 == shape)?;
        Some(SessionFile {
            path: path.into(),
            source: source.parse().ok()?,
            shape,
            role: FileRole::Session,
            session: None,
            archived: false,
            stat: Stat::default(),
        })
    }))
}

fn index_units(writer: &Writer<'_>, inverters: &mut [Inverter], units: Vec<Unit>) -> Result<(), IndexError> {
    let text = &writer.text;
    let (sender, receiver): (Sender<Unit>, Receiver<Unit>) = bounded(units.len().max(1));
    for unit in units {
        sender.send(unit).expect("the channel holds all units");
    }
    drop(sender);
    let work = |receiver: Receiver<Unit>, texts: &mut Inverter| -> Result<Vec<Written>, IndexError> {
        let (mut window, mut written) = (Window::default(), Vec::new());
        for unit in receiver {
            index_unit(&mut window, &unit, &mut |doc, words| {
                texts.add(doc, words);
                if texts.is_full() {
                    written.extend(text.write(texts)?);
                }
                Ok(())
            })?;
        }
        written.extend(text.write(texts)?);
        Ok(written)
    };
    let written = std::thread::scope(|scope| {
        let spawn = |texts| {
            let receiver = receiver.clone();
            scope.spawn(move || work(receiver, texts))
        };
        let threads: Vec<_> = inverters.iter_mut().map(spawn).collect();
        let join =
            |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("a worker does not panic");
        threads.into_iter().map(join).collect::<Result<Vec<_>, IndexError>>()
    })?;
    written.iter().flatten().try_for_each(|written| text.enter(writer.connection, written))
}

/// Reads places of a file that lie in order, through one reused buffer.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    fn get(&mut self, file: &File, offset: u64, length: usize) -> io::Result<&[u8]> {
        use std::os::unix::fs::FileExt;
        let inside = offset >= self.start && offset + length as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            self.bytes.resize(length.max(PIECE), 0);
            self.start = offset;
            let mut filled = 0;
            while filled < self.bytes.len() {
                match file.read_at(&mut self.bytes[filled..], offset + filled as u64) {
                    Ok(0) => break,
                    Ok(n) => filled += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.bytes.truncate(filled);
        }
        let from = (offset - self.start) as usize;
        self.bytes.get(from..from + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn index_unit(
    window: &mut Window,
    unit: &Unit,
    add: &mut dyn FnMut(Doc, &str) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let Some(agent) = registry::agent(unit.file.source) else { return Ok(()) };
    // A file that was changed or removed since the first pass is read again by the next scan.
    let Ok(file) = File::open(&unit.file.path) else { return Ok(()) };
    window.bytes.clear();
    window.start = 0;
    let mut reader = agent.reader(&unit.file, None);
    let mut rest = &unit.pieces[..];
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|piece| piece.offset == first.offset).count();
        let (record, after) = rest.split_at(same);
        rest = after;
        let Ok(bytes) = window.get(&file, first.offset, first.length as usize) else { continue };
        let Ok((value, _)) = Raw::first(bytes) else { continue };
        let mut texts: BTreeMap<u16, String> = BTreeMap::new();
        let _ = reader.read(value, Want::Expand, &mut |event| match event {
            Event::Item(item) => {
                let text = match item.tool {
                    Some(tool) => searchable(&tool.input),
                    None => item.text.into_owned(),
                };
                texts.insert(item.part, text);
            }
            Event::ToolEnd(end) => {
                if let Some(part) = end.part {
                    texts.insert(part, end.text.into_owned());
                }
            }
            _ => {}
        });
        for piece in record {
            let Some(text) = texts.remove(&piece.part).filter(|text| !text.is_empty()) else { continue };
            add(piece.doc, &text)?;
        }
    }
    Ok(())
}

/// The strings inside a structured input; a plain one as it is.
pub fn searchable(input: &str) -> String {
    fn collect(value: Raw<'_>, depth: usize, out: &mut String) {
        if let Some(text) = value.text() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&text);
        } else if depth < 16 {
            value.fields().flatten().for_each(|(_, value)| collect(value, depth + 1, out));
            value.elements().for_each(|value| collect(value, depth + 1, out));
        }
    }
    match Raw::first(input.as_bytes()) {
        Ok((value, end)) if (value.is_object() || value.is_array()) && end == input.len() => {
            let mut out = String::new();
            collect(value, 0, &mut out);
            out
        }
        _ => input.to_owned(),
    }
}
