//! Replays: a recorded run, run again from its journal alone.

mod compare;
mod header;
mod likeness;

pub use header::HeaderError;
pub use likeness::{Departure, Likeness, RecordEnd, Recorded, Replayed};

pub(crate) use compare::{Calls, Came, likeness};
pub(crate) use header::{RunKind, engine, write as write_header};
