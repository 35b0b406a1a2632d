//! May *this* call happen, and is it on record?
//!
//! The one door between a guest and the world. [`Guard::call`] takes a typed [`Action`], asks the [`Grant`] of the run,
//! writes the intent to the [`AuditLog`], mints a [`Permit`] and hands it to the effect; afterwards it writes the
//! outcome. An effect ([`Perform`]) cannot run without a permit, a permit cannot be had without a record, and no code
//! outside this crate can make either. The compile-fail tests in `tests/compile-fail/` hold that shut.
//!
//! [`Grant`]: bailiwick_policy::Grant

mod action;
mod call;
mod clock;
mod entry;
mod error;
mod life;
mod memory;
mod meter;
mod opening;
mod permit;
mod record;
mod trace_context;

pub mod audit;
pub mod budgets;
pub mod journal;
pub mod tlog;
pub mod untrusted;

pub use action::{Action, Effect, Perform};
pub use audit::{AuditError, AuditLog};
pub use budgets::{Budgets, MemoryBudgets};
pub use call::{Attempt, Guard, Run, Stray};
pub use clock::{Clock, SystemClock, Timestamp, TimestampError};
pub use error::{Budget, CallError, Denied, HostError, StopCause};
pub use life::{Life, Revoker, Sensitive};
pub use memory::{MemoryAccount, MemoryShare};
pub use meter::{HandleSlot, Meter};
pub use permit::Permit;
pub use record::{ActionWord, CallRecord, Observe, Outcome};
pub use trace_context::{TraceContext, TraceContextError};
