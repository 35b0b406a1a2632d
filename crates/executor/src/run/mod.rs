//! One run, from a job to a report.

mod admission;
mod begun;
mod ending;
mod entry;
mod error;
mod job;
mod limiter;
mod output;
mod outside;
mod panics;
mod report;
mod session;
mod state;
mod stop;
mod sums;
mod supervise;
mod told;

pub use admission::Busy;
pub use error::RunError;
pub use job::Job;
pub use output::{Listen, Stream};
pub use outside::{Live, Outside};
pub use report::{Anomaly, MAX_REPORTED, MAX_REPORTED_FILE, Report, Usage};
pub use session::Session;
pub use stop::{Failure, Stop, TrapKind};

pub(crate) use admission::{Admission, Ticket};
pub(crate) use begun::{Again, Begun, Keeping};
pub(crate) use ending::stop_of;
pub(crate) use entry::{
    COMPONENT_ENTRY, Entry, INTERPRETER_ENTRY, Interpreting, MODULE_ENTRY, Runnable, Source, module_has_entry,
};
pub(crate) use limiter::{MemoryExhausted, MemoryLimiter};
pub(crate) use output::Output;
pub(crate) use panics::Panics;
pub(crate) use state::{Door, GuestIo, RunState};
pub(crate) use sums::Sums;
pub(crate) use supervise::{Interrupted, Supervisor};
pub(crate) use told::Told;
