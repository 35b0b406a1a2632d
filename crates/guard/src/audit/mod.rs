//! The audit log: append-only JSON lines, each bound to the one before it by a hash.
//!
//! A call has two entries. Its *intent* is appended before the effect, its *outcome* after. Appending is synchronous and
//! cheap: the event moves into a bounded queue, and the log's own thread encodes, hashes, writes and syncs in groups.
//! When the queue is full the call waits; when the log cannot be written every further append fails, and with it the
//! call. The chain shows alteration by anyone who cannot rewrite the whole file; it carries no signature yet.

mod event;
mod log;
mod verify;
mod writer;

pub use event::{Administration, Authentication};
pub(crate) use event::{Body, RunContext};
pub(crate) use log::RunLog;
pub use log::{AuditError, AuditLog, AuditOptions, Durability, MemoryLog};
pub use verify::{Fault, Summary, verify};
