//! What a statement needs, by SQLite's own account.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_policy::{ActionName, TableName};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::database::Database;
use super::functions::is_harmless;
use super::parameters::Parameters;
use crate::sqlite::Wanted;

/// Most that SQLite may ask about one statement. A hundred tables of a hundred columns each are ten thousand.
const MAX_QUESTIONS: u32 = 20_000;

/// What is done to a table. In this order a statement's needs are decided, reading first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Select,
    Delete,
    Insert,
    Update,
}

/// One table and what is done to it: one decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    pub(super) access: Access,
    pub(super) table: TableName,
}

/// A statement that SQLite understands, what it needs, and how much of that was decided. Made by
/// [`Sql::inspect`](super::Sql::inspect), and spent by [`query`](super::query). No `Debug`: it holds values.
pub struct Statement {
    inner: Arc<Inspected>,
    /// How many of the needs, from the first, were decided and recorded.
    claimed: usize,
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
    pub(super) needs: BTreeSet<Need>,
    /// Tables that are inserted into or updated.
    pub(super) filled: BTreeSet<TableName>,
    /// Names of which no column is read: of tables, or of the statement's own. In lower case.
    pub(super) bare: BTreeSet<String>,
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
}

impl Statement {
    pub(super) fn new(inspected: Inspected) -> Statement {
        Statement { inner: Arc::new(inspected), claimed: 0 }
    }

    /// Every decision that it takes.
    pub fn needs(&self) -> &[Need] {
        &self.inner.needs
    }

    /// The next decision, and whether it is the last.
    pub(super) fn next(&self) -> Option<(&Need, bool)> {
        let next = self.inner.needs.get(self.claimed)?;
        Some((next, self.claimed.checked_add(1) == Some(self.inner.needs.len())))
    }

    /// The statement after its next need was decided. Only a permit for that leads here.
    pub(super) fn claimed(&self) -> Statement {
        Statement { inner: Arc::clone(&self.inner), claimed: self.claimed.saturating_add(1) }
    }

    pub(super) fn inner(&self) -> &Arc<Inspected> {
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
                        let need = need(&needs.database.name, Access::Select, &name, None);
                        need.is_ok_and(|need| needs.needs.contains(&need))
                    }
                    Sort::Table(access, table) => {
                        let need = need(&needs.database.name, access, table, context.database_name);
                        need.is_ok_and(|need| needs.needs.contains(&need))
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
            Sort::Table(access, table) => {
                let need = need(&self.database, access, table, context.database_name)?;
                if matches!(access, Access::Insert | Access::Update) {
                    self.filled.insert(need.table.clone());
                }
                self.needs.insert(need);
                Ok(())
            }
        }
    }
}

/// What the authorizer is asked about.
enum Sort<'c> {
    Harmless,
    Table(Access, &'c str),
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
        AuthAction::Read { table_name, .. } => Sort::Table(Access::Select, table_name),
        AuthAction::Insert { table_name } => Sort::Table(Access::Insert, table_name),
        AuthAction::Update { table_name, .. } => Sort::Table(Access::Update, table_name),
        AuthAction::Delete { table_name } => Sort::Table(Access::Delete, table_name),
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

pub(super) fn need(database: &str, access: Access, table: &str, schema: Option<&str>) -> Result<Need, String> {
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
    let table = name.map_err(|_| "it uses a table whose name no rule can write".to_owned())?;
    Ok(Need { access, table })
}
