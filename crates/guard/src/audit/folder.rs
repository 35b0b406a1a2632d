//! The folder beside a log, as it is read: by us when a log is opened, and by whoever verifies one that is not theirs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::tlog::{Hash, TILE_WIDTH, Tile};

/// The largest checkpoint that is read; ours have less than a kilobyte.
pub(super) const MAX_CHECKPOINT: u64 = 64 * 1024;

/// Bytes of a full tile.
const MAX_TILE: u64 = TILE_WIDTH * Hash::LENGTH as u64;

/// Where a log's tree is: beside it, with its name without the ending.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.with_extension("")
}

/// A tile of a log's folder.
pub(super) fn read_tile(folder: &Path, tile: Tile) -> io::Result<Vec<Hash>> {
    // A partial tile goes when it becomes full.
    let full = Tile::full(tile.level(), tile.index());
    let mut bytes = match read_file(&folder.join(tile.path()), MAX_TILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => read_file(&folder.join(full.path()), MAX_TILE),
        other => other,
    }?;
    bytes.truncate(usize::try_from(tile.width()).unwrap_or(usize::MAX).saturating_mul(Hash::LENGTH));
    tile.decode(&bytes).map_err(io::Error::other)
}

/// A small file, which may be somebody else's doing: no pipe, and no more than `limit` bytes.
pub(super) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(io::Error::other(format!("more than {limit} bytes"))) } else { Ok(bytes) }
}
