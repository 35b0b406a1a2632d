//! What a statement needs, by SQLite's own account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_guard::journal::{Asked, Fingerprint};
use bailiwick_policy::{ActionName, Columns, TableName};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use serde::{Deserialize, Serialize};

use super::database::Database;
use super::functions::is_harmless;
use super::parameters::Parameters;
use super::postgres::Planned;
use crate::sqlite::Wanted;

/// Most that SQLite may ask about one statement. A hundred tables of a hundred columns each are ten thousand.
const MAX_QUESTIONS: u32 = 20_000;

/// What is done to a table. In this order a statement's needs are decided, reading first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Access {
    Select,
    Delete,
    Insert,
    Update,
}

/// One table and what is done to it: one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub(super) access: Access,
    pub(super) table: TableName,
    /// Those that are read or changed; of rows that are added or removed, none is named.
    pub(super) columns: Columns,
}

/// Needs while they are collected.
#[derive(Debug, Default)]
pub(super) struct Needs(BTreeMap<(Access, TableName), Touched>);

/// Columns while they are collected.
#[derive(Debug, Default)]
struct Touched {
    names: BTreeSet<String>,
    all: bool,
}

/// A statement that SQLite understands, what it needs, and how much of that was decided. Made by
/// [`Sql::inspect`](super::Sql::inspect), and spent by [`query`](super::query). No `Debug`: it holds values.
pub struct Statement {
    pub(super) inner: Inner,
    /// How many of the needs, from the first, were decided and recorded.
    pub(super) claimed: usize,
    /// Of its database, text and values.
    pub(super) asked: Asked,
}

/// By whom it was understood.
#[derive(Clone)]
pub(super) enum Inner {
    Sqlite(Arc<Inspected>),
    Postgres(Arc<Planned>),
    /// In the run that a replay is of; these are its needs.
    Recorded(Arc<Vec<Need>>),
}

pub(super) struct Inspected {
    pub(super) database: Arc<Database>,
    pub(super) text: String,
    pub(super) parameters: Parameters,
    /// At least one, in order.
    pub(super) needs: Vec<Need>,
    pub(super) writes: bool,
    /// Names of the statement's own (`WITH`), in lower case, of which no column is read.
    pub(super) locals: BTreeSet<String>,
}

/// A text that becomes no call. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The manifest names no such database.
    Unknown,
    /// No rule could allow it; why, in words for the operator.
    Unsupported(String),
    /// SQLite does not understand it, or the values do not fit it. Why is told by [`Sql::message`](super::Sql::message).
    NotUnderstood,
    /// The database cannot be asked.
    Failed(HostError),
}

/// What the authorizer does at the moment.
pub(super) enum Watch {
    /// Refuses everything: nothing is to be prepared now.
    Idle,
    /// Lets this crate's own statements pass.
    Own,
    Collecting(Found),
    /// Refuses what was not decided about.
    Enforcing {
        needs: Arc<Inspected>,
        broken: bool,
    },
}

/// What SQLite's questions are answered by, and for whom.
pub(super) struct Judge {
    pub(super) watch: Watch,
    /// The work that the connection is used for.
    pub(super) wanted: Option<Wanted>,
    /// Questions of the present statement, which is prepared no further beyond [`MAX_QUESTIONS`].
    asked: u32,
}

/// What the authorizer was asked about while a statement was prepared.
#[derive(Default)]
pub(super) struct Found {
    database: String,
    pub(super) needs: Needs,
    /// Tables that are inserted into or updated.
    pub(super) filled: BTreeSet<TableName>,
    /// Names of which no column is read: of tables, or of the statement's own. In lower case.
    pub(super) bare: BTreeSet<String>,
    /// Views and triggers that something is done through.
    pub(super) through: BTreeSet<String>,
    /// The first thing that no rule could allow.
    pub(super) refused: Option<String>,
}

impl Access {
    const fn action(self) -> ActionName {
        match self {
            Access::Select => ActionName::Select,
            Access::Delete => ActionName::Delete,
            Access::Insert => ActionName::Insert,
            Access::Update => ActionName::Update,
        }
    }
}

impl Need {
    pub fn action(&self) -> ActionName {
        self.access.action()
    }

