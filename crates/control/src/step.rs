//! Steps: the smallest things that are done and taken back.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use marline_index::{Overlaid, Overlay};
use marline_model::{Change, SessionId, Source, ThreadId, ThreadMetadata, ThreadMetadataPatch, Timestamp};
use marline_store::{HistoryItem, LocalThreadStore, Places, StoreError, ThreadStore as _};
use serde::{Deserialize, Serialize};

use crate::ActError;
use crate::handoff::CodexThread;
use crate::opencode::{self, Column};
use crate::provider::Synced;
use crate::provider::secrets::Secrets;
use crate::surgery::{Copy, Sum};

/// What an act does, before it is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The act: `rename`, `archive`, `unarchive`, `delete`, `fork`, `handoff`, `provider`.
    pub act: String,
    /// The session, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<SessionId>,
    /// What will be so, in a sentence.
    pub says: String,
    /// The agent in whose own keeping it is, so that it shows it too; none: Marline alone keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shown_by: Option<String>,
    /// The session that comes to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub makes: Option<SessionId>,
    /// The file that holds the session, or the one that comes to be.
    #[serde(default)]
    pub file: PathBuf,
    /// What is thrown away when it is done, so that it can't be taken back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discards: Option<PathBuf>,
    /// Sessions that were given a provider with it, and go back with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub synced: Option<Synced>,
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
        /// When it was written before.
        #[serde(default)]
        modified: Option<SystemTime>,
        /// The text.
        text: String,
    },
    /// Makes a transcript of another one's records, under a new id.
    CopyTranscript {
        /// What is copied.
        copy: Copy,
        /// The file that comes to be.
        path: PathBuf,
        /// What will be in it.
        sum: Sum,
    },
    /// Makes a file.
    Create {
        /// The file that comes to be.
        path: PathBuf,
        /// What will be in it.
        sum: Sum,
        /// Its bytes; they are not written down with the plan.
        #[serde(skip)]
        content: Vec<u8>,
    },
    /// Gives a file other bytes, after those before were laid among the secrets.
    Replace {
        /// The file.
        path: PathBuf,
        /// What is in it before; nothing: it is not there.
        old: Option<Sum>,
        /// What is in it then.
        new: Sum,
        /// Who may do what with it before.
        old_mode: Option<u32>,
        /// And then.
        mode: u32,
        /// Where secrets are kept.
        vault: Vault,
        /// The name under which the bytes before are.
        aside: String,
        /// Its bytes; they are not written down with the plan.
        #[serde(skip)]
        content: Vec<u8>,
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
        /// Where its rows are laid.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        rows: Option<PathBuf>,
    },
    /// Makes a thread of Codex that goes on from another one.
    CodexFork {
        /// The new one.
        thread: ThreadId,
        /// The other one.
        origin: ThreadId,
        /// The first of its records that is left out; nothing: all are taken.
        before: Option<u64>,
        /// Its model provider; nothing: its origin's.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        provider: Option<String>,
    },
    /// Makes a thread of Codex of another agent's session.
    CodexCreate {
        /// The thread.
        thread: CodexThread,
        /// Its records; they are not written down with the plan.
        #[serde(skip)]
        items: Vec<HistoryItem>,
    },
    /// Sets a column of a session of OpenCode.
    OpenCodeSet {
        /// Its database.
        database: PathBuf,
        /// Which.
        session: String,
        /// Which one.
        column: Column,
        /// Its value before.
        old: serde_json::Value,
        /// Its value then.
        new: serde_json::Value,
    },
    /// Makes a session of OpenCode that goes on from another one.
    OpenCodeFork {
        /// Its database.
        database: PathBuf,
        /// Which, of what.
        fork: opencode::Fork,
    },
    /// Says something of a session in Marline's own keeping.
    Overlay {
        /// Where that is kept.
        dir: PathBuf,
        /// The session.
        session: SessionId,
        /// What was said of it.
        old: Overlaid,
        /// What is said then.
        new: Overlaid,
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

/// Writes what is laid aside, durable and for its owner alone.
fn lay_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What stands in a file from a byte on; nothing when it ends before, or goes on for longer than it may.
fn tail(file: &mut File, from: u64, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len().checked_sub(from);
    if length.is_none_or(|length| length > longest as u64) {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn written_since(path: &Path) -> ActError {
    ActError::changed(format!("{} was written since", path.display()))
}

/// The name that a file bears until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("marline")
}

/// Makes a file, whole or not at all; `write` says what it wrote.
fn create(
    path: &Path,
    mode: Permissions,
    sum: &Sum,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<Sum>,
) -> Result<(), ActError> {
    if path.exists() {
        return Err(ActError::changed(format!("{} is there already", path.display())));
    }
    let next = unfinished(path);
    let fill = || -> io::Result<Sum> {
        let file = File::create(&next)?;
        file.set_permissions(mode)?;
        let mut out = BufWriter::new(&file);
        let written = write(&mut out)?;
        out.flush()?;
        file.sync_all()?;
        Ok(written)
    };
    if fill().map_err(ActError::file(&next))? != *sum {
        return Err(ActError::changed(format!("{} is not what was planned", path.display())));
    }
    fs::rename(&next, path).map_err(ActError::file(path))
}

fn sum_of(path: &Path) -> Result<Option<Sum>, ActError> {
    match Sum::of_file(path) {
        Ok(sum) => Ok(Some(sum)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ActError::file(path)(error)),
    }
}

/// Gives a file other bytes, whole or not at all.
fn replace(
    path: &Path,
    old: Option<&Sum>,
    mode: u32,
    vault: &Vault,
    aside: &str,
    content: &[u8],
) -> Result<(), ActError> {
    let before = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(ActError::file(path)(error)),
    };
    if before.as_deref().map(Sum::of).as_ref() != old {
        return Err(ActError::changed(format!("{} changed since the plan was made", path.display())));
    }
    if let Some(before) = before {
        let text =
            String::from_utf8(before).map_err(|error| ActError::failed(path.display().to_string(), error))?;
        vault.open()?.set(aside, Some(&text))?;
    }
    swap(path, mode, content)
}

fn swap(path: &Path, mode: u32, content: &[u8]) -> Result<(), ActError> {
    let folder = path.parent().unwrap_or(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(ActError::file(folder))?;
    // Not even for a moment may others read what is written.
    let next = unfinished(path);
    let _ = fs::remove_file(&next);
    let write = || -> io::Result<()> {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&next)?;
        file.write_all(content)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    };
    if let Err(error) = write() {
        let _ = fs::remove_file(&next);
        return Err(ActError::file(path)(error));
    }
    fs::rename(&next, path).map_err(ActError::file(path))
}

/// Puts the bytes back that were laid aside, unless somebody has written since.
fn put_back(
    path: &Path,
    old: Option<&Sum>,
    new: &Sum,
    mode: u32,
    vault: &Vault,
    aside: &str,
) -> Result<(), ActError> {
    let _ = fs::remove_file(unfinished(path));
    let now = sum_of(path)?;
    if now.as_ref() != old {
        if now.as_ref() != Some(new) {
            return Err(written_since(path));
        }
        let Some(old) = old else { return fs::remove_file(path).map_err(ActError::file(path)) };
        let content = vault.open()?.get(aside).filter(|content| Sum::of(content.as_bytes()) == *old);
        let content = content.ok_or_else(|| {
            ActError::changed(format!("what was in {} before is not kept any more", path.display()))
        })?;
        swap(path, mode, content.as_bytes())?;
    }
    vault.open()?.set(aside, None)
}

/// Where secrets are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vault {
    /// The directory.
    pub dir: PathBuf,
    /// The program that speaks to the system's keyring, where it is there.
    pub keyring: Option<PathBuf>,
}

