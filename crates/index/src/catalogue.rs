//! The catalogue: a SQLite database that can be deleted at any time.
//!
//! Opening one of any earlier version brings it up in one transaction; one that is newer or damaged is set
//! aside and begun anew, and the caller is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// Numbered files, applied in order; never edited after they landed.
const MIGRATIONS: [&str; 7] = [
    include_str!("../migrations/0001_sessions.sql"),
    include_str!("../migrations/0002_sources.sql"),
    include_str!("../migrations/0003_segments.sql"),
    include_str!("../migrations/0004_lists.sql"),
    include_str!("../migrations/0005_revisions.sql"),
    include_str!("../migrations/0006_overlay.sql"),
    include_str!("../migrations/0007_touched.sql"),
];

/// The catalogue's file within the index directory.
pub const FILE_NAME: &str = "catalogue.db";

/// How long a reader waits for a lock; readers of a write-ahead log hardly ever do.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a catalogue could not be opened or used. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// SQLite failed.
    #[error("the catalogue {path} could not be used", path = path.display())]
    Sqlite {
        /// The catalogue.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The index directory could not be made, or the old catalogue not be set aside.
    #[error("{path} could not be prepared", path = path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A catalogue that was set aside.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// Where it lies now.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What keeps a catalogue from being used as it is.
enum Unusable {
    Newer(i64),
    Damaged(rusqlite::Error),
    Busy(rusqlite::Error),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
        // `Unknown` is a statement that makes no sense on these tables. Everything else may pass: a catalogue that
        // another process works on must never be set aside.
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase | Unknown) => Unusable::Damaged(error),
            _ => Unusable::Busy(error),
        }
    }
}

/// Opens the catalogue for writing, making or upgrading it as needed.
///
/// # Errors
/// [`CatalogueError`] when the directory can't be written, or another process keeps the database locked.
pub fn open(dir: &Path) -> Result<(Connection, Option<SetAside>), CatalogueError> {
    fs::create_dir_all(dir).map_err(|source| CatalogueError::Io { path: dir.to_owned(), source })?;
    let path = dir.join(FILE_NAME);
    let fail = |source| CatalogueError::Sqlite { path: path.clone(), source };
    let reason = match open_patiently(&path) {
        Ok(connection) => return Ok((connection, None)),
        Err(Unusable::Busy(source)) => return Err(fail(source)),
        Err(Unusable::Newer(version)) => format!("it was written by a newer Marline (version {version})"),
        Err(Unusable::Damaged(error)) => format!("it is damaged ({error})"),
    };
    let aside = set_aside(&path)?;
    match open_and_upgrade(&path) {
        Ok(connection) => Ok((connection, Some(SetAside { path: aside, reason }))),
        Err(Unusable::Busy(source) | Unusable::Damaged(source)) => Err(fail(source)),
        Err(Unusable::Newer(_)) => Err(fail(rusqlite::Error::InvalidQuery)),
    }
}

/// Opens the catalogue for reading only. `None`: there is none that this release can read.
///
/// # Errors
/// [`CatalogueError`] when it is there but can't be read.
pub fn open_read_only(dir: &Path) -> Result<Option<Connection>, CatalogueError> {
    let path = dir.join(FILE_NAME);
    if !path.exists() {
        return Ok(None);
    }
    let fail = |source| CatalogueError::Sqlite { path: path.clone(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    connection.execute_batch("PRAGMA query_only = 1; PRAGMA cache_size = -16000").map_err(fail)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    Ok((version == MIGRATIONS.len() as i64).then_some(connection))
}

fn set_aside(path: &Path) -> Result<PathBuf, CatalogueError> {
    let named = |suffix: &str, n: u32| PathBuf::from(format!("{}.set-aside-{n}{suffix}", path.display()));
    let n = (1..).find(|n| !named("", *n).exists()).unwrap_or(0);
    for suffix in ["", "-wal", "-shm"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        if from.exists() {
            fs::rename(&from, named(suffix, n))
                .map_err(|source| CatalogueError::Io { path: from, source })?;
        }
    }
    Ok(named("", n))
}

/// SQLite's own patience does not cover the moment in which another process makes the database.
fn open_patiently(path: &Path) -> Result<Connection, Unusable> {
    let started = Instant::now();
    loop {
        match open_and_upgrade(path) {
            Err(Unusable::Busy(error)) if is_lock(&error) && started.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(10));
            }
            outcome => return outcome,
        }
    }
}

fn is_lock(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
}

