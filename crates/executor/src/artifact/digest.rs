//! A digest of machine code that several threads can compute: BLAKE3 over the length and the BLAKE3 digests of segments.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of a segment; the last one may be shorter.
pub(crate) const SEGMENT: usize = 1 << 20;

/// The digest of machine code. Equal for equal code, and as hard to find two of as for BLAKE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeDigest([u8; 32]);

impl CodeDigest {
    /// Of code in memory.
    pub(crate) fn of(code: &[u8]) -> CodeDigest {
        CodeDigest::over(code.len(), code.chunks(SEGMENT).map(blake3::hash))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn over(length: usize, segments: impl Iterator<Item = blake3::Hash>) -> CodeDigest {
        let mut whole = blake3::Hasher::new();
        whole.update(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
        for segment in segments {
            whole.update(segment.as_bytes());
        }
        CodeDigest(*whole.finalize().as_bytes())
    }
}

/// A digest that several threads work on, each at the segment that is next.
pub(super) struct Digesting {
    length: usize,
    next: AtomicUsize,
    segments: Vec<Mutex<Option<blake3::Hash>>>,
}

impl Digesting {
    /// For `length` bytes.
    pub(super) fn new(length: usize) -> Digesting {
        let segments = (0..length.div_ceil(SEGMENT)).map(|_| Mutex::default()).collect();
        Digesting { length, next: AtomicUsize::new(0), segments }
    }

    /// Digests segments until none is left. `feed` gives the bytes of one: its offset, its length, where they go.
    ///
    /// # Errors
    /// The first of `feed`.
    pub(super) fn work(
        &self,
        mut feed: impl FnMut(usize, usize, &mut blake3::Hasher) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(segment) = self.segments.get(number) else { return Ok(()) };
            let at = number.saturating_mul(SEGMENT);
            let mut hasher = blake3::Hasher::new();
            feed(at, SEGMENT.min(self.length.saturating_sub(at)), &mut hasher)?;
            *segment.lock().unwrap_or_else(PoisonError::into_inner) = Some(hasher.finalize());
        }
    }

    /// The digest, once every [`Digesting::work`] has come back without an error.
    pub(super) fn finish(self) -> CodeDigest {
        // A segment that nobody has digested counts as empty: the digest is then of no code at all.
        let digest = |segment: Mutex<Option<blake3::Hash>>| segment.into_inner().ok().flatten();
        let segments = self.segments.into_iter().map(|segment| digest(segment).unwrap_or_else(|| blake3::hash(b"")));
        CodeDigest::over(self.length, segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let code = vec![1; 2 * SEGMENT + 3];
        let good = CodeDigest::of(&code);
        assert_eq!(good, CodeDigest::of(&code.clone()));
        for at in [0, SEGMENT - 1, SEGMENT, 2 * SEGMENT + 2] {
            let mut bad = code.clone();
            bad[at] ^= 1;
            assert_ne!(good, CodeDigest::of(&bad), "{at}");
        }
        for length in [0, SEGMENT, 2 * SEGMENT, 2 * SEGMENT + 2] {
            assert_ne!(good, CodeDigest::of(&code[..length]), "{length}");
        }
        let swapped = [vec![2; SEGMENT], vec![1; SEGMENT]].concat();
        assert_ne!(CodeDigest::of(&swapped), CodeDigest::of(&[vec![1; SEGMENT], vec![2; SEGMENT]].concat()));
    }
}