impl Vault {
    fn open(&self) -> Result<Secrets, ActError> {
        Secrets::read(&self.dir, self.keyring.as_deref())
    }
}

/// Says something of a session, if what was said still is.
fn overlay(dir: &Path, session: &SessionId, old: &Overlaid, new: &Overlaid) -> Result<(), ActError> {
    let mut overlay = Overlay::read(dir).map_err(ActError::file(dir))?;
    let now = overlay.of(session);
    if now == *new {
        return Ok(());
    }
    if now != *old {
        return Err(ActError::changed(format!("something else was said of {session} since")));
    }
    overlay.set(session.clone(), new.clone());
    overlay.write(dir).map_err(ActError::file(dir))
}

fn name(name: Option<&String>) -> ThreadMetadataPatch {
    let name = name.map_or(Change::Clear, |name| Change::Set(name.clone()));
    ThreadMetadataPatch { name, ..ThreadMetadataPatch::default() }
}

impl Plan {
    /// Forgets what it laid among the secrets.
    pub(crate) fn forget(&self) -> Result<(), ActError> {
        for step in &self.steps {
            if let Step::Replace { vault, aside, .. } = step {
                vault.open()?.set(aside, None)?;
            }
        }
        Ok(())
    }

    /// The sessions that it deletes.
    pub(crate) fn deletes(&self) -> Vec<SessionId> {
        let of = |source, raw: &str| SessionId::new(source, raw).ok();
        let own = self.session.iter().filter(|_| self.act == "delete").cloned();
        let others = self.steps.iter().flat_map(|step| match step {
            Step::CodexDelete { thread, .. } => Vec::from_iter(of(Source::Codex, thread.as_str())),
            Step::OpenCodeDelete { sessions, .. } => {
                sessions.iter().filter_map(|id| of(Source::OpenCode, id)).collect()
            }
            _ => Vec::new(),
        });
        own.chain(others).collect()
    }

