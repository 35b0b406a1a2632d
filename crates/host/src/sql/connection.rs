//! Connections to a database, with everything switched off that a statement has no use for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_guard::{HostError, Meter};
use bailiwick_policy::Code;
use bailiwick_sqlite::within;
use rusqlite::config::DbConfig;
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension as _};

use super::MAX_STATEMENT;
use super::answer::{Answer, Writer, json};
use super::bounded::replace_functions;
use super::inspect::{Access, Found, Inspected, Judge, Need, Unfit, Watch, table};
use super::length::length;
use super::parameters::Parameters;
use super::tokens::{are_several, is_empty, joins_by_name, replaces, tokens};
use crate::ambient;
use crate::sqlite::{Wanted, Watching, failure};

/// How long to wait for somebody else's lock.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest value or row, in bytes.
const MAX_VALUE: i32 = 1 << 20;
/// Memory that SQLite takes for one statement at most.
const MEMORY: u64 = 64 << 20;
/// The same for all statements of the process, where somebody else used SQLite before, so that it cannot be divided.
const UNDIVIDED: u64 = 256 << 20;
/// Most functions and operators in one statement: SQLite computes them all without a pause, for one row.
const MAX_FUNCTIONS: usize = 500;
const MAX_OPERATORS: usize = 2000;

/// The file may not grow any more, or cannot.
const FULL: HostError = HostError::Failed(Code::NoSpace);

/// Bounds of what one statement may be, and SQLite's names for them.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_STATEMENT as i32),
    (Limit::SQLITE_LIMIT_COLUMN, 500),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
    (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// What a connection may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Reading,
    Writing,
}

/// A connection and its authorizer.
pub(super) struct Session {
    connection: Connection,
    path: PathBuf,
    judge: Arc<Mutex<Judge>>,
    /// Tables that SQLite brings without a schema having them, in lower case.
    modules: BTreeSet<String>,
}

/// What a statement needs, and the names that are its own.
pub(super) type Needs = (Vec<Need>, BTreeSet<String>);

