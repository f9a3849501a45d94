//! Steps: the smallest things that are done and taken back.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use marline_model::{Change, SessionId, ThreadId, ThreadMetadata, ThreadMetadataPatch, Timestamp};
use marline_store::{LocalThreadStore, Places, StoreError, ThreadStore as _};
use serde::{Deserialize, Serialize};

use crate::{ActError, opencode};

/// What an act does, before it is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The act: `rename`, `archive`, `unarchive`, `delete`, `fork`.
    pub act: String,
    /// The session.
    pub session: SessionId,
    /// What will be so, in a sentence.
    pub says: String,
    /// Where: in the agent's own keeping, so that it shows it too.
    pub shown_by: String,
    /// The session that comes to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub makes: Option<SessionId>,
    /// How.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Step {
    /// Puts text behind a file that is so long.
    Append {
        /// The file.
        path: PathBuf,
        /// Its length before.
        before: u64,
        /// The text.
        text: String,
    },
    /// Makes a file that is not there.
    Create {
        /// The file.
        path: PathBuf,
        /// A copy of it in Marline's own keeping, which it is made of.
        from: PathBuf,
    },
    /// Moves a file or folder.
    Move {
        /// From here.
        from: PathBuf,
        /// To here, where nothing is.
        to: PathBuf,
    },
    /// Names a thread of Codex.
    CodexName {
        /// Which.
        thread: ThreadId,
        /// Its name before.
        old: Option<String>,
        /// Its name then.
        new: Option<String>,
    },
    /// Puts a thread of Codex away, or takes it back.
    CodexArchive {
        /// Which.
        thread: ThreadId,
        /// Away, or back.
        away: bool,
        /// When.
        at: Timestamp,
    },
    /// Deletes a thread of Codex, after copies of its files were laid aside.
    CodexDelete {
        /// Which.
        thread: ThreadId,
        /// Its files, with their copies.
        files: Vec<(PathBuf, PathBuf)>,
        /// What is known of it beside its history.
        metadata: Box<ThreadMetadata>,
    },
    /// Makes a thread of Codex that goes on from another one.
    CodexFork {
        /// The new one.
        thread: ThreadId,
        /// The other one.
        origin: ThreadId,
        /// The first of its records that is left out; nothing: all are taken.
        before: Option<u64>,
    },
    /// Sets a column of a session of OpenCode.
    OpenCodeSet {
        /// Its database.
        database: PathBuf,
        /// Which.
        session: String,
        /// `title` or `time_archived`.
        column: String,
        /// Its value before.
        old: serde_json::Value,
        /// Its value then.
        new: serde_json::Value,
    },
    /// Deletes a session of OpenCode, after its rows were laid aside.
    OpenCodeDelete {
        /// Its database.
        database: PathBuf,
        /// Which, with those that it began.
        sessions: Vec<String>,
        /// Where its rows are laid.
        rows: PathBuf,
    },
}

/// Moves between file systems as well.
fn move_path(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there already", to.display()),
        ));
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_tree(from, to)?;
            if from.is_dir() { fs::remove_dir_all(from) } else { fs::remove_file(from) }
        }
        moved => moved,
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return copy(from, to);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// Copies a file with its times, durable.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)?;
    let file = File::options().write(true).open(to)?;
    file.set_modified(fs::metadata(from)?.modified()?)?;
    file.sync_all()
}

