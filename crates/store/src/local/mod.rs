//! Threads as Codex keeps them.
//!
//! | what | where |
//! |---|---|
//! | history | `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, archived ones flat in `archived_sessions/` |
//! | what lists need | table `threads` of `state_N.sqlite`, where there is one |
//! | names | the database, and `session_index.jsonl` |
//! | who writes | `thread-writer-locks/<id>.lock` |
//!
//! The database is asked first and the files when it can't answer; [`LocalThreadStore::doubt`] says why.

mod database;
mod delete;
mod files;
mod fork;
mod header;
mod history;
mod ledger;
mod lock;
mod names;
mod rehome;
mod rollout;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use marline_model::{Change, HistoryMode, ThreadId, ThreadMetadataPatch, Timestamp};
use serde_json::{Map, Value, json};

pub use self::database::open_to_write;
use self::database::{Database, Doubt, NewRow};
use self::files::Rollout;
pub use self::fork::LISTED;
pub use self::ledger::Ledger;
pub use self::lock::WriterLock;
pub use self::rehome::{Goal, Rehomed, RehomedThread, Rehoming};
use self::rollout::RolloutRecorder;
use crate::query::{ListThreads, ThreadPage};
use crate::thread::{HistoryItem, Lineage, NewThread, ResumeThread, StoredItem, StoredThread};
use crate::{StoreError, ThreadStore, query};

/// Where a Codex keeps its threads, and what a store must be told of the world.
#[derive(Debug, Clone)]
pub struct Places {
    /// `CODEX_HOME`.
    pub home: PathBuf,
    /// Where its databases lie: `sqlite_home` of its configuration, else `CODEX_SQLITE_HOME`, else its home.
    pub databases: PathBuf,
    /// The provider of its configuration; lists show its threads unless they are asked for others.
    pub default_provider: Option<String>,
    /// Rollouts are filed under local dates: seconds east of UTC.
    pub utc_offset_seconds: i64,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Keeps threads below a Codex home.
pub struct LocalThreadStore {
    places: Places,
    writers: Mutex<HashMap<ThreadId, Writer>>,
}

struct Writer {
    recorder: RolloutRecorder,
    /// What a new thread is, until it is persisted.
    new: Option<StoredThread>,
    originator: String,
    _lock: WriterLock,
}

type Writers<'a> = MutexGuard<'a, HashMap<ThreadId, Writer>>;

fn internal(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let context = path.display().to_string();
    move |error| StoreError::internal(context.clone(), error)
}

fn not_found(id: &ThreadId) -> StoreError {
    StoreError::NotFound { id: id.clone() }
}

impl LocalThreadStore {
    /// A store on a Codex home, which need not be there.
    pub fn new(places: Places) -> Self {
        LocalThreadStore { places, writers: Mutex::default() }
    }

    /// Says why lists are made of the files, if they are.
    pub fn doubt(&self) -> Option<String> {
        self.database().err().map(|doubt| doubt.to_string())
    }

    /// Says whether there is no state database.
    pub fn lacks_database(&self) -> bool {
        matches!(self.database(), Err(Doubt::Missing { .. }))
    }

    /// Says whether the state database has a row of a thread; nothing where it can't be asked.
    pub fn has_row(&self, id: &ThreadId) -> Option<bool> {
        Some(self.database().ok()?.thread(id).ok()?.is_some())
    }

    /// Returns the threads that the state database has a row of and no file is there of.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the home can't be read.
    pub fn without_rollout(&self) -> Result<Vec<ThreadId>, StoreError> {
        let rollouts = files::all(self.home()).map_err(internal(self.home()))?;
        let there: HashSet<ThreadId> = rollouts.into_iter().map(|rollout| rollout.id).collect();
        let ids = self.database().and_then(|database| database.ids()).unwrap_or_default();
        Ok(ids.into_iter().filter(|id| !there.contains(id)).collect())
    }

    /// Returns where a thread's rollout lies.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    pub fn rollout_path(&self, id: &ThreadId) -> Result<PathBuf, StoreError> {
        Ok(self.rollout(id)?.path)
    }

