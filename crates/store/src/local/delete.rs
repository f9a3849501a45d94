//! Deleting threads with all that Codex' databases have of them, as Codex does itself, and putting them back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use marline_model::{ThreadId, ThreadMetadata};
use rusqlite::Connection;

use super::database::{newest, open_to_write};
use super::{LocalThreadStore, files, history, internal, names};
use crate::StoreError;
use crate::rows::{Fields, insert, rows_of};

/// Databases with rows of threads, the one that knows of all first. Source: 0.169, whose `thread/delete` leaves no row in
/// any of them; its diary (`logs_N.sqlite`) it keeps.
const DATABASES: [&str; 5] = ["state", "thread_history", "goals", "memories", "queue"];

/// Rows by table, by database.
type Rows = BTreeMap<String, Vec<(String, Vec<Fields>)>>;

/// How a thread is of one blood with others.
struct Kin {
    id: ThreadId,
    parent: Option<ThreadId>,
    inherits: Option<ThreadId>,
}

impl LocalThreadStore {
    /// Returns a thread with its sub-agents and theirs, those that were begun by others before these.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the home can't be read.
    pub fn family(&self, id: &ThreadId) -> Result<Vec<ThreadId>, StoreError> {
        let mut kin = self.kin()?;
        if let Ok(edges) = self.database().and_then(|database| database.edges()) {
            for one in &mut kin {
                let edge = edges.iter().find(|(_, child)| *child == one.id);
                one.parent = edge.map(|(parent, _)| parent.clone()).or(one.parent.take());
            }
        }
        let mut family = vec![id.clone()];
        let mut at = 0;
        while at < family.len() {
            let children = kin.iter().filter(|one| one.parent.as_ref() == Some(&family[at]));
            let new: Vec<ThreadId> =
                children.map(|one| one.id.clone()).filter(|child| !family.contains(child)).collect();
            family.extend(new);
            at += 1;
        }
        family.reverse();
        Ok(family)
    }

    /// Finds a thread that inherits by reference from one of some and is none of them, with the one that it inherits from.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the home can't be read.
    pub fn heir(&self, of: &[ThreadId]) -> Result<Option<(ThreadId, ThreadId)>, StoreError> {
        let heirs = self.kin()?.into_iter().filter_map(|one| Some((one.id, one.inherits?)));
        let mut heirs = heirs.filter(|(heir, origin)| of.contains(origin) && !of.contains(heir));
        Ok(heirs.next())
    }

    fn kin(&self) -> Result<Vec<Kin>, StoreError> {
        let rollouts = files::all(self.home()).map_err(internal(self.home()))?;
        // One that can't be read is nobody's child and nobody's heir.
        let headers = rollouts.into_iter().filter_map(|rollout| {
            let header = history::Header::read(&rollout.path).ok().flatten()?;
            let parent = header.parent();
            let inherits = header.history_base.map(|base| base.thread_id);
            Some(Kin { parent, inherits: inherits.filter(|origin| *origin != rollout.id), id: rollout.id })
        });
        Ok(headers.collect())
    }

    /// Deletes a thread after something was done that nobody writes it meanwhile; `before` is given what databases have of
    /// it, to be put back by [`LocalThreadStore::put_back`].
    ///
    /// # Errors
    /// Those of [`ThreadStore::delete_thread`]; [`StoreError::Internal`] with what `before` says, and nothing is deleted.
    ///
    /// [`ThreadStore::delete_thread`]: crate::ThreadStore::delete_thread
    pub fn delete_after(
        &self,
        id: &ThreadId,
        before: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let _lock = self.alone(id)?;
        let rollout = self.rollout(id)?;
        if let Some((heir, _)) = self.heir(std::slice::from_ref(id))? {
            return Err(StoreError::conflict(format!("thread {heir} inherits from {id}")));
        }
        let others = files::siblings(self.home(), &rollout).map_err(internal(self.home()))?;
        let databases = self.databases()?;
        let mut rows = Rows::new();
        for database in &databases {
            rows.insert(database.name.to_owned(), database.begin(id)?);
        }
        let kept = serde_json::to_vec(&rows).expect("rows are plain data");
        before(&kept).map_err(internal(&rollout.path))?;
        for database in &databases {
            database.remove(id)?;
        }
        names::remove(self.home(), id).map_err(internal(self.home()))?;
        for path in others.iter().chain([&rollout.path]) {
            fs::remove_file(path).map_err(internal(path))?;
        }
        Ok(())
    }

