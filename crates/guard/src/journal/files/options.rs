//! How much is kept, and for how long.

use std::num::NonZeroU64;
use std::time::Duration;

/// Bounds for a folder of journals. `Default` is:
/// - `max` 64 MiB for each run: the bytes of all that crossed, however often the same crossed and however well it
///   compresses, so that a replay needs no more memory than that. The guest and its manifests do not count;
/// - `keep` 30 days, by the time at which the run began;
/// - `total` 2 GiB on disk for all runs together, of which the oldest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    pub max: NonZeroU64,
    pub keep: Duration,
    pub total: NonZeroU64,
}

impl JournalOptions {
    /// The largest `max` that there may be: more than this is not read back.
    pub const MOST: u64 = 1 << 30;
}

impl Default for JournalOptions {
    fn default() -> JournalOptions {
        JournalOptions { max: positive(64 << 20), keep: Duration::from_secs(30 * 24 * 3600), total: positive(2 << 30) }
    }
}

fn positive(bytes: u64) -> NonZeroU64 {
    NonZeroU64::new(bytes).unwrap_or(NonZeroU64::MIN)
}
