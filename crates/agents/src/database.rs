//! Opening an agent's SQLite database without touching a byte of its home.
//!
//! A plain read-only connection changes the `-shm` file, and may make one. So: a database with a
//! write-ahead log and its index is opened with the index mapped read-only; one without a log is opened as
//! immutable; one whose log has no index is copied to a private place first.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::agent::DatabaseError;

/// How long a locked database is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// A read-only connection, with the private copy that it may stand on.
pub struct ReadOnly {
    /// The connection.
    pub connection: Connection,
    _copy: Option<tempfile::TempDir>,
}

/// Opens a database for reading only.
///
/// # Errors
/// [`DatabaseError`]; the database and its directory are as they were.
pub fn open_read_only(path: &Path) -> Result<ReadOnly, DatabaseError> {
    let sqlite = |source| DatabaseError::Sqlite { path: path.to_owned(), source };
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let log = fs::metadata(beside("-wal")).map_or(0, |log| log.len());
    let index = fs::metadata(beside("-shm")).is_ok();
    let (target, options, copy) = if log == 0 {
        (path.to_owned(), "immutable=1", None)
    } else if index {
        (path.to_owned(), "mode=ro&readonly_shm=1", None)
    } else {
        let io = |source| DatabaseError::Io { path: path.to_owned(), source };
        let dir = tempfile::tempdir().map_err(io)?;
        let target = dir.path().join("copy.db");
        fs::copy(path, &target).map_err(io)?;
        fs::copy(beside("-wal"), dir.path().join("copy.db-wal")).map_err(io)?;
        (target, "mode=rw", Some(dir))
    };
    let uri = format!("file:{}?{options}", escaped(&target));
    let access =
        if copy.is_some() { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    Ok(ReadOnly { connection, _copy: copy })
}

/// Escapes what has a meaning in a URI's path.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// Returns the names of a table's columns; empty if there is no such table.
///
/// # Errors
/// What SQLite says of a damaged database.
pub fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}
