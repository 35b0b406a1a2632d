//! A version of a key, in memory.

use std::sync::{Mutex, PoisonError};

use super::key::Key;
use super::record::{Origin, Record};

/// Messages that one version encrypts: with random nonces of 96 bits the chance that two are equal is then 2⁻³² (NIST SP
/// 800-38D, section 8.3).
const MAX_MESSAGES: u64 = 1 << 32;
/// How many messages a process takes from that at first, and at most, at a time.
const FIRST_SHARE: u64 = 64;
const LARGEST_SHARE: u64 = 1 << 16;

#[derive(Debug)]
pub(super) struct Version {
    pub(super) number: u32,
    /// Unix seconds.
    pub(super) created: u64,
    pub(super) origin: Origin,
    pub(super) key: Key,
    share: Mutex<Share>,
}

/// What this process may still encrypt without asking.
#[derive(Debug)]
struct Share {
    left: u64,
    next: u64,
}

impl Version {
    pub(super) fn new(number: u32, record: &Record, key: Key) -> Version {
        let share = Mutex::new(Share { left: 0, next: FIRST_SHARE });
        Version { number, created: record.created, origin: record.origin, key, share }
    }

    /// Counts one message before it is encrypted; `false` when the version is used up. `reserve` takes a share of what all
    /// processes have together.
    pub(super) fn take_message<E>(&self, reserve: impl FnOnce(u64, u64) -> Result<u64, E>) -> Result<bool, E> {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        if share.left == 0 {
            share.left = reserve(share.next, MAX_MESSAGES)?;
            share.next = share.next.saturating_mul(2).min(LARGEST_SHARE);
        }
        let Some(left) = share.left.checked_sub(1) else { return Ok(false) };
        share.left = left;
        Ok(true)
    }
}
