//! Tiles and bundles of entries (C2SP `tlog-tiles`): how a tree is laid out as files that never change.

use super::hash::Hash;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Bytes of the longest entry that a bundle can hold.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// Where a row of hashes stands: eight levels of the tree are one level of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    /// From 1 to [`TILE_WIDTH`].
    width: u64,
}

/// Why a file is not the tile or bundle it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("a tile of {expected} hashes has {bytes} bytes, not {}", expected * Hash::LENGTH as u64)]
    Length { expected: u64, bytes: u64 },
    #[error("a bundle ends within its entry {entry}")]
    Cut { entry: usize },
    #[error("an entry has {bytes} bytes; a bundle holds up to {MAX_ENTRY} in each")]
    LongEntry { bytes: usize },
}

impl Tile {
    /// A tile that will not change any more.
    pub fn full(level: u8, index: u64) -> Tile {
        Tile { level, index, width: TILE_WIDTH }
    }

    /// A tile of the right edge; `None` for a width of none, or of a full tile.
    pub fn partial(level: u8, index: u64, width: u64) -> Option<Tile> {
        (1..TILE_WIDTH).contains(&width).then_some(Tile { level, index, width })
    }

    /// The tile with the number `index` of its level in a tree of `size` leaves; `None` when there is none.
    pub fn of(level: u8, index: u64, size: u64) -> Option<Tile> {
        let hashes = size / TILE_WIDTH.checked_pow(u32::from(level))?;
        match hashes.checked_sub(index.checked_mul(TILE_WIDTH)?)? {
            0 => None,
            rest => Some(Tile { level, index, width: rest.min(TILE_WIDTH) }),
        }
    }

    pub fn level(self) -> u8 {
        self.level
    }

    pub fn index(self) -> u64 {
        self.index
    }

    /// In hashes.
    pub fn width(self) -> u64 {
        self.width
    }

    /// Relative to the log's folder, such as `tile/0/x001/234` or `tile/1/000.p/17`.
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, numbered(self.index, self.width))
    }

    /// The file's bytes.
    pub fn encode(hashes: &[Hash]) -> Vec<u8> {
        hashes.iter().flat_map(Hash::as_bytes).copied().collect()
    }

    /// # Errors
    /// When the file has not exactly the hashes that the tile has.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let (hashes, rest) = bytes.as_chunks::<{ Hash::LENGTH }>();
        if hashes.len() as u64 != self.width || !rest.is_empty() {
            return Err(TileError::Length { expected: self.width, bytes: bytes.len() as u64 });
        }
        Ok(hashes.iter().map(|hash| Hash::from(*hash)).collect())
    }
}

/// The path of a bundle of `width` entries, such as `tile/entries/x001/234`.
pub fn bundle_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// The bytes of a bundle: each entry after its length in two bytes, big-endian.
///
/// # Errors
/// When an entry is longer than [`MAX_ENTRY`].
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::LongEntry { bytes: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle.
///
/// # Errors
/// When it ends within one.
pub fn entries_of(mut bundle: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let cut = || TileError::Cut { entry: entries.len() };
        let (length, rest) = bundle.split_first_chunk::<2>().ok_or_else(cut)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

/// A number in groups of three digits, all but the last with an `x` before them; then the width, unless it is full.
fn numbered(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(Tile::full(0, 0).path(), "tile/0/000");
        assert_eq!(Tile::full(2, 1_234_067).path(), "tile/2/x001/x234/067");
        assert_eq!(Tile::partial(1, 7, 255).unwrap().path(), "tile/1/007.p/255");
        assert_eq!(bundle_path(1_000, 256), "tile/entries/x001/000");
        assert_eq!(bundle_path(0, 1), "tile/entries/000.p/1");
    }

    #[test]
    fn tiles_are_as_wide_as_the_tree_makes_them() {
        assert_eq!(Tile::of(0, 0, 0), None);
        assert_eq!(Tile::of(0, 0, 256), Some(Tile::full(0, 0)));
        assert_eq!(Tile::of(0, 1, 256), None);
        assert_eq!(Tile::of(0, 1, 257), Tile::partial(0, 1, 1));
        assert_eq!(Tile::of(1, 0, 255), None);
        assert_eq!(Tile::of(1, 0, 70_000), Some(Tile::full(1, 0)));
        assert_eq!(Tile::of(1, 1, 70_000), Tile::partial(1, 1, 17));
        assert_eq!(Tile::of(9, 0, u64::MAX), None);
    }

    #[test]
    fn bundles_hold_what_was_put_in_and_say_when_they_are_cut() {
        let long = vec![7; MAX_ENTRY];
        let entries: [&[u8]; 3] = [b"", b"one", &long];
        let bytes = bundle(entries).unwrap();
        assert_eq!(entries_of(&bytes).unwrap(), entries);
        assert_eq!(entries_of(&bytes[..6]), Err(TileError::Cut { entry: 1 }));
        assert_eq!(entries_of(&bytes[..3]), Err(TileError::Cut { entry: 1 }));
        let too_long = vec![7; MAX_ENTRY + 1];
        assert_eq!(bundle([too_long.as_slice()]), Err(TileError::LongEntry { bytes: MAX_ENTRY + 1 }));
    }

    #[test]
    fn a_tile_has_neither_more_nor_less_hashes_than_its_width() {
        let tile = Tile::partial(0, 0, 2).unwrap();
        let hashes = [Hash::leaf(b"a"), Hash::leaf(b"b")];
        let bytes = Tile::encode(&hashes);
        assert_eq!(tile.decode(&bytes).unwrap(), hashes);
        for wrong in [&bytes[..32], &bytes[..63], &[bytes.clone(), vec![0; 32]].concat()] {
            assert!(tile.decode(wrong).is_err());
        }
    }
}
