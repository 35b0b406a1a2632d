//! Values in files of their own, named by their digest, each once on disk however many runs were given it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::folder::private_folder;
use super::record::MAX_BLOB;
use crate::journal::ContentDigest;

/// The end of every such file, a skippable frame. A file without it was not written whole before the power failed.
const WHOLE: &[u8; 16] = b"\x5e\x2a\x4d\x18\x08\0\0\0complete";

/// Where the values of one run go.
pub(super) struct Blobs {
    run: PathBuf,
    shared: PathBuf,
}

impl Blobs {
    /// `run`: the run's own folder. `shared`: where those of all runs are.
    pub(super) fn new(run: PathBuf, shared: PathBuf) -> Blobs {
        Blobs { run, shared }
    }

    /// Keeps `bytes`, and gives their name and what was written for them.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<(ContentDigest, u64)> {
        let digest = ContentDigest::of(bytes);
        let name = digest.to_string();
        let own = self.run.join(&name);
        if own.exists() {
            return Ok((digest, 0));
        }
        let shelf = self.shared.join(name.get(..2).unwrap_or_default());
        let shared = shelf.join(&name);
        // Too many links, a file that went this moment: whatever the reason, the run then has one of its own.
        if fs::hard_link(&shared, &own).is_ok() {
            if is_whole(&own) {
                return Ok((digest, 0));
            }
            fs::remove_file(&own)?;
            let _ = fs::remove_file(&shared);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own)?;
        let compressed = zstd::bulk::compress(bytes, super::writer::LEVEL)?;
        file.write_all(&compressed)?;
        file.write_all(WHOLE)?;
        drop(file);
        // Nobody needs it there: it saves room when another run is given the same.
        if private_folder(&shelf).is_ok() {
            let _ = fs::hard_link(&own, &shared);
        }
        Ok((digest, u64::try_from(compressed.len()).unwrap_or(u64::MAX)))
    }
}

/// The value of that digest and length in a run's folder.
pub(super) fn get(run: &Path, digest: &ContentDigest, length: u64) -> Result<Vec<u8>, JournalError> {
    let failed = |what| JournalError::Blob { digest: *digest, what };
    let file = match File::open(run.join(digest.to_string())) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(failed("is missing")),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(failed("is not a file"));
    }
    let mut bytes = Vec::new();
    let decoder = super::reader::decoder(file)?;
    let read = decoder.take(length.min(MAX_BLOB).saturating_add(1)).read_to_end(&mut bytes);
    if read.is_err() || ContentDigest::of(&bytes) != *digest || bytes.len() as u64 != length {
        return Err(failed("was changed"));
    }
    Ok(bytes)
}

fn is_whole(path: &Path) -> bool {
    let end = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-16))?;
        let mut end = [0; WHOLE.len()];
        file.read_exact(&mut end)?;
        Ok::<_, io::Error>(end)
    };
    end().is_ok_and(|end| end == *WHOLE)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn blobs(root: &Path, run: &str) -> Blobs {
        private_folder(&root.join(run)).unwrap();
        Blobs::new(root.join(run), root.join("blobs"))
    }

    #[test]
    fn two_runs_have_one_file() {
        let folder = tempfile::tempdir().unwrap();
        private_folder(&folder.path().join("blobs")).unwrap();
        let value = vec![7; 100_000];
        let (digest, written) = blobs(folder.path(), "a").put(&value).unwrap();
        assert!(written > 0);
        assert_eq!(blobs(folder.path(), "a").put(&value).unwrap(), (digest, 0));
        assert_eq!(blobs(folder.path(), "b").put(&value).unwrap(), (digest, 0));
        let file = folder.path().join("b").join(digest.to_string());
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (3, 0o600));
        for run in ["a", "b"] {
            assert_eq!(get(&folder.path().join(run), &digest, 100_000).unwrap(), value);
        }
    }

    #[test]
    fn a_file_that_a_power_failure_cut_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        private_folder(&folder.path().join("blobs")).unwrap();
        let value: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let (digest, written) = blobs(folder.path(), "a").put(&value).unwrap();
        let torn = OpenOptions::new().write(true).open(folder.path().join("a").join(digest.to_string())).unwrap();
        for length in [0, 10, written] {
            torn.set_len(length).unwrap();
            let run = format!("b{length}");
            assert_eq!(blobs(folder.path(), &run).put(&value).unwrap(), (digest, written));
            assert_eq!(get(&folder.path().join(&run), &digest, 400_000).unwrap(), value);
            // What is shared now is whole again; for the next round it is torn again.
            let shared = folder.path().join("blobs").join(&digest.to_string()[..2]).join(digest.to_string());
            fs::remove_file(&shared).unwrap();
            fs::hard_link(folder.path().join("a").join(digest.to_string()), &shared).unwrap();
        }
    }

    #[test]
    fn what_is_not_the_value_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        private_folder(&folder.path().join("blobs")).unwrap();
        let blobs = blobs(folder.path(), "a");
        let (digest, _) = blobs.put(&[1; 50_000]).unwrap();
        let (other, _) = blobs.put(&[2; 50_000]).unwrap();
        let run = folder.path().join("a");
        let what = |length| match get(&run, &digest, length) {
            Err(JournalError::Blob { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!((what(49_999), what(50_001)), ("was changed", "was changed"));
        fs::copy(run.join(other.to_string()), run.join(digest.to_string())).unwrap();
        assert_eq!(what(50_000), "was changed");
        fs::write(run.join(digest.to_string()), "no frame").unwrap();
        assert_eq!(what(50_000), "was changed");
        // Some bytes that become a gigabyte.
        let bomb = zstd::bulk::compress(&vec![0; 1 << 28], 1).unwrap();
        fs::write(run.join(digest.to_string()), bomb).unwrap();
        assert_eq!(what(50_000), "was changed");
        fs::remove_file(run.join(digest.to_string())).unwrap();
        assert_eq!(what(50_000), "is missing");
        fs::create_dir(run.join(digest.to_string())).unwrap();
        assert_eq!(what(50_000), "is not a file");
    }
}
