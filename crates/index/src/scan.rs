//! Bringing the catalogue and the search index up to what is on disk.
//!
//! A scan walks, compares, and reads only what changed: appended bytes of a file that grew, the whole of one
//! that was replaced. Workers read and parse; one writer writes, so that memory is bounded by the channel
//! between them. The first pass takes facts, prompts and answers; the second one every other text.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use marline_agents::agent::Stat;
use marline_agents::{Env, FileRole, SessionFile, Shape, registry};
use rusqlite::{Connection, OptionalExtension};

use crate::files::{commit_unsettled, first_pass, header_again, read_store, starts_with};
use crate::part::FileState;
use crate::texts::second_pass;
use crate::write::Writer;
use crate::{IndexError, lineage};

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
pub struct Plan {
    pub file: SessionFile,
    pub number: i64,
    pub from: u64,
    pub head: i64,
    pub state: FileState,
    pub bytes: u64,
}

/// What the catalogue knows of a file.
struct Known {
    number: i64,
    size: i64,
    mtime_ns: i64,
    ctime_ns: i64,
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
    if work.changed.is_empty()
        && work.patched.is_empty()
        && work.gone.is_empty()
        && !unfinished
        && !is_unsettled
    {
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
    /// Of these, a byte may have been changed in its place.
    patched: Vec<SessionFile>,
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
    let is_patched = |file: &SessionFile| {
        let known = known.get(&*file.path.to_string_lossy());
        file.shape == Shape::Lines && known.is_some_and(|known| known.ctime_ns != file.stat.ctime_ns)
    };
    let patched = unchanged.iter().filter(|file| is_patched(file)).cloned().collect();
    let gone = known
        .iter()
        .filter(|(_, known)| is_everything && !known.missing && !known.is_seen)
        // What lies below a place that could not be looked into is not known to be gone.
        .filter(|(path, _)| !problems.iter().any(|(place, _)| Path::new(path).starts_with(place)))
        .map(|(path, _)| path.clone())
        .collect();
    Ok(Work { changed, patched, unchanged, gone, known })
}

/// Forgets what is gone and reads what changed, prompts and answers first.
fn read_files(
    writer: &mut Writer<'_>,
    work: Work,
    report: &mut Report,
    stop: &Stop,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), IndexError> {
    let Work { mut changed, patched, unchanged, gone, known } = work;
    report.gone = gone.len() as u64;
    let promoted = forget(writer, gone.iter().filter_map(|path| known.get(path)))?;
    changed.extend(unchanged.into_iter().filter(|file| promoted.contains(&file.path)));
    for file in patched {
        let Some(known) = known.get(&*file.path.to_string_lossy()) else { continue };
        // One that can't be read now is looked at the next time.
        if let Ok(header) = header_again(&file, known.head) {
            writer.header_again(known.number, file.stat, &header)?;
        }
    }
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
pub const UNSETTLED: &str = "unsettled";

pub fn note(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO meta VALUES (?1, 1)";
    connection.prepare_cached(sql)?.execute([name]).map(drop)
}

pub fn has_note(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = ?1)";
    connection.prepare_cached(sql)?.query_row([name], |row| row.get(0))
}

/// Settles lineage and sums of the sessions that changed; of all, if a process died before it came to that.
pub fn settle(writer: &mut Writer<'_>, is_unsettled: bool) -> Result<(), IndexError> {
    let mut changed = std::mem::take(&mut writer.changed);
    if is_unsettled {
        let mut all = writer.connection.prepare("SELECT number FROM sessions")?;
        changed.extend(all.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?);
    }
    let settled = lineage::settle(writer.connection, &changed)?;
    writer.unstamped.extend(settled);
    writer.connection.execute("DELETE FROM meta WHERE name = ?1", [UNSETTLED])?;
    Ok(())
}

pub const SELECT_KNOWN: &str =
    "SELECT path, number, size, mtime_ns, ctime_ns, inode, head, read_to, missing, copy_of IS NOT NULL
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
            ctime_ns: row.get(4)?,
            inode: row.get(5)?,
            head: row.get(6)?,
            read_to: row.get(7)?,
            missing: row.get(8)?,
            is_copy: row.get(9)?,
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
        // Of what has no word of its own, nothing is kept.
        let mut lost = connection.prepare_cached(
            "UPDATE sessions SET missing = 1, listed = listed AND prompts + answers + tool_calls > 0
             WHERE file = ?1 RETURNING number",
        )?;
        for session in lost.query_map([file.number], |row| row.get(0))? {
            writer.unstamped.insert(session?);
        }
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
