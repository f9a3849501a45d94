//! OpenCode's database: one column, or all rows of a session. Source: 1.18, tables `session`, `message`, `part`, and what
//! else has a `session_id`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ActError;

/// As long as OpenCode waits for itself.
const WAIT: Duration = Duration::from_secs(5);

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

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, ActError> {
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = opened.map_err(fail(path))?;
    connection.busy_timeout(WAIT).map_err(fail(path))?;
    Ok(connection)
}

fn fail(path: &Path) -> impl Fn(rusqlite::Error) -> ActError + use<> {
    let path = path.display().to_string();
    move |error| ActError::failed(path.clone(), error)
}

fn to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(bytes) => json!({"blob": bytes}),
    }
}

fn to_sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(value) => Sql::Integer((*value).into()),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Sql::Real(number.as_f64().unwrap_or(0.0)), Sql::Integer)
        }
        Value::String(text) => Sql::Text(text.clone()),
        other => {
            let bytes = other["blob"].as_array().into_iter().flatten();
            Sql::Blob(bytes.filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect())
        }
    }
}

/// Returns a column of a session.
pub fn get(path: &Path, session: &str, column: Column) -> Result<Value, ActError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let query = format!("SELECT {} FROM session WHERE id = ?1", column.name());
    let found = connection.query_row(&query, [session], |row| Ok(to_json(row.get_ref(0)?))).optional();
    found
        .map_err(fail(path))?
        .ok_or_else(|| ActError::changed(format!("OpenCode has no session {session} any more")))
}

/// Sets a column, if it still is what it was.
pub fn set(path: &Path, session: &str, column: Column, old: &Value, new: &Value) -> Result<(), ActError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let name = column.name();
    let query = format!("UPDATE session SET {name} = ?2 WHERE id = ?1 AND {name} IS ?3");
    let changed =
        connection.execute(&query, params![session, to_sql(new), to_sql(old)]).map_err(fail(path))?;
    if changed == 0 && get(path, session, column)? != *new {
        return Err(ActError::changed(format!("OpenCode changed session {session} since")));
    }
    Ok(())
}

/// A session and all that it began.
pub fn family(path: &Path, session: &str) -> Result<Vec<String>, ActError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut query = connection.prepare(
            "WITH RECURSIVE below(id) AS (
                SELECT ?1 UNION SELECT s.id FROM session s JOIN below b ON s.parent_id = b.id)
             SELECT id FROM below",
        )?;
        query.query_map([session], |row| row.get(0))?.collect()
    };
    read().map_err(fail(path))
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
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let work = || -> rusqlite::Result<(Value, Vec<(String, &'static str)>)> {
        let mut kept = Map::new();
        let tables = tables(&connection)?;
        for (table, column) in &tables {
            let marks = vec!["?"; sessions.len()].join(", ");
            let mut query =
                connection.prepare(&format!("SELECT * FROM \"{table}\" WHERE {column} IN ({marks})"))?;
            let names: Vec<String> = query.column_names().map(str::to_owned).collect();
            let mut found = Vec::new();
            let mut cursor = query.query(params_from_iter(sessions))?;
            while let Some(row) = cursor.next()? {
                let mut fields = Map::new();
                for (at, name) in names.iter().enumerate() {
                    fields.insert(name.clone(), to_json(row.get_ref(at)?));
                }
                found.push(Value::Object(fields));
            }
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
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let work = || -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for (table, _) in tables(&connection)? {
            for row in kept.get(&table).and_then(Value::as_array).into_iter().flatten() {
                let Some(fields) = row.as_object() else { continue };
                let names: Vec<String> = fields.keys().map(|name| format!("\"{name}\"")).collect();
                let marks = vec!["?"; names.len()].join(", ");
                let query =
                    format!("INSERT OR IGNORE INTO \"{table}\" ({}) VALUES ({marks})", names.join(", "));
                connection.execute(&query, params_from_iter(fields.values().map(to_sql)))?;
            }
        }
        connection.execute_batch("COMMIT")
    };
    work().map_err(fail(path))
}