    /// Returns all files of a thread: its rollout, older segments, twins.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    pub fn files(&self, id: &ThreadId) -> Result<Vec<PathBuf>, StoreError> {
        let rollout = self.rollout(id)?;
        let mut files = files::siblings(self.home(), &rollout).map_err(internal(self.home()))?;
        files.insert(0, rollout.path);
        Ok(files)
    }

    fn home(&self) -> &Path {
        &self.places.home
    }

    fn now(&self) -> Timestamp {
        (self.places.now)()
    }

    fn database(&self) -> Result<Database, Doubt> {
        Database::read(&self.places.databases)
    }

    /// The database to write to, where there is one. One that can't be written is an error: the two would diverge.
    fn writable(&self) -> Result<Option<Database>, StoreError> {
        match Database::write(&self.places.databases) {
            Ok(database) => Ok(Some(database)),
            Err(Doubt::Missing { .. } | Doubt::Unknown { .. }) => Ok(None),
            Err(doubt) => Err(StoreError::internal("the state database can't be written", doubt)),
        }
    }

    fn writers(&self) -> Writers<'_> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rollout(&self, id: &ThreadId) -> Result<Rollout, StoreError> {
        // What the database says is looked at: a path may be stale, or lead elsewhere.
        let known = self.database().ok().and_then(|database| database.thread(id).ok().flatten());
        if let Some((thread, path)) = known
            && path.starts_with(self.home())
            && path.is_file()
            && path.to_string_lossy().contains(id.as_str())
        {
            return Ok(Rollout { path, id: id.clone(), is_archived: thread.archived_at.is_some() });
        }
        files::find(self.home(), id).map_err(internal(self.home()))?.ok_or_else(|| not_found(id))
    }

    /// Finds the rollout that another one inherits from: of the same thread, its older segment.
    fn origin(&self, id: &ThreadId, heir: &Path) -> Option<PathBuf> {
        let rollout = self.rollout(id).ok()?;
        if rollout.path != heir {
            return Some(rollout.path);
        }
        files::siblings(self.home(), &rollout).ok()?.into_iter().next()
    }

    fn read(&self, rollout: &Rollout) -> Result<StoredThread, StoreError> {
        let names = names::all(self.home()).unwrap_or_default();
        let thread = files::thread(rollout, names.get(&rollout.id)).map_err(internal(&rollout.path))?;
        let thread = thread.ok_or_else(|| {
            StoreError::conflict(format!("{} has no header that can be read", rollout.path.display()))
        })?;
        if thread.id != rollout.id {
            return Err(StoreError::conflict(format!(
                "{} belongs to thread {}",
                rollout.path.display(),
                thread.id
            )));
        }
        let Some((row, _)) =
            self.database().ok().and_then(|database| database.thread(&rollout.id).ok().flatten())
        else {
            return Ok(thread);
        };
        // What the database does not know stands in the header.
        let mut metadata = row.metadata;
        metadata.name = thread.metadata.name.or(metadata.name);
        metadata.model_provider = metadata.model_provider.or(thread.metadata.model_provider);
        Ok(StoredThread {
            history_mode: thread.history_mode,
            forked_from: thread.forked_from,
            parent: row.parent.or(thread.parent),
            archived_at: if rollout.is_archived { row.archived_at.or(thread.archived_at) } else { None },
            metadata,
            id: row.id,
        })
    }

    /// Nobody writes it, and nobody begins to while the guard is held.
    fn alone(&self, id: &ThreadId) -> Result<WriterLock, StoreError> {
        if self.writers().contains_key(id) {
            return Err(StoreError::conflict(format!("thread {id} is being written")));
        }
        WriterLock::take(self.home(), id)
    }

    fn put(&self, thread: &StoredThread, rollout: &Path, originator: &str) -> Result<bool, StoreError> {
        let Some(database) = self.writable()? else { return Ok(false) };
        let row = NewRow { thread, rollout, originator };
        database.put(&row).map_err(|doubt| StoreError::internal("the state database", doubt))?;
        Ok(true)
    }

    fn new_path(&self, id: &ThreadId, at: Timestamp) -> PathBuf {
        let local =
            Timestamp::from_millis(at.as_millis() + self.places.utc_offset_seconds * 1000).to_string();
        let (date, time) = (&local[..10], local[11..19].replace(':', "-"));
        self.home()
            .join("sessions")
            .join(date.replace('-', "/"))
            .join(format!("rollout-{date}T{time}-{id}.jsonl"))
    }
}

