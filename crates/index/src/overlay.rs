//! What Marline alone says of sessions whose agent has no way to keep it: a name, and that they are put away.
//!
//! It can't be made again, so it is a file of its own beside what else can't (`overlay.json`), and the catalogue has a copy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use marline_model::SessionId;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::{Index, IndexError, changes};

/// What is said of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overlaid {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It is put away.
    pub archived: bool,
}

/// What is said of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overlay {
    /// The sessions of which something is said.
    pub sessions: BTreeMap<SessionId, Overlaid>,
}

impl Overlay {
    /// The name of its file.
    pub const FILE_NAME: &str = "overlay.json";

    /// Reads it from a directory; where there is none, nothing is said.
    ///
    /// # Errors
    /// What reading says; `InvalidData` when it is no overlay.
    pub fn read(dir: &Path) -> io::Result<Self> {
        match fs::read(dir.join(Self::FILE_NAME)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Overlay::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes it into a directory, whole or not at all.
    ///
    /// # Errors
    /// What writing says.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let path = dir.join(Self::FILE_NAME);
        let next = path.with_extension("next");
        let mut file = File::create(&next)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(next, path)
    }

    /// What is said of a session.
    pub fn of(&self, session: &SessionId) -> Overlaid {
        self.sessions.get(session).cloned().unwrap_or_default()
    }

    /// Says something else of a session.
    pub fn set(&mut self, session: SessionId, said: Overlaid) {
        if said == Overlaid::default() {
            self.sessions.remove(&session);
        } else {
            self.sessions.insert(session, said);
        }
    }
}

impl Index {
    /// Takes an overlay over: lists and searches go by it from then on.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`]; all of it is taken over, or nothing.
    pub fn overlay(&self, overlay: &Overlay) -> Result<(), IndexError> {
        if self.overlaid()? == *overlay {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = self.take_over(overlay);
        self.connection.execute_batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        Ok(outcome?)
    }

    fn overlaid(&self) -> rusqlite::Result<Overlay> {
        let mut statement = self.connection.prepare_cached("SELECT id, title, archived FROM overlay")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, Overlaid { title: row.get(1)?, archived: row.get(2)? }))
        })?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let sessions = rows.into_iter().filter_map(|(id, said)| Some((id.parse().ok()?, said)));
        Ok(Overlay { sessions: sessions.collect() })
    }

    fn take_over(&self, overlay: &Overlay) -> rusqlite::Result<()> {
        let before = self.overlaid()?;
        let mut changed = std::collections::BTreeSet::new();
        for id in before.sessions.keys().chain(overlay.sessions.keys()) {
            let said = overlay.of(id);
            if before.of(id) == said {
                continue;
            }
            let id = id.to_string();
            self.connection.execute("DELETE FROM overlay WHERE id = ?1", [&id])?;
            self.connection.execute("DELETE FROM titles WHERE id = ?1", [&id])?;
            if said != Overlaid::default() {
                let sql = "INSERT INTO overlay (id, title, archived) VALUES (?1, ?2, ?3)";
                self.connection.execute(sql, params![id, said.title, said.archived])?;
            }
            if let Some(title) = &said.title {
                self.connection.execute("INSERT INTO titles VALUES (?1, ?2)", params![id, title])?;
            }
            let sql = "UPDATE sessions SET archived = ?2 WHERE id = ?1 RETURNING number";
            let mut statement = self.connection.prepare_cached(sql)?;
            let numbers = statement.query_map(params![id, said.archived], |row| row.get(0))?;
            changed.extend(numbers.collect::<rusqlite::Result<Vec<i64>>>()?);
        }
        changes::stamp(&self.connection, &changed)
    }
}
