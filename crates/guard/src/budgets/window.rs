//! The arithmetic of a sliding window, for whoever keeps the numbers.
//!
//! What was taken is booked in slices of time, a hundredth of the window each, so that few numbers say it all. A slice counts
//! until all of it has left the window: never too little is counted, and what leaves is free up to a hundredth too late.
//!
//! A call that waits for its turn counts from the moment at which it will be made, which others may come before. So a slice may
//! lie ahead of the clock, and one leaves for good only when the clock has left it behind, not when a call in a later one is
//! admitted.

use std::time::Duration;

use crate::Timestamp;

/// Slices of a window.
const SLICES: u64 = 100;

/// How much longer than it counts a counter is kept, in milliseconds: an hour. A clock that was ahead and is set back frees
/// nothing.
pub const GRACE: u64 = 3_600_000;

/// What was taken in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Milliseconds since the Unix epoch.
    pub start: u64,
    /// The first millisecond after it.
    pub end: u64,
    /// Of effects that happened.
    pub used: u64,
    /// Of calls under way, and of those of which nobody knows how they ended.
    pub reserved: u64,
}

/// What is demanded does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// What is left of the budget.
    pub left: u64,
    /// When enough is free again, if nothing else is taken by then; `None` for never.
    pub frees: Option<Timestamp>,
}

impl Slice {
    pub fn taken(&self) -> u64 {
        self.used.saturating_add(self.reserved)
    }

    /// Whether a part of it is within the window that ends at `at`, or later: a call made then waits for its turn, or
    /// somebody's clock was ahead.
    pub fn counts(&self, at: Timestamp, window: Duration) -> bool {
        self.leaves(window) > at.0
    }

    fn leaves(&self, window: Duration) -> u64 {
        self.end.saturating_add(milliseconds(window))
    }
}

/// Whether `amount` fits into what `slices` leave of `max` for a call made at `at`, and in which slice it is to be booked.
///
/// `slices` are all that counted at the clock's own time, before the call's wait. What is booked ahead counts, whether or not
/// a window has room for both.
///
/// # Errors
/// When it does not fit.
pub fn admit(slices: &[Slice], amount: u64, max: u64, window: Duration, at: Timestamp) -> Result<Slice, Full> {
    let mut counting: Vec<&Slice> = slices.iter().filter(|slice| slice.counts(at, window)).collect();
    let taken = counting.iter().fold(0_u64, |sum, slice| sum.saturating_add(slice.taken()));
    if taken.checked_add(amount).is_some_and(|sum| sum <= max) {
        // Not before the newest: a clock that is set back frees nothing.
        let newest = slices.iter().map(|slice| slice.start).fold(at.0, u64::max);
        return Ok(slice_at(Timestamp(newest), window));
    }
    counting.sort_by_key(|slice| slice.end);
    let mut still = taken;
    let frees = counting.iter().find_map(|slice| {
        still = still.saturating_sub(slice.taken());
        let fits = still.checked_add(amount).is_some_and(|sum| sum <= max);
        fits.then(|| Timestamp(slice.leaves(window)))
    });
    Err(Full { left: max.saturating_sub(taken), frees: frees.filter(|_| amount <= max) })
}

/// The slice that a time is in, with nothing in it.
fn slice_at(at: Timestamp, window: Duration) -> Slice {
    let length = (milliseconds(window) / SLICES).max(1);
    let start = at.0 - at.0 % length;
    Slice { start, end: start.saturating_add(length), used: 0, reserved: 0 }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