impl Session {
    pub(super) fn open(path: &Path, purpose: Use) -> rusqlite::Result<Session> {
        let access = match purpose {
            Use::Reading => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Use::Writing => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = ambient::open_database(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        for (limit, value) in LIMITS {
            connection.set_limit(*limit, *value)?;
        }
        for (setting, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
            (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        ] {
            connection.set_db_config(setting, on)?;
        }
        let set = format!(
            "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096; PRAGMA mmap_size = 0; \
             PRAGMA cell_size_check = ON; PRAGMA query_only = {}",
            if purpose == Use::Reading { "ON" } else { "OFF" }
        );
        connection.execute_batch(&set)?;
        if !bailiwick_sqlite::divide() {
            connection.execute_batch(&format!("PRAGMA hard_heap_limit = {UNDIVIDED}"))?;
        }
        let modules = connection
            .prepare("SELECT lower(name) FROM pragma_module_list")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<BTreeSet<String>>>()?;
        let judge = Arc::new(Mutex::new(Judge::new()));
        let (answering, computing) = (Arc::clone(&judge), Arc::clone(&judge));
        connection.authorizer(Some(move |context: AuthContext<'_>| lock(&answering).judge(&context)));
        let most = usize::try_from(MAX_VALUE).unwrap_or(usize::MAX);
        replace_functions(&connection, most, move || lock(&computing).goes_on())?;
        // Every statement is prepared anew, so that the authorizer sees it.
        connection.set_prepared_statement_cache_capacity(0);
        Ok(Session { connection, path: path.to_owned(), judge, modules })
    }

    /// What a statement needs, in order. `message` gets the database's words when it does not understand the statement.
    pub(super) fn inspect(
        &self,
        database: &str,
        text: &str,
        parameters: &Parameters,
        wanted: &Wanted,
        message: &mut String,
    ) -> Result<Needs, Unfit> {
        let Ok(words) = tokens(text) else {
            "the text does not end, or has a variable with an odd name".clone_into(message);
            return Err(Unfit::NotUnderstood);
        };
        if is_empty(&words) {
            "there is no statement".clone_into(message);
            return Err(Unfit::NotUnderstood);
        }
        if are_several(&words) {
            "there is more than one statement".clone_into(message);
            return Err(Unfit::NotUnderstood);
        }
        let length = length(&words);
        if length.functions > MAX_FUNCTIONS || length.operators > MAX_OPERATORS {
            *message = format!(
                "the statement has more than {MAX_FUNCTIONS} functions or {MAX_OPERATORS} operators; do it in several"
            );
            return Err(Unfit::NotUnderstood);
        }
        let _working = self.work_for(wanted);
        let (prepared, watch) = self.watched(Watch::Collecting(Found::of(database)), || {
            within(MEMORY, || {
                let mut statement = self.connection.prepare(text)?;
                Ok((statement.is_explain() != 0, parameters.bind(&mut statement)))
            })
        });
        let Watch::Collecting(found) = watch else { return Err(Unfit::Failed(HostError::Failed(Code::Internal))) };
        if !wanted.holds() {
            return Err(Unfit::Failed(HostError::Limit(Code::CallDeadline)));
        }
        if let Some(why) = found.refused {
            return Err(Unfit::Unsupported(why));
        }
        match prepared {
            Ok((true, _)) => {
                let why = "it asks how a statement would run, which no rule can allow".to_owned();
                return Err(Unfit::Unsupported(why));
            }
            Ok((false, Ok(()))) => {}
            Ok((false, Err(misfit))) => {
                *message = misfit;
                return Err(Unfit::NotUnderstood);
            }
            Err(error) => return Err(unfit(&error, message)),
        }
        let mut needs = found.needs;
        let mut locals = BTreeSet::new();
        for name in found.bare {
            if self.is_table(&name).map_err(Unfit::Failed)? {
                needs.add(Access::Select, table(database, &name, None).map_err(Unfit::Unsupported)?, None);
            } else {
                locals.insert(name);
            }
        }
        if needs.is_empty() {
            return Err(Unfit::Unsupported("it is about no table, so that there is nothing to decide on".to_owned()));
        }
        if replaces(&words) {
            found.filled.into_iter().for_each(|table| needs.add(Access::Delete, table, None));
        }
        // SQLite asks about no column that a join compares only because of its name.
        if joins_by_name(&words) || self.any_joins_by_name(&found.through).map_err(Unfit::Failed)? {
            needs.widen_reading();
        }
        Ok((needs.list(), locals))
    }

    /// Whether one of these views and triggers, in lower case, has a join that names no condition.
    fn any_joins_by_name(&self, names: &BTreeSet<String>) -> Result<bool, HostError> {
        let text = "SELECT sql FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('view', 'trigger')";
        for name in names {
            let find = || self.connection.query_row(text, [name], |row| row.get::<_, Option<String>>(0)).optional();
            let (found, _) = self.watched(Watch::Own, find);
            let found = found.map_err(|error| failure(&error))?.flatten();
            if found.is_some_and(|sql| tokens(&sql).map_or(true, |words| joins_by_name(&words))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether that name, in lower case, is one of the database's or of SQLite's own, if the statement did not define it.
    fn is_table(&self, name: &str) -> Result<bool, HostError> {
        if self.modules.contains(name) || name.starts_with("sqlite_") || name.starts_with("pragma_") {
            return Ok(true);
        }
        let text = "SELECT count(*) FROM sqlite_schema WHERE name = ? COLLATE NOCASE";
        let (found, _) =
            self.watched(Watch::Own, || self.connection.query_row(text, [name], |row| row.get::<_, i64>(0)));
        found.map(|found| found > 0).map_err(|error| failure(&error))
    }

    /// Runs a statement all of whose needs were decided.
    pub(super) fn run(
        &self,
        statement: &Arc<Inspected>,
        wanted: &Wanted,
        limit: usize,
        meter: &Meter,
        message: &mut String,
    ) -> Result<Answer, HostError> {
        let working = self.work_for(wanted);
        if !statement.writes {
            return within(MEMORY, || self.perform(statement, wanted, limit, message));
        }
        self.own("BEGIN IMMEDIATE")?;
        let result = within(MEMORY, || self.change(statement, wanted, limit, meter, message));
        drop(working);
        if result.is_err() && !self.connection.is_autocommit() {
            self.own("ROLLBACK")?;
        }
        // SQLite does not tell a full disk from the bound that `change` sets; with room for the budget it was the bound.
        let left = meter.disk_left();
        if matches!(result, Err(FULL)) && ambient::free_bytes(&self.path).is_ok_and(|free| free >= left) {
            meter.take_disk(left.saturating_add(1))?;
        }
        result
    }

    /// Within a transaction, which it commits.
    fn change(
        &self,
        statement: &Arc<Inspected>,
        wanted: &Wanted,
        limit: usize,
        meter: &Meter,
        message: &mut String,
    ) -> Result<Answer, HostError> {
        let (before, page) = (self.number("PRAGMA page_count")?, self.number("PRAGMA page_size")?.max(1));
        let most = before.saturating_add(meter.disk_left().checked_div(page).unwrap_or(0));
        self.number(&format!("PRAGMA max_page_count = {}", most.clamp(1, u64::from(u32::MAX) - 2)))?;
        let answer = self.perform(statement, wanted, limit, message)?;
        let grown = self.number("PRAGMA page_count")?.saturating_sub(before).saturating_mul(page);
        meter.take_disk(grown)?;
        // Nobody would learn that it happened.
        if !wanted.holds() {
            return Err(HostError::Limit(Code::CallDeadline));
        }
        let (committed, _) = self.watched(Watch::Own, || self.connection.execute_batch("COMMIT"));
        committed.map_err(|error| broken(&error, message))?;
        Ok(answer)
    }

    fn perform(
        &self,
        statement: &Arc<Inspected>,
        wanted: &Wanted,
        limit: usize,
        message: &mut String,
    ) -> Result<Answer, HostError> {
        let enforcing = Watch::Enforcing { needs: Arc::clone(statement), broken: false };
        let (result, watch) = self.watched(enforcing, || {
            let mut prepared = self.connection.prepare(&statement.text).map_err(|error| broken(&error, message))?;
            statement.parameters.bind(&mut prepared).map_err(|misfit| {
                *message = misfit;
                HostError::Failed(Code::SqlStatement)
            })?;
            let mut writer = Writer::new(prepared.column_names().into_iter(), limit)?;
            let columns = prepared.column_count();
            let mut rows = prepared.raw_query();
            while let Some(row) = rows.next().map_err(|error| broken(&error, message))? {
                writer.row(columns, |at| row.get_ref(at).ok().map(json))?;
            }
            drop(rows);
            writer.finish(if statement.writes { self.connection.changes() } else { 0 })
        });
        match watch {
            _ if !wanted.holds() => Err(HostError::Limit(Code::CallDeadline)),
            Watch::Enforcing { broken: false, .. } => result,
            // The schema changed in between, or a virtual table asked for more: nobody decided about that.
            _ => Err(HostError::Denied(Code::Unsupported)),
        }
    }

    fn own(&self, text: &str) -> Result<(), HostError> {
        let (result, _) = self.watched(Watch::Own, || self.connection.execute_batch(text));
        result.map_err(|error| failure(&error))
    }

    fn number(&self, text: &str) -> Result<u64, HostError> {
        let (result, _) = self.watched(Watch::Own, || self.connection.query_row(text, [], |row| row.get::<_, i64>(0)));
        result.map(|number| u64::try_from(number).unwrap_or(0)).map_err(|error| failure(&error))
    }

    /// Does something while the authorizer is in that state, and gives the state back.
    fn watched<T>(&self, watch: Watch, work: impl FnOnce() -> T) -> (T, Watch) {
        lock(&self.judge).set(watch);
        let result = work();
        (result, lock(&self.judge).set(Watch::Idle))
    }

    /// Whatever the connection does while this lives ends when nobody waits for it any more.
    fn work_for(&self, wanted: &Wanted) -> Working<'_> {
        lock(&self.judge).wanted = Some(wanted.clone());
        Working { session: self, _watching: wanted.watch(&self.connection) }
    }
}

struct Working<'s> {
    session: &'s Session,
    _watching: Watching,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        lock(&self.session.judge).wanted = None;
        self.session.connection.progress_handler(0, None::<fn() -> bool>);
    }
}

fn lock(judge: &Mutex<Judge>) -> MutexGuard<'_, Judge> {
    judge.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a statement was not prepared.
fn unfit(error: &Error, message: &mut String) -> Unfit {
    match error {
        Error::SqliteFailure(_, _) | Error::SqlInputError { .. } => match broken(error, message) {
            HostError::Failed(Code::SqlStatement) => Unfit::NotUnderstood,
            error => Unfit::Failed(error),
        },
        Error::MultipleStatement => {
            "there is more than one statement".clone_into(message);
            Unfit::NotUnderstood
        }
        _ => {
            "it is no statement".clone_into(message);
            Unfit::NotUnderstood
        }
    }
}

/// The code of an error that a statement met, whose own words go to `message` if they are about the statement.
fn broken(error: &Error, message: &mut String) -> HostError {
    let words = match error {
        Error::SqliteFailure(_, Some(words)) => words.as_str(),
        Error::SqlInputError { msg, .. } => msg.as_str(),
        _ => "",
    };
    let code = match error {
        Error::SqlInputError { error, .. } => Some(error.code),
        _ => error.sqlite_error_code(),
    };
    let code = match code {
        Some(ErrorCode::Unknown) => Code::SqlStatement,
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => Code::SqlConstraint,
        Some(ErrorCode::DiskFull) => return FULL,
        _ => return failure(error),
    };
    words.clone_into(message);
    HostError::Failed(code)
}
