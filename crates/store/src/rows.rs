//! Rows of tables whose columns are not known: as JSON, and back.

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use serde_json::{Map, Value, json};

/// A row: its columns by their names.
pub type Fields = Map<String, Value>;

/// Makes JSON of a value.
pub fn to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(bytes) => json!({"blob": bytes}),
    }
}

/// Makes a value of JSON.
pub fn to_sql(value: &Value) -> Sql {
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

/// Returns the rows of a query.
///
/// # Errors
/// What SQLite says.
pub fn rows_of(connection: &Connection, query: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Fields>> {
    let mut query = connection.prepare_cached(query)?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut cursor = query.query(values)?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next()? {
        let mut fields = Map::new();
        for (at, name) in names.iter().enumerate() {
            fields.insert(name.clone(), to_json(row.get_ref(at)?));
        }
        rows.push(fields);
    }
    Ok(rows)
}

/// Puts a row into a table; `or` is what becomes of one that is there already: `IGNORE`, `ABORT`.
///
/// # Errors
/// What SQLite says.
pub fn insert(connection: &Connection, table: &str, or: &str, fields: &Fields) -> rusqlite::Result<()> {
    let names: Vec<String> = fields.keys().map(|name| format!("\"{name}\"")).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let query = format!("INSERT OR {or} INTO \"{table}\" ({}) VALUES ({marks})", names.join(", "));
    connection.execute(&query, params_from_iter(fields.values().map(to_sql)))?;
    Ok(())
}
