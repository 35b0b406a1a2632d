//! Running a statement: one decision for each thing that it does, then one effect.
//!
//! The rights are tokens, as for moving a file: each [`Claim`] spends the [`Statement`] and gives it back with one need less
//! to decide, and the last need is the [`Execute`] itself, which runs the statement if nothing else is left.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, CallError, Effect, Guard, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, Columns, Resource, TableName};

use super::answer::{Answer, MAX_ANSWER};
use super::database::Sql;
use super::inspect::{Access, Need, Statement};

/// The longest that a statement may run.
const STATEMENT: Duration = Duration::from_secs(10);

/// What is done to a table: one of [`Selecting`], [`Inserting`], [`Updating`] and [`Deleting`].
pub trait Verb: sealed::Sealed + Send + Sync + 'static {
    const NAME: ActionName;
    const EFFECT: Effect;
}

/// Asks for one of the rights that a statement needs, other than the last.
pub struct Claim<V> {
    statement: Statement,
    table: TableName,
    columns: Columns,
    verb: PhantomData<V>,
}

/// Asks for the last right that a statement needs, and runs it.
pub struct Execute<V> {
    statement: Statement,
    table: TableName,
    columns: Columns,
    verb: PhantomData<V>,
}

/// Runs a statement through the guard, with a decision for each table and action that it needs.
///
/// # Errors
/// As [`Guard::call`], of the first that is refused: nothing was done then. `failed.sql_statement`, `failed.sql_constraint`,
/// `failed.database_busy`, `limit.response_bytes` and the end of the run over its disk budget undo what was done.
pub async fn query(guard: &Guard, sql: &Sql, mut statement: Statement) -> Result<Answer, CallError> {
    loop {
        let Some((need, last)) = statement.next() else { return Err(CallError::Failed(Code::Internal)) };
        let need = need.clone();
        statement = match (need.access, last) {
            (Access::Select, false) => guard.call(sql, Claim::<Selecting>::of(statement, need)).await?,
            (Access::Insert, false) => guard.call(sql, Claim::<Inserting>::of(statement, need)).await?,
            (Access::Update, false) => guard.call(sql, Claim::<Updating>::of(statement, need)).await?,
            (Access::Delete, false) => guard.call(sql, Claim::<Deleting>::of(statement, need)).await?,
            (Access::Select, true) => return guard.call(sql, Execute::<Selecting>::of(statement, need)).await,
            (Access::Insert, true) => return guard.call(sql, Execute::<Inserting>::of(statement, need)).await,
            (Access::Update, true) => return guard.call(sql, Execute::<Updating>::of(statement, need)).await,
            (Access::Delete, true) => return guard.call(sql, Execute::<Deleting>::of(statement, need)).await,
        };
    }
}

impl<V: Verb> Claim<V> {
    fn of(statement: Statement, Need { table, columns, .. }: Need) -> Claim<V> {
        Claim { statement, table, columns, verb: PhantomData }
    }
}

impl<V: Verb> Execute<V> {
    fn of(statement: Statement, Need { table, columns, .. }: Need) -> Execute<V> {
        Execute { statement, table, columns, verb: PhantomData }
    }
}

impl<V: Verb> Action for Claim<V> {
    const NAME: ActionName = V::NAME;
    const EFFECT: Effect = V::EFFECT;
    type Output = Statement;

    fn resource(&self) -> Resource {
        Resource::Table(self.table.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        self.statement.fingerprint(print.text("claim"));
    }

    fn columns(&self) -> Option<Columns> {
        Some(self.columns.clone())
    }
}

impl<V: Verb> Perform<Claim<V>> for Sql {
    async fn perform(&self, permit: Permit<'_, Claim<V>>) -> Result<Statement, HostError> {
        let Claim { statement, table, columns, .. } = permit.action();
        match statement.next() {
            Some((need, false)) if is_it(need, V::NAME, table, columns) => Ok(statement.claimed()),
            _ => Err(HostError::Failed(Code::Internal)),
        }
    }
}

impl<V: Verb> Action for Execute<V> {
    const NAME: ActionName = V::NAME;
    const EFFECT: Effect = V::EFFECT;
    type Output = Answer;

    fn resource(&self) -> Resource {
        Resource::Table(self.table.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        self.statement.fingerprint(print.text("execute"));
    }

    fn columns(&self) -> Option<Columns> {
        Some(self.columns.clone())
    }

    fn deadline(&self) -> Duration {
        STATEMENT
    }
}

impl<V: Verb> Perform<Execute<V>> for Sql {
    async fn perform(&self, permit: Permit<'_, Execute<V>>) -> Result<Answer, HostError> {
        let Execute { statement, table, columns, .. } = permit.action();
        match statement.next() {
            Some((need, true)) if is_it(need, V::NAME, table, columns) => {
                self.run(statement.inner().clone(), MAX_ANSWER, Arc::clone(permit.meter())).await
            }
            _ => Err(HostError::Failed(Code::Internal)),
        }
    }
}

/// Whether what was decided about is that need.
fn is_it(need: &Need, action: ActionName, table: &TableName, columns: &Columns) -> bool {
    need.action() == action && need.table == *table && need.columns == *columns
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident = $action:ident, $effect:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Verb for $name {
            const NAME: ActionName = ActionName::$action;
            const EFFECT: Effect = Effect::$effect;
        }
    )+};
}

verbs! {
    /// Reads rows.
    Selecting = Select, Read;
    /// Adds rows.
    Inserting = Insert, World;
    /// Changes rows.
    Updating = Update, World;
    /// Removes rows.
    Deleting = Delete, World;
}
