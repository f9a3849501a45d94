//! `marline.db`: what people made and no index can make anew. How it is opened, and how an older one becomes this one.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::open;
use crate::work::WorkError;

/// How long another writer is waited for.
const WAIT: Duration = Duration::from_secs(10);
/// The shape of the tables.
const VERSION: i64 = 3;

const WORK: &str = include_str!("../migrations/0001_work.sql");
const FROM_FIRST: &str = include_str!("../migrations/0002_from_first_shape.sql");
const LIVE: &str = include_str!("../migrations/0003_live.sql");

/// A table of live sessions with two ids each, as it once was.
fn take_over(made: &Connection) -> rusqlite::Result<()> {
    let columns = open::columns(made)?;
    if columns.iter().any(|column| column == "cli_session") {
        open::adopt(made, made, &columns)?;
        made.execute_batch("DROP TABLE sessions")?;
    }
    Ok(())
}

pub(crate) fn internal(context: &str) -> impl Fn(rusqlite::Error) -> WorkError + use<'_> {
    move |source| WorkError::Internal { context: context.to_owned(), source: source.into() }
}

/// Opens the database, which is made where it is not there and brought to the newest shape where it is older. Only its owner
/// can read it.
///
/// # Errors
/// [`WorkError::Internal`] when it can't be opened, or was written by a newer Marline; it is as it was.
pub(crate) fn open(path: &Path) -> Result<Connection, WorkError> {
    let shown = path.display().to_string();
    let file = |source: std::io::Error| WorkError::Internal { context: shown.clone(), source: source.into() };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(file)?;
    let fail = internal(&shown);
    let mut connection = Connection::open(path).map_err(&fail)?;
    connection.busy_timeout(WAIT).map_err(&fail)?;
    // What is acknowledged survives a crash of the machine, too.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(&fail)?;
    let made = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
    let version: i64 = made.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(&fail)?;
    let steps: &[&str] = match version {
        0 => &[WORK, LIVE],
        1 => &[FROM_FIRST, LIVE],
        2 => &[LIVE],
        VERSION => &[],
        newer => {
            return Err(WorkError::Internal {
                context: shown.clone(),
                source: format!("its version is {newer}; this Marline knows {VERSION}").into(),
            });
        }
    };
    steps.iter().try_for_each(|step| made.execute_batch(step)).map_err(&fail)?;
    if !steps.is_empty() {
        take_over(&made).map_err(&fail)?;
    }
    made.pragma_update(None, "user_version", VERSION).map_err(&fail)?;
    made.commit().map_err(&fail)?;
    Ok(connection)
}
