//! Codex' own database, `state_N.sqlite`: what lists need of each thread.
//!
//! It is opened for each question, read-only, with a short wait; its columns are looked at first. Whatever is doubtful
//! is an answer of its own ([`Doubt`]), and the caller asks the files instead. Source: 0.80 to 0.169, where the columns grew
//! from 17 to 44 under one name.

use std::collections::HashSet;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use marline_agents::agent::DatabaseError;
use marline_agents::database::{ReadOnly, open_read_only};
use marline_model::{HistoryMode, ThreadId, ThreadMetadata, ThreadSource, Timestamp};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, params_from_iter};

use crate::query::{Cursor, Direction, ListThreads, Relation, SortKey, ThreadPage};
use crate::thread::StoredThread;

/// How long another writer is waited for, before the files are asked.
const READ_WAIT: Duration = Duration::from_millis(250);
/// How long when something is to be written: as long as Codex itself waits.
const WRITE_WAIT: Duration = Duration::from_secs(5);

/// An SQL function: says whether a text holds another one, whatever the case. SQLite's own knows the case of ASCII alone.
const HOLDS: &str = "marline_holds";

fn holds(context: &Context<'_>) -> rusqlite::Result<bool> {
    let text: Option<String> = context.get(0)?;
    let term: String = context.get(1)?;
    Ok(text.is_some_and(|text| text.to_lowercase().contains(&term)))
}

/// Why the database was not used.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// There is none.
    #[error("there is no state database in {folder}")]
    Missing { folder: PathBuf },
    /// It is of a shape that is not known.
    #[error("{path} lacks the columns {columns}")]
    Unknown { path: PathBuf, columns: String },
    /// It can't be read or written now.
    #[error("{path}: {source}")]
    Failed { path: PathBuf, source: rusqlite::Error },
    /// It can't be opened without a trace.
    #[error(transparent)]
    Closed(#[from] DatabaseError),
}

/// A connection that leaves no trace in the agent's home, or one that writes.
enum Opened {
    Read(ReadOnly),
    Write(Connection),
}

impl Deref for Opened {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Opened::Read(read) => &read.connection,
            Opened::Write(connection) => connection,
        }
    }
}

/// An open database.
pub struct Database {
    path: PathBuf,
    connection: Opened,
    columns: HashSet<String>,
    /// It knows which thread began which.
    has_edges: bool,
}

/// A row as it is to be.
pub struct NewRow<'a> {
    pub thread: &'a StoredThread,
    pub rollout: &'a Path,
    pub originator: &'a str,
}

/// Opens an agent's database to write.
///
/// # Errors
/// What SQLite says, also when another writer keeps it for longer than Codex itself would wait.
pub fn open_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let begun = Instant::now();
    loop {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(WRITE_WAIT)?;
        match connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
            // While a thread of this process reads it without a trace, no other one can write.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::ReadOnly)
                    && !connection.is_readonly("main")?
                    && begun.elapsed() < WRITE_WAIT =>
            {
                drop(connection);
                std::thread::sleep(Duration::from_millis(10));
            }
            probed => return probed.map(|()| connection),
        }
    }
}

/// The newest database of a kind in a directory: `state_5.sqlite`.
pub fn newest(folder: &Path, kind: &str) -> Option<PathBuf> {
    let names = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let numbered = names.filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        let number: u32 =
            name.strip_prefix(kind)?.strip_prefix('_')?.strip_suffix(".sqlite")?.parse().ok()?;
        Some((number, path))
    });
    numbered.max().map(|(_, path)| path)
}

impl Database {
    /// Opens it to read.
    pub fn read(folder: &Path) -> Result<Self, Doubt> {
        Self::open(folder, READ_WAIT, &|path| Ok(Opened::Read(open_read_only(path)?)))
    }

    /// Opens it to write.
    pub fn write(folder: &Path) -> Result<Self, Doubt> {
        Self::open(folder, WRITE_WAIT, &|path| {
            let failed = |source| Doubt::Failed { path: path.to_owned(), source };
            Ok(Opened::Write(open_to_write(path).map_err(failed)?))
        })
    }

