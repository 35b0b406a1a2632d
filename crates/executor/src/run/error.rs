//! What can go wrong with a run that is not the guest's doing.

use bailiwick_guard::AuditError;
use bailiwick_host::MountError;

use super::Busy;
use crate::LoadError;
use crate::engine::EngineError;

/// Our own failure. How a guest ended is in [`Report::stop`] instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What the manifest names cannot be opened: a mount whose folder is missing, for example.
    #[error(transparent)]
    Host(#[from] MountError),
    #[error(transparent)]
    Load(LoadError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A session takes source text; other guests run once.
    #[error("a session needs the interpreter of a source language; run this guest with `run`")]
    NoInterpreter,
    /// The session's interpreter did not start.
    #[error("the interpreter did not start: {0}")]
    NotStarted(crate::Stop),
    #[error("the engine failed: {0}")]
    Wasmtime(String),
    /// A defect of ours; the run was ended and its resources were given back.
    #[error("internal error: {0}; please report it")]
    Panic(String),
}

impl RunError {
    pub(crate) fn wasmtime(error: wasmtime::Error) -> RunError {
        RunError::Wasmtime(format!("{error:#}"))
    }
}