fn open_and_upgrade(path: &Path) -> Result<Connection, Unusable> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > MIGRATIONS.len() as i64 {
        return Err(Unusable::Newer(version));
    }
    // NORMAL: a crash of the system may lose the last commit, never the database; it is read again then.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32000;
         PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000",
    )?;
    if version < MIGRATIONS.len() as i64 {
        upgrade(&mut connection)?;
    } else {
        connection.query_row("SELECT COUNT(*) FROM meta", [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// Applies what is missing in one transaction.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        complete_foreign_sessions(&transaction)?;
    }
    for migration in &MIGRATIONS[version as usize..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()
}

/// A `sessions` table that somebody brings may lack columns that the first migration names.
fn complete_foreign_sessions(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('sessions')")?;
    let present: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if present.is_empty() {
        return Ok(());
    }
    for (column, kind) in [
        ("title", "TEXT"),
        ("project", "TEXT"),
        ("first_prompt", "TEXT"),
        ("started_at", "INTEGER"),
        ("updated_at", "INTEGER"),
    ] {
        if !present.iter().any(|name| name == column) {
            connection.execute_batch(&format!("ALTER TABLE sessions ADD COLUMN {column} {kind}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT id || ' ' || source || ' ' || source_session_id FROM sessions ORDER BY id")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn sessions_without_sources_are_claudes_and_get_canonical_ids() {
        let dir = tempfile::tempdir().unwrap();
        let old = Connection::open(dir.path().join(FILE_NAME)).unwrap();
        old.execute_batch(
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, title TEXT);
             INSERT INTO sessions VALUES ('bare', 'A title'), ('claude:prefixed', NULL), (NULL, 'none'), ('', 'none');",
        )
        .unwrap();
        drop(old);
        let (connection, aside) = open(dir.path()).unwrap();
        assert!(aside.is_none());
        assert_eq!(rows(&connection), ["claude:bare claude bare", "claude:prefixed claude prefixed"]);
    }

    #[test]
    fn null_and_empty_ids_are_rejected() {
        let dir = tempfile::tempdir().unwrap();
        let (connection, _) = open(dir.path()).unwrap();
        for (id, source, raw) in [
            ("NULL", "'claude'", "'x'"),
            ("''", "'claude'", "'x'"),
            ("'claude:'", "'claude'", "''"),
            ("'claude:x'", "'claude'", "NULL"),
            ("'claude:x'", "NULL", "'x'"),
            ("'x'", "'claude'", "'x'"),
            ("'codex:x'", "'claude'", "'x'"),
        ] {
            let sql = format!(
                "INSERT INTO sessions (number, id, source, source_session_id) VALUES (1, {id}, {source}, {raw})"
            );
            assert!(connection.execute(&sql, []).is_err(), "{sql}");
        }
        let good = "INSERT INTO sessions (number, id, source, source_session_id) VALUES (1, 'claude:x', 'claude', 'x')";
        connection.execute(good, []).unwrap();
        let twin = "INSERT INTO sessions (number, id, source, source_session_id) VALUES (2, 'codex:x', 'codex', 'x')";
        connection.execute(twin, []).unwrap();
    }

    #[test]
    fn a_newer_or_damaged_catalogue_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(open_read_only(dir.path()).unwrap().is_none());
        let (_, aside) = open(dir.path()).unwrap();
        assert!(aside.unwrap().reason.contains("newer"));
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", path.display()));
        }
        fs::write(&path, "this is no database, and long enough to be looked at ".repeat(50)).unwrap();
        let (connection, aside) = open(dir.path()).unwrap();
        let aside = aside.unwrap();
        assert!(aside.reason.contains("damaged"), "{}", aside.reason);
        assert!(aside.path.exists(), "nothing is thrown away");
        assert!(rows(&connection).is_empty());
    }

    #[test]
    fn a_catalogue_of_any_earlier_version_is_brought_up() {
        for version in 1..MIGRATIONS.len() {
            let dir = tempfile::tempdir().unwrap();
            let old = Connection::open(dir.path().join(FILE_NAME)).unwrap();
            for migration in &MIGRATIONS[..version] {
                old.execute_batch(migration).unwrap();
            }
            old.pragma_update(None, "user_version", version as i64).unwrap();
            let columns = if version == 1 { "(id)" } else { "(number, id, source, source_session_id)" };
            let values = if version == 1 { "('x')" } else { "(1, 'claude:x', 'claude', 'x')" };
            old.execute(&format!("INSERT INTO sessions {columns} VALUES {values}"), []).unwrap();
            drop(old);
            let (connection, aside) = open(dir.path()).unwrap();
            assert!(aside.is_none(), "version {version}");
            assert_eq!(rows(&connection), ["claude:x claude x"], "version {version}");
            assert!(open_read_only(dir.path()).unwrap().is_some(), "version {version}");
        }
    }

    #[test]
    fn what_every_command_asks_is_answered_from_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let (connection, _) = open(dir.path()).unwrap();
        let (condition, _) = crate::Filter::default().condition();
        let listed = format!("SELECT COUNT(*) FROM sessions s WHERE {condition}");
        let page = format!(
            "SELECT s.number, COALESCE(s.updated_at, 0) FROM sessions s WHERE {condition}
             ORDER BY COALESCE(s.updated_at, 0) DESC, s.id DESC LIMIT 50"
        );
        for (sql, index) in [
            (crate::scan::SELECT_KNOWN, "COVERING INDEX files_at_a_glance"),
            (&listed, "COVERING INDEX sessions_at_a_glance"),
            (&page, "COVERING INDEX sessions_at_a_glance"),
            ("SELECT 1 FROM sessions WHERE number = 1", "INDEX sqlite_autoindex_sessions"),
            ("SELECT 1 FROM sessions WHERE id = 'claude:x'", "INDEX sqlite_autoindex_sessions"),
            (
                "SELECT 1 FROM sessions c WHERE c.parent_id = 'claude:x' AND c.listed = 1",
                "INDEX sessions_by_parent",
            ),
            ("SELECT 1 FROM items WHERE session = 1 AND seq >= 5 ORDER BY session, seq", "PRIMARY KEY"),
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps: Vec<String> =
                plan.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
            assert!(steps[0].contains(index), "{sql}: {steps:?}");
        }
    }
}