    fn open(
        folder: &Path,
        wait: Duration,
        connect: &dyn Fn(&Path) -> Result<Opened, Doubt>,
    ) -> Result<Self, Doubt> {
        let path = newest(folder, "state").ok_or_else(|| Doubt::Missing { folder: folder.to_owned() })?;
        let connection = connect(&path)?;
        let look = || -> rusqlite::Result<(HashSet<String>, bool)> {
            connection.busy_timeout(wait)?;
            let plain = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
            connection.create_scalar_function(HOLDS, 2, plain, holds)?;
            let columns = {
                let mut query = connection.prepare("SELECT name FROM pragma_table_info('threads')")?;
                query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
            };
            let edges = "SELECT 1 FROM sqlite_master WHERE name = 'thread_spawn_edges'";
            let has_edges = connection.query_row(edges, [], |_| Ok(())).optional()?.is_some();
            Ok((columns, has_edges))
        };
        let (columns, has_edges) = look().map_err(|source| Doubt::Failed { path: path.clone(), source })?;
        const NEEDED: [&str; 7] =
            ["id", "rollout_path", "created_at", "updated_at", "source", "model_provider", "cwd"];
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| !columns.contains(*name)).collect();
        if !missing.is_empty() {
            return Err(Doubt::Unknown { path, columns: missing.join(", ") });
        }
        Ok(Database { path, connection, columns, has_edges })
    }

    fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    fn or_null(&self, column: &'static str) -> String {
        if self.has(column) { format!("t.{column}") } else { "NULL".to_owned() }
    }

    /// A time in milliseconds, whichever of the two columns there is.
    fn time(&self, seconds: &str, millis: &str) -> String {
        match (self.has(seconds), self.has(millis)) {
            (true, true) => format!("COALESCE(NULLIF(t.{millis}, 0), t.{seconds} * 1000)"),
            (true, false) => format!("t.{seconds} * 1000"),
            (false, true) => format!("t.{millis}"),
            (false, false) => "NULL".to_owned(),
        }
    }

    /// What is ordered by, and how many milliseconds are one of it: a bare column where all rows have it, for there is an
    /// index on it.
    fn order(&self, sort: SortKey) -> (String, i64) {
        let (seconds, millis) = match sort {
            SortKey::Created => ("created_at", "created_at_ms"),
            SortKey::Updated => ("updated_at", "updated_at_ms"),
            SortKey::Recency => ("recency_at", "recency_at_ms"),
        };
        for (column, other, unit) in [(millis, "", 1), (seconds, millis, 1000)] {
            if self.has(column) && !self.has(other) && self.is_everywhere(column) {
                return (format!("t.{column}"), unit);
            }
        }
        let updated = self.time("updated_at", "updated_at_ms");
        (format!("COALESCE({}, {updated}, 0)", self.time(seconds, millis)), 1)
    }

    fn is_everywhere(&self, column: &str) -> bool {
        let query = format!("SELECT 1 FROM threads WHERE {column} IS NULL OR {column} = 0 LIMIT 1");
        matches!(self.connection.query_row(&query, [], |_| Ok(())).optional(), Ok(None))
    }

    fn select(&self) -> String {
        let column = |name| self.or_null(name);
        let parent = if self.has_edges {
            "(SELECT e.parent_thread_id FROM thread_spawn_edges e WHERE e.child_thread_id = t.id)"
        } else {
            "NULL"
        };
        [
            "t.id".to_owned(),
            "t.rollout_path".to_owned(),
            column("history_mode"),
            column("archived"),
            column("archived_at"),
            column("name"),
            column("preview"),
            column("title"),
            column("model"),
            column("model_provider"),
            column("reasoning_effort"),
            self.time("created_at", "created_at_ms"),
            self.time("updated_at", "updated_at_ms"),
            self.time("recency_at", "recency_at_ms"),
            column("source"),
            column("thread_source"),
            column("agent_nickname"),
            column("agent_role"),
            column("agent_path"),
            column("cwd"),
            column("cli_version"),
            column("approval_mode"),
            column("sandbox_policy"),
            column("tokens_used"),
            column("first_user_message"),
            column("git_sha"),
            column("git_branch"),
            column("git_origin_url"),
            column("memory_mode"),
            parent.to_owned(),
        ]
        .join(", ")
    }

    fn doubt(&self) -> impl Fn(rusqlite::Error) -> Doubt + use<> {
        let path = self.path.clone();
        move |source| Doubt::Failed { path: path.clone(), source }
    }

    /// Returns a thread with the place of its rollout.
    pub fn thread(&self, id: &ThreadId) -> Result<Option<(StoredThread, PathBuf)>, Doubt> {
        let query = format!("SELECT {} FROM threads t WHERE t.id = ?1", self.select());
        let row = self.connection.query_row(&query, [id.as_str()], read).optional().map_err(self.doubt())?;
        Ok(row.flatten())
    }

    /// Lists threads; `named` are those whose name in the index holds the search term: of legacy threads the name stands
    /// nowhere else.
    pub fn list(
        &self,
        list: &ListThreads,
        default_provider: Option<&str>,
        named: &[ThreadId],
    ) -> Result<ThreadPage, Doubt> {
        let mut wheres = vec!["1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut one_of = |column: &str, allowed: &[String]| {
            values.extend(allowed.iter().cloned().map(Value::from));
            format!("t.{column} IN ({})", vec!["?"; allowed.len()].join(", "))
        };
        match (&list.model_providers, default_provider) {
            (None, Some(provider)) => wheres.push(one_of("model_provider", &[provider.to_owned()])),
            (Some(providers), _) if !providers.is_empty() => wheres.push(one_of("model_provider", providers)),
            _ => {}
        }
        if let Some(sources) = &list.sources {
            wheres.push(one_of("source", sources));
        }
        if let Some(cwds) = &list.cwds {
            wheres.push(one_of("cwd", cwds));
        }
        if self.has("archived") {
            wheres.push(format!("t.archived = {}", i32::from(list.archived)));
        }
        if let Some(term) = &list.search_term {
            let columns = ["name", "title", "preview"].into_iter().filter(|column| self.has(column));
            let mut places: Vec<String> = columns.map(|column| format!("{HOLDS}(t.{column}, ?)")).collect();
            values.extend(places.iter().map(|_| Value::from(term.to_lowercase())));
            places.push(format!("t.id IN ({})", vec!["?"; named.len()].join(", ")));
            values.extend(named.iter().map(|id| Value::from(id.as_str().to_owned())));
            wheres.push(format!("({})", places.join(" OR ")));
        }
        let children = |id: &ThreadId| Value::from(id.as_str().to_owned());
        match &list.relation {
            Some(_) if !self.has_edges => wheres.push("0".to_owned()),
            Some(Relation::ChildrenOf(id)) => {
                values.push(children(id));
                let of = "SELECT child_thread_id FROM thread_spawn_edges WHERE parent_thread_id = ?";
                wheres.push(format!("t.id IN ({of})"));
            }
            Some(Relation::DescendantsOf(id)) => {
                values.extend([children(id), children(id)]);
                wheres.push(
                    "t.id IN (WITH RECURSIVE below(id) AS (
                        SELECT child_thread_id FROM thread_spawn_edges WHERE parent_thread_id = ?
                        UNION SELECT e.child_thread_id FROM thread_spawn_edges e JOIN below b ON e.parent_thread_id = b.id)
                     SELECT id FROM below) AND t.id <> ?"
                        .to_owned(),
                );
            }
            None => {}
        }
        let (order, unit) = self.order(list.sort);
        let (direction, sign) = match list.direction {
            Direction::Descending => ("DESC", "<"),
            Direction::Ascending => ("ASC", ">"),
        };
        if let Some(Cursor { key, id, .. }) = &list.cursor {
            wheres.push(format!("({order}, t.id) {sign} (?, ?)"));
            values.extend([Value::from(*key / unit), Value::from(id.as_str().to_owned())]);
        }
        let query = format!(
            "SELECT {} FROM threads t WHERE {} ORDER BY {order} {direction}, t.id {direction} LIMIT {}",
            self.select(),
            wheres.join(" AND "),
            list.limit() + 1
        );
        let rows = || -> rusqlite::Result<Vec<StoredThread>> {
            let mut query = self.connection.prepare(&query)?;
            let rows = query.query_map(params_from_iter(values), read)?;
            Ok(rows
                .collect::<rusqlite::Result<Vec<_>>>()?
                .into_iter()
                .flatten()
                .map(|(thread, _)| thread)
                .collect())
        };
        let mut threads = rows().map_err(self.doubt())?;
        let is_more = threads.len() > list.limit();
        threads.truncate(list.limit());
        let next = threads.last().filter(|_| is_more).map(|last| Cursor::of(list, last));
        Ok(ThreadPage { threads, next })
    }

    /// Writes a row, or makes one.
    pub fn put(&self, row: &NewRow<'_>) -> Result<(), Doubt> {
        let NewRow { thread, rollout, originator } = row;
        let metadata = &thread.metadata;
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::from);
        let full = |value: &Option<String>| Value::from(value.clone().unwrap_or_default());
        let created = metadata.created_at.map_or(0, Timestamp::as_millis);
        let updated = metadata.updated_at.map_or(created, Timestamp::as_millis);
        let recency = metadata.recency_at.map_or(updated, Timestamp::as_millis);
        let archived = thread.archived_at.map(|at| at.as_millis() / 1000);
        let mode = match thread.history_mode {
            HistoryMode::Legacy => "legacy",
            HistoryMode::Paginated => "paginated",
        };
        let thread_source = metadata.thread_source.as_ref().map(|source| source.as_str().to_owned());
        let permissions =
            metadata.permissions.clone().unwrap_or_else(|| r#"{"type":"read-only"}"#.to_owned());
        let values: Vec<(&str, Value)> = vec![
            ("rollout_path", Value::from(rollout.display().to_string())),
            ("created_at", Value::from(created / 1000)),
            ("updated_at", Value::from(updated / 1000)),
            ("created_at_ms", Value::from(created)),
            ("updated_at_ms", Value::from(updated)),
            ("recency_at", Value::from(recency / 1000)),
            ("recency_at_ms", Value::from(recency)),
            ("source", full(&metadata.source)),
            ("model_provider", full(&metadata.model_provider)),
            ("cwd", full(&metadata.cwd)),
            ("title", full(&metadata.title)),
            ("name", text(&metadata.name)),
            ("preview", full(&metadata.preview)),
            ("first_user_message", full(&metadata.first_user_message)),
            ("sandbox_policy", Value::from(permissions)),
            (
                "approval_mode",
                Value::from(metadata.approval_mode.clone().unwrap_or_else(|| "on-request".to_owned())),
            ),
            ("tokens_used", Value::from(metadata.token_usage.unwrap_or(0) as i64)),
            ("archived", Value::from(i64::from(archived.is_some()))),
            ("archived_at", archived.map_or(Value::Null, Value::from)),
            ("git_sha", text(&metadata.git_sha)),
            ("git_branch", text(&metadata.git_branch)),
            ("git_origin_url", text(&metadata.git_origin_url)),
            ("cli_version", full(&metadata.cli_version)),
            ("agent_nickname", text(&metadata.agent_nickname)),
            ("agent_role", text(&metadata.agent_role)),
            ("agent_path", text(&metadata.agent_path)),
            (
                "memory_mode",
                Value::from(metadata.memory_mode.clone().unwrap_or_else(|| "enabled".to_owned())),
            ),
            ("model", text(&metadata.model)),
            ("reasoning_effort", text(&metadata.reasoning_effort)),
            ("thread_source", text(&thread_source)),
            ("history_mode", Value::from(mode.to_owned())),
        ];
        let values: Vec<(&str, Value)> = values.into_iter().filter(|(name, _)| self.has(name)).collect();
        let sets: Vec<String> = values.iter().map(|(name, _)| format!("{name} = ?")).collect();
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.unchecked_transaction()?;
            let id = Value::from(thread.id.as_str().to_owned());
            let plain: Vec<Value> = values.iter().map(|(_, value)| value.clone()).collect();
            let update = format!("UPDATE threads SET {} WHERE id = ?", sets.join(", "));
            let changed = transaction.execute(&update, params_from_iter(plain.iter().chain([&id])))?;
            if changed == 0 {
                let marks = vec!["?"; names.len() + 1].join(", ");
                let insert = format!("INSERT INTO threads ({}, id) VALUES ({marks})", names.join(", "));
                transaction.execute(&insert, params_from_iter(plain.iter().chain([&id])))?;
                if self.has("originator") {
                    let query = "UPDATE threads SET originator = ?1 WHERE id = ?2";
                    transaction.execute(query, [originator, thread.id.as_str()])?;
                }
                if let (Some(parent), true) = (&thread.parent, self.has_edges) {
                    let query =
                        "INSERT OR IGNORE INTO thread_spawn_edges (parent_thread_id, child_thread_id, status)
                        VALUES (?1, ?2, 'open')";
                    transaction.execute(query, [parent.as_str(), thread.id.as_str()])?;
                }
            }
            transaction.commit()
        };
        write().map_err(self.doubt())
    }

    /// The provider of a thread's row, if it has one.
    pub fn provider(&self, id: &ThreadId) -> Result<Option<String>, Doubt> {
        let read = || {
            let mut query =
                self.connection.prepare_cached("SELECT model_provider FROM threads WHERE id = ?1")?;
            query.query_row([id.as_str()], |row| row.get(0)).optional()
        };
        read().map_err(self.doubt())
    }

    /// Sets the providers of threads, all or none; what has no row is passed over.
    pub fn set_providers<'a>(
        &self,
        rows: impl Iterator<Item = (&'a ThreadId, &'a str)>,
    ) -> Result<(), Doubt> {
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.unchecked_transaction()?;
            for (id, provider) in rows {
                transaction
                    .prepare_cached(
                        "UPDATE threads SET model_provider = ?2 WHERE id = ?1 AND model_provider <> ?2",
                    )?
                    .execute([id.as_str(), provider])?;
            }
            transaction.commit()
        };
        write().map_err(self.doubt())
    }

    /// The threads that have a row.
    pub fn ids(&self) -> Result<Vec<ThreadId>, Doubt> {
        let read = || -> rusqlite::Result<Vec<String>> {
            self.connection.prepare("SELECT id FROM threads")?.query_map([], |row| row.get(0))?.collect()
        };
        Ok(read().map_err(self.doubt())?.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Which thread began which: parent and child.
    pub fn edges(&self) -> Result<Vec<(ThreadId, ThreadId)>, Doubt> {
        if !self.has_edges {
            return Ok(Vec::new());
        }
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let query = "SELECT parent_thread_id, child_thread_id FROM thread_spawn_edges";
            let mut query = self.connection.prepare(query)?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let edges = read().map_err(self.doubt())?.into_iter();
        Ok(edges.filter_map(|(parent, child)| Some((parent.parse().ok()?, child.parse().ok()?))).collect())
    }
}

/// Reads a row; one whose id or history mode is not known is passed over.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<(StoredThread, PathBuf)>> {
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let time = |at: usize| row.get::<_, Option<i64>>(at).map(|at| at.map(Timestamp::from_millis));
    let id: String = row.get(0)?;
    let mode = match text(2)?.as_deref() {
        None | Some("legacy") => HistoryMode::Legacy,
        Some("paginated") => HistoryMode::Paginated,
        Some(_) => return Ok(None),
    };
    let Ok(id) = id.parse() else { return Ok(None) };
    let is_archived = row.get::<_, Option<i64>>(3)?.unwrap_or(0) != 0;
    let archived_at = row.get::<_, Option<i64>>(4)?.map_or(0, |at| at * 1000);
    let known = |value: Option<String>| value.filter(|value| !value.is_empty());
    let metadata = ThreadMetadata {
        name: text(5)?,
        preview: known(text(6)?),
        title: known(text(7)?),
        model: text(8)?,
        model_provider: known(text(9)?),
        reasoning_effort: text(10)?,
        created_at: time(11)?,
        updated_at: time(12)?,
        recency_at: time(13)?,
        source: text(14)?,
        thread_source: text(15)?.as_deref().map(ThreadSource::from),
        agent_nickname: text(16)?,
        agent_role: text(17)?,
        agent_path: text(18)?,
        cwd: known(text(19)?),
        cli_version: known(text(20)?),
        approval_mode: known(text(21)?),
        permissions: known(text(22)?),
        token_usage: row.get::<_, Option<i64>>(23)?.map(|tokens| tokens.max(0) as u64),
        first_user_message: known(text(24)?),
        git_sha: text(25)?,
        git_branch: text(26)?,
        git_origin_url: text(27)?,
        memory_mode: text(28)?,
    };
    let rollout = PathBuf::from(row.get::<_, String>(1)?);
    let thread = StoredThread {
        id,
        history_mode: mode,
        forked_from: None,
        parent: text(29)?.and_then(|parent| parent.parse().ok()),
        archived_at: is_archived.then(|| Timestamp::from_millis(archived_at)),
        metadata,
    };
    Ok(Some((thread, rollout)))
}
