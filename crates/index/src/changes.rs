//! What changed since: how a reader that was away catches up without gaps or doubles.
//!
//! Every commit that changes sessions has a number, the revision, and each session bears that of its last change. So
//! the catalogue itself is the log: nothing is kept in memory, and it lasts over restarts. A catalogue that is made
//! anew has another epoch; positions of the old one mean nothing in it.

use std::collections::BTreeSet;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, params};

use crate::sessions::Session;
use crate::{Index, IndexError};

/// How far a reader has read of a catalogue's changes, written `<epoch>.<revision>.<session>`; without
/// the last part: all of that commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which catalogue.
    pub epoch: i64,
    /// The commit.
    pub revision: i64,
    /// The last of the sessions changed by this commit that was read.
    pub session: u32,
}

/// The text is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a position that an event gave")]
pub struct ParsePositionError {
    found: String,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}.{}", self.epoch, self.revision, self.session)
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (epoch, rest) = text.split_once('.')?;
            let (revision, session) = rest.split_once('.').unwrap_or((rest, "4294967295"));
            let revision = revision.parse().ok().filter(|revision| *revision >= 0)?;
            Some(Position {
                epoch: i64::from_str_radix(epoch, 16).ok()?,
                revision,
                session: session.parse().ok()?,
            })
        };
        parse().ok_or_else(|| ParsePositionError { found: text.to_owned() })
    }
}

/// A session that changed.
#[derive(Debug)]
pub struct Changed {
    /// As it is now.
    pub session: Session,
    /// How many items it has.
    pub items: u64,
    /// Items that were there before may differ.
    pub is_rewritten: bool,
    /// Who has read this has read so far.
    pub position: Position,
}

/// What happened since a position.
#[derive(Debug)]
pub enum Changes {
    /// These sessions changed, each once, in the order of their last change.
    Sessions(Vec<Changed>),
    /// It can't be told, or is too much: everything should be read again.
    Reset,
}

impl Index {
    /// Returns where the catalogue stands: everything up to here was read.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn position(&self) -> Result<Position, IndexError> {
        Ok(position(&self.connection)?)
    }

    /// Returns a word that differs whenever an answer of this catalogue may differ.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn tag(&self) -> Result<String, IndexError> {
        let position = position(&self.connection)?;
        let sql = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'segment'), 0)";
        let segment: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(format!("{:x}.{}.{segment}", position.epoch, position.revision))
    }

    /// Says whether this is still the catalogue of its directory, which may be deleted at any time.
    pub fn is_current(&self) -> bool {
        let there = std::fs::metadata(self.dir().join(crate::catalogue::FILE_NAME)).ok();
        there.map(|there| there.ino()) == self.inode
    }

    /// Tells what changed since a position, at most `limit` sessions; beyond it is a reset.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn changes_since(&self, since: Position, limit: usize) -> Result<Changes, IndexError> {
        let now = self.position()?;
        if now.epoch != since.epoch || now.revision < since.revision {
            return Ok(Changes::Reset);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT number, revision, items, rewritten FROM sessions
             WHERE revision >= ?1 AND (revision, number) > (?1, ?2) ORDER BY revision, number LIMIT ?3",
        )?;
        let values = params![since.revision, since.session, limit as i64 + 1];
        let rows = statement.query_map(values, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        if rows.len() > limit {
            return Ok(Changes::Reset);
        }
        let mut changed = Vec::new();
        for (number, revision, items, rewritten) in rows {
            if let Some(session) = self.session_by_number(number)? {
                let is_rewritten = rewritten > since.revision;
                let position = Position { epoch: now.epoch, revision, session: number as u32 };
                changed.push(Changed { session, items: items.max(0) as u64, is_rewritten, position });
            }
        }
        Ok(Changes::Sessions(changed))
    }
}

fn position(connection: &Connection) -> rusqlite::Result<Position> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let mut value = |name| statement.query_row([name], |row| row.get(0)).optional();
    Ok(Position {
        epoch: value("epoch")?.unwrap_or(0),
        revision: value("revision")?.unwrap_or(0),
        session: u32::MAX,
    })
}

/// Stamps sessions that changed with the next revision. To be called in the transaction that changes them.
pub fn stamp(connection: &Connection, changed: &BTreeSet<i64>) -> rusqlite::Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let revision: i64 = connection
        .prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'revision' RETURNING value")?
        .query_row([], |row| row.get(0))?;
    let mut statement = connection.prepare_cached("UPDATE sessions SET revision = ?2 WHERE number = ?1")?;
    for session in changed {
        statement.execute([*session, revision])?;
    }
    Ok(())
}

/// Begins the count again, for a catalogue that is made anew.
pub fn begin_epoch(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "INSERT OR REPLACE INTO meta VALUES ('revision', 0), ('epoch', random() & 0xffffffffffff);
         UPDATE sessions SET revision = 0, rewritten = 0;",
    )
}
