//! What may be used once: a port for the store that remembers it, and one that remembers it in memory.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use crate::jti::JtiHash;

/// Remembers what was used, for as long as it could be used again.
pub trait ReplayStore: Send + Sync {
    /// Records the use of `id`, which is worthless from second `until` on. Of any number of calls with one `id`, at
    /// most one succeeds, whatever else the store is asked meanwhile. Times are in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When it was used before, when `until` has come, and when the use cannot be recorded: no record, no use.
    fn use_once(&self, id: JtiHash, until: u64, now: u64) -> Result<(), ReplayError>;
}

/// A use that is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("it was used before")]
    Used,
    #[error("its time was over before it was used")]
    Over,
    #[error("the store of what was used is full; try again when older entries have expired")]
    Full,
    #[error("the store of what was used cannot be reached")]
    Unavailable,
}

/// Remembers in this process only, and no more than its capacity. Nothing is forgotten early to make room: a flood
/// fills the store, and then uses are refused until entries expire.
#[derive(Debug)]
pub struct MemoryReplayStore {
    capacity: usize,
    uses: Mutex<Uses>,
}

#[derive(Debug, Default)]
struct Uses {
    until: HashMap<JtiHash, u64>,
    by_end: BTreeMap<u64, Vec<JtiHash>>,
    /// The latest second seen. What expired by then stays expired when a clock is set back.
    latest: u64,
}

impl MemoryReplayStore {
    /// A store of at most `capacity` entries, of about 150 bytes each.
    pub fn new(capacity: NonZeroUsize) -> MemoryReplayStore {
        MemoryReplayStore { capacity: capacity.get(), uses: Mutex::default() }
    }

    /// Entries at present, expired ones included until the next use.
    pub fn len(&self) -> usize {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).until.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReplayStore for MemoryReplayStore {
    fn use_once(&self, id: JtiHash, until: u64, now: u64) -> Result<(), ReplayError> {
        // A panic elsewhere leaves a map that is whole: an entry is added by the last statements here.
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.advance(now);
        if until <= uses.latest {
            return Err(ReplayError::Over);
        }
        if uses.until.contains_key(&id) {
            return Err(ReplayError::Used);
        }
        if uses.until.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        uses.by_end.entry(until).or_default().push(id);
        uses.until.insert(id, until);
        Ok(())
    }
}

impl Uses {
    fn advance(&mut self, now: u64) {
        self.latest = self.latest.max(now);
        while let Some(entry) = self.by_end.first_entry() {
            if *entry.key() > self.latest {
                break;
            }
            for id in entry.remove() {
                self.until.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn id(n: usize) -> JtiHash {
        JtiHash::of("https://id.example", &n.to_string())
    }

    fn store(capacity: usize) -> MemoryReplayStore {
        MemoryReplayStore::new(NonZeroUsize::new(capacity).unwrap())
    }

    #[test]
    fn of_a_hundred_at_once_one_succeeds() {
        for round in 0..20 {
            let (store, barrier) = (store(1000), Barrier::new(100));
            let granted: usize = std::thread::scope(|scope| {
                let attempt = || {
                    barrier.wait();
                    store.use_once(id(round), NOW + 60, NOW).is_ok()
                };
                let attempts: Vec<_> = (0..100).map(|_| scope.spawn(attempt)).collect();
                attempts.into_iter().map(|attempt| usize::from(attempt.join().unwrap())).sum()
            });
            assert_eq!((granted, store.len()), (1, 1));
        }
    }

    #[test]
    fn a_flood_forgets_nothing() {
        let store = store(100);
        store.use_once(id(0), NOW + 60, NOW).unwrap();
        let granted = (1..10_000).filter(|n| store.use_once(id(*n), NOW + 60, NOW).is_ok()).count();
        assert_eq!((granted, store.len()), (99, 100));
        assert_eq!(store.use_once(id(0), NOW + 60, NOW), Err(ReplayError::Used));
        assert_eq!(store.use_once(id(10_000), NOW + 60, NOW + 59), Err(ReplayError::Full));
        store.use_once(id(10_000), NOW + 120, NOW + 60).unwrap();
        assert_eq!(store.len(), 1, "what expired is gone");
    }

    #[test]
    fn what_is_over_stays_over() {
        let store = store(10);
        assert_eq!(store.use_once(id(1), NOW, NOW), Err(ReplayError::Over));
        store.use_once(id(1), NOW + 10, NOW).unwrap();
        store.use_once(id(2), NOW + 100, NOW + 10).unwrap();
        assert_eq!(store.use_once(id(1), NOW + 10, NOW), Err(ReplayError::Over), "the clock was set back");
        assert_eq!(store.use_once(id(2), NOW + 100, NOW), Err(ReplayError::Used));
    }
}
