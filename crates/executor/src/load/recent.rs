//! Guests that are already in the engine: the most recently used, within a count and a size.

use std::sync::{Arc, Mutex, PoisonError};

use crate::artifact::Loaded;
use crate::guest::GuestDigest;

/// Guests kept.
const MAX_GUESTS: usize = 64;

/// Bytes of machine code kept; what runs still use stays in memory beyond it.
const MAX_CODE_BYTES: usize = 512 << 20;

/// Guests by digest, the most recently used first.
#[derive(Default)]
pub(super) struct Recent {
    guests: Mutex<Vec<(GuestDigest, Arc<Loaded>)>>,
}

impl Recent {
    pub(super) fn get(&self, digest: GuestDigest) -> Option<Arc<Loaded>> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let at = guests.iter().position(|(known, _)| *known == digest)?;
        let entry = guests.remove(at);
        let loaded = Arc::clone(&entry.1);
        guests.insert(0, entry);
        Some(loaded)
    }

    pub(super) fn put(&self, digest: GuestDigest, loaded: Arc<Loaded>) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|(known, _)| *known != digest);
        guests.insert(0, (digest, loaded));
        let mut bytes = 0_usize;
        let kept = guests.iter().take(MAX_GUESTS).take_while(|(_, loaded)| {
            bytes = bytes.saturating_add(loaded.bytes());
            bytes <= MAX_CODE_BYTES
        });
        let kept = kept.count();
        guests.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Code, Form};
    use crate::guest::Guest;

    fn digest(n: usize) -> GuestDigest {
        Guest::from_bytes(format!("(module (; {n} ;))").into_bytes()).unwrap().digest()
    }

    fn loaded(bytes: usize) -> Arc<Loaded> {
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, b"\0asm\x01\0\0\0").unwrap();
        Arc::new(Loaded { form: Form::Module, code: Code::Module(module), bytes, runnable: Default::default() })
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (recent, guest) = (Recent::default(), loaded(1));
        for n in 0..MAX_GUESTS {
            recent.put(digest(n), Arc::clone(&guest));
        }
        assert!(recent.get(digest(0)).is_some()); // now the most recent
        recent.put(digest(MAX_GUESTS), Arc::clone(&guest));
        assert!(recent.get(digest(0)).is_some());
        assert!(recent.get(digest(1)).is_none());
        assert!(recent.get(digest(MAX_GUESTS)).is_some());
    }

    #[test]
    fn size_counts_too() {
        let recent = Recent::default();
        recent.put(digest(1), loaded(MAX_CODE_BYTES));
        recent.put(digest(2), loaded(1));
        assert!(recent.get(digest(1)).is_none());
        assert!(recent.get(digest(2)).is_some());
    }
}