/// The header of a new thread, in the order in which Codex writes it.
fn header(new: &NewThread, at: Timestamp) -> Result<HistoryItem, StoreError> {
    let metadata = &new.metadata;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    let source = metadata.source.as_deref().unwrap_or("cli");
    put("id", json!(new.id));
    put("session_id", json!(new.id));
    put("timestamp", json!(at));
    put("cwd", json!(metadata.cwd));
    put("originator", json!(new.originator));
    put("cli_version", json!(metadata.cli_version.as_deref().unwrap_or("0.0.0")));
    put(
        "source",
        serde_json::from_str(source).ok().filter(Value::is_object).unwrap_or_else(|| json!(source)),
    );
    put("thread_source", json!(metadata.thread_source));
    put("parent_thread_id", json!(new.parent));
    put("forked_from_id", json!(new.forked_from));
    put("agent_nickname", json!(metadata.agent_nickname));
    put("agent_role", json!(metadata.agent_role));
    put("agent_path", json!(metadata.agent_path));
    put("model_provider", json!(metadata.model_provider));
    put("memory_mode", json!(metadata.memory_mode));
    put("history_mode", json!(new.history_mode));
    put("history_base", json!(new.history_base));
    let git = json!({
        "commit_hash": metadata.git_sha, "branch": metadata.git_branch, "repository_url": metadata.git_origin_url,
    });
    let is_known = git.as_object().is_some_and(|git| git.values().any(|value| !value.is_null()));
    put("git", if is_known { git } else { Value::Null });
    let more: Map<String, Value> = match &new.more {
        Some(more) => serde_json::from_str(more.get()).map_err(|error| {
            StoreError::invalid(format!("the header's other fields are no JSON object: {error}"))
        })?,
        None => Map::new(),
    };
    for (name, value) in more {
        fields.entry(name).or_insert(value);
    }
    Ok(HistoryItem::new("session_meta", Value::Object(fields).to_string())?.at(at))
}

impl ThreadStore for LocalThreadStore {
    fn create_thread(&self, mut new: NewThread) -> Result<(), StoreError> {
        let mut writers = self.writers();
        if writers.contains_key(&new.id) || self.rollout(&new.id).is_ok() {
            return Err(StoreError::conflict(format!("there is a thread {} already", new.id)));
        }
        let lock = WriterLock::take(self.home(), &new.id)?;
        let at = *new.metadata.created_at.get_or_insert_with(|| self.now());
        new.metadata.updated_at.get_or_insert(at);
        let first = new.history_base.as_ref().map_or(0, |base| base.end_ordinal_exclusive);
        let mut recorder = RolloutRecorder::new(self.new_path(&new.id, at), new.history_mode, first);
        recorder.append(&[header(&new, at)?], at).map_err(internal(self.home()))?;
        let thread = StoredThread {
            id: new.id.clone(),
            history_mode: new.history_mode,
            forked_from: new.forked_from,
            parent: new.parent,
            archived_at: None,
            metadata: new.metadata,
        };
        let writer = Writer { recorder, new: Some(thread), originator: new.originator, _lock: lock };
        writers.insert(new.id, writer);
        Ok(())
    }

    fn resume_thread(&self, id: &ThreadId, how: ResumeThread) -> Result<(), StoreError> {
        let lock = self.alone(id)?;
        let mut rollout = self.rollout(id)?;
        if rollout.is_archived && !how.include_archived {
            return Err(StoreError::conflict(format!("thread {id} is archived")));
        }
        let thread = self.read(&rollout)?;
        if rollout.path.extension().is_some_and(|ending| ending == "zst") {
            rollout.path = materialise(&rollout.path).map_err(internal(&rollout.path))?;
            self.put(&thread, &rollout.path, "marline")?;
        }
        let recorder = RolloutRecorder::open(rollout.path.clone(), thread.history_mode);
        let recorder = recorder.map_err(internal(&rollout.path))?;
        let writer = Writer { recorder, new: None, originator: String::new(), _lock: lock };
        self.writers().insert(id.clone(), writer);
        Ok(())
    }

    fn append_items(&self, id: &ThreadId, items: &[HistoryItem]) -> Result<(), StoreError> {
        let now = self.now();
        let mut writers = self.writers();
        let recorder = &mut written(&mut writers, id)?.recorder;
        let path = recorder.path().to_owned();
        recorder.append(items, now).map_err(internal(&path))
    }