    /// Says again what was known of a thread whose files were put back: its name, and its rows, if they were kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the files were not put back.
    pub fn put_back(
        &self,
        id: &ThreadId,
        metadata: ThreadMetadata,
        rows: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let rollout = self.rollout(id)?;
        if self.has_row(id) != Some(true) {
            let rows: Rows = rows.and_then(|rows| serde_json::from_slice(rows).ok()).unwrap_or_default();
            for database in self.databases()? {
                database.put_back(rows.get(database.name).map_or(&[], Vec::as_slice))?;
            }
        }
        let mut thread = self.read(&rollout)?;
        let is_named = thread.metadata.name == metadata.name;
        if self.has_row(id) == Some(false) {
            thread.metadata = metadata.clone();
            self.put(&thread, &rollout.path, "marline")?;
        }
        if is_named {
            return Ok(());
        }
        names::set(self.home(), id, metadata.name.as_deref(), self.now()).map_err(internal(self.home()))
    }

    /// The databases that are there; none, where the one that knows of all is not, or is of a shape that is not known.
    fn databases(&self) -> Result<Vec<Rowed>, StoreError> {
        if self.writable()?.is_none() {
            return Ok(Vec::new());
        }
        let folder = &self.places.databases;
        let found = DATABASES.into_iter().filter_map(|name| Some((name, newest(folder, name)?)));
        found.map(|(name, path)| Rowed::open(name, path)).collect()
    }
}

/// A database with rows of threads.
struct Rowed {
    name: &'static str,
    path: PathBuf,
    connection: Connection,
}

/// A table with the condition under which a row is a thread's.
type Table = (String, &'static str);

impl Rowed {
    fn open(name: &'static str, path: PathBuf) -> Result<Self, StoreError> {
        let fail = |error: rusqlite::Error| StoreError::internal(path.display().to_string(), error);
        let connection = open_to_write(&path).map_err(fail)?;
        Ok(Rowed { name, path, connection })
    }

    fn fail(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.display().to_string();
        move |error| StoreError::internal(path.clone(), error)
    }

    /// The tables, those first that others refer to.
    fn tables(&self) -> rusqlite::Result<Vec<Table>> {
        let mut query = self.connection.prepare(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND (m.name = 'threads' AND c.name = 'id'
                OR m.name = 'thread_spawn_edges' AND c.name = 'child_thread_id' OR c.name = 'thread_id')
             ORDER BY m.name <> 'threads', m.name",
        )?;
        let tables = query.query_map([], |row| {
            Ok((
                row.get(0)?,
                match row.get_ref(1)?.as_str()? {
                    "id" => "id = ?1",
                    "child_thread_id" => "child_thread_id = ?1 OR parent_thread_id = ?1",
                    _ => "thread_id = ?1",
                },
            ))
        })?;
        tables.collect()
    }

    /// Returns a thread's rows; nobody else writes the database from then on.
    fn begin(&self, id: &ThreadId) -> Result<Vec<(String, Vec<Fields>)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(String, Vec<Fields>)>> {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let mut found = Vec::new();
            for (table, is_its) in self.tables()? {
                let query = format!("SELECT * FROM \"{table}\" WHERE {is_its}");
                let rows = rows_of(&self.connection, &query, &[&id.as_str()])?;
                found.extend((!rows.is_empty()).then_some((table, rows)));
            }
            Ok(found)
        };
        read().map_err(self.fail())
    }

    fn remove(&self, id: &ThreadId) -> Result<(), StoreError> {
        let remove = || -> rusqlite::Result<()> {
            for (table, is_its) in self.tables()?.into_iter().rev() {
                let query = format!("DELETE FROM \"{table}\" WHERE {is_its}");
                self.connection.execute(&query, [id.as_str()])?;
            }
            self.connection.execute_batch("COMMIT")
        };
        remove().map_err(self.fail())
    }

    fn put_back(&self, rows: &[(String, Vec<Fields>)]) -> Result<(), StoreError> {
        let put = || -> rusqlite::Result<()> {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let tables = self.tables()?;
            for (table, rows) in rows {
                if tables.iter().any(|(known, _)| known == table) {
                    rows.iter().try_for_each(|row| insert(&self.connection, table, "IGNORE", row))?;
                }
            }
            self.connection.execute_batch("COMMIT")
        };
        put().map_err(self.fail())
    }
}
