//! SQL databases.
//!
//! What a statement needs is not guessed from its text: SQLite's own authorizer says, while it prepares the statement, what
//! that reads and changes, also behind views, triggers and foreign keys. Each table and action that it names is a decision
//! of its own, with the columns that are touched, recorded like any other; when all of them are allowed, the statement is
//! prepared again and runs, and what was not decided about is refused by the same authorizer. For PostgreSQL, which has no such
//! question, the statement is parsed, and refused unless it is understood whole ([`PostgresServer`]).
//!
//! | action | scope action | effect |
//! |---|---|---|
//! | [`Claim`] | `select`, `insert`, `update` or `delete` | a right to be spent by the execution |
//! | [`Execute`] | the last of those that the statement needs | runs it |
//!
//! - One statement, which is a transaction of its own. Values are bound, never pasted in.
//! - What no rule could allow is refused with `deny.request.unsupported`: other schemas (`ATTACH`), settings (`PRAGMA`), changes
//!   of the schema, transactions, `EXPLAIN`, SQLite's own tables, tables whose names no rule can write, functions that are not
//!   on the list, and statements about no table.
//! - `REPLACE` removes the rows that are in its way, of which the authorizer says nothing: it needs `delete`, too.
//! - [`inspect`](Sql::inspect) takes no permit. It reads the schema alone, as parsing a URL reads the URL, and what it tells
//!   is what is recorded: a refusal, or the decisions.
//! - A statement that changes nothing runs on a connection that cannot. The file is opened for writing only by a permit.

mod action;
mod answer;
mod bounded;
mod connection;
mod crossing;
mod database;
mod functions;
mod inspect;
mod length;
mod parameters;
mod patterns;
mod postgres;
#[cfg(test)]
mod soup;
mod texts;
mod tokens;

pub use action::{Claim, Deleting, Execute, Inserting, Selecting, Updating, Verb, query};
pub use answer::{Answer, MAX_ANSWER, MAX_ROWS};
pub use database::{DatabaseError, Sql};
pub use inspect::{Need, Statement, Unfit};
pub use parameters::{MAX_PARAMETERS, Parameters, ParametersError};
pub use postgres::{PostgresError, PostgresServer, PostgresSettings};
pub use tokens::outline;

/// Most bytes of a statement's text.
pub const MAX_STATEMENT: usize = 64 << 10;
