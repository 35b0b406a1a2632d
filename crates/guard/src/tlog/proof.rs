//! Proofs that an entry is in a log, and that a log is the earlier one with entries added (RFC 6962 §2.1, RFC 9162 §2.1).

use super::hash::Hash;
use super::tile::{TILE_WIDTH, Tile};

/// Shows that a leaf is at its place in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's place, from 0.
    pub index: u64,
    /// The tree's size in leaves.
    pub size: u64,
    /// From the leaf's neighbour up. At most 64.
    pub path: Vec<Hash>,
}

/// Shows that a tree is an earlier one with leaves added at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    pub old_size: u64,
    pub size: u64,
    /// At most 65.
    pub path: Vec<Hash>,
}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("there is no entry {index} in a log of {size}")]
    NoEntry { index: u64, size: u64 },
    #[error("a log of {size} entries is not one of {old_size} with entries added")]
    NotLater { old_size: u64, size: u64 },
    #[error("the proof has {found} hashes; one for these sizes has another number")]
    Length { found: usize },
    #[error("the proof leads to another root than the checkpoint's")]
    OtherRoot,
    #[error("the proof leads to another root than the earlier checkpoint's")]
    OtherOldRoot,
}

/// Hashes of a tree's nodes, read tile by tile, as proofs are made of them.
pub struct Nodes<R> {
    size: u64,
    read: R,
}

impl<R, E> Nodes<R>
where
    R: FnMut(Tile) -> Result<Vec<Hash>, E>,
    E: From<ProofError>,
{
    /// Of a tree of `size` leaves. What `read` returns has the width of the tile that it is asked for.
    pub fn new(size: u64, read: R) -> Nodes<R> {
        Nodes { size, read }
    }

    /// # Errors
    /// When there is no such leaf, and those of `read`.
    pub fn inclusion(&mut self, index: u64) -> Result<InclusionProof, E> {
        let size = self.size;
        if index >= size {
            return Err(ProofError::NoEntry { index, size }.into());
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0_u64, size);
        while end.saturating_sub(start) > 1 {
            let middle = start.saturating_add(split(end.saturating_sub(start)));
            if index < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(InclusionProof { index, size, path })
    }

    /// # Errors
    /// When the tree never had that size or the size is 0, and those of `read`.
    pub fn consistency(&mut self, old_size: u64) -> Result<ConsistencyProof, E> {
        let size = self.size;
        if old_size == 0 || old_size > size {
            return Err(ProofError::NotLater { old_size, size }.into());
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0_u64, size);
        // Whether the earlier tree is all that is looked at: then its root need not be told.
        let mut whole = true;
        while end != old_size {
            let middle = start.saturating_add(split(end.saturating_sub(start)));
            if old_size <= middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                (start, whole) = (middle, false);
            }
        }
        if !whole {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(ConsistencyProof { old_size, size, path })
    }

    /// The root of the whole tree.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn root(&mut self) -> Result<Hash, E> {
        match self.size {
            0 => Ok(Hash::row(&[])),
            size => self.range(0, size),
        }
    }

    /// The hash of the leaves from `start` up to `end`, where some split of the tree falls.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, E> {
        let length = end.saturating_sub(start);
        if length.is_power_of_two() {
            return self.perfect(start, length);
        }
        let middle = start.saturating_add(split(length));
        let left = self.perfect(start, middle.saturating_sub(start))?;
        Ok(Hash::node(left, self.range(middle, end)?))
    }

    /// The hash of a perfect tree: of a part of one tile.
    fn perfect(&mut self, start: u64, length: u64) -> Result<Hash, E> {
        let height = length.trailing_zeros();
        let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
        let scale = TILE_WIDTH.saturating_pow(u32::from(level)).max(1);
        let (first, count) = (start / scale, length / scale);
        let missing = || E::from(ProofError::NoEntry { index: start, size: self.size });
        let tile = Tile::of(level, first / TILE_WIDTH, self.size).ok_or_else(missing)?;
        let row = (self.read)(tile)?;
        let at = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let part = usize::try_from(count).ok().and_then(|count| row.get(at..at.checked_add(count)?));
        part.map(Hash::row).ok_or_else(|| ProofError::NoEntry { index: start, size: self.size }.into())
    }
}

impl InclusionProof {
    /// Checks that `leaf` is at the proof's place of the tree with this root, as RFC 9162 §2.1.3.2 tells.
    ///
    /// # Errors
    /// When the proof does not show that.
    pub fn verify(&self, leaf: Hash, root: Hash) -> Result<(), ProofError> {
        let &InclusionProof { index, size, .. } = self;
        if index >= size {
            return Err(ProofError::NoEntry { index, size });
        }
        let length = ProofError::Length { found: self.path.len() };
        let (mut at, mut last, mut hash) = (index, size.saturating_sub(1), leaf);
        for &neighbour in &self.path {
            if last == 0 {
                return Err(length);
            }
            if at & 1 == 1 || at == last {
                hash = Hash::node(neighbour, hash);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = Hash::node(hash, neighbour);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        match (last == 0, hash == root) {
            (false, _) => Err(length),
            (true, false) => Err(ProofError::OtherRoot),
            (true, true) => Ok(()),
        }
    }
}

impl ConsistencyProof {
    /// Checks that the tree with `root` begins with the one with `old_root`, as RFC 9162 §2.1.4.2 tells.
    ///
    /// # Errors
    /// When the proof does not show that.
    pub fn verify(&self, old_root: Hash, root: Hash) -> Result<(), ProofError> {
        let &ConsistencyProof { old_size, size, .. } = self;
        let length = ProofError::Length { found: self.path.len() };
        if old_size == 0 || old_size > size {
            return Err(ProofError::NotLater { old_size, size });
        }
        if old_size == size {
            return match (self.path.is_empty(), old_root == root) {
                (false, _) => Err(length),
                (true, false) => Err(ProofError::OtherRoot),
                (true, true) => Ok(()),
            };
        }
        let mut path = self.path.iter().copied();
        // An earlier tree that is perfect is a node of this one, whose hash the verifier has.
        let seed = if old_size.is_power_of_two() { Some(old_root) } else { path.next() };
        let seed = seed.ok_or(length)?;
        let shared = old_size.saturating_sub(1).trailing_ones();
        let mut at = old_size.saturating_sub(1).checked_shr(shared).unwrap_or(0);
        let mut last = size.saturating_sub(1).checked_shr(shared).unwrap_or(0);
        let (mut old, mut new) = (seed, seed);
        for neighbour in path {
            if last == 0 {
                return Err(length);
            }
            if at & 1 == 1 || at == last {
                old = Hash::node(neighbour, old);
                new = Hash::node(neighbour, new);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                new = Hash::node(new, neighbour);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        match (last == 0, old == old_root, new == root) {
            (false, _, _) => Err(length),
            (true, false, _) => Err(ProofError::OtherOldRoot),
            (true, true, false) => Err(ProofError::OtherRoot),
            (true, true, true) => Ok(()),
        }
    }
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    length.div_ceil(2).checked_next_power_of_two().unwrap_or(1 << 63)
}
