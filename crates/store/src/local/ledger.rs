//! What was re-homed: the first provider of each session, and how to bring its bytes back.
//!
//! A batch is written down before its first byte is changed (`intents`) and taken off when all of it is done, so that
//! whoever opens the ledger after a kill brings back what stands half-way. Kilobytes: of a header only what differs is kept.

use std::path::{Path, PathBuf};

use marline_model::ThreadId;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;

/// A change of a few bytes of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The rollout.
    pub path: PathBuf,
    /// Its thread.
    pub thread: ThreadId,
    /// Where the header begins.
    pub line: u64,
    /// Where in the header it changes.
    pub start: usize,
    /// The bytes before.
    pub before: Vec<u8>,
    /// As many bytes behind.
    pub after: Vec<u8>,
    /// The provider that its row names before, if it has one.
    pub row_before: Option<String>,
    /// The provider that its row names then.
    pub row_after: Option<String>,
    /// The provider then.
    pub provider: String,
    /// How long the file was, and when it was written last, in nanoseconds since 1970: a kill between the change and the
    /// setting back of that time leaves another one.
    pub stood: Option<(u64, i64)>,
}

/// What is known of a session that was re-homed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where its header differs from the first one.
    pub start: usize,
    /// The first bytes there.
    pub original: Vec<u8>,
    /// The bytes there now.
    pub now: Vec<u8>,
    /// Its first provider.
    pub first: String,
    /// Its row's first provider.
    pub first_row: Option<String>,
    /// The provider that Marline gave it last.
    pub provider: String,
    /// How often somebody else gave it another one since.
    pub flips: u32,
}

/// The ledger's file.
pub struct Ledger {
    connection: Connection,
}

fn fail(error: rusqlite::Error) -> StoreError {
    StoreError::internal("the ledger of re-homed sessions", error)
}