    fn persist_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        let mut writers = self.writers();
        let writer = written(&mut writers, id)?;
        let path = writer.recorder.path().to_owned();
        writer.recorder.persist().map_err(internal(&path))?;
        if let Some(thread) = writer.new.take() {
            let originator = writer.originator.clone();
            if let Err(error) = self.put(&thread, &path, &originator) {
                // What the database does not know of is not there.
                writer.recorder.take_back().map_err(internal(&path))?;
                writer.new = Some(thread);
                return Err(error);
            }
            if let Some(name) = &thread.metadata.name {
                names::set(self.home(), id, Some(name), self.now()).map_err(internal(self.home()))?;
            }
        }
        Ok(())
    }

    fn flush_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        let mut writers = self.writers();
        let recorder = &written(&mut writers, id)?.recorder;
        recorder.flush().map_err(internal(recorder.path()))
    }

    fn shutdown_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        self.flush_thread(id)?;
        self.discard_thread(id)
    }

    fn discard_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        let mut writers = self.writers();
        written(&mut writers, id)?;
        writers.remove(id);
        Ok(())
    }

    fn load_history(
        &self,
        id: &ThreadId,
        visit: &mut dyn FnMut(StoredItem) -> ControlFlow<()>,
    ) -> Result<Lineage, StoreError> {
        let rollout = self.rollout(id)?;
        let find = |id: &ThreadId, heir: &Path| self.origin(id, heir);
        history::load(rollout.path.clone(), &find, visit).map_err(internal(&rollout.path))
    }

    fn load_latest_model_context(&self, id: &ThreadId) -> Result<Vec<StoredItem>, StoreError> {
        let rollout = self.rollout(id)?;
        if rollout.path.extension().is_some_and(|ending| ending == "jsonl") {
            let tail = history::since_compaction(&rollout.path).map_err(internal(&rollout.path))?;
            // Legacy records bear no numbers: those are counted from the beginning.
            if let Some(items) = tail.filter(|items| items.iter().all(|item| item.ordinal > 0)) {
                return Ok(items);
            }
        }
        let mut items = Vec::new();
        self.load_history(id, &mut |item| {
            if &*item.item.kind == "compacted" {
                items.clear();
            }
            items.push(item);
            ControlFlow::Continue(())
        })?;
        Ok(items)
    }

    fn read_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError> {
        self.read(&self.rollout(id)?)
    }

    fn list_threads(&self, list: &ListThreads) -> Result<ThreadPage, StoreError> {
        if let Some(cursor) = &list.cursor {
            cursor.check(list)?;
        }
        let provider = self.places.default_provider.as_deref();
        let names = names::all(self.home()).unwrap_or_default();
        let term = list.search_term.as_ref().map(|term| term.to_lowercase());
        let is_meant = |name: &str| term.as_ref().is_some_and(|term| name.to_lowercase().contains(term));
        let named: Vec<ThreadId> =
            names.iter().filter(|(_, name)| is_meant(name)).map(|(id, _)| id.clone()).collect();
        if let Ok(mut page) = self.database().and_then(|database| database.list(list, provider, &named)) {
            for thread in &mut page.threads {
                let name = names.get(&thread.id).cloned();
                thread.metadata.name = name.or(thread.metadata.name.take());
            }
            return Ok(page);
        }
        let all = self.scan()?;
        let related = list.relation.as_ref().map(|relation| query::related(&all, relation));
        let held = all.into_iter().filter(|thread| {
            list.holds(thread, provider)
                && related.as_ref().is_none_or(|related| related.contains(&thread.id))
        });
        list.page(held.collect())
    }

    fn update_thread_metadata(
        &self,
        id: &ThreadId,
        patch: &ThreadMetadataPatch,
    ) -> Result<StoredThread, StoreError> {
        query::check(patch)?;
        let rollout = self.rollout(id)?;
        let mut thread = self.read(&rollout)?;
        thread.metadata.apply(patch);
        let has_database = self.put(&thread, &rollout.path, "marline")?;
        if !patch.name.is_leave() {
            let name = thread.metadata.name.as_deref();
            names::set(self.home(), id, name, self.now()).map_err(internal(self.home()))?;
        }
        let says_git =
            !(patch.git_sha.is_leave() && patch.git_branch.is_leave() && patch.git_origin_url.is_leave());
        if thread.history_mode == HistoryMode::Legacy && (says_git || !patch.memory_mode.is_leave()) {
            self.append_header(&rollout, &thread)?;
        } else if !has_database && (says_git || matches!(patch.memory_mode, Change::Set(_))) {
            return Err(StoreError::Unsupported {
                operation: "changing git or memory facts",
                reason: "a paginated thread keeps them in the state database, and there is none".to_owned(),
            });
        }
        Ok(thread)
    }

    fn archive_thread(&self, id: &ThreadId, now: Timestamp) -> Result<(), StoreError> {
        let _lock = self.alone(id)?;
        let rollout = self.rollout(id)?;
        if rollout.is_archived {
            return Err(StoreError::conflict(format!("thread {id} is archived already")));
        }
        let mut thread = self.read(&rollout)?;
        let folder = self.home().join("archived_sessions");
        fs::create_dir_all(&folder).map_err(internal(&folder))?;
        let to = folder.join(rollout.path.file_name().unwrap_or_default());
        thread.archived_at = Some(now);
        self.moved(&rollout.path, &to, &thread)
    }

    fn unarchive_thread(&self, id: &ThreadId) -> Result<StoredThread, StoreError> {
        let _lock = self.alone(id)?;
        let rollout = self.rollout(id)?;
        if !rollout.is_archived {
            return Err(StoreError::conflict(format!("thread {id} is not archived")));
        }
        let mut thread = self.read(&rollout)?;
        let name = rollout.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // `rollout-2026-11-21T…`: the day is in the name.
        let day = name.get(8..18).unwrap_or("1970-01-01").replace('-', "/");
        let folder = self.home().join("sessions").join(day);
        fs::create_dir_all(&folder).map_err(internal(&folder))?;
        thread.archived_at = None;
        self.moved(&rollout.path, &folder.join(name), &thread)?;
        Ok(thread)
    }

    fn delete_thread(&self, id: &ThreadId) -> Result<(), StoreError> {
        self.delete_after(id, &mut |_| Ok(()))
    }
}

