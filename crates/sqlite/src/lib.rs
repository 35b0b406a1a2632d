//! SQLite's memory, divided among those who use it in one process.
//!
//! SQLite knows one bound, for all connections together: whoever takes much leaves nothing to the others. Here a piece of work
//! has a budget of its own, on the thread that does it, and what is over the budget fails with `SQLITE_NOMEM` for that piece
//! of work alone.

mod memory;

pub use memory::{divide, within};
