//! Bringing the catalogue and the search index up to what is on disk.
//!
//! A scan walks, compares, and reads only what changed: appended bytes of a file that grew, the whole of one
//! that was replaced. Workers read and parse; one writer writes, so that memory is bounded by the channel
//! between them. The first pass takes facts, prompts and answers; the second one every other text.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use marline_agents::agent::{Stat, Stored};
use marline_agents::frame::{Framed, Framer};
use marline_agents::{Env, Event, FileRole, SessionFile, Shape, Want, hash, registry};
use rusqlite::{Connection, OptionalExtension, params};

use crate::part::{Builder, FileState, Part};
use crate::texts::second_pass;
use crate::write::{FileEnd, Writer, is_read_whole};
use crate::{IndexError, lineage};

/// How many bytes of a file's start tell whether it is still the same file.
const HEAD: usize = 512;
/// Parts on their way to the writer; together with the workers' buffers they bound the memory.
const PARTS_IN_FLIGHT: usize = 4;
/// A batch is committed when this much time has passed, so that results appear while the scan works.
const BATCH: Duration = Duration::from_millis(1500);

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

/// Files that a scan is to look at.
pub struct Found {
    /// The files.
    pub files: Vec<SessionFile>,
    /// Places that could not be looked into, with the reason.
    pub problems: Vec<(PathBuf, String)>,
    /// Directories to watch.
    pub directories: Vec<PathBuf>,
    /// Every root was looked at: what was not found is gone.
    pub is_everything: bool,
}

/// Walks all agents' files, side by side: a walk waits for the system most of its time.
pub fn walk_all(env: &Env) -> Found {
    let walks = std::thread::scope(|scope| {
        let walks: Vec<_> = registry::all().iter().map(|agent| scope.spawn(|| agent.discover(env))).collect();
        walks.into_iter().map(|walk| walk.join().expect("a walk does not panic")).collect::<Vec<_>>()
    });
    let mut all =
        Found { files: Vec::new(), problems: Vec::new(), directories: Vec::new(), is_everything: true };
    for found in walks {
        all.files.extend(found.files);
        all.directories.extend(found.directories);
        all.problems.extend(found.problems.into_iter().map(|(path, error)| (path, error.to_string())));
    }
    all
}

/// Brings the catalogue up to what was found. The caller holds the lock.
pub fn scan(
    connection: &Connection,
    search_dir: &Path,
    found: Found,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, IndexError> {
    let Found { files, problems, directories, is_everything } = found;
    let mut report = Report { files: files.len() as u64, problems, directories, ..Report::default() };
    let work = compare(connection, files, is_everything, &report.problems)?;
    let unfinished: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM pending)", [], |row| row.get(0))?;
    let is_unsettled = has_note(connection, UNSETTLED)?;
    if work.changed.is_empty() && work.gone.is_empty() && !unfinished && !is_unsettled {
        if is_everything && !has_note(connection, SCANNED)? {
            note(connection, SCANNED)?;
        }
        return Ok(report);
    }
    let mut writer = Writer::begin(connection, search_dir)?;
    let outcome = (|| {
        read_files(&mut writer, work, &mut report, stop, progress)?;
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
            if is_everything && !stop.load(Ordering::Relaxed) {
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

/// What is to be done, and what the catalogue knows of it.
struct Work {
    changed: Vec<SessionFile>,
    unchanged: Vec<SessionFile>,
    gone: Vec<String>,
    known: HashMap<String, Known>,
}

fn compare(
    connection: &Connection,
    files: Vec<SessionFile>,
    is_everything: bool,
    problems: &[(PathBuf, String)],
) -> Result<Work, IndexError> {
    let mut known = known_files(connection, if is_everything { None } else { Some(&files) })?;
    let is_changed = |file: &SessionFile| match known.get_mut(&*file.path.to_string_lossy()) {
        None => true,
        Some(known) => {
            known.is_seen = true;
            known.missing
                || known.size != file.stat.size as i64
                || known.mtime_ns != file.stat.mtime_ns
                || known.inode != file.stat.inode as i64
        }
    };
    let (changed, unchanged): (Vec<_>, Vec<_>) = files.into_iter().partition(is_changed);
    let gone = known
        .iter()
        .filter(|(_, known)| is_everything && !known.missing && !known.is_seen)
        // What lies below a place that could not be looked into is not known to be gone.
        .filter(|(path, _)| !problems.iter().any(|(place, _)| Path::new(path).starts_with(place)))
        .map(|(path, _)| path.clone())
        .collect();
    Ok(Work { changed, unchanged, gone, known })
}

/// Forgets what is gone and reads what changed, prompts and answers first.
fn read_files(
    writer: &mut Writer<'_>,
    work: Work,
    report: &mut Report,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), IndexError> {
    let Work { mut changed, unchanged, gone, known } = work;
    report.gone = gone.len() as u64;
    let promoted = forget(writer, gone.iter().filter_map(|path| known.get(path)))?;
    changed.extend(unchanged.into_iter().filter(|file| promoted.contains(&file.path)));
    let (stores, mut plans) = plan(writer, changed, &known, report)?;
    plans.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.file.path.cmp(&b.file.path)));
    report.read = (stores.len() + plans.len()) as u64;
    report.bytes = plans.iter().map(|plan| plan.bytes).sum();
    progress(Progress::Planned { files: report.read, bytes: report.bytes });
    first_pass(writer, &plans, stop, progress)?;
    stores.iter().try_for_each(|store| read_store(writer, store, report))
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

pub const SELECT_KNOWN: &str =
    "SELECT path, number, size, mtime_ns, inode, head, read_to, missing, copy_of IS NOT NULL
     FROM files INDEXED BY files_at_a_glance";

/// What the catalogue knows of all files, or of some.
fn known_files(
    connection: &Connection,
    some: Option<&[SessionFile]>,
) -> Result<HashMap<String, Known>, IndexError> {
    let read = |row: &rusqlite::Row<'_>| {
        let known = Known {
            number: row.get(1)?,
            size: row.get(2)?,
            mtime_ns: row.get(3)?,
            inode: row.get(4)?,
            head: row.get(5)?,
            read_to: row.get(6)?,
            missing: row.get(7)?,
            is_copy: row.get(8)?,
            is_seen: false,
        };
        Ok((row.get(0)?, known))
    };
    let Some(some) = some else {
        let mut statement = connection.prepare_cached(SELECT_KNOWN)?;
        return Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?);
    };
    let mut statement = connection.prepare_cached(&format!("{SELECT_KNOWN} WHERE path = ?1"))?;
    let found = some.iter().map(|file| statement.query_row([file.path.to_string_lossy()], read).optional());
    Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// Marks what is gone as missing. Returns files that were its copies and take its place.
fn forget<'a>(
    writer: &mut Writer<'_>,
    gone: impl Iterator<Item = &'a Known>,
) -> Result<HashSet<PathBuf>, IndexError> {
    let mut promoted = HashSet::new();
    for file in gone {
        let connection = writer.connection;
        connection.execute("UPDATE files SET missing = 1 WHERE number = ?1", [file.number])?;
        connection.execute("DELETE FROM pending WHERE file = ?1", [file.number])?;
        connection.execute("UPDATE sessions SET missing = 1 WHERE file = ?1", [file.number])?;
        let mut copies = connection.prepare_cached(
            "SELECT f.path FROM files f JOIN sessions s ON f.copy_of = s.id WHERE s.file = ?1 AND f.missing = 0",
        )?;
        let copies = copies.query_map([file.number], |row| row.get::<_, String>(0))?;
        for copy in copies {
            promoted.insert(PathBuf::from(copy?));
        }
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
