//! What a statement needs: every table and column that it names, found in its tree.
//!
//! Only what is listed here is understood; everything else is refused. A name that is not qualified counts for every table
//! around it that has such a column, also where PostgreSQL would take the nearest.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_policy::TableName;
use sqlparser::ast::{Ident, Statement};

use super::super::inspect::Needs;

/// What the server says about a schema, as far as a statement names it.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// Of each table the columns, in their order.
    pub(super) tables: BTreeMap<String, Vec<String>>,
    /// Operators that the schema has itself, and no extension brought.
    pub(super) operators: BTreeSet<String>,
    /// Functions that the schema has itself and that are called as something in the statement.
    pub(super) functions: BTreeSet<String>,
}

/// Most steps of a walk.
const MAX_STEPS: usize = 100_000;

/// Words that PostgreSQL takes for values of the session wherever a column could stand.
pub(super) const SESSION: [&str; 8] = [
    "current_catalog",
    "current_role",
    "current_schema",
    "current_user",
    "session_user",
    "system_user",
    "user",
    "localtime",
];

/// Columns that every table has.
pub(super) const SYSTEM: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Why a statement is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// No rule could allow it.
    Unsupported(String),
    /// It is not understood, or names what is not there.
    NotUnderstood(String),
}

pub(super) type Seen<T> = Result<T, Misfit>;

/// Collects needs while it walks through a statement.
pub(super) struct Visitor<'c> {
    pub(super) database: &'c str,
    pub(super) schema: &'c str,
    /// `None` while only the tables are looked for.
    pub(super) catalog: Option<&'c Catalog>,
    pub(super) needs: Needs,
    pub(super) tables: BTreeSet<String>,
    /// What stands behind the point of `x.y`: functions of these names matter.
    pub(super) members: BTreeSet<String>,
    /// Which tokens, from 1, name functions.
    pub(super) calls: BTreeSet<usize>,
    /// Names of `WITH`, with their columns once these are known, innermost last.
    pub(super) ctes: Vec<(String, Option<Outputs>)>,
    pub(super) levels: Vec<Level>,
    pub(super) writes: bool,
    /// Steps that are left: a recursive `WITH` in another is walked through twice, and so on.
    steps: usize,
}

/// One `FROM` with what surrounds it.
#[derive(Default)]
pub(super) struct Level {
    pub(super) relations: Vec<Relation>,
    /// Names that `ORDER BY` finds before columns.
    pub(super) outputs: Vec<String>,
    /// Whether a `USING` made one column of two, so that the columns of `*` are in another order.
    pub(super) merged: bool,
}

/// The columns of a query.
///
/// INVARIANT: each name is one that PostgreSQL knows, too. What is no column of `x` makes `x.name` a call of the function `name`.
#[derive(Clone, Debug, Default)]
pub(super) struct Outputs {
    /// In their order; one without a name that is certain is empty.
    pub(super) names: Vec<String>,
    /// Whether these are all, each in its place: only then is it known which of them other names replace.
    pub(super) certain: bool,
}

pub(super) struct Relation {
    pub(super) alias: String,
    /// Of the database; a subquery or function has none.
    pub(super) table: Option<TableName>,
    pub(super) outputs: Outputs,
    pub(super) columns: BTreeSet<String>,
}

impl Relation {
    pub(super) fn new(alias: String, table: Option<TableName>, outputs: Outputs) -> Relation {
        let columns = outputs.names.iter().cloned().collect();
        Relation { alias, table, outputs, columns }
    }
}

pub(super) fn unsupported<T>(what: &str) -> Seen<T> {
    Err(Misfit::Unsupported(format!("it {what}, which no rule can allow")))
}

pub(super) fn unknown<T>(what: String) -> Seen<T> {
    Err(Misfit::NotUnderstood(what))
}

impl<'c> Visitor<'c> {
    pub(super) fn new(database: &'c str, schema: &'c str, catalog: Option<&'c Catalog>) -> Visitor<'c> {
        Visitor {
            database,
            schema,
            catalog,
            needs: Needs::default(),
            tables: BTreeSet::new(),
            members: BTreeSet::new(),
            calls: BTreeSet::new(),
            ctes: Vec::new(),
            levels: Vec::new(),
            writes: false,
            steps: MAX_STEPS,
        }
    }

    /// Pays for work, in expressions, queries and columns that are looked at.
    pub(super) fn spend(&mut self, steps: usize) -> Seen<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Misfit::Unsupported(format!(
                "it takes more than {MAX_STEPS} steps to understand; make it smaller, or nest less"
            ))),
        }
    }

    /// Pays for a look at every relation and output that a name can mean.
    pub(super) fn spend_on_name(&mut self) -> Seen<()> {
        let outputs = self.levels.last().map_or(0, |level| level.outputs.len());
        let relations = self.levels.iter().map(|level| level.relations.len()).sum::<usize>();
        self.spend(outputs.saturating_add(relations))
    }

    /// A function that is not part of the language is called by its whole name when the statement is sent: the schema may have one
    /// of the same name, for other types.
    pub(super) fn call(&mut self, name: &Ident) -> Seen<()> {
        match usize::try_from(name.span.start.column) {
            Ok(at) if at > 0 => {
                self.calls.insert(at);
                Ok(())
            }
            _ => unsupported("calls a function in a way that is not understood"),
        }
    }

    /// An operator of the schema may be taken in place of the one that computes.
    pub(super) fn uses(&self, operators: &[&str]) -> Seen<()> {
        let own = self.catalog.and_then(|catalog| operators.iter().find(|one| catalog.operators.contains(**one)));
        match own {
            None => Ok(()),
            Some(own) => unsupported(&format!("uses the operator `{own}`, and the schema has one of that name itself")),
        }
    }

    /// Walks through a statement; its outputs are not needed.
    pub(super) fn statement(&mut self, statement: &Statement) -> Seen<Outputs> {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => unsupported("does something else than reading and changing rows"),
        }
    }
}
