//! How a call can end badly, split by who must act.

use bailiwick_policy::Code;

use crate::AuditError;
use crate::entry::OpenEntry;

/// A run-wide budget. Using one up ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    HostCalls,
    Output,
    Disk,
    Files,
}

/// Why the guard ends a run rather than a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StopCause {
    #[error("the run used up its budget of {}", .0.as_str())]
    Budget(Budget),
    #[error("the run's authority was revoked")]
    Revoked,
    #[error("the replay asks for something that the recorded run did not ask for")]
    Diverged,
}

/// What an effect may report. The permit was good; the world, or a check that only the effect can make, was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("denied: {0}")]
    Denied(Code),
    #[error("failed: {0}")]
    Failed(Code),
    #[error("limit: {0}")]
    Limit(Code),
    #[error(transparent)]
    Stopped(StopCause),
}

/// What the glue between guest and guard sees: a code for the guest, or the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("denied: {0}")]
    Denied(Denied),
    #[error("failed: {0}")]
    Failed(Code),
    #[error("limit: {0}")]
    Limit(Code),
    /// The run must end now: the glue turns this into a trap, never into a value that the guest could ignore.
    #[error(transparent)]
    Stopped(StopCause),
}

/// A refusal that is on record. Like a permit it cannot be made without an audit entry, so that no refusal goes unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Denied {
    code: Code,
}

impl Denied {
    pub(crate) fn recorded(code: Code, _entry: &OpenEntry<'_>) -> Denied {
        Denied { code }
    }

    /// The one refusal without a record: the record itself could not be made.
    pub(crate) fn unrecordable(_error: &AuditError) -> Denied {
        Denied { code: Code::AuditUnavailable }
    }

    /// One that was recorded in the run that a replay is of.
    pub(crate) fn replayed(code: Code) -> Denied {
        Denied { code }
    }

    pub const fn code(self) -> Code {
        self.code
    }
}

impl Budget {
    pub const ALL: [Budget; 4] = [Budget::HostCalls, Budget::Output, Budget::Disk, Budget::Files];

    /// The budget of that name, as [`Budget::as_str`] says it.
    pub fn parse(text: &str) -> Option<Budget> {
        Budget::ALL.into_iter().find(|budget| budget.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Budget::HostCalls => "host_calls",
            Budget::Output => "output",
            Budget::Disk => "disk",
            Budget::Files => "files",
        }
    }

    pub const fn code(self) -> Code {
        match self {
            Budget::HostCalls => Code::HostCalls,
            Budget::Output => Code::OutputBytes,
            Budget::Disk => Code::DiskBytes,
            Budget::Files => Code::Files,
        }
    }
}

impl StopCause {
    pub const fn code(self) -> Code {
        match self {
            StopCause::Budget(budget) => budget.code(),
            StopCause::Revoked => Code::TokenRevoked,
            // A replay has no guest's world to tell it to, and names the place instead.
            StopCause::Diverged => Code::Internal,
        }
    }
}

impl CallError {
    pub const fn code(self) -> Code {
        match self {
            CallError::Denied(denied) => denied.code(),
            CallError::Failed(code) | CallError::Limit(code) => code,
            CallError::Stopped(cause) => cause.code(),
        }
    }
}

impl From<StopCause> for HostError {
    fn from(cause: StopCause) -> HostError {
        HostError::Stopped(cause)
    }
}

impl From<StopCause> for CallError {
    fn from(cause: StopCause) -> CallError {
        CallError::Stopped(cause)
    }
}
