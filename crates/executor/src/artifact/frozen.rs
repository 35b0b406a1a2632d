//! A private copy of machine code that nobody can change, not even this process.
//!
//! A file in the cache may change at any time: between being authenticated and being loaded, and after that, too, because
//! the pages of a mapped file are read when they are first touched. So what is authenticated and mapped is a copy in
//! anonymous memory that the kernel has sealed.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::digest::{CodeDigest, Digesting, SEGMENT};

/// Threads that digest one copy. More of them wait for memory, not for the processor.
const MOST_THREADS: usize = 4;

/// Bytes read at a time: they are digested while they are in the processor's cache.
const PIECE: usize = 256 << 10;

/// Bytes that stay as they are, and their digest.
#[derive(Debug)]
pub(crate) struct Frozen {
    file: File,
    digest: CodeDigest,
    bytes: usize,
}

impl Frozen {
    /// Copies all of `file` from the offset `at` on, which should be `bytes` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when there are fewer. Otherwise when `file` cannot be read, or the machine has no
    /// memory for the copy.
    pub(crate) fn copy(file: &mut File, at: u64, bytes: usize) -> io::Result<Frozen> {
        let mut copy = anonymous_file()?;
        file.seek(SeekFrom::Start(at))?;
        let length = u64::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        if io::copy(&mut io::Read::take(file, length), &mut copy)? != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // INVARIANT: sealed before it is digested, so that the digest is of what will be mapped.
        fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        let digest = digest(&copy, bytes)?;
        Ok(Frozen { file: copy, digest, bytes })
    }

    pub(crate) fn digest(&self) -> &CodeDigest {
        &self.digest
    }

    /// Its length.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A name under which this process can open it while this value lives.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

fn anonymous_file() -> io::Result<File> {
    const NAME: &str = "bailiwick-artifact";
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know that a file may be marked as no program.
    let file = memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL).or_else(|_| memfd_create(NAME, flags))?;
    Ok(File::from(file))
}

/// The digest of the first `bytes` bytes of `file`, on several threads when there is enough to do.
fn digest(file: &File, bytes: usize) -> io::Result<CodeDigest> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = cores.min(MOST_THREADS).min(bytes.div_ceil(SEGMENT)).max(1);
    let digesting = Digesting::new(bytes);
    std::thread::scope(|scope| {
        let work = || {
            let mut piece = vec![0; PIECE.min(bytes)];
            digesting.work(|at, length, hasher| feed(file, at, length, &mut piece, hasher))
        };
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
            .fold(mine, Result::and)
    })?;
    Ok(digesting.finish())
}

fn feed(file: &File, at: usize, length: usize, piece: &mut [u8], hasher: &mut blake3::Hasher) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        let take = piece.len().min(length - done);
        let piece = piece.get_mut(..take).unwrap_or_default();
        file.read_exact_at(piece, u64::try_from(at + done).map_err(|_| io::ErrorKind::InvalidInput)?)?;
        hasher.update(piece);
        done += take;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn a_copy_has_the_digest_of_the_bytes() {
        for length in [0, 1, PIECE - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 5] {
            let content = bytes(length + 7);
            let frozen = Frozen::copy(&mut file(&content), 7, length).unwrap();
            assert_eq!(*frozen.digest(), CodeDigest::of(&content[7..]), "{length}");
            assert_eq!(std::fs::read(frozen.path()).unwrap(), &content[7..]);
        }
    }

    #[test]
    fn nobody_can_change_a_copy_nor_does_it_follow_its_source() {
        let mut source = file(&bytes(1000));
        let frozen = Frozen::copy(&mut source, 0, 1000).unwrap();
        source.write_all_at(b"other", 0).unwrap();
        let mut again = File::options().read(true).write(true).open(frozen.path()).unwrap();
        assert!(again.write_all(b"other").is_err());
        assert!(again.set_len(1).is_err());
        assert!(again.set_len(2000).is_err());
        assert_eq!(std::fs::read(frozen.path()).unwrap(), bytes(1000));
    }

    #[test]
    fn a_source_that_is_too_short_is_noticed() {
        let error = Frozen::copy(&mut file(&bytes(10)), 1, 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
