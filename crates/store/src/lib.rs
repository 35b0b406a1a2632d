//! Durable state of one machine: an SQLite database in the state folder, behind the ports that `identity` and `guard` declare.
//!
//! | port | kept here |
//! |---|---|
//! | [`Registrar`](bailiwick_identity::Registrar) | agents, their keys, and what was revoked |
//! | [`ReplayStore`](bailiwick_identity::ReplayStore) | what may be used once, until it could not be used again |
//! | [`Budgets`](bailiwick_guard::Budgets) | what rules let through in a time |
//!
//! The rules are `identity`'s; this crate keeps what they say. One thread writes and commits in groups, each group durable
//! before anybody is told; several processes may share a database. One more thread, while runs are live, notices what
//! other processes revoked. Whatever cannot be read or written is an error, and an error allows nothing.

mod budgets;
mod error;
mod link;
mod registrar;
mod replay;
mod rows;
mod schema;
mod store;
mod watch;
mod writer;

pub use budgets::Tally;
pub use error::StoreError;
pub use schema::Imported;
pub use store::{Store, StoreOptions};
