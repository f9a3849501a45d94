//! The database: `session`, `message`, `part`, each with its JSON in `data`.

use std::borrow::Cow;
use std::path::Path;

use marline_model::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::read::PartReader;
use crate::agent::{DatabaseError, Reader, SessionFile, Stored, Want};
use crate::database::{columns, open_read_only};
use crate::event::{Event, Meta, TitleKind, hash};
use crate::json::Raw;

/// Places in `message` are told from places in `part` by this bit.
const MESSAGE: u64 = 1 << 62;

struct Session {
    id: String,
    parent: Option<String>,
    directory: String,
    title: String,
    version: Option<String>,
    created: i64,
    updated: i64,
    archived: bool,
}

pub fn read(
    file: &SessionFile,
    known: &dyn Fn(&str) -> Option<u64>,
    emit: &mut dyn FnMut(Stored<'_>),
) -> Result<(), DatabaseError> {
    let database = open_read_only(&file.path)?;
    let connection = &database.connection;
    let fail = |source| DatabaseError::Sqlite { path: file.path.clone(), source };
    for session in sessions(&file.path, connection)? {
        let fingerprint = fingerprint(connection, &session).map_err(fail)?;
        if known(&session.id) == Some(fingerprint) {
            emit(Stored::Unchanged { session: &session.id });
            continue;
        }
        emit(Stored::Begin { session: &session.id, fingerprint, archived: session.archived });
        describe(&session, emit);
        messages(connection, &session, emit).map_err(fail)?;
        emit(Stored::End);
    }
    Ok(())
}

fn sessions(path: &Path, connection: &Connection) -> Result<Vec<Session>, DatabaseError> {
    let fail = |source| DatabaseError::Sqlite { path: path.to_owned(), source };
    let present = columns(connection, "session").map_err(fail)?;
    let has = |column: &str| present.iter().any(|name| name == column);
    for column in ["id", "directory", "title", "time_created", "time_updated"] {
        if !has(column) {
            return Err(DatabaseError::Schema { path: path.to_owned(), column });
        }
    }
    let optional = |column: &'static str| if has(column) { column } else { "NULL" };
    let sql = format!(
        "SELECT id, {}, directory, title, {}, time_created, time_updated, {} FROM session ORDER BY time_created, id",
        optional("parent_id"),
        optional("version"),
        optional("time_archived"),
    );
    let mut statement = connection.prepare(&sql).map_err(fail)?;
    let rows = statement.query_map([], |row| {
        Ok(Session {
            id: row.get(0)?,
            parent: row.get(1)?,
            directory: row.get(2)?,
            title: row.get(3)?,
            version: row.get(4)?,
            created: row.get(5)?,
            updated: row.get(6)?,
            archived: row.get::<_, Option<i64>>(7)?.is_some(),
        })
    });
    rows.and_then(Iterator::collect).map_err(fail)
}

/// `time_updated` of a session does not move with every part, so the newest part and their number count too.
fn fingerprint(connection: &Connection, session: &Session) -> rusqlite::Result<u64> {
    let mut statement = connection
        .prepare_cached("SELECT COUNT(*), COALESCE(MAX(time_updated), 0) FROM part WHERE session_id = ?1")?;
    let (parts, newest): (i64, i64) =
        statement.query_row([&session.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let archived = [u8::from(session.archived)];
    let numbers = [session.updated, parts, newest].map(i64::to_le_bytes).concat();
    Ok(hash(&[session.title.as_bytes(), &numbers, &archived]))
}

fn describe(session: &Session, emit: &mut dyn FnMut(Stored<'_>)) {
    let mut tell = |event| emit(Stored::Event { place: 0, length: 0, event });
    tell(Event::Meta(Meta {
        cwd: Some(Cow::Borrowed(&session.directory)),
        version: session.version.as_deref().map(Cow::Borrowed),
        ..Meta::default()
    }));
    tell(Event::SeenAt(Timestamp::from_millis(session.created)));
    tell(Event::SeenAt(Timestamp::from_millis(session.updated)));
    if let Some(parent) = &session.parent {
        tell(Event::Parent { session: Cow::Borrowed(parent), call: None });
    }
    if !is_default_title(&session.title) {
        let text = Cow::Borrowed(session.title.as_str());
        tell(Event::Title { kind: TitleKind::Generated, text, session: None });
    }
}

/// `New session - <time>` is what OpenCode calls a session until its model has named it.
pub fn is_default_title(title: &str) -> bool {
    title.is_empty() || title.starts_with("New session - ") || title.starts_with("Child session - ")
}

fn messages(
    connection: &Connection,
    session: &Session,
    emit: &mut dyn FnMut(Stored<'_>),
) -> rusqlite::Result<()> {
    let mut messages = connection.prepare_cached(
        "SELECT rowid, id, CAST(data AS BLOB) FROM message WHERE session_id = ?1 ORDER BY time_created, id",
    )?;
    let mut parts = connection
        .prepare_cached("SELECT rowid, CAST(data AS BLOB) FROM part WHERE message_id = ?1 ORDER BY id")?;
    let mut reader = PartReader { is_child: session.parent.is_some(), ..PartReader::default() };
    let mut rows = messages.query([&session.id])?;
    while let Some(row) = rows.next()? {
        let (row_id, id, data): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let place = row_id as u64;
        let Ok((message, _)) = Raw::first(&data) else {
            emit(Stored::Skipped { reason: "not JSON" });
            continue;
        };
        let length = data.len() as u64;
        let mut tell = |event: Event<'_>| emit(Stored::Event { place: place | MESSAGE, length, event });
        reader.message(&session.id, &id, message, &mut tell);
        let mut rows = parts.query([&id])?;
        while let Some(row) = rows.next()? {
            let (row_id, data): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let place = row_id as u64;
            let length = data.len() as u64;
            let read = Raw::first(&data).and_then(|(part, _)| {
                reader.read(part, Want::Everything, &mut |event| emit(Stored::Event { place, length, event }))
            });
            if read.is_err() {
                emit(Stored::Skipped { reason: "not JSON" });
            }
        }
        let mut tell = |event: Event<'_>| emit(Stored::Event { place: place | MESSAGE, length, event });
        reader.error(message, &mut tell);
    }
    Ok(())
}

pub fn fetch(file: &SessionFile, place: u64) -> Result<Vec<u8>, DatabaseError> {
    let database = open_read_only(&file.path)?;
    let table = if place & MESSAGE == 0 { "part" } else { "message" };
    let sql = format!("SELECT CAST(data AS BLOB) FROM {table} WHERE rowid = ?1");
    let found = database.connection.query_row(&sql, [(place & !MESSAGE) as i64], |row| row.get(0)).optional();
    found
        .map_err(|source| DatabaseError::Sqlite { path: file.path.clone(), source })?
        .ok_or_else(|| DatabaseError::Gone { path: file.path.clone() })
}