    /// The directory in which it lays aside what it deletes.
    pub(crate) fn aside(&self) -> Option<&Path> {
        let place = self.steps.iter().find_map(|step| match step {
            Step::CodexDelete { files, .. } => files.first().map(|(_, aside)| aside),
            Step::OpenCodeDelete { rows, .. } => Some(rows),
            Step::Move { to, .. } => Some(to),
            _ => None,
        })?;
        let named = |path: &Path| path.parent().is_some_and(|all| all.ends_with("acts/aside"));
        place.ancestors().find(|path| named(path))
    }

    /// The files that it gives other bytes.
    pub fn files(&self) -> Vec<&Path> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::Replace { path, .. } => Some(path.as_path()),
                _ => None,
            })
            .collect()
    }

    /// What it does to what: `rename of claude:…`.
    pub fn title(&self) -> String {
        match &self.session {
            Some(session) => format!("{} of {session}", self.act),
            None => format!("{}: {}", self.act, self.says),
        }
    }
}

impl Step {
    /// Does it.
    pub(crate) fn carry_out(&self, codex: &Places) -> Result<(), ActError> {
        let store = || LocalThreadStore::new(codex.clone());
        match self {
            Step::Append { path, before, text, .. } => {
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
            Step::CopyTranscript { copy, path, sum } => {
                let mode = fs::metadata(&copy.origin).map_err(ActError::file(&copy.origin))?.permissions();
                create(path, mode, sum, &mut |out| copy.write(out))
            }
            Step::Create { path, sum, content } => {
                let folder = path.parent().unwrap_or(path);
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)
                    .map_err(ActError::file(folder))?;
                create(path, Permissions::from_mode(0o600), sum, &mut |out| {
                    out.write_all(content)?;
                    Ok(Sum::of(content))
                })
            }
            Step::Replace { path, old, mode, vault, aside, content, .. } => {
                replace(path, old.as_ref(), *mode, vault, aside, content)
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
            Step::CodexDelete { thread, files, rows, .. } => {
                // Whoever writes it may not write between the copy and the end.
                Ok(store().delete_after(thread, &mut |found| {
                    files.iter().try_for_each(|(file, aside)| copy(file, aside))?;
                    rows.as_ref().map_or(Ok(()), |rows| lay_aside(rows, found))
                })?)
            }
            Step::CodexFork { thread, origin, before, provider } => {
                Ok(store().fork_thread(origin, thread, *before, provider.as_deref())?)
            }
            Step::CodexCreate { thread, items } => thread.create(store(), items, (codex.now)()),
            Step::OpenCodeSet { database, session, column, old, new } => {
                opencode::set(database, session, *column, old, new)
            }
            Step::OpenCodeFork { database, fork } => {
                fork.make(database, (codex.now)().as_millis())?;
                Ok(())
            }
            Step::Overlay { dir, session, old, new } => overlay(dir, session, old, new),
            Step::OpenCodeDelete { database, sessions, rows } => opencode::delete(database, sessions, rows),
        }
    }

    /// Takes it back, also when it was done by half or not at all, unless `was_done` says that it was done as a whole.
    pub(crate) fn undo(&self, codex: &Places, was_done: bool) -> Result<(), ActError> {
        let store = || LocalThreadStore::new(codex.clone());
        match self {
            Step::Append { path, before, modified, text } => {
                if fs::metadata(path).is_ok_and(|facts| facts.len() == *before) {
                    return Ok(());
                }
                let mut file =
                    File::options().read(true).write(true).open(path).map_err(ActError::file(path))?;
                let end = tail(&mut file, *before, text.len()).map_err(ActError::file(path))?;
                if !end.is_some_and(|end| text.as_bytes().starts_with(&end)) {
                    return Err(written_since(path));
                }
                let back = || -> io::Result<()> {
                    file.set_len(*before)?;
                    if let Some(modified) = modified {
                        file.set_modified(*modified)?;
                    }
                    file.sync_all()
                };
                back().map_err(ActError::file(path))
            }
            Step::CopyTranscript { path, sum, .. } | Step::Create { path, sum, .. } => {
                let _ = fs::remove_file(unfinished(path));
                if !path.exists() {
                    return Ok(());
                }
                if Sum::of_file(path).map_err(ActError::file(path))? != *sum {
                    return Err(written_since(path));
                }
                fs::remove_file(path).map_err(ActError::file(path))
            }
            Step::Replace { path, old, new, old_mode, vault, aside, .. } => {
                put_back(path, old.as_ref(), new, old_mode.unwrap_or(0o600), vault, aside)
            }
            Step::Move { from, to } => {
                if !to.exists() && from.exists() {
                    return Ok(());
                }
                move_path(to, from).map_err(ActError::file(to))
            }
            Step::CodexName { thread, old, new } => {
                let store = store();
                let now = store.read_thread(thread)?.metadata.name;
                if now == *old {
                    return Ok(());
                }
                if now != *new {
                    return Err(ActError::changed(format!("thread {thread} got another name since")));
                }
                store.update_thread_metadata(thread, &name(old.as_ref()))?;
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
            // What is laid aside last was not: nothing was deleted.
            Step::CodexDelete { rows: Some(rows), .. } if !was_done && !rows.exists() => Ok(()),
            Step::CodexDelete { thread, files, metadata, rows } => {
                for (file, aside) in files {
                    if !file.exists() {
                        let next = unfinished(file);
                        copy(aside, &next)
                            .and_then(|()| fs::rename(&next, file))
                            .map_err(ActError::file(file))?;
                    } else if was_done && sum_of(file)? != sum_of(aside)? {
                        return Err(written_since(file));
                    }
                }
                let rows = rows.as_ref().and_then(|rows| fs::read(rows).ok());
                Ok(store().put_back(thread, (**metadata).clone(), rows.as_deref())?)
            }
            Step::CodexFork { thread, origin, .. } => {
                let store = store();
                match store.fork_has_own_items(thread, origin) {
                    Ok(false) => Ok(store.delete_thread(thread)?),
                    Ok(true) => Err(ActError::changed(format!("thread {thread} was gone on with since"))),
                    Err(StoreError::NotFound { .. }) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Step::CodexCreate { thread, .. } => {
                let store = store();
                let mut records = 0;
                let counted = store.load_history(&thread.id, &mut |_| {
                    records += 1;
                    ControlFlow::Continue(())
                });
                match counted {
                    Ok(_) if records > thread.records => {
                        Err(ActError::changed(format!("thread {} was gone on with since", thread.id)))
                    }
                    Ok(_) => Ok(store.delete_thread(&thread.id)?),
                    Err(StoreError::NotFound { .. }) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Step::OpenCodeSet { database, session, column, old, new } => {
                opencode::set(database, session, *column, new, old)
            }
            Step::OpenCodeFork { database, fork } => fork.take_back(database),
            Step::Overlay { dir, session, old, new } => overlay(dir, session, new, old),
            Step::OpenCodeDelete { rows, .. } if was_done && !rows.exists() => {
                Err(ActError::changed("what was deleted is not kept any more"))
            }
            Step::OpenCodeDelete { database, rows, .. } => opencode::put_back(database, rows),
        }
    }
}
