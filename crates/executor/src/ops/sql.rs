//! SQL databases.

use bailiwick_guard::journal::{Asked, Lane};
use bailiwick_guard::{Attempt, CallError, HostError, StopCause};
use bailiwick_host::sql::{Answer, MAX_PARAMETERS, MAX_STATEMENT, Parameters, ParametersError, Unfit, outline, query};
use bailiwick_policy::{ActionName, Code, Kind};
use serde_json::Value;

use crate::run::Door;

/// Runs one statement. `parameters` is JSON text; see [`Parameters::parse`].
pub(crate) async fn sql_query(
    door: &Door,
    database: &str,
    statement: &str,
    parameters: &str,
) -> Result<String, CallError> {
    if parameters.len() > MAX_PARAMETERS {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    run(door, database, statement, Parameters::parse(parameters)).await
}

/// As [`sql_query`], with parameters that were parsed already.
pub(crate) async fn sql_query_values(
    door: &Door,
    database: &str,
    statement: &str,
    parameters: Value,
) -> Result<String, CallError> {
    run(door, database, statement, Parameters::from_json(parameters)).await
}

/// What the database says about the last statement that it did not understand.
///
/// # Errors
/// The end of a replay that has left its run.
pub(crate) fn sql_message(door: &Door) -> Result<String, StopCause> {
    let asked = || Asked::of(&[b"sql-message"]);
    door.guard().crossings().give(Lane::Host, asked, &door.guard().place(), || door.host().sql.message())
}

async fn run(
    door: &Door,
    database: &str,
    statement: &str,
    parameters: Result<Parameters, ParametersError>,
) -> Result<String, CallError> {
    if statement.len() > MAX_STATEMENT {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    let attempted = || format!("{database}: {}", outline(statement));
    let refuse =
        |code| door.refuse(Attempt { kind: Kind::Sql, action: ActionName::Select, resource: &attempted(), code });
    let parameters = parameters.map_err(|_| refuse(Code::Malformed))?;
    let sql = &door.host().sql;
    let statement = match sql.inspect(&door.guard().place(), database, statement, parameters, || reachable(door)).await
    {
        Ok(statement) => statement,
        Err(Unfit::Unknown) => return Err(door.guard().refuse_database(database, &attempted())),
        Err(Unfit::Unsupported(_)) => return Err(refuse(Code::Unsupported)),
        Err(Unfit::NotUnderstood) => return Err(as_failure(refuse(Code::SqlStatement))),
        Err(Unfit::Failed(HostError::Limit(code))) => {
            return Err(match refuse(code) {
                CallError::Denied(_) => CallError::Limit(code),
                other => other,
            });
        }
        Err(Unfit::Failed(HostError::Denied(code) | HostError::Failed(code))) => return Err(as_failure(refuse(code))),
        Err(Unfit::Failed(HostError::Stopped(cause))) => return Err(CallError::Stopped(cause)),
    };
    query(door.guard(), sql, statement).await.map(Answer::into_json)
}

/// A text that no decision was asked about is on record like a refusal; to the guest it is a failure of its own.
fn as_failure(refusal: CallError) -> CallError {
    match refusal {
        CallError::Denied(denied) if denied.code() != Code::AuditUnavailable => CallError::Failed(denied.code()),
        other => other,
    }
}

/// The databases about which the run's authority says anything.
fn reachable(door: &Door) -> Vec<String> {
    door.guard().grant().scopes().iter().filter_map(|scope| Some(scope.database()?.to_owned())).collect()
}
