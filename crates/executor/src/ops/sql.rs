//! SQL databases.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_policy::{ActionName, Code, Kind};

use crate::run::Door;

/// Runs one statement.
pub(crate) async fn sql_query(
    door: &Door,
    database: &str,
    _statement: &str,
    _parameters: &str,
) -> Result<String, CallError> {
    let code = Code::ManifestNoRule;
    Err(door.refuse(Attempt { kind: Kind::Sql, action: ActionName::Select, resource: database, code }))
}

/// What the database says about the last statement that it did not understand.
pub(crate) fn sql_message(_door: &Door) -> String {
    String::new()
}