    pub fn table(&self) -> &TableName {
        &self.table
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}

impl Needs {
    /// Adds a need, with a column of the table if one is touched.
    pub(super) fn add(&mut self, access: Access, table: TableName, column: Option<String>) {
        self.0.entry((access, table)).or_default().names.extend(column);
    }

    /// Adds a need of which it cannot be said which columns are touched.
    pub(super) fn add_all(&mut self, access: Access, table: TableName) {
        self.0.entry((access, table)).or_default().all = true;
    }

    /// What is read may be any column.
    pub(super) fn widen_reading(&mut self) {
        let reading = self.0.iter_mut().filter(|((access, _), _)| *access == Access::Select);
        reading.for_each(|(_, touched)| touched.all = true);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they are decided.
    pub(super) fn list(self) -> Vec<Need> {
        let need = |((access, table), Touched { names, all })| {
            let columns = if all { Columns::All } else { names.into_iter().collect() };
            Need { access, table, columns }
        };
        self.0.into_iter().map(need).collect()
    }
}

impl Inspected {
    /// Whether that was decided about; a column is named as needs name it.
    fn has(&self, access: Access, table: &TableName, column: Option<&str>) -> bool {
        let mut needs = self.needs.iter();
        let Some(need) = needs.find(|need| need.access == access && need.table == *table) else { return false };
        match (&need.columns, column) {
            (Columns::All, _) | (Columns::These(_), None) => true,
            (Columns::These(names), Some(column)) => names.contains(column),
        }
    }
}

impl Statement {
    pub(super) fn new(inspected: Inspected, asked: Asked) -> Statement {
        Statement { inner: Inner::Sqlite(Arc::new(inspected)), claimed: 0, asked }
    }

    pub(super) fn planned(planned: Planned, asked: Asked) -> Statement {
        Statement { inner: Inner::Postgres(Arc::new(planned)), claimed: 0, asked }
    }

    pub(super) fn fingerprint(&self, print: &mut Fingerprint) {
        print.bytes(self.asked.as_bytes()).count(self.claimed);
    }

    /// Every decision that it takes.
    pub fn needs(&self) -> &[Need] {
        match &self.inner {
            Inner::Sqlite(inspected) => &inspected.needs,
            Inner::Postgres(planned) => &planned.needs,
            Inner::Recorded(needs) => needs,
        }
    }

    /// The next decision, and whether it is the last.
    pub(super) fn next(&self) -> Option<(&Need, bool)> {
        let next = self.needs().get(self.claimed)?;
        Some((next, self.claimed.checked_add(1) == Some(self.needs().len())))
    }

