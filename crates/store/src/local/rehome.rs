//! Giving threads another model provider, and their own one back.
//!
//! Codex lists a thread under the provider of its header and of its row, and repairs the one from the other: both change
//! together, or neither. Places: `sessions/**` and `archived_sessions/*`, plain rollouts; nothing else bears the provider.
//! Each is done under the thread's writer lock, in batches: written down, patched, the rows, taken off.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use marline_model::ThreadId;
use serde::Serialize;

use super::database::{Database, Doubt};
use super::header::{difference, provider, with_provider};
use super::ledger::{Change, Kept, Ledger};
use super::{LocalThreadStore, WriterLock, files, history, internal};
use crate::StoreError;

/// Sessions that are done together.
const BATCH: usize = 64;
/// Whoever sets a provider back so often is told of, not fought.
const MOST_FLIPS: u32 = 3;

/// What became of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", content = "why", rename_all = "camelCase")]
pub enum Rehomed {
    /// It has the provider now.
    Updated,
    /// It had it already.
    AlreadyRight,
    /// Somebody is at it; later it can be done.
    Deferred(String),
    /// It can't be done, and nothing of it was changed.
    Refused(String),
    /// It went wrong, and nothing of it was changed.
    Failed(String),
}

/// One session with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RehomedThread {
    /// The thread.
    pub thread: ThreadId,
    /// The provider that it had.
    pub from: String,
    /// What became of it.
    #[serde(flatten)]
    pub rehomed: Rehomed,
}

/// Which provider sessions get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<'a> {
    /// This one.
    Provider(&'a str),
    /// Each its own first one.
    First,
}

/// Which sessions, and how one is told of them.
pub struct Rehoming<'a> {
    /// Only those of these providers; all, if there are none.
    pub from: &'a [String],
    /// Only these threads; all, if there are none.
    pub threads: &'a [ThreadId],
    /// Files that some process has open.
    pub open: &'a HashSet<PathBuf>,
    /// Say what would become of each, and do nothing.
    pub dry_run: bool,
}

/// A session that is about to be changed.
struct Work {
    change: Change,
    kept: Option<Kept>,
    from: String,
    lock: Option<WriterLock>,
}

