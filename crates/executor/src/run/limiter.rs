//! The memory limit of a run: every memory and every table of the store, summed with the files that it has in memory.

use std::sync::Arc;

use bailiwick_guard::MemoryAccount;
use wasmtime::{ResourceLimiter, Result, bail};

use super::Told;
use crate::engine::{INSTANCES_PER_GUEST, MEMORIES_PER_GUEST, TABLES_PER_GUEST};

/// Bytes that a table element takes in this process.
const ELEMENT: usize = 8;
/// A guest that asks again and again after it was refused is stopped rather than answered.
const REFUSALS: u32 = 100;

/// Counts what a run's memories and tables hold together, and refuses growth over the limit.
pub(crate) struct MemoryLimiter {
    account: Arc<MemoryAccount>,
    /// Bytes of the guest's own memories and tables, and most of them at any one time.
    own: u64,
    own_peak: u64,
    refusals: u32,
    /// How often growth was asked for.
    asked: u64,
    told: Option<Arc<Told>>,
    /// In a replay: the next growth that the recorded run was refused.
    next_refused: Option<u64>,
}

/// The guest went on asking for memory that it cannot have.
#[derive(Debug, thiserror::Error)]
#[error("the guest keeps asking for memory over its limit")]
pub(crate) struct MemoryExhausted;

impl MemoryLimiter {
    pub(crate) fn new(account: Arc<MemoryAccount>) -> MemoryLimiter {
        MemoryLimiter { account, own: 0, own_peak: 0, refusals: 0, asked: 0, told: None, next_refused: None }
    }

    /// Keeps what is refused in the run's journal; in a replay, refuses what was refused.
    pub(crate) fn told(self, told: Arc<Told>) -> MemoryLimiter {
        let next_refused = told.next_refused();
        MemoryLimiter { told: Some(told), next_refused, ..self }
    }

    /// Most bytes at any one time.
    pub(crate) fn peak(&self) -> u64 {
        self.account.peak()
    }

    /// The same without files in memory.
    pub(crate) fn own_peak(&self) -> u64 {
        self.own_peak
    }

    /// Whether growth was refused: a guest that then fails has run out of memory.
    pub(crate) fn has_refused(&self) -> bool {
        self.refusals > 0
    }

    /// Counts refusals anew, for the next piece of a session.
    pub(crate) fn forget_refusals(&mut self) {
        self.refusals = 0;
    }

    fn fits(&mut self, current: u64, desired: u64) -> bool {
        self.asked = self.asked.saturating_add(1);
        let Some(told) = &self.told else { return self.account.exchange(current, desired) };
        if !told.is_replay() {
            let fits = self.account.exchange(current, desired);
            if !fits {
                told.refused(self.asked);
            }
            return fits;
        }
        if self.next_refused == Some(self.asked) {
            self.next_refused = told.next_refused();
            return false;
        }
        // Files in memory took their part at some moment of the recorded run: there it fitted.
        self.account.exchange(current, desired);
        self.own.saturating_sub(current).saturating_add(desired) <= self.account.limit()
    }

    fn grow(&mut self, current: usize, desired: usize) -> Result<bool> {
        let bytes = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let (current, desired) = (bytes(current), bytes(desired));
        if !self.fits(current, desired) {
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals > REFUSALS {
                bail!(MemoryExhausted);
            }
            return Ok(false);
        }
        self.own = self.own.saturating_sub(current).saturating_add(desired);
        self.own_peak = self.own_peak.max(self.own);
        Ok(true)
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        // Over the module's own maximum the growth fails anyway: it must not be counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(current, desired)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT))
    }

    fn instances(&self) -> usize {
        INSTANCES_PER_GUEST as usize
    }

    fn tables(&self) -> usize {
        TABLES_PER_GUEST as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_PER_GUEST as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(bytes: u64) -> MemoryLimiter {
        MemoryLimiter::new(Arc::new(MemoryAccount::new(bytes)))
    }

    #[test]
    fn memories_and_tables_share_one_limit() {
        let mut limiter = limiter(1000);
        assert!(limiter.memory_growing(0, 600, None).unwrap());
        assert!(limiter.table_growing(0, 50, None).unwrap(), "400 bytes: exactly at the limit");
        assert!(!limiter.memory_growing(600, 601, None).unwrap());
        assert!(limiter.has_refused());
        assert_eq!(limiter.peak(), 1000);
    }

    #[test]
    fn files_in_memory_share_it_too() {
        let account = Arc::new(MemoryAccount::new(1000));
        let mut limiter = MemoryLimiter::new(Arc::clone(&account));
        let file = account.share(600).unwrap();
        assert!(!limiter.memory_growing(0, 401, None).unwrap());
        drop(file);
        assert!(limiter.memory_growing(0, 401, None).unwrap());
        assert!(account.share(600).is_none());
    }

    #[test]
    fn growth_over_the_modules_own_maximum_is_not_counted() {
        let mut limiter = limiter(1000);
        assert!(!limiter.memory_growing(0, 600, Some(500)).unwrap());
        assert!(!limiter.has_refused());
        assert!(limiter.memory_growing(0, 1000, None).unwrap());
    }

    #[test]
    fn a_guest_that_keeps_asking_is_stopped() {
        let mut limiter = limiter(1);
        for _ in 0..REFUSALS {
            assert!(!limiter.memory_growing(0, 2, None).unwrap());
        }
        assert!(limiter.memory_growing(0, 2, None).unwrap_err().is::<MemoryExhausted>());
    }
}
