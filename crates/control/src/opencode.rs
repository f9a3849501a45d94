//! OpenCode's database: one column, or all rows of a session. Source: 1.18, tables `session`, `message`, `part`, and what
//! else has a `session_id`.

use std::fs;
use std::path::Path;

use marline_agents::database::{ReadOnly, open_read_only};
use marline_store::open_to_write;
use marline_store::rows::{insert, rows_of, to_json, to_sql};
use ring::digest;
use rusqlite::{Connection, OptionalExtension as _, ToSql, TransactionBehavior, params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ActError;

/// A column of `session` that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Its name.
    Title,
    /// When it was put away, in milliseconds.
    TimeArchived,
}

impl Column {
    /// What the database calls it.
    pub fn name(self) -> &'static str {
        match self {
            Column::Title => "title",
            Column::TimeArchived => "time_archived",
        }
    }
}

fn read(path: &Path) -> Result<ReadOnly, ActError> {
    open_read_only(path).map_err(|error| ActError::failed(path.display().to_string(), error))
}

fn write(path: &Path) -> Result<Connection, ActError> {
    open_to_write(path).map_err(fail(path))
}

fn fail(path: &Path) -> impl Fn(rusqlite::Error) -> ActError + use<> {
    let path = path.display().to_string();
    move |error| ActError::failed(path.clone(), error)
}

/// Returns a column of a session.
pub fn get(path: &Path, session: &str, column: Column) -> Result<Value, ActError> {
    let ReadOnly { connection, .. } = &read(path)?;
    let query = format!("SELECT {} FROM session WHERE id = ?1", column.name());
    let found = connection.query_row(&query, [session], |row| Ok(to_json(row.get_ref(0)?))).optional();
    found
        .map_err(fail(path))?
        .ok_or_else(|| ActError::changed(format!("OpenCode has no session {session} any more")))
}

/// Sets a column, if it still is what it was.
pub fn set(path: &Path, session: &str, column: Column, old: &Value, new: &Value) -> Result<(), ActError> {
    if get(path, session, column)? == *new {
        return Ok(());
    }
    let connection = write(path)?;
    let name = column.name();
    let query = format!("UPDATE session SET {name} = ?2 WHERE id = ?1 AND {name} IS ?3");
    let changed =
        connection.execute(&query, params![session, to_sql(new), to_sql(old)]).map_err(fail(path))?;
    if changed == 0 {
        return Err(ActError::changed(format!("OpenCode changed session {session} since")));
    }
    Ok(())
}

/// A session and all that it began.
pub fn family(path: &Path, session: &str) -> Result<Vec<String>, ActError> {
    let ReadOnly { connection, .. } = &read(path)?;
    let found = || -> rusqlite::Result<Vec<String>> {
        let mut query = connection.prepare(
            "WITH RECURSIVE below(id) AS (
                SELECT ?1 UNION SELECT s.id FROM session s JOIN below b ON s.parent_id = b.id)
             SELECT id FROM below",
        )?;
        query.query_map([session], |row| row.get(0))?.collect()
    };
    found().map_err(fail(path))
}

/// Tables with rows of sessions, those that others refer to first.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, &'static str)>> {
    let mut tables = vec![("session".to_owned(), "id")];
    let mut query = connection.prepare(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'session_id' ORDER BY m.name = 'part', m.name",
    )?;
    for name in query.query_map([], |row| row.get::<_, String>(0))? {
        tables.push((name?, "session_id"));
    }
    Ok(tables)
}

