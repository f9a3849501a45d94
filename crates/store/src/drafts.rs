//! What a person has half written to a session, on whatever device: one draft a session, with a revision.
//!
//! A device names the revision that it wrote from. Where another device has written since, nothing is kept and that other
//! draft is told: whoever writes decides what becomes of it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use marline_model::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::database::{self, internal};
use crate::work::WorkError;

/// An empty draft is remembered for so long, in milliseconds: a device that was away learns that it was sent.
const EMPTY_LASTS: i64 = 30 * 24 * 3_600_000;

/// Half-written words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The words; none: they were sent, or taken back.
    pub text: String,
    /// How often it was written; 0: never yet.
    pub revision: u64,
    /// When it was written last, by the clock of the machine.
    pub at: Timestamp,
}

/// What came of writing a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is kept.
    Kept(Draft),
    /// Somebody else wrote this since; nothing was changed.
    Other(Draft),
}

/// Drafts in `marline.db`.
pub struct Drafts {
    connection: Mutex<Connection>,
}

impl Drafts {
    /// Opens the database, which is made where it is not there. Only its owner can read it.
    ///
    /// # Errors
    /// [`WorkError::Internal`] when it can't be opened, or was written by a newer Marline.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        Ok(Drafts { connection: Mutex::new(database::open(path)?) })
    }

    /// The draft of a session, if there ever was one.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn get(&self, session: &SessionId) -> Result<Option<Draft>, WorkError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        find(&connection, session).map_err(internal("a draft could not be read"))
    }

    /// Writes a draft from the revision that was seen last. The same words are the same draft, whoever wrote them.
    ///
    /// # Errors
    /// [`WorkError::Internal`]; nothing was changed.
    pub fn put(
        &self,
        session: &SessionId,
        text: &str,
        seen: u64,
        now: Timestamp,
    ) -> Result<Written, WorkError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = || -> rusqlite::Result<Written> {
            let made = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last = find(&made, session)?;
            let revision = last.as_ref().map_or(0, |last| last.revision);
            match last {
                Some(last) if last.text == text => return Ok(Written::Kept(last)),
                // Words that were sent stand in nobody's way.
                Some(last) if revision != seen && !last.text.is_empty() => return Ok(Written::Other(last)),
                None if text.is_empty() => {
                    return Ok(Written::Kept(Draft { text: String::new(), revision: 0, at: now }));
                }
                _ => {}
            }
            let draft = Draft { text: text.to_owned(), revision: revision + 1, at: now };
            made.execute(
                "INSERT INTO drafts (session, at, revision, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (session) DO UPDATE SET at = ?2, revision = ?3, body = ?4",
                params![session.to_string(), now.as_millis(), draft.revision as i64, text],
            )?;
            let old = now.as_millis() - EMPTY_LASTS;
            made.execute("DELETE FROM drafts WHERE body = '' AND at < ?", [old])?;
            made.commit()?;
            Ok(Written::Kept(draft))
        };
        write().map_err(internal("a draft could not be written"))
    }
}

fn find(connection: &Connection, session: &SessionId) -> rusqlite::Result<Option<Draft>> {
    let sql = "SELECT body, revision, at FROM drafts WHERE session = ?";
    let read = |row: &rusqlite::Row<'_>| {
        let (revision, at): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Draft { text: row.get(0)?, revision: revision as u64, at: Timestamp::from_millis(at) })
    };
    connection.prepare_cached(sql)?.query_row([session.to_string()], read).optional()
}
