//! The memory of one run: what the guest has itself, and what the host keeps for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts bytes against one limit. Unlike budgets, memory is given back.
#[derive(Debug)]
pub struct MemoryAccount {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
    /// The part of `used` that shares hold.
    shared: AtomicU64,
}

/// Bytes taken from an account; dropping it gives them back.
#[derive(Debug)]
pub struct MemoryShare {
    account: Arc<MemoryAccount>,
    bytes: u64,
}

impl MemoryAccount {
    /// An account of `limit` bytes.
    pub fn new(limit: u64) -> MemoryAccount {
        MemoryAccount { limit, used: AtomicU64::new(0), peak: AtomicU64::new(0), shared: AtomicU64::new(0) }
    }

    /// Exchanges `current` bytes, taken before, for `desired`. When they do not fit, nothing changes and it is `false`.
    pub fn exchange(&self, current: u64, desired: u64) -> bool {
        let next =
            |used: u64| Some(used.saturating_sub(current).saturating_add(desired)).filter(|next| *next <= self.limit);
        match self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) {
            Ok(before) => {
                let now = before.saturating_sub(current).saturating_add(desired);
                self.peak.fetch_max(now, Ordering::AcqRel);
                true
            }
            Err(_) => false,
        }
    }

    /// A share of `bytes`; `None` when they do not fit.
    pub fn share(self: &Arc<MemoryAccount>, bytes: u64) -> Option<MemoryShare> {
        let mut share = MemoryShare { account: Arc::clone(self), bytes: 0 };
        share.resize(bytes).then_some(share)
    }

    /// Bytes that shares hold.
    pub(crate) fn shared(&self) -> u64 {
        self.shared.load(Ordering::Acquire)
    }

    /// Holds `shared` bytes as shares did in a recorded run, which fitted there, and knows of that run's peak.
    pub(crate) fn follow(&self, shared: u64, peak: u64) {
        let before = self.shared.swap(shared, Ordering::AcqRel);
        let next = |used: u64| Some(used.saturating_sub(before).saturating_add(shared));
        // INVARIANT: `next` is never `None`.
        let _ = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        self.peak.fetch_max(peak, Ordering::AcqRel);
    }

    /// Most bytes at any one time.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Acquire)
    }

    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }
}

impl MemoryShare {
    /// Makes the share `bytes` large. When they do not fit it stays as it is, and it is `false`.
    pub fn resize(&mut self, bytes: u64) -> bool {
        let fits = self.account.exchange(self.bytes, bytes);
        if fits {
            self.account.shared.fetch_add(bytes, Ordering::AcqRel);
            self.account.shared.fetch_sub(self.bytes, Ordering::AcqRel);
            self.bytes = bytes;
        }
        fits
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.account.exchange(self.bytes, 0);
        self.account.shared.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_taken_resized_and_given_back() {
        let account = Arc::new(MemoryAccount::new(100));
        let mut share = account.share(60).unwrap();
        assert!(account.share(41).is_none());
        assert!(!share.resize(101) && share.resize(100));
        assert_eq!((account.used(), share.bytes()), (100, 100));
        drop(share);
        assert_eq!((account.used(), account.peak()), (0, 100));
        assert!(account.share(u64::MAX).is_none());
        assert!(account.exchange(0, 1) && !account.exchange(0, u64::MAX));
    }
}
