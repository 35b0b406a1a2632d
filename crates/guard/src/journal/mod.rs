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
mod difference;
mod fingerprint;
mod forms;
mod handle;
mod header;
mod json;
mod past;
mod player;
mod recorder;
mod toll;
mod value;

pub mod files;

pub use content::{ContentDigest, Contents, NotADigest};
pub use crossing::{Asked, Crossing, Lane};
pub use crossings::{Crossings, Journals, Sink, SinkError};
pub use difference::{Decided, Difference};
pub use fingerprint::Fingerprint;
pub(crate) use forms::Ending;
pub use forms::{join, split};
pub use handle::Handle;
pub use header::{End, Header, RecordedScript};
pub(crate) use past::{Came, Head, Judged, Listed, PastOutcome};
pub use past::{PastCall, PastRule};
pub use player::Divergence;
pub(crate) use recorder::{Entry, Owed};
pub(crate) use toll::Toll;
pub use value::{Crossed, Place, Unwritable};

/// For [`crossed_by_serde!`](crate::crossed_by_serde) alone.
#[doc(hidden)]
pub mod by_serde {
    pub use super::value::{read, write};
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::Arc;

    use bailiwick_policy::Limits;

    use super::*;
    use crate::{Life, Meter, SystemClock, Timestamp};

    /// What is read of what was written.
    pub(super) fn again<T: Crossed>(value: &T) -> Option<T> {
        read(&value.write().expect("it has a form"))
    }

    pub(super) fn crosses<T: Crossed + PartialEq + Debug>(value: &T) {
        assert_eq!(again(value).as_ref(), Some(value));
    }

    pub(super) fn crosses_not<T: Crossed + PartialEq + Debug>(bytes: &[u8]) {
        assert_eq!(read::<T>(bytes), None, "{bytes:?}");
    }

    fn read<T: Crossed>(bytes: &[u8]) -> Option<T> {
        let meter = Arc::new(Meter::new(&Limits::default(), Life::until(Timestamp(u64::MAX)), Arc::new(SystemClock)));
        T::read(bytes, &Place { meter: &meter, crossings: &Crossings::default() })
    }
}