fn written<'a>(writers: &'a mut Writers<'_>, id: &ThreadId) -> Result<&'a mut Writer, StoreError> {
    writers.get_mut(id).ok_or_else(|| StoreError::conflict(format!("thread {id} has no writer here")))
}

/// Makes a plain rollout of a compressed one, which goes.
fn materialise(path: &Path) -> io::Result<PathBuf> {
    let plain = path.with_extension("");
    let next = plain.with_extension("jsonl.marline");
    let times = fs::metadata(path)?;
    let mut file = File::create(&next)?;
    zstd::stream::copy_decode(File::open(path)?, &mut file)?;
    file.set_times(FileTimes::new().set_modified(times.modified()?))?;
    file.sync_all()?;
    fs::rename(&next, &plain)?;
    fs::remove_file(path)?;
    Ok(plain)
}

impl LocalThreadStore {
    /// All threads as their files tell, in no order.
    fn scan(&self) -> Result<Vec<StoredThread>, StoreError> {
        let names = names::all(self.home()).unwrap_or_default();
        let rollouts = files::all(self.home()).map_err(internal(self.home()))?;
        // A file that can't be read is a thread less, not a list less.
        let read = rollouts
            .iter()
            .filter_map(|rollout| files::thread(rollout, names.get(&rollout.id)).ok().flatten());
        Ok(read.collect())
    }

    /// Moves a rollout and says so in the database; what can't be said is moved back.
    fn moved(&self, from: &Path, to: &Path, thread: &StoredThread) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::conflict(format!("{} is there already", to.display())));
        }
        fs::rename(from, to).map_err(internal(from))?;
        if thread.archived_at.is_none() {
            // As Codex does: what was taken back is at the head of the lists that go by files.
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now().as_millis().max(0) as u64);
            let file = File::options().write(true).open(to).map_err(internal(to))?;
            file.set_times(FileTimes::new().set_modified(now)).map_err(internal(to))?;
        }
        self.put(thread, to, "marline").map(|_| ()).inspect_err(|_| {
            let _ = fs::rename(to, from);
        })
    }

    /// Legacy threads keep changed git and memory facts as another header.
    fn append_header(&self, rollout: &Rollout, thread: &StoredThread) -> Result<(), StoreError> {
        let mut new = NewThread::new(thread.id.clone(), "", "");
        (new.history_mode, new.metadata) = (HistoryMode::Legacy, thread.metadata.clone());
        let now = self.now();
        let line = header(&new, thread.metadata.created_at.unwrap_or(now))?.at(now);
        if let Some(writer) = self.writers().get_mut(&thread.id) {
            return writer.recorder.append(&[line], now).map_err(internal(&rollout.path));
        }
        let _lock = WriterLock::take(self.home(), &thread.id)?;
        let append = || -> io::Result<()> {
            let mut recorder = RolloutRecorder::open(rollout.path.clone(), HistoryMode::Legacy)?;
            recorder.append(std::slice::from_ref(&line), now)?;
            recorder.flush()
        };
        append().map_err(internal(&rollout.path))
    }
}
