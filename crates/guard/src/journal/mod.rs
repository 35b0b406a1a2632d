//! What crossed into a guest: recorded as it happens, or given back as it was.
//!
//! A guest is deterministic but for what it learns from outside: results of calls, what open handles give, time,
//! randomness, which of several things is ready first, and whether memory could grow. Each of these is a [`Crossing`], and
//! every place where one enters asks the run's [`Crossings`]: without a journal the effect happens; while recording it
//! happens and what it gave is kept; in a replay it does not happen, and what it gave then is given again.
//!
//! A replay that asks for something else than the recorded run did has diverged. It ends there, and
//! [`Crossings::divergence`] says where.

mod content;
mod crossing;
mod crossings;
mod header;
mod player;
mod value;

pub mod files;

pub use content::{ContentDigest, Contents, NotADigest};
pub use crossing::{Asked, Crossing, Lane};
pub use crossings::{Crossings, Journals, Sink, SinkError};
pub use header::{End, Header, RecordedScript};
pub use player::Divergence;
pub use value::{Crossed, Place, Unwritable};

/// For [`crossed_by_serde!`](crate::crossed_by_serde) alone.
#[doc(hidden)]
pub mod by_serde {
    pub use super::value::{read, write};
}
