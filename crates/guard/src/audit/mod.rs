//! The audit log: append-only lines of canonical JSON, each bound to the one before it by a hash.
//!
//! A call has two entries. Its *intent* is appended before the effect, its *outcome* after. Appending is synchronous and
//! cheap: the event moves into a bounded queue, and the log's own thread encodes, hashes, writes and syncs in groups.
//! When the queue is full the call waits; when the log cannot be written every further append fails, and with it the
//! call.
//!
//! With a [`Signer`](crate::tlog::Signer) the entries are also the leaves of a tree, whose tiles and signed checkpoints are
//! published in a folder beside the file. The chain says which line was altered; the signature says that nobody wrote the
//! whole log anew.

mod blocks;
mod canonical;
mod event;
mod folder;
mod log;
mod proofs;
mod published;
mod query;
mod reader;
mod signed;
mod verify;
mod writer;

pub use event::{Administration, Authentication};
pub(crate) use event::{Body, RunContext, bounded};
pub(crate) use log::RunLog;
pub use log::{AuditError, AuditLog, AuditOptions, Durability, MemoryLog};
pub use proofs::{MAX_PROOFS, Proof, Proofs, prove, prove_run, verify_proof};
pub use query::{Calls, Query, QueryError};
pub use reader::{Context, Entries, Entry, EntryBody, Intent, ReadError};
pub use signed::{Problem, Signed, SignedError, verify_signed};
pub use verify::{Fault, Summary, verify};
