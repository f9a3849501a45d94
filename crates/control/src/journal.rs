//! What was done, so that it can be taken back.
//!
//! A plan is written down before its first step (`acts/<number>.json`). Whoever finds one that was begun and not ended
//! knows that its process died in the middle: it is taken back before anything else is done.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use marline_model::{SessionId, Timestamp};
use marline_store::Places;
use serde::{Deserialize, Serialize};

use crate::{ActError, Plan};

/// How far an act has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Its steps are being done.
    Begun,
    /// It is done.
    Done,
    /// It is done for good: what it laid aside was thrown away.
    Final,
    /// It was taken back.
    Undone,
    /// It failed, and nothing of it was left.
    Failed,
    /// It was cut off and can't be taken back: somebody has written since. What it laid aside is kept.
    Stuck,
}

impl Outcome {
    fn says(self) -> &'static str {
        match self {
            Outcome::Begun => "is being done",
            Outcome::Done => "is done",
            Outcome::Final => "was done for good",
            Outcome::Undone => "was taken back already",
            Outcome::Failed => "failed, and nothing of it was left",
            Outcome::Stuck => "was cut off and can't be taken back",
        }
    }
}

/// Throws away what an act laid aside, if it was done for good.
fn discard(entry: &Entry) -> Result<(), ActError> {
    match &entry.plan.discards {
        Some(folder) if entry.outcome == Outcome::Final && folder.exists() => {
            fs::remove_dir_all(folder).map_err(ActError::file(folder))
        }
        _ => Ok(()),
    }
}

/// An act of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number; later acts have higher ones.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub plan: Plan,
    /// How far.
    pub outcome: Outcome,
}

/// The acts that were done.
pub struct Journal {
    dir: PathBuf,
    codex: Places,
    /// What was cut off, and is taken back now.
    pub recovered: Vec<Entry>,
    _lock: File,
}