/// Deletes sessions, after their rows were written to a file.
pub fn delete(path: &Path, sessions: &[String], rows: &Path) -> Result<(), ActError> {
    let connection = write(path)?;
    let work = || -> rusqlite::Result<(Value, Vec<(String, &'static str)>)> {
        let mut kept = Map::new();
        let tables = tables(&connection)?;
        for (table, column) in &tables {
            let marks = vec!["?"; sessions.len()].join(", ");
            let ids: Vec<&dyn ToSql> = sessions.iter().map(|id| id as &dyn ToSql).collect();
            let query = format!("SELECT * FROM \"{table}\" WHERE {column} IN ({marks})");
            let found: Vec<Value> =
                rows_of(&connection, &query, &ids)?.into_iter().map(Value::Object).collect();
            kept.insert(table.clone(), found.into());
        }
        Ok((kept.into(), tables))
    };
    // Nothing may come between what is laid aside and what is deleted.
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail(path))?;
    let (kept, tables) = work().map_err(fail(path))?;
    if let Some(folder) = rows.parent() {
        fs::create_dir_all(folder).map_err(ActError::file(folder))?;
    }
    let written = serde_json::to_vec(&kept).map_err(std::io::Error::from).and_then(|bytes| {
        fs::write(rows, bytes)?;
        fs::File::open(rows)?.sync_all()
    });
    written.map_err(ActError::file(rows))?;
    let remove = || -> rusqlite::Result<()> {
        for (table, column) in tables.iter().rev() {
            let marks = vec!["?"; sessions.len()].join(", ");
            let query = format!("DELETE FROM \"{table}\" WHERE {column} IN ({marks})");
            connection.execute(&query, params_from_iter(sessions))?;
        }
        connection.execute_batch("COMMIT")
    };
    remove().map_err(fail(path))
}

/// Puts the rows of a file back, where they are not.
pub fn put_back(path: &Path, rows: &Path) -> Result<(), ActError> {
    // A plan that was cut off before anything was laid aside has deleted nothing.
    if !rows.exists() {
        return Ok(());
    }
    let bytes = fs::read(rows).map_err(ActError::file(rows))?;
    let kept: Map<String, Value> = serde_json::from_slice(&bytes)
        .map_err(|error| ActError::failed(rows.display().to_string(), error))?;
    let connection = write(path)?;
    let work = || -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for (table, _) in tables(&connection)? {
            for row in kept.get(&table).and_then(Value::as_array).into_iter().flatten() {
                let Some(fields) = row.as_object() else { continue };
                insert(&connection, &table, "IGNORE", fields)?;
            }
        }
        connection.execute_batch("COMMIT")
    };
    work().map_err(fail(path))
}

/// Returns the message that a part belongs to, by the part's row.
pub fn message_of(path: &Path, session: &str, part: u64) -> Result<String, ActError> {
    let ReadOnly { connection, .. } = &read(path)?;
    let query = "SELECT message_id FROM part WHERE rowid = ?1 AND session_id = ?2";
    let row = i64::try_from(part).unwrap_or(-1);
    let found = connection.query_row(query, params![row, session], |row| row.get(0)).optional();
    found.map_err(fail(path))?.ok_or_else(|| ActError::invalid("no prompt begins there"))
}

/// A session to be, which goes on from another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fork {
    /// The other one.
    pub origin: String,
    /// The first message that is left out; nothing: all are taken.
    pub before: Option<String>,
    /// Its id.
    pub new: String,
}

impl Fork {
    /// An id of an origin's, as the fork has it: with the same time in it, so that their order stays.
    fn id(&self, old: &str) -> String {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // `msg_`, 12 digits of the time, 14 random letters.
        let digest = digest::digest(&digest::SHA256, format!("{} {old}", self.new).as_bytes());
        let tail = digest.as_ref().iter().take(14).map(|byte| LETTERS[usize::from(*byte) % 62] as char);
        old.chars().take(16).chain(tail).collect()
    }

