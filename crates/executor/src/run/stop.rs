//! How a run ended. Data, not an error: a guest that fails is an ordinary event.

use std::fmt;

use bailiwick_guard::Budget;
use bailiwick_policy::Code;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::load::Refusal;

/// Why a run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest returned.
    Finished,
    /// The guest never started.
    Refused(Refusal),
    /// The guest itself reported failure.
    Failed(Failure),
    /// The fuel is used up.
    OutOfFuel,
    /// The guest asked for more memory than its limit and did not survive the answer.
    OutOfMemory,
    /// The wall clock ran out.
    OutOfTime,
    /// A budget of the guard is used up.
    OutOfBudget(Budget),
    /// The guest did something that WebAssembly does not allow.
    Trapped(TrapKind),
    /// The guest returned, and what it had staged could not be applied.
    NotApplied(Code),
    /// The authority for the run was withdrawn.
    Revoked,
    /// Whoever started the run ended it.
    Cancelled,
    /// Of replays alone: it asked for something that the recorded run did not ask for, or waits for what never came.
    Diverged,
}

/// How a guest says that it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Its exit code, never 0.
    Exit(i32),
    /// The beginning of the message of an entry point that returns one, on one line. Untrusted.
    Message(String),
}

/// What kind of trap ended a guest. Addresses and backtraces are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapKind {
    StackOverflow,
    MemoryOutOfBounds,
    TableOutOfBounds,
    IndirectCall,
    IntegerOverflow,
    DivisionByZero,
    BadConversion,
    Unreachable,
    /// A host function was called with pointers or handles that are not the guest's.
    BadCall,
    Other,
}

impl Stop {
    /// The stable name, as in reports and the audit log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Stop::Finished => "finished",
            Stop::Refused(_) => "refused",
            Stop::Failed(_) => "failed",
            Stop::OutOfFuel => "out_of_fuel",
            Stop::OutOfMemory => "out_of_memory",
            Stop::OutOfTime => "out_of_time",
            Stop::OutOfBudget(_) => "out_of_budget",
            Stop::Trapped(_) => "trapped",
            Stop::NotApplied(_) => "not_applied",
            Stop::Revoked => "revoked",
            Stop::Cancelled => "cancelled",
            Stop::Diverged => "diverged",
        }
    }
}

impl TrapKind {
    /// The stable name, as in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            TrapKind::StackOverflow => "stack_overflow",
            TrapKind::MemoryOutOfBounds => "memory_out_of_bounds",
            TrapKind::TableOutOfBounds => "table_out_of_bounds",
            TrapKind::IndirectCall => "indirect_call",
            TrapKind::IntegerOverflow => "integer_overflow",
            TrapKind::DivisionByZero => "division_by_zero",
            TrapKind::BadConversion => "bad_conversion",
            TrapKind::Unreachable => "unreachable",
            TrapKind::BadCall => "bad_call",
            TrapKind::Other => "other",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Finished => f.write_str("finished"),
            Stop::Refused(refusal) => write!(f, "refused: {refusal}"),
            Stop::Failed(Failure::Exit(code)) => write!(f, "failed with exit code {code}"),
            Stop::Failed(Failure::Message(message)) => {
                write!(f, "failed: {}", bailiwick_guard::untrusted::Untrusted(message))
            }
            Stop::OutOfFuel => f.write_str("out of fuel"),
            Stop::OutOfMemory => f.write_str("out of memory"),
            Stop::OutOfTime => f.write_str("out of time"),
            Stop::OutOfBudget(budget) => write!(f, "out of budget: {}", budget.as_str()),
            Stop::Trapped(kind) => write!(f, "trapped: {}", kind.as_str()),
            Stop::NotApplied(code) => write!(f, "finished, but its staged writes were not applied: {code}"),
            Stop::Revoked => f.write_str("revoked"),
            Stop::Cancelled => f.write_str("cancelled"),
            Stop::Diverged => f.write_str("diverged from the recorded run"),
        }
    }
}

impl Serialize for Stop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        match self {
            Stop::Refused(refusal) => {
                map.serialize_entry("reason", refusal.name())?;
                map.serialize_entry("message", &refusal.to_string())?;
            }
            Stop::Failed(Failure::Exit(code)) => map.serialize_entry("exit_code", code)?,
            Stop::Failed(Failure::Message(message)) => map.serialize_entry("message", message)?,
            Stop::OutOfBudget(budget) => map.serialize_entry("budget", budget.as_str())?,
            Stop::Trapped(kind) => map.serialize_entry("trap", kind.as_str())?,
            Stop::NotApplied(code) => map.serialize_entry("code", code.as_str())?,
            _ => {}
        }
        map.end()
    }
}
