//! What the process says to whoever started it.

use std::process::ExitCode;

/// The exit code. Its numbers are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// The guest finished, or the command did what it was asked to.
    Success = 0,
    /// The guest failed, trapped, or was refused before it started.
    Guest = 1,
    /// The command line, or a file that it names, cannot be used.
    Usage = 2,
    /// The manifest is not valid.
    Manifest = 3,
    /// The agent's identity was refused.
    Identity = 4,
    /// A limit stopped the guest.
    Limit = 5,
    /// A denial, a revocation or an anomaly stopped the guest; or `policy explain` or `fetch check` answers no.
    Denied = 6,
    /// Our own failure.
    Internal = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