    /// Makes it as OpenCode does: rows under new ids, and the title says that it is a fork. Returns how many messages it
    /// has.
    pub fn make(&self, path: &Path, now: i64) -> Result<usize, ActError> {
        let mut connection = write(path)?;
        let mut work = || -> rusqlite::Result<usize> {
            let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut session = rows_of(&work, "SELECT * FROM session WHERE id = ?1", &[&self.origin])?;
            let Some(mut session) = session.pop() else { return Err(rusqlite::Error::QueryReturnedNoRows) };
            let title = session.get("title").and_then(Value::as_str).unwrap_or_default();
            let title = forked(title);
            session.insert("id".to_owned(), self.new.as_str().into());
            session.insert("title".to_owned(), title.into());
            session.insert("slug".to_owned(), self.id("fork_").to_lowercase().into());
            for name in ["parent_id", "share_url", "revert", "time_compacting", "time_archived"] {
                session.entry(name).and_modify(|value| *value = Value::Null);
            }
            for name in ["time_created", "time_updated"] {
                session.insert(name.to_owned(), now.into());
            }
            insert(&work, "session", "ABORT", &session)?;
            let query = "SELECT * FROM message WHERE session_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id";
            let messages = rows_of(&work, query, &[&self.origin, &self.before])?;
            for mut message in messages.iter().cloned() {
                let old = message["id"].as_str().unwrap_or_default().to_owned();
                message.insert("id".to_owned(), self.id(&old).into());
                message.insert("session_id".to_owned(), self.new.as_str().into());
                let mut data: Value =
                    serde_json::from_str(message["data"].as_str().unwrap_or_default()).unwrap_or_default();
                if let Some(parent) = data["parentID"].as_str() {
                    data["parentID"] = self.id(parent).into();
                    message.insert("data".to_owned(), data.to_string().into());
                }
                insert(&work, "message", "ABORT", &message)?;
                for mut part in
                    rows_of(&work, "SELECT * FROM part WHERE message_id = ?1 ORDER BY id", &[&old])?
                {
                    let id = self.id(part["id"].as_str().unwrap_or_default());
                    part.insert("id".to_owned(), id.into());
                    part.insert("message_id".to_owned(), self.id(&old).into());
                    part.insert("session_id".to_owned(), self.new.as_str().into());
                    insert(&work, "part", "ABORT", &part)?;
                }
            }
            work.commit()?;
            Ok(messages.len())
        };
        match work() {
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                Err(ActError::changed(format!("OpenCode has no session {} any more", self.origin)))
            }
            made => made.map_err(fail(path)),
        }
    }

    /// Takes it back, unless something was said in it.
    pub fn take_back(&self, path: &Path) -> Result<(), ActError> {
        let mut connection = write(path)?;
        let mut work = || -> rusqlite::Result<bool> {
            let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let query = "SELECT id FROM message WHERE session_id = ?1";
            let ids = |session: &str| -> rusqlite::Result<Vec<String>> {
                work.prepare(query)?.query_map([session], |row| row.get(0))?.collect()
            };
            let copied: Vec<String> = ids(&self.origin)?.iter().map(|id| self.id(id)).collect();
            if ids(&self.new)?.iter().any(|id| !copied.contains(id)) {
                return Ok(false);
            }
            for (table, column) in tables(&work)?.iter().rev() {
                work.execute(&format!("DELETE FROM \"{table}\" WHERE {column} = ?1"), [&self.new])?;
            }
            work.commit()?;
            Ok(true)
        };
        if work().map_err(fail(path))? {
            return Ok(());
        }
        Err(ActError::changed(format!("session {} was gone on with since", self.new)))
    }
}

/// `A title (fork #2)`
fn forked(title: &str) -> String {
    let split = title.rsplit_once(" (fork #").and_then(|(title, rest)| {
        let number: u32 = rest.strip_suffix(')')?.parse().ok()?;
        Some((title, number))
    });
    let (title, number) = split.unwrap_or((title, 0));
    format!("{title} (fork #{})", number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_are_numbered_in_their_title() {
        assert_eq!(forked("A rope"), "A rope (fork #1)");
        assert_eq!(forked("A rope (fork #9)"), "A rope (fork #10)");
        assert_eq!(forked("A rope (fork #x)"), "A rope (fork #x) (fork #1)");
    }

    #[test]
    fn ids_keep_their_time_and_differ_by_fork() {
        let fork = |new: &str| Fork { origin: "ses_a".into(), before: None, new: new.into() };
        let old = "msg_1fc509c04001EuXdp9IIwUOgWZ";
        let (one, other) = (fork("ses_1").id(old), fork("ses_2").id(old));
        assert!(one != other && one[..16] == old[..16] && one.len() == old.len());
    }
}