fn tail(path: &Path, from: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name(name: Option<&String>) -> ThreadMetadataPatch {
    let name = name.map_or(Change::Clear, |name| Change::Set(name.clone()));
    ThreadMetadataPatch { name, ..ThreadMetadataPatch::default() }
}

impl Step {
    /// Does it.
    pub(crate) fn carry_out(&self, codex: &Places) -> Result<(), ActError> {
        let store = || LocalThreadStore::new(codex.clone());
        match self {
            Step::Append { path, before, text } => {
                let append = || -> io::Result<()> {
                    let mut file = File::options().append(true).open(path)?;
                    if file.metadata()?.len() != *before {
                        return Err(io::Error::other("it grew since the plan was made"));
                    }
                    file.write_all(text.as_bytes()).inspect_err(|_| {
                        let _ = file.set_len(*before);
                    })?;
                    file.sync_data()
                };
                append().map_err(ActError::file(path))
            }
            Step::Create { path, from } => {
                if path.exists() {
                    return Err(ActError::changed(format!("{} is there already", path.display())));
                }
                // It comes to be whole, or not.
                let next = path.with_extension("marline");
                copy(from, &next).and_then(|()| fs::rename(&next, path)).map_err(ActError::file(path))
            }
            Step::Move { from, to } => move_path(from, to).map_err(ActError::file(from)),
            Step::CodexName { thread, new, .. } => {
                store().update_thread_metadata(thread, &name(new.as_ref()))?;
                Ok(())
            }
            Step::CodexArchive { thread, away: true, at } => Ok(store().archive_thread(thread, *at)?),
            Step::CodexArchive { thread, away: false, .. } => {
                store().unarchive_thread(thread)?;
                Ok(())
            }
            Step::CodexDelete { thread, files, .. } => {
                for (file, aside) in files {
                    copy(file, aside).map_err(ActError::file(file))?;
                }
                Ok(store().delete_thread(thread)?)
            }
            Step::CodexFork { thread, origin, before } => Ok(store().fork_thread(origin, thread, *before)?),
            Step::OpenCodeSet { database, session, column, old, new } => {
                opencode::set(database, session, column, old, new)
            }
            Step::OpenCodeDelete { database, sessions, rows } => opencode::delete(database, sessions, rows),
        }
    }

    /// Takes it back, also when it was done by half or not at all.
    pub(crate) fn undo(&self, codex: &Places) -> Result<(), ActError> {
        let store = || LocalThreadStore::new(codex.clone());
        match self {
            Step::Append { path, before, text } => {
                let end = tail(path, *before).map_err(ActError::file(path))?;
                if !text.as_bytes().starts_with(&end) {
                    return Err(ActError::changed(format!("{} was written since", path.display())));
                }
                let file = File::options().write(true).open(path).map_err(ActError::file(path))?;
                file.set_len(*before).and_then(|()| file.sync_all()).map_err(ActError::file(path))
            }
            Step::Create { path, from } => {
                let _ = fs::remove_file(path.with_extension("marline"));
                if !path.exists() {
                    return Ok(());
                }
                let is_same = fs::read(path).and_then(|now| Ok(now == fs::read(from)?));
                if !is_same.map_err(ActError::file(path))? {
                    return Err(ActError::changed(format!("{} was written since", path.display())));
                }
                fs::remove_file(path).map_err(ActError::file(path))
            }
            Step::Move { from, to } => {
                if !to.exists() && from.exists() {
                    return Ok(());
                }
                move_path(to, from).map_err(ActError::file(to))
            }
            Step::CodexName { thread, old, .. } => {
                store().update_thread_metadata(thread, &name(old.as_ref()))?;
                Ok(())
            }
            Step::CodexArchive { thread, away, at } => {
                let store = store();
                match (away, store.read_thread(thread)?.archived_at) {
                    (true, Some(_)) => store.unarchive_thread(thread).map(|_| ())?,
                    (false, None) => store.archive_thread(thread, *at)?,
                    _ => {}
                }
                Ok(())
            }
            Step::CodexDelete { thread, files, metadata } => {
                for (file, aside) in files {
                    if !file.exists() {
                        copy(aside, file).map_err(ActError::file(file))?;
                    }
                }
                store().put_back(thread, (**metadata).clone())?;
                Ok(())
            }
            Step::CodexFork { thread, .. } => match store().delete_thread(thread) {
                Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Step::OpenCodeSet { database, session, column, old, new } => {
                opencode::set(database, session, column, new, old)
            }
            Step::OpenCodeDelete { database, rows, .. } => opencode::put_back(database, rows),
        }
    }
}