/// A rollout is known by its name: it moves to the archive and back.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Ledger {
    /// Opens the ledger of a directory, making it as needed.
    ///
    /// # Errors
    /// [`StoreError::Internal`]
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(dir.join("rehomed.db")).map_err(fail)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(fail)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS rehomed (file TEXT NOT NULL PRIMARY KEY, start INTEGER NOT NULL,
                    original BLOB NOT NULL, now BLOB NOT NULL, first TEXT NOT NULL, first_row TEXT,
                    provider TEXT NOT NULL, flips INTEGER NOT NULL) WITHOUT ROWID;
                 CREATE TABLE IF NOT EXISTS intents (path TEXT NOT NULL PRIMARY KEY, thread TEXT NOT NULL,
                    line INTEGER NOT NULL, start INTEGER NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL,
                    row_before TEXT, provider TEXT NOT NULL, length INTEGER, modified INTEGER) WITHOUT ROWID;",
            )
            .map_err(fail)?;
        let has_times = || connection.prepare("SELECT length, modified FROM intents").map(drop);
        if has_times().is_err() {
            // A ledger of before lacks them; another process may add them at the same time.
            let add =
                |name| connection.execute(&format!("ALTER TABLE intents ADD COLUMN {name} INTEGER"), []);
            let _ = (add("length"), add("modified"));
            has_times().map_err(fail)?;
        }
        Ok(Ledger { connection })
    }

    /// What is known of a rollout.
    pub(super) fn kept(&self, path: &Path) -> Result<Option<Kept>, StoreError> {
        let query =
            "SELECT start, original, now, first, first_row, provider, flips FROM rehomed WHERE file = ?1";
        let mut query = self.connection.prepare_cached(query).map_err(fail)?;
        let kept = query.query_row([name(path)], |row| {
            Ok(Kept {
                start: row.get::<_, i64>(0)? as usize,
                original: row.get(1)?,
                now: row.get(2)?,
                first: row.get(3)?,
                first_row: row.get(4)?,
                provider: row.get(5)?,
                flips: row.get(6)?,
            })
        });
        kept.optional().map_err(fail)
    }

    /// Writes down what is about to be changed.
    pub(super) fn intend(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let work = || -> rusqlite::Result<()> {
            let work = self.connection.unchecked_transaction()?;
            for change in changes {
                work.prepare_cached(
                    "INSERT OR REPLACE INTO intents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    change.path.display().to_string(),
                    change.thread.as_str(),
                    change.line as i64,
                    change.start as i64,
                    change.before,
                    change.after,
                    change.row_before,
                    change.provider,
                    change.stood.map(|(length, _)| length as i64),
                    change.stood.map(|(_, modified)| modified),
                ])?;
            }
            work.commit()
        };
        work().map_err(fail)
    }

    /// What was written down and not taken off: a process died.
    pub(super) fn intended(&self) -> Result<Vec<Change>, StoreError> {
        let work = || -> rusqlite::Result<Vec<Change>> {
            let mut query = self.connection.prepare("SELECT * FROM intents")?;
            let rows = query.query_map([], |row| {
                Ok((
                    row.get::<_, String>(1)?,
                    Change {
                        path: PathBuf::from(row.get::<_, String>(0)?),
                        thread: ThreadId::new(marline_model::Timestamp::from_millis(0), [0; 10]),
                        line: row.get::<_, i64>(2)? as u64,
                        start: row.get::<_, i64>(3)? as usize,
                        before: row.get(4)?,
                        after: row.get(5)?,
                        row_before: row.get(6)?,
                        row_after: None,
                        provider: row.get(7)?,
                        stood: row.get::<_, Option<i64>>(8)?.map(|length| length as u64).zip(row.get(9)?),
                    },
                ))
            })?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let parsed = rows
                .into_iter()
                .filter_map(|(id, change)| Some(Change { thread: id.parse().ok()?, ..change }));
            Ok(parsed.collect())
        };
        work().map_err(fail)
    }

    /// Says whether a change still stands there.
    pub(super) fn is_intended(&self, path: &Path) -> Result<bool, StoreError> {
        let query = "SELECT EXISTS (SELECT 1 FROM intents WHERE path = ?1)";
        self.connection.query_row(query, [path.display().to_string()], |row| row.get(0)).map_err(fail)
    }

    /// Takes off what was done, with what is known then of each; nothing: it is as it was at first.
    pub(super) fn done(&mut self, done: &[(PathBuf, Option<Kept>)]) -> Result<(), StoreError> {
        let work = || -> rusqlite::Result<()> {
            let work = self.connection.unchecked_transaction()?;
            for (path, kept) in done {
                let file = name(path);
                work.prepare_cached("DELETE FROM intents WHERE path = ?1")?
                    .execute([path.display().to_string()])?;
                match kept {
                    None => work.prepare_cached("DELETE FROM rehomed WHERE file = ?1")?.execute([file])?,
                    Some(kept) => work
                        .prepare_cached(
                            "INSERT OR REPLACE INTO rehomed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        )?
                        .execute(params![
                            file,
                            kept.start as i64,
                            kept.original,
                            kept.now,
                            kept.first,
                            kept.first_row,
                            kept.provider,
                            kept.flips,
                        ])?,
                };
            }
            work.commit()
        };
        work().map_err(fail)
    }

    /// Takes off what was brought back.
    pub(super) fn forget_intents(&mut self, paths: &[PathBuf]) -> Result<(), StoreError> {
        let work = || -> rusqlite::Result<()> {
            let work = self.connection.unchecked_transaction()?;
            for path in paths {
                work.execute("DELETE FROM intents WHERE path = ?1", [path.display().to_string()])?;
            }
            work.commit()
        };
        work().map_err(fail)
    }

    /// How many sessions are not as they were at first.
    ///
    /// # Errors
    /// [`StoreError::Internal`]
    pub fn count(&self) -> Result<u64, StoreError> {
        let count = self.connection.query_row("SELECT COUNT(*) FROM rehomed", [], |row| row.get::<_, i64>(0));
        count.map(|count| count as u64).map_err(fail)
    }
}
