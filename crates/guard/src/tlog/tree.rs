//! The tree while it grows: it keeps the hashes of its right edge only, tile by tile.

use super::hash::Hash;
use super::tile::{TILE_WIDTH, Tile};

/// An append-only tree. What it keeps is at most 255 hashes for each level of tiles.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    /// The incomplete tile of each level, the leaves' level first. INVARIANT: each is shorter than a tile.
    edge: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree of `size` leaves from the tiles of its right edge.
    ///
    /// # Errors
    /// The first tile that `read` does not have; tiles are asked for with the width that they have in a tree of that size.
    pub fn resume<E>(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<Hash>, E>) -> Result<Tree, E> {
        let mut edge = Vec::new();
        let mut count = size;
        for level in 0..=u8::MAX {
            if count == 0 {
                break;
            }
            let width = count % TILE_WIDTH;
            edge.push(match Tile::partial(level, count / TILE_WIDTH, width) {
                Some(tile) => read(tile)?,
                None => Vec::new(),
            });
            count /= TILE_WIDTH;
        }
        Ok(Tree { size, edge })
    }

    /// In leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and hands every tile that it completes to `completed`.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(Tile, Vec<Hash>)) {
        self.size = self.size.saturating_add(1);
        let mut count = self.size;
        let mut hash = leaf;
        for level in 0..=u8::MAX {
            let at = usize::from(level);
            if self.edge.len() <= at {
                self.edge.push(Vec::new());
            }
            let Some(row) = self.edge.get_mut(at) else { return };
            row.push(hash);
            if (row.len() as u64) < TILE_WIDTH {
                return;
            }
            count /= TILE_WIDTH;
            let full = std::mem::take(row);
            hash = Hash::row(&full);
            completed(Tile::full(level, count.saturating_sub(1)), full);
        }
    }

    /// The root (RFC 6962 §2.1), of an empty tree too.
    pub fn root(&self) -> Hash {
        // What is below a level is one smaller neighbour at its right end.
        let below = self.edge.iter().fold(None, |below: Option<Hash>, row| {
            let mut row = row.clone();
            row.extend(below);
            (!row.is_empty()).then(|| Hash::row(&row))
        });
        below.unwrap_or_else(|| Hash::row(&[]))
    }

    /// The incomplete tiles, as a reader of a tree of this size expects them.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        let rows = (0_u8..).zip(&self.edge);
        rows.filter_map(|(level, row)| {
            let above = TILE_WIDTH.checked_pow(u32::from(level).saturating_add(1))?;
            let tile = Tile::partial(level, self.size / above, row.len() as u64)?;
            Some((tile, row.as_slice()))
        })
    }
}
