//! Which agents exist, the most that each may ever do, and what has been revoked.
//!
//! The rules are values and functions here ([`AgentRegistry`], [`Agent`], [`Basis`]). Where they are kept is behind the
//! port [`Registrar`]; the one in memory is [`MemoryRegistrar`].

mod agent;
mod document;
mod key;
mod memory;
mod registrar;
mod revocation;
mod roll;

pub use agent::{Agent, Change, ChangeError, EntryError, KeyProblem, Reason, Status};
pub use document::{DocumentError, EntryProblem, RegistryDocument};
pub use key::{AgentKey, KeyAge, KeyError, Rotation};
pub use memory::MemoryRegistrar;
pub use registrar::Registrar;
pub use revocation::{
    Basis, EndRun, Revocable, Revocation, Signal, SignalEvent, TaskId, TaskIdError, Watched, Withdrawal, Withdrawn,
};
pub use roll::{AgentRegistry, MissingKeys, RegistryError};