impl LocalThreadStore {
    /// Counts threads by the provider that their header names.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the home can't be read.
    pub fn providers(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for rollout in files::all(self.home()).map_err(internal(self.home()))? {
            let header = header(&rollout.path).ok().flatten();
            if let Some(provider) = header.and_then(|(_, line)| provider(&line)) {
                *counts.entry(provider).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Gives threads a provider, and tells of each. What a killed process left half-way is brought back first.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the home, the ledger or the state database can't be read; what one session alone says
    /// is told of that one.
    pub fn rehome(
        &self,
        ledger: &mut Ledger,
        goal: Goal<'_>,
        which: &Rehoming<'_>,
        told: &mut dyn FnMut(RehomedThread),
    ) -> Result<(), StoreError> {
        if !which.dry_run {
            self.bring_back(ledger)?;
        }
        // Rows of a shape that is not known are never written, and a header without its row would be no change.
        let unknown = match self.database() {
            Err(doubt @ Doubt::Unknown { .. }) => Some(doubt.to_string()),
            _ => None,
        };
        let database = match which.dry_run {
            true => self.database().ok(),
            false => self.writable().ok().flatten().or_else(|| self.database().ok()),
        };
        let mut batch: Vec<Work> = Vec::new();
        let meant: HashSet<&ThreadId> = which.threads.iter().collect();
        let rollouts = files::with_twins(self.home()).map_err(internal(self.home()))?;
        for twins in rollouts.chunk_by(|one, other| one.id == other.id) {
            let rollout = &twins[0];
            let is_meant = meant.is_empty() || meant.contains(&rollout.id);
            if !is_meant {
                continue;
            }
            let mut tell =
                |from: String, rehomed| told(RehomedThread { thread: rollout.id.clone(), from, rehomed });
            match self.prepare(ledger, goal, which, twins, database.as_ref(), unknown.as_deref()) {
                Ok(Some(work)) if which.dry_run => tell(work.from, Rehomed::Updated),
                Ok(Some(work)) => batch.push(work),
                Ok(None) => {}
                Err((from, rehomed)) => tell(from, rehomed),
            }
            if batch.len() == BATCH {
                self.carry_out(ledger, &mut batch, told)?;
            }
        }
        self.carry_out(ledger, &mut batch, told)
    }

    /// Looks at a session, of whose files the first is read; nothing: it is none of those that are meant.
    fn prepare(
        &self,
        ledger: &Ledger,
        goal: Goal<'_>,
        which: &Rehoming<'_>,
        twins: &[files::Rollout],
        database: Option<&Database>,
        unknown: Option<&str>,
    ) -> Result<Option<Work>, (String, Rehomed)> {
        let rollout = &twins[0];
        let path = &rollout.path;
        let failed = |error: &dyn std::fmt::Display| (String::new(), Rehomed::Failed(error.to_string()));
        let look = || header(path);
        let Some((_, line)) = look().map_err(|error| failed(&error))? else {
            // A line that does not parse stays as it is.
            return if which.threads.is_empty() { Ok(None) } else { Err((String::new(), no_header())) };
        };
        let Some(from) = provider(&line) else {
            return Err((String::new(), Rehomed::Refused(super::header::Unfit::NoProvider.to_string())));
        };
        if !which.from.is_empty() && !which.from.contains(&from) {
            return Ok(None);
        }
        let kept = ledger.kept(path).map_err(|error| (from.clone(), Rehomed::Failed(error.to_string())))?;
        let wanted = match (goal, &kept) {
            (Goal::Provider(name), _) => name.to_owned(),
            (Goal::First, Some(kept)) => kept.first.clone(),
            (Goal::First, None) => return Ok(None),
        };
        let wanted = wanted.as_str();
        let row = || database.and_then(|database| database.provider(&rollout.id).ok().flatten());
        if from == wanted && row().is_none_or(|row| row == wanted) && goal != Goal::First {
            return Err((from, Rehomed::AlreadyRight));
        }
        let refused = |why: String| Err((from.clone(), Rehomed::Refused(why)));
        if let Some(unknown) = unknown {
            return refused(format!("{unknown}: a database of that shape is not written"));
        }
        if path.extension().is_some_and(|ending| ending == "zst") {
            return refused("it is compressed; it can be done once Codex has opened it again".to_owned());
        }
        if twins.len() > 1 {
            return refused("it is kept in several files".to_owned());
        }
        if which.open.contains(path) {
            return Err((from, Rehomed::Deferred("a process has it open".to_owned())));
        }
        let lock = match which.dry_run {
            true if WriterLock::is_held(self.home(), &rollout.id) => {
                return Err((from, Rehomed::Deferred("a Codex writes it".to_owned())));
            }
            true => None,
            false => match WriterLock::take(self.home(), &rollout.id) {
                Ok(lock) => Some(lock),
                Err(StoreError::Conflict { message }) => return Err((from, Rehomed::Deferred(message))),
                Err(error) => return Err((from, Rehomed::Failed(error.to_string()))),
            },
        };
        // What counts is what stands there once nobody writes.
        let Some((at, line)) = look().map_err(|error| failed(&error))? else {
            return Err((from, no_header()));
        };
        let row = row();
        let failed = |error: StoreError| (from.clone(), Rehomed::Failed(error.to_string()));
        let mut kept = ledger.kept(path).map_err(failed)?;
        let mut flips = kept.as_ref().map_or(0, |kept| kept.flips);
        let original = match &kept {
            Some(known) if line.get(known.start..known.start + known.now.len()) == Some(&known.now[..]) => {
                let mut original = line.clone();
                original[known.start..known.start + known.original.len()].copy_from_slice(&known.original);
                original
            }
            Some(known) => {
                if provider(&line).is_some_and(|now| now != known.provider) {
                    flips += 1;
                }
                if flips >= MOST_FLIPS {
                    return refused("another program keeps setting its provider back".to_owned());
                }
                // Somebody wrote the header: what stands there now is what is kept.
                line.clone()
            }
            None => line.clone(),
        };
        let first = kept.as_ref().map_or_else(|| from.clone(), |kept| kept.first.clone());
        let first_row = kept.take().map_or_else(|| row.clone(), |kept| kept.first_row);
        let new = if provider(&original).as_deref() == Some(wanted) {
            original.clone()
        } else {
            match with_provider(&original, wanted) {
                Ok(new) => new,
                Err(unfit) => return refused(format!("{unfit}; fork it, or give the provider an alias")),
            }
        };
        let (start, before, after) = difference(&line, &new);
        let change = Change {
            path: path.clone(),
            thread: rollout.id.clone(),
            line: at,
            start,
            before: before.to_vec(),
            after: after.to_vec(),
            row_after: match goal {
                Goal::Provider(_) => row.as_ref().map(|_| wanted.to_owned()),
                Goal::First => first_row.clone(),
            },
            row_before: row,
            provider: wanted.to_owned(),
            stood: fs::metadata(path).ok().map(|facts| stood(&facts)),
        };
        let (start, first_bytes, now) = difference(&original, &new);
        let kept = (goal != Goal::First).then(|| Kept {
            start,
            original: first_bytes.to_vec(),
            now: now.to_vec(),
            first,
            first_row,
            provider: wanted.to_owned(),
            flips,
        });
        Ok(Some(Work { change, kept, from, lock }))
    }

    /// Does a batch: all that is known of it stands in the ledger before.
    fn carry_out(
        &self,
        ledger: &mut Ledger,
        batch: &mut Vec<Work>,
        told: &mut dyn FnMut(RehomedThread),
    ) -> Result<(), StoreError> {
        let work: Vec<Work> = std::mem::take(batch);
        if work.is_empty() {
            return Ok(());
        }
        let changes: Vec<Change> = work.iter().map(|work| work.change.clone()).collect();
        ledger.intend(&changes)?;
        let mut failed: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut patched = Vec::new();
        for change in &changes {
            match patch(change, &change.before, &change.after) {
                Ok(()) => patched.push(change.clone()),
                Err(error) => {
                    failed.insert(change.path.clone(), error.to_string());
                }
            }
        }
        if let Err(error) = self.set_rows(
            patched.iter().filter_map(|change| Some((&change.thread, change.row_after.as_deref()?))),
        ) {
            for change in &patched {
                patch(change, &change.after, &change.before).map_err(internal(&change.path))?;
                failed.insert(change.path.clone(), String::new());
            }
            ledger.forget_intents(&changes.iter().map(|change| change.path.clone()).collect::<Vec<_>>())?;
            for one in work {
                let why = match failed.get(&one.change.path) {
                    Some(why) if !why.is_empty() => Rehomed::Failed(why.clone()),
                    _ => Rehomed::Deferred(format!("the state database can't be written now ({error})")),
                };
                told(RehomedThread { thread: one.change.thread, from: one.from, rehomed: why });
            }
            return Ok(());
        }
        self.sync()?;
        let done: Vec<(PathBuf, Option<Kept>)> = work
            .iter()
            .filter(|one| !failed.contains_key(&one.change.path))
            .map(|one| (one.change.path.clone(), one.kept.clone()))
            .collect();
        ledger.done(&done)?;
        ledger.forget_intents(&failed.keys().cloned().collect::<Vec<_>>())?;
        for one in work {
            let rehomed = match failed.remove(&one.change.path) {
                Some(why) => Rehomed::Failed(why),
                None => Rehomed::Updated,
            };
            drop(one.lock);
            told(RehomedThread { thread: one.change.thread, from: one.from, rehomed });
        }
        Ok(())
    }

    fn set_rows<'a>(&self, rows: impl Iterator<Item = (&'a ThreadId, &'a str)>) -> Result<(), Doubt> {
        match self.writable() {
            Ok(Some(database)) => database.set_providers(rows),
            Ok(None) => Ok(()),
            Err(_) => Database::write(&self.places.databases).and_then(|db| db.set_providers(rows)),
        }
    }

    /// All that was written is on the disk: one call for a batch.
    fn sync(&self) -> Result<(), StoreError> {
        let sync = || -> io::Result<()> { Ok(rustix::fs::syncfs(File::open(self.home())?)?) };
        sync().map_err(internal(self.home()))
    }

    /// Brings back what a killed process left half-way.
    fn bring_back(&self, ledger: &mut Ledger) -> Result<(), StoreError> {
        let left = ledger.intended()?;
        let mut back = Vec::new();
        for change in &left {
            // Its process is gone, and its locks with it; a Codex may have taken the thread up since.
            let Ok(_lock) = WriterLock::take(self.home(), &change.thread) else { continue };
            // Whoever wrote it down may have been at it still, and be through by now.
            if !ledger.is_intended(&change.path)? {
                continue;
            }
            put_back(change).map_err(internal(&change.path))?;
            if let Some(row) = &change.row_before {
                let set = self.set_rows(std::iter::once((&change.thread, row.as_str())));
                set.map_err(|doubt| StoreError::internal("the state database", doubt))?;
            }
            back.push(change.path.clone());
        }
        ledger.forget_intents(&back)
    }
}

fn no_header() -> Rehomed {
    Rehomed::Refused("it has no header that can be read".to_owned())
}

/// The header of a rollout with its place, without the end of its line.
fn header(path: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut found = None;
    let mut count = 0;
    history::lines(path, None, &mut |bytes, line| {
        count += 1;
        if marline_agents::json::Raw::first(line)
            .is_ok_and(|(line, _)| line.get("type").is_some_and(|kind| kind.word() == b"session_meta"))
        {
            found = Some((bytes.start, line.to_vec()));
        }
        if found.is_some() || count == history::HEADER_LINES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(found)
}

/// Writes a few bytes in their place, if those before stand there, and leaves the file's times alone.
fn patch(change: &Change, before: &[u8], after: &[u8]) -> io::Result<()> {
    if before.is_empty() {
        return Ok(());
    }
    let file = File::options().read(true).write(true).open(&change.path)?;
    let at = change.line + change.start as u64;
    let mut there = vec![0; before.len()];
    file.read_exact_at(&mut there, at)?;
    if there != before {
        return Err(io::Error::other("somebody wrote its header meanwhile"));
    }
    write_at(&file, after, at)
}

fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let facts = file.metadata()?;
    file.write_all_at(bytes, at)?;
    file.set_times(FileTimes::new().set_accessed(facts.accessed()?).set_modified(facts.modified()?))
}

/// Puts back what stood there, be it changed as a whole, by half or not at all.
fn put_back(change: &Change) -> io::Result<()> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(&change.path) {
        Ok(file) => file,
        // It was deleted, or moved to the archive, where it is found by its name no more: nothing can be said of it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let at = change.line + change.start as u64;
    let mut there = vec![0; change.after.len()];
    file.read_exact_at(&mut there, at)?;
    let is_ours = there
        .iter()
        .zip(change.before.iter().zip(&change.after))
        .all(|(byte, (a, b))| byte == a || byte == b);
    if !is_ours {
        return Ok(());
    }
    write_at(&file, &change.before, at)?;
    // Whoever has written since has made it longer.
    match change.stood {
        Some((length, modified)) if length == file.metadata()?.len() && modified >= 0 => {
            let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(modified as u64);
            file.set_times(FileTimes::new().set_modified(modified))
        }
        _ => Ok(()),
    }
}

/// How long a file is, and when it was written last, in nanoseconds since 1970.
fn stood(facts: &fs::Metadata) -> (u64, i64) {
    (facts.len(), facts.mtime() * 1_000_000_000 + facts.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_is_put_back_with_its_time_unless_somebody_wrote_since() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rollout.jsonl");
        fs::write(&path, "a before z").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        file.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        let change = Change {
            path: path.clone(),
            thread: ThreadId::new(marline_model::Timestamp::from_millis(0), [0; 10]),
            line: 0,
            start: 2,
            before: b"before".to_vec(),
            after: b"behind".to_vec(),
            row_before: None,
            row_after: None,
            provider: "other".to_owned(),
            stood: Some(stood(&fs::metadata(&path).unwrap())),
        };
        // Killed before the time was set back.
        file.write_all_at(b"behind", 2).unwrap();
        put_back(&change).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a before z");
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), long_ago);
        file.write_all_at(b"behind z, and more", 2).unwrap();
        put_back(&change).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a before z, and more");
        assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), long_ago);
    }
}
