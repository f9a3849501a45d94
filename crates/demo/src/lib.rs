//! Sessions to look at: a few days of work in three small projects, by the real agents on a scripted model.
//!
//! [`write()`] lays a home directory down that reads like a person's own, with `.claude`, `.codex`, `.gemini`, `.qwen`
//! and OpenCode's database, and moves every time in it so that the last thing happened [`BEFORE_NOW_MS`] before now.
//!
//! **Promises.** The same `now` gives the same bytes. Nothing lies in the future. Durations and the order of things
//! are kept: all times move by one distance. Nothing is written outside the directory.
//! **Knows nothing of** Marline's index, or of what a record means: the archive says where times stand ([`mark`]).
//! `marline-lab demo` makes the archive.
//!
//! ```no_run
//! marline_demo::write(std::path::Path::new("a-home"), 1_795_000_000_000)?;
//! println!("{} sessions", marline_demo::manifest().sessions.len());
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod archive;
pub mod mark;

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use archive::{Entry, Shape};
use serde::{Deserialize, Serialize};

/// How long before now the last thing happened.
pub const BEFORE_NOW_MS: i64 = 4 * 60_000;
/// The home that all paths inside the sessions lie in; it need not exist.
pub const HOME: &str = "/home/ada";

const PACKED: &[u8] = include_bytes!("home.zst");

/// What the archive holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Each session that a person began, oldest first.
    pub sessions: Vec<Session>,
    /// Sessions that they began by themselves.
    pub subagents: usize,
    /// From the first thing to the last.
    pub span_ms: i64,
}

/// One session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The agent's word.
    pub source: String,
    /// The agent's own id.
    pub id: String,
    /// The project's name.
    pub project: String,
    /// What it is there to show.
    pub shows: String,
    /// The raw id of the session it was forked from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forked_from: Option<String>,
}

/// Returns what the archive holds.
///
/// # Panics
/// When the committed file is not what this module reads.
pub fn manifest() -> Manifest {
    serde_json::from_str(include_str!("manifest.json")).expect("manifest.json has the shape of Manifest")
}

/// Writes the sessions below a directory, as if it were a home; `now` is in milliseconds since 1970.
///
/// # Errors
/// A file could not be written; what was written before stays.
pub fn write(dir: &Path, now: i64) -> io::Result<()> {
    let last = now - BEFORE_NOW_MS;
    fs::create_dir_all(dir)?;
    for entry in archive::unpack(PACKED)? {
        write_entry(dir, &entry, last)?;
    }
    Ok(())
}

fn write_entry(dir: &Path, entry: &Entry, last: i64) -> io::Result<()> {
    let name = String::from_utf8_lossy(&mark::render(entry.path.as_bytes(), last)).into_owned();
    let path = dir.join(&name);
    if Path::new(&name).components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{name} leads elsewhere")));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let content = mark::render(&entry.content, last);
    match entry.shape {
        Shape::Text => fs::write(&path, content)?,
        Shape::Database => {
            let fail = |error: rusqlite::Error| io::Error::other(format!("{}: {error}", path.display()));
            // Rows would be written twice into a database that is there.
            if path.exists() {
                fs::remove_file(&path)?;
            }
            let database = rusqlite::Connection::open(&path).map_err(fail)?;
            let statements = String::from_utf8_lossy(&content);
            database.execute_batch(&statements).map_err(fail)?;
            database.close().map_err(|(_, error)| fail(error))?;
        }
    }
    let modified = u64::try_from(last + entry.modified).unwrap_or_default();
    let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(modified);
    File::options().write(true).open(&path)?.set_times(FileTimes::new().set_modified(modified))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(dir: &Path, into: &mut BTreeMap<String, (Vec<u8>, SystemTime)>) {
        for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                files(&path, into);
            } else {
                let modified = entry.metadata().and_then(|facts| facts.modified()).expect("a time");
                let name = path.to_string_lossy().into_owned();
                into.insert(name, (fs::read(&path).expect("a file"), modified));
            }
        }
    }

    fn written(now: i64) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path(), now).expect("it is written");
        let mut found = BTreeMap::new();
        files(dir.path(), &mut found);
        let prefix = format!("{}/", dir.path().display());
        found.into_iter().map(|(name, file)| (name.replace(&prefix, ""), file)).collect()
    }

    #[test]
    fn the_same_now_gives_the_same_bytes_and_another_moves_all_of_them() {
        let now = 1_795_000_000_000;
        assert!(written(now) == written(now));
        let later = written(now + 86_400_000);
        assert_eq!(later.len(), written(now).len());
        assert!(later.values().zip(written(now).values()).any(|(later, earlier)| later.0 != earlier.0));
    }

    #[test]
    fn nothing_lies_in_the_future_and_the_last_thing_just_happened() {
        let now = 1_795_000_000_000;
        let times: Vec<i64> = written(now)
            .values()
            .filter_map(|(_, modified)| modified.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map(|since| since.as_millis() as i64)
            .collect();
        let last = times.iter().max().copied().unwrap_or_default();
        assert!((now - BEFORE_NOW_MS - 1000..=now).contains(&last), "{}", now - last);
    }

    #[test]
    fn no_mark_is_left() {
        for (name, (bytes, _)) in written(1_795_000_000_000) {
            // A database holds any byte.
            assert!(name.ends_with(".db") || !bytes.contains(&mark::OPEN), "{name}");
            assert!(!name.contains('\u{1e}'), "{name}");
        }
    }
}
