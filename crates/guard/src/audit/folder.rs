//! The folder beside a log, as it is read: by us when a log is opened, and by whoever verifies one that is not theirs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::signed::SignedError;
use crate::tlog::{Checkpoint, Hash, MAX_ENTRY, NoteError, TILE_WIDTH, Tile, VerifierKey, bundle_path, entries_of};

/// The largest checkpoint that is read; ours have less than a kilobyte.
pub(super) const MAX_CHECKPOINT: u64 = 64 * 1024;

/// Bytes of a full tile.
const MAX_TILE: u64 = TILE_WIDTH * Hash::LENGTH as u64;

/// Bytes of the longest full bundle.
const MAX_BUNDLE: u64 = TILE_WIDTH * (MAX_ENTRY as u64 + 2);

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

/// The entries of a bundle, as many as it has in a log of `size`.
pub(super) fn read_bundle(folder: &Path, index: u64, size: u64) -> Result<Vec<Vec<u8>>, SignedError> {
    let width = size.saturating_sub(index.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH);
    let path = folder.join(bundle_path(index, width));
    let bytes = match read_file(&path, MAX_BUNDLE) {
        // A partial bundle goes when it becomes full.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            read_file(&folder.join(bundle_path(index, TILE_WIDTH)), MAX_BUNDLE)
        }
        other => other,
    }
    .map_err(|error| SignedError::Read { path: path.clone(), error })?;
    let wrong = |problem: String| SignedError::Tile { path: path.clone(), problem };
    let entries = entries_of(&bytes).map_err(|error| wrong(error.to_string()))?;
    if (entries.len() as u64) < width {
        return Err(wrong("it has fewer entries than it should".to_owned()));
    }
    Ok(entries.into_iter().take(usize::try_from(width).unwrap_or(0)).map(<[u8]>::to_vec).collect())
}

pub(super) fn read_checkpoint(path: &Path) -> Result<String, SignedError> {
    let bytes = read_file(path, MAX_CHECKPOINT).map_err(|error| SignedError::Read { path: path.to_owned(), error })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A checkpoint that `key` signed, under its own name or that of one of its logs.
pub(super) fn opened(path: &Path, note: &str, key: &VerifierKey) -> Result<Checkpoint, SignedError> {
    let wrong = |error| SignedError::Note { path: path.to_owned(), error };
    let origin = note.lines().next().unwrap_or_default();
    let log = origin.strip_prefix(key.name()).and_then(|rest| rest.strip_prefix('/'));
    let key = log.map_or_else(|| Ok(key.clone()), |log| key.of_log(log)).map_err(wrong)?;
    let text = key.open(note).map_err(wrong)?;
    let parsed = text.parse().map_err(|error| SignedError::Checkpoint { path: path.to_owned(), error });
    parsed.and_then(|checkpoint: Checkpoint| match checkpoint.origin == key.name() {
        true => Ok(checkpoint),
        false => Err(wrong(NoteError::Unsigned(checkpoint.origin))),
    })
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