    /// The statement after its next need was decided. Only a permit for that leads here.
    pub(super) fn claimed(&self) -> Statement {
        Statement { inner: self.inner.clone(), claimed: self.claimed.saturating_add(1), asked: self.asked }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl Judge {
    pub(super) fn new() -> Judge {
        Judge { watch: Watch::Idle, wanted: None, asked: 0 }
    }

    /// Sets what is answered from now on.
    pub(super) fn set(&mut self, watch: Watch) -> Watch {
        self.asked = 0;
        std::mem::replace(&mut self.watch, watch)
    }

    pub(super) fn goes_on(&self) -> bool {
        self.wanted.as_ref().is_none_or(Wanted::holds)
    }

    pub(super) fn judge(&mut self, context: &AuthContext<'_>) -> Authorization {
        self.asked = self.asked.saturating_add(1);
        // Preparing is not stopped by anything else: `WITH` can make a short statement long.
        if self.asked > MAX_QUESTIONS || !self.goes_on() {
            self.watch.refuse(format!(
                "it is too long: with its views and `WITH` in place it reads and does more than {MAX_QUESTIONS} things"
            ));
            return Authorization::Deny;
        }
        self.watch.judge(context)
    }
}

impl Watch {
    fn refuse(&mut self, why: String) {
        match self {
            Watch::Idle | Watch::Own => {}
            Watch::Collecting(found) => {
                found.refused.get_or_insert(why);
            }
            Watch::Enforcing { broken, .. } => *broken = true,
        }
    }

    fn judge(&mut self, context: &AuthContext<'_>) -> Authorization {
        match self {
            Watch::Idle => Authorization::Deny,
            Watch::Own => Authorization::Allow,
            Watch::Collecting(found) => match found.judge(context) {
                Ok(()) => Authorization::Allow,
                Err(why) => {
                    found.refused.get_or_insert(why);
                    Authorization::Deny
                }
            },
            Watch::Enforcing { needs, broken } => {
                let decided = match sort(context) {
                    Sort::Harmless => true,
                    Sort::Bare(name) if needs.locals.contains(&name) => true,
                    Sort::Bare(name) => {
                        let table = table(&needs.database.name, &name, None);
                        table.is_ok_and(|table| needs.has(Access::Select, &table, None))
                    }
                    Sort::Table(access, name, column) => {
                        let table = table(&needs.database.name, name, context.database_name);
                        table.is_ok_and(|table| needs.has(access, &table, column_name(column).as_deref()))
                    }
                    Sort::Refused(_) => false,
                };
                *broken |= !decided;
                match context.action {
                    _ if !decided => Authorization::Deny,
                    // Row by row: clearing a whole table is one instruction, which nothing stops.
                    AuthAction::Delete { .. } => Authorization::Ignore,
                    _ => Authorization::Allow,
                }
            }
        }
    }
}

impl Found {
    pub(super) fn of(database: &str) -> Found {
        Found { database: database.to_owned(), ..Found::default() }
    }

    fn judge(&mut self, context: &AuthContext<'_>) -> Result<(), String> {
        match sort(context) {
            Sort::Harmless => Ok(()),
            Sort::Refused(why) => Err(why),
            Sort::Bare(name) => {
                self.bare.insert(name);
                Ok(())
            }
            Sort::Table(access, name, column) => {
                let table = table(&self.database, name, context.database_name)?;
                if matches!(access, Access::Insert | Access::Update) {
                    self.filled.insert(table.clone());
                }
                self.through.extend(context.accessor.map(str::to_ascii_lowercase));
                self.needs.add(access, table, column_name(column));
                Ok(())
            }
        }
    }
}

/// What the authorizer is asked about.
enum Sort<'c> {
    Harmless,
    /// A table and, where one is touched, a column of it; as they are written in the schema.
    Table(Access, &'c str, &'c str),
    /// What stands in `FROM` without a column being read, as it is written there, in lower case. It may be a name of the
    /// statement's own.
    Bare(String),
    Refused(String),
}

fn sort<'c>(context: &AuthContext<'c>) -> Sort<'c> {
    let refused = |what: &str| Sort::Refused(format!("it {what}, which no rule can allow"));
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Sort::Harmless,
        AuthAction::Read { table_name, column_name: "" } if context.database_name.is_none() => {
            Sort::Bare(table_name.to_ascii_lowercase())
        }
        AuthAction::Read { table_name, column_name } => Sort::Table(Access::Select, table_name, column_name),
        AuthAction::Insert { table_name } => Sort::Table(Access::Insert, table_name, ""),
        AuthAction::Update { table_name, column_name } => Sort::Table(Access::Update, table_name, column_name),
        AuthAction::Delete { table_name } => Sort::Table(Access::Delete, table_name, ""),
        AuthAction::Function { function_name } if is_harmless(function_name) => Sort::Harmless,
        AuthAction::Function { function_name } => refused(&format!("uses the function `{function_name}`")),
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => refused("attaches or detaches a database"),
        AuthAction::Pragma { .. } => refused("reads or changes a setting (PRAGMA)"),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            refused("starts or ends a transaction; each statement is one of its own")
        }
        _ => refused("changes the schema, or does something else than reading and changing rows"),
    }
}

pub(super) fn table(database: &str, table: &str, schema: Option<&str>) -> Result<TableName, String> {
    // Without one it is the database's own: there are no others, and temporary tables cannot be made.
    if schema.is_some_and(|schema| schema != "main") {
        return Err("it uses a schema other than the database's own, which no rule can allow".to_owned());
    }
    // SQLite compares names without regard to case; rules have one spelling.
    let table = table.to_ascii_lowercase();
    if table.starts_with("sqlite_") || table.starts_with("pragma_") {
        return Err(format!("it uses `{table}`, one of SQLite's own tables, which no rule can allow"));
    }
    let name = TableName::parse(&format!("{database}/{table}"));
    name.map_err(|_| "it uses a table whose name no rule can write".to_owned())
}

/// A column as rules name it: `rowid` is one, if no other column stands for it.
fn column_name(column: &str) -> Option<String> {
    (!column.is_empty()).then(|| column.to_ascii_lowercase())
}
