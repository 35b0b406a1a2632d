//! The effects: everything that a guest can do to the world outside its sandbox, and nothing else.
//!
//! Each capability is a module that holds its actions, what each of them names as its resource, and its effect, together:
//!
//! - [`files`]: reading, writing and listing below mounts,
//! - [`crypto`]: hashes, random bytes, and operations with keys that never leave the host,
//! - [`fetch`]: HTTP requests to addresses that were checked,
//! - [`kv`]: key-value stores, each agent's own or shared,
//! - [`sql`]: statements, whose tables are decided on one by one,
//! - [`secrets`]: placeholders of secrets, whose values go out in requests only,
//! - [`tools`]: tools of upstream servers, as the operator accepted them,
//! - [`extension`]: what an embedder adds.
//!
//! What it keeps at rest is sealed in a [`vault`].
//!
//! An effect runs only with a [`Permit`](bailiwick_guard::Permit), which only the guard makes, after it decided and
//! recorded the call. No function of this crate decides whether a call is allowed; a few refuse what only the effect can
//! see, such as the address behind a name. [`Services`] is shared by all runs, [`Host`] belongs to one. Where the
//! process's own authority enters is `ambient.rs`.

mod ambient;
mod host;
pub mod private;
mod sqlite;

pub mod crypto;
pub mod extension;
pub mod fetch;
pub mod files;
pub mod kv;
pub mod secrets;
pub mod sql;
pub mod tools;
pub mod vault;

pub use files::MountError;
pub use host::{Host, RootsError, Services, ServicesBuilder};
