//! Databases of cases: made from SQL text before the run, asked after it.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// Makes the database at `path` with what `text` creates.
///
/// # Errors
/// In SQLite's words.
pub(crate) fn make(path: &Path, text: &str) -> Result<(), String> {
    let make = || Connection::open(path)?.execute_batch(text);
    make().map_err(|error: rusqlite::Error| format!("{}: {error}", path.display()))
}

/// What a query finds: rows with a line each, their values with `|` between them.
///
/// # Errors
/// In SQLite's words.
pub(crate) fn ask(path: &Path, query: &str) -> Result<String, String> {
    let ask = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = connection.prepare(query)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values: Result<Vec<String>, _> = (0..columns).map(|at| row.get(at).map(shown)).collect();
            Ok(values?.join("|"))
        })?;
        rows.collect::<Result<Vec<String>, rusqlite::Error>>()
    };
    ask().map(|rows| rows.join("\n")).map_err(|error| format!("{}: {error}", path.display()))
}

fn shown(value: Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text,
        Value::Blob(bytes) => data_encoding::HEXLOWER.encode(&bytes),
    }
}