impl Journal {
    /// Opens the journal of a directory, alone, and takes back what was cut off.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn open(state: &Path, codex: Places) -> Result<Self, ActError> {
        let dir = state.join("acts");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(ActError::file(&dir))?;
        let path = dir.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(ActError::file(&path))?;
        lock.lock().map_err(ActError::file(&path))?;
        let mut journal = Journal { dir, codex, recovered: Vec::new(), _lock: lock };
        let entries = journal.entries()?;
        for entry in &entries {
            discard(entry)?;
            if entry.outcome == Outcome::Final
                && entry.plan.discards.is_some()
                && !entry.plan.steps.is_empty()
            {
                journal.forget(&entry.plan.deletes())?;
            }
        }
        for mut entry in entries.into_iter().rev().filter(|entry| entry.outcome == Outcome::Begun) {
            let taken = journal.take_back(entry.clone());
            if let Ok(entry) = &taken {
                journal.recovered.push(entry.clone());
            }
            if let Err(error) = taken {
                // Told once: it must not stand in the way of everything that comes later.
                entry.outcome = Outcome::Stuck;
                journal.write(&entry)?;
                return Err(ActError::changed(format!(
                    "act {} ({}) was cut off and can't be taken back ({error}); nothing else was done, try again",
                    entry.number,
                    entry.plan.title()
                )));
            }
        }
        Ok(journal)
    }

    /// Throws away what the oldest acts of a kind laid aside: only the newest ones can be taken back.
    pub(crate) fn prune(&self, act: &str, keep: usize) -> Result<(), ActError> {
        let done = self
            .entries()?
            .into_iter()
            .filter(|entry| entry.plan.act == act && entry.outcome == Outcome::Done);
        for mut entry in done.rev().skip(keep).collect::<Vec<_>>() {
            entry.outcome = Outcome::Final;
            self.write(&entry)?;
            entry.plan.forget()?;
        }
        Ok(())
    }

    fn next(&self) -> Result<u64, ActError> {
        Ok(self.entries()?.last().map_or(1, |entry| entry.number + 1))
    }

    /// All acts, the first first.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn entries(&self) -> Result<Vec<Entry>, ActError> {
        let mut entries: Vec<Entry> = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(ActError::file(&self.dir))?.flatten() {
            if file.path().extension().is_some_and(|ending| ending == "json") {
                let bytes = fs::read(file.path()).map_err(ActError::file(&file.path()))?;
                // One that can't be read stands in nobody's way.
                entries.extend(serde_json::from_slice::<Entry>(&bytes));
            }
        }
        entries.sort_by_key(|entry| entry.number);
        Ok(entries)
    }

    /// Does an act: all of its steps, or none.
    ///
    /// # Errors
    /// Those of the step that failed; the ones before it were taken back.
    pub fn carry_out(&self, plan: Plan, now: Timestamp) -> Result<Entry, ActError> {
        let mut entry = Entry { number: self.next()?, at: now, plan, outcome: Outcome::Begun };
        self.write(&entry)?;
        for step in &entry.plan.steps {
            if let Err(error) = step.carry_out(&self.codex) {
                let left = self.take_back(entry.clone());
                // What can't be taken back now stands in nobody's way later.
                entry.outcome = if left.is_ok() { Outcome::Failed } else { Outcome::Stuck };
                self.write(&entry)?;
                return Err(match left {
                    Ok(_) => error,
                    Err(left) => {
                        let stuck =
                            format!("act {} was cut off and can't be taken back ({left})", entry.number);
                        ActError::failed(stuck, error)
                    }
                });
            }
        }
        entry.outcome = if entry.plan.discards.is_some() { Outcome::Final } else { Outcome::Done };
        self.write(&entry)?;
        discard(&entry)?;
        Ok(entry)
    }

    /// Finds an act that can be taken back: the last one on a session, or the one of a number.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is none, or when the last one is none that can be: one before is not meant then.
    pub fn find(&self, number: Option<u64>) -> Result<Entry, ActError> {
        let mut entries = self.entries()?.into_iter().rev();
        let found = match number {
            None => entries.find(|entry| entry.plan.act != "provider" && entry.outcome != Outcome::Undone),
            Some(number) => entries.find(|entry| entry.number == number),
        };
        match found {
            None => Err(ActError::invalid("there is nothing to take back")),
            Some(Entry { outcome: Outcome::Done, .. }) => Ok(found.expect("it is there")),
            Some(entry) => Err(ActError::Invalid {
                message: format!("act {} ({}) {}", entry.number, entry.plan.title(), entry.outcome.says()),
                hint: self.before(entry.number)?.filter(|_| number.is_none()).map(|before| {
                    format!("The one before was {}: marline undo {}", before.plan.title(), before.number)
                }),
            }),
        }
    }

    /// The last act on a session before another one that can be taken back.
    fn before(&self, number: u64) -> Result<Option<Entry>, ActError> {
        let is_it = |entry: &Entry| {
            entry.number < number && entry.outcome == Outcome::Done && entry.plan.act != "provider"
        };
        Ok(self.entries()?.into_iter().rev().find(is_it))
    }

    /// Finds the last act of a kind that can be taken back.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is none.
    pub fn find_last(&self, act: &str) -> Result<Entry, ActError> {
        let mut entries = self.entries()?.into_iter().rev();
        let found = entries.find(|entry| entry.outcome == Outcome::Done && entry.plan.act == act);
        found.ok_or_else(|| ActError::invalid("there is nothing to take back"))
    }

    /// Forgets the words of acts on sessions that are gone for good, and what they laid aside.
    pub(crate) fn forget(&self, sessions: &[SessionId]) -> Result<(), ActError> {
        let is_theirs = |plan: &Plan| {
            plan.makes.is_none() && plan.session.as_ref().is_some_and(|session| sessions.contains(session))
        };
        for mut entry in self.entries()?.into_iter().filter(|entry| is_theirs(&entry.plan)) {
            if let Some(aside) = entry.plan.aside().filter(|aside| aside.exists()) {
                fs::remove_dir_all(aside).map_err(ActError::file(aside))?;
            }
            if entry.outcome == Outcome::Done {
                entry.outcome = Outcome::Final;
            }
            entry.plan.says = entry.plan.title();
            entry.plan.steps = Vec::new();
            self.write(&entry)?;
        }
        Ok(())
    }

    /// Takes an act back.
    ///
    /// # Errors
    /// [`ActError::Changed`] when somebody else has written since.
    pub fn take_back(&self, mut entry: Entry) -> Result<Entry, ActError> {
        for step in entry.plan.steps.iter().rev() {
            step.undo(&self.codex, entry.outcome == Outcome::Done)?;
        }
        // What was laid aside stands in its place again.
        if let Some(aside) = entry.plan.aside().filter(|aside| aside.exists()) {
            fs::remove_dir_all(aside).map_err(ActError::file(aside))?;
        }
        entry.outcome = Outcome::Undone;
        self.write(&entry)?;
        Ok(entry)
    }

    fn write(&self, entry: &Entry) -> Result<(), ActError> {
        let path = self.dir.join(format!("{:06}.json", entry.number));
        let next = path.with_extension("next");
        let write = || -> std::io::Result<()> {
            let _ = fs::remove_file(&next);
            let mut file = File::options().create_new(true).write(true).mode(0o600).open(&next)?;
            file.write_all(&serde_json::to_vec_pretty(entry)?)?;
            file.sync_all()?;
            fs::rename(&next, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(ActError::file(&path))
    }
}
