//! Errors of the glue: those that end the run.

use bailiwick_guard::StopCause;

/// The guest called a host function in a way that its interface has no answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the guest asked for {0}")]
pub(crate) struct BadCall(pub(crate) &'static str);

/// The trap that ends a run for `cause`; the run's edge finds the cause in it.
pub(crate) fn trap(cause: StopCause) -> wasmtime::Error {
    wasmtime::Error::new(cause)
}
