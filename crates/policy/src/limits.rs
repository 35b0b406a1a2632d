//! What a whole run may consume. Zero never means unlimited: the types have no zero.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The budgets of one run. `Default` is:
/// - `fuel` 20 × 10⁹ units,
/// - `memory` 256 MiB, all linear memories and tables together,
/// - `timeout` 30 s of the guest's wall clock,
/// - `output` 1 MiB of stdout, stderr and result together,
/// - `host_calls` 1000,
/// - `disk` 64 MiB written through file grants,
/// - `files` 1000 files and directories made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub(crate) fuel: NonZeroU64,
    pub(crate) memory: NonZeroU64,
    /// INVARIANT: not zero.
    #[serde(deserialize_with = "not_zero")]
    pub(crate) timeout: Duration,
    pub(crate) output: NonZeroU64,
    pub(crate) host_calls: NonZeroU64,
    pub(crate) disk: NonZeroU64,
    pub(crate) files: NonZeroU64,
}

impl Limits {
    /// Units of wasmtime's fuel.
    pub fn fuel(&self) -> NonZeroU64 {
        self.fuel
    }

    /// Bytes of linear memory and tables, all of the run together.
    pub fn memory(&self) -> NonZeroU64 {
        self.memory
    }

    /// Wall clock of the guest; never zero.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Bytes of stdout, stderr and result together.
    pub fn output(&self) -> NonZeroU64 {
        self.output
    }

    /// Number of host calls, allowed or refused.
    pub fn host_calls(&self) -> NonZeroU64 {
        self.host_calls
    }

    /// Bytes written through file grants.
    pub fn disk(&self) -> NonZeroU64 {
        self.disk
    }

    /// Files and directories that may be made, in all mounts together.
    pub fn files(&self) -> NonZeroU64 {
        self.files
    }

    /// No more than this much fuel.
    #[must_use]
    pub fn fuel_at_most(self, fuel: NonZeroU64) -> Limits {
        Limits { fuel: self.fuel.min(fuel), ..self }
    }

    /// No more than this many bytes of memory.
    #[must_use]
    pub fn memory_at_most(self, memory: NonZeroU64) -> Limits {
        Limits { memory: self.memory.min(memory), ..self }
    }

    /// No more than this much time. Zero is taken as the shortest time there is.
    #[must_use]
    pub fn timeout_at_most(self, timeout: Duration) -> Limits {
        Limits { timeout: self.timeout.min(timeout).max(Duration::from_nanos(1)), ..self }
    }

    /// The smaller of each.
    #[must_use]
    pub fn min(&self, other: &Limits) -> Limits {
        Limits {
            fuel: self.fuel.min(other.fuel),
            memory: self.memory.min(other.memory),
            timeout: self.timeout.min(other.timeout),
            output: self.output.min(other.output),
            host_calls: self.host_calls.min(other.host_calls),
            disk: self.disk.min(other.disk),
            files: self.files.min(other.files),
        }
    }
}

fn not_zero<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let time = Duration::deserialize(deserializer)?;
    if time.is_zero() { Err(serde::de::Error::custom("a time limit of zero")) } else { Ok(time) }
}

impl Default for Limits {
    fn default() -> Limits {
        const MIB: u64 = 1 << 20;
        Limits {
            fuel: positive(20_000_000_000),
            memory: positive(256 * MIB),
            timeout: Duration::from_secs(30),
            output: positive(MIB),
            host_calls: positive(1000),
            disk: positive(64 * MIB),
            files: positive(1000),
        }
    }
}

fn positive(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_takes_the_smaller_of_each_field() {
        let mut small = Limits { fuel: positive(1), memory: positive(2), ..Limits::default() };
        small.timeout = Duration::from_secs(60);
        let both = small.min(&Limits::default());
        assert_eq!((both.fuel.get(), both.memory.get(), both.timeout), (1, 2, Duration::from_secs(30)));
        assert_eq!(both, Limits::default().min(&small));
    }

    #[test]
    fn limits_are_tightened_and_never_widened() {
        let (small, large) = (positive(1), NonZeroU64::MAX);
        let tight = Limits::default().fuel_at_most(small).memory_at_most(small).timeout_at_most(Duration::ZERO);
        assert_eq!((tight.fuel, tight.memory, tight.timeout), (small, small, Duration::from_nanos(1)));
        let same = Limits::default().fuel_at_most(large).memory_at_most(large).timeout_at_most(Duration::MAX);
        assert_eq!(same, Limits::default());
    }

    #[test]
    fn defaults_are_those_of_the_manual() {
        let limits = Limits::default();
        assert_eq!(limits.fuel().get(), 20_000_000_000);
        assert_eq!(limits.memory().get(), 268_435_456);
        assert_eq!(limits.timeout(), Duration::from_secs(30));
        assert_eq!(limits.output().get(), 1_048_576);
        assert_eq!(limits.host_calls().get(), 1000);
        assert_eq!(limits.disk().get(), 67_108_864);
        assert_eq!(limits.files().get(), 1000);
    }
}
