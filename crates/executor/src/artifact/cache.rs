//! Artifacts kept on disk between processes. The one file of this crate that touches files, and only inside the directory
//! that it is given.

use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::digest::CodeDigest;
use super::frozen::Frozen;
use super::seal::{About, AuthenticCode, Purpose, Seal, TAG_BYTES};
use super::{Artifact, Form, MAX_ARTIFACT_BYTES};
use crate::engine::Fingerprint;
use crate::guest::GuestDigest;

/// An entry is this, the seal's tag, a letter for the form, and the code.
const MAGIC: &[u8; 8] = b"BWARTF02";
const HEADER_BYTES: usize = MAGIC.len() + TAG_BYTES + 1;

/// A directory of compiled guests.
///
/// - An entry is found by the guest's content, wasmtime's version and settings, and the processor's features.
/// - An entry is sealed with the given key. One whose seal does not hold is deleted, and the guest compiled again.
/// - Entries are written beside their place and renamed into it, so several processes may share the directory.
/// - Over its size, the directory loses the entries that were not used for longest.
#[derive(Clone)]
pub struct ArtifactCache {
    dir: Arc<Dir>,
    seal: Seal,
    max_bytes: NonZeroU64,
}

impl ArtifactCache {
    /// A cache in `dir`, which should belong to this program alone. Whoever knows `key` and can write to `dir` decides
    /// what machine code runs here: it belongs in the state folder, with mode 0600.
    pub fn new(dir: Dir, key: &[u8; 32], max_bytes: NonZeroU64) -> ArtifactCache {
        ArtifactCache { dir: Arc::new(dir), seal: Seal::new(key), max_bytes }
    }

    /// The guest's artifact, if there is one and it is ours.
    pub(crate) fn get(&self, guest: GuestDigest, fingerprint: Fingerprint) -> Option<AuthenticCode> {
        let name = entry_name(guest, fingerprint);
        let authentic = match self.read(&name) {
            Ok((tag, form, code)) => self.seal.open_frozen(&about(guest, fingerprint), &tag, form, code).ok(),
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => None,
            // Not there, or not to be read now, which says nothing about the entry.
            Err(_) => return None,
        };
        if authentic.is_none() {
            // Damaged, or not ours. If it cannot be deleted it is found again, refused again, and costs a compilation.
            let _ = self.dir.remove_file(&name);
        }
        authentic
    }

    /// Keeps an artifact.
    ///
    /// # Errors
    /// When the directory cannot be written. Nobody needs to stop for that: the guest is compiled again next time.
    pub(crate) fn put(&self, guest: GuestDigest, fingerprint: Fingerprint, artifact: &Artifact) -> io::Result<()> {
        let digest = CodeDigest::of(artifact.code());
        let tag = self.seal.tag_code(&about(guest, fingerprint), artifact.form(), &digest);
        let name = entry_name(guest, fingerprint);
        let temporary = format!("{name}.{}.tmp", uuid::Uuid::now_v7().simple());
        let written =
            self.write(&temporary, &tag, artifact).and_then(|()| self.dir.rename(&temporary, &self.dir, &name));
        if written.is_err() {
            let _ = self.dir.remove_file(&temporary);
        }
        written.and_then(|()| self.evict())
    }

    /// Whether there is an entry, whatever its state.
    pub(crate) fn has(&self, guest: GuestDigest, fingerprint: Fingerprint) -> bool {
        self.dir.exists(entry_name(guest, fingerprint))
    }

    /// Deletes an entry, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be deleted.
    pub(crate) fn remove(&self, guest: GuestDigest, fingerprint: Fingerprint) -> io::Result<()> {
        match self.dir.remove_file(entry_name(guest, fingerprint)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read(&self, name: &str) -> io::Result<([u8; TAG_BYTES], Form, Frozen)> {
        let mut file = self.dir.open(name)?.into_std();
        let bytes = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if !(HEADER_BYTES..=HEADER_BYTES + MAX_ARTIFACT_BYTES).contains(&bytes) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (mut magic, mut tag, mut letter) = ([0; MAGIC.len()], [0; TAG_BYTES], [0; 1]);
        file.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.read_exact(&mut tag)?;
        file.read_exact(&mut letter)?;
        let form = Form::of_letter(letter[0]).ok_or(io::ErrorKind::InvalidData)?;
        let code = Frozen::copy(&mut file, HEADER_BYTES as u64, bytes - HEADER_BYTES)?;
        // The time of the last use, for eviction; an entry that cannot be touched is merely evicted sooner.
        let _ = file.set_modified(SystemTime::now());
        Ok((tag, form, code))
    }

    fn write(&self, name: &str, tag: &[u8; TAG_BYTES], artifact: &Artifact) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = self.dir.open_with(name, &options)?;
        file.write_all(MAGIC)?;
        file.write_all(tag)?;
        file.write_all(&[artifact.form().letter()])?;
        file.write_all(artifact.code())
        // Not synced: a torn entry does not carry its seal.
    }

    /// Deletes the entries that were not used for longest, temporary files of dead processes included.
    fn evict(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            // Another process may have deleted it meanwhile.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                let used = metadata.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
                entries.push((used, metadata.len(), entry.file_name()));
            }
        }
        let mut total = entries.iter().fold(0_u64, |sum, (_, bytes, _)| sum.saturating_add(*bytes));
        entries.sort();
        for (_, bytes, name) in entries {
            if total <= self.max_bytes.get() {
                break;
            }
            if self.dir.remove_file(name).is_ok() {
                total = total.saturating_sub(bytes);
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for ArtifactCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactCache").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

fn about(guest: GuestDigest, fingerprint: Fingerprint) -> About {
    About { purpose: Purpose::CacheEntry, nonce: [0; 16], guest, fingerprint }
}

fn entry_name(guest: GuestDigest, fingerprint: Fingerprint) -> String {
    let mut key = Sha256::new();
    key.update(guest.as_bytes());
    key.update(fingerprint.as_bytes());
    HEXLOWER.encode(&key.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Prepared;
    use crate::engine::compiling_engine;
    use crate::guest::Guest;

    const KEY: [u8; 32] = [3; 32];

    struct Fixture {
        folder: tempfile::TempDir,
        fingerprint: Fingerprint,
    }

    impl Fixture {
        fn new() -> Fixture {
            let fingerprint = Fingerprint::of(&compiling_engine().unwrap());
            Fixture { folder: tempfile::tempdir().unwrap(), fingerprint }
        }

        fn cache(&self, key: &[u8; 32], max_bytes: u64) -> ArtifactCache {
            let dir = Dir::open_ambient_dir(self.folder.path(), cap_std::ambient_authority()).unwrap();
            ArtifactCache::new(dir, key, NonZeroU64::new(max_bytes).unwrap())
        }

        fn files(&self) -> Vec<std::path::PathBuf> {
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
        }
    }

    fn guest(text: &str) -> GuestDigest {
        Guest::from_bytes(format!("(module (; {text} ;))").into_bytes()).unwrap().digest()
    }

    fn artifact(code: &[u8]) -> Artifact {
        let payload = Prepared { form: Form::Module, code: code.to_vec() }.into_payload();
        let about = about(guest("any"), Fingerprint::of(&compiling_engine().unwrap()));
        let seal = Seal::new(&KEY);
        Artifact::read(seal.open(&about, &seal.tag(&about, &payload), payload).unwrap()).unwrap()
    }

    #[test]
    fn what_was_put_is_found_by_its_content() {
        let fixture = Fixture::new();
        let cache = fixture.cache(&KEY, 1 << 20);
        cache.put(guest("a"), fixture.fingerprint, &artifact(b"code of a")).unwrap();
        let found = cache.get(guest("a"), fixture.fingerprint).unwrap();
        assert_eq!(found.form(), Form::Module);
        assert_eq!(std::fs::read(found.code().path()).unwrap(), b"code of a");
        assert!(cache.get(guest("b"), fixture.fingerprint).is_none());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed_and_the_entry_deleted() {
        let fixture = Fixture::new();
        let cache = fixture.cache(&KEY, 1 << 20);
        cache.put(guest("a"), fixture.fingerprint, &artifact(b"code")).unwrap();
        let path = fixture.files().pop().unwrap();
        let good = std::fs::read(&path).unwrap();
        let flips = (0..good.len()).map(|at| {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            bad
        });
        let cuts = (0..good.len()).map(|len| good[..len].to_vec());
        for bad in flips.chain(cuts).chain([[&good[..], b"x"].concat()]) {
            std::fs::write(&path, &bad).unwrap();
            assert!(cache.get(guest("a"), fixture.fingerprint).is_none());
            assert!(!path.exists());
        }
    }

    #[test]
    fn each_region_of_a_large_entry_is_authenticated() {
        let fixture = Fixture::new();
        let cache = fixture.cache(&KEY, 1 << 30);
        let code: Vec<u8> = (0..(2 << 20) + 12_345_usize).map(|at| (at * 131 % 251) as u8).collect();
        cache.put(guest("a"), fixture.fingerprint, &artifact(&code)).unwrap();
        let path = fixture.files().pop().unwrap();
        let good = std::fs::read(&path).unwrap();
        let last = good.len() - 1;
        let segment = HEADER_BYTES + (1 << 20);
        for at in
            [0, MAGIC.len(), HEADER_BYTES - 2, HEADER_BYTES - 1, HEADER_BYTES, segment - 1, segment, 2 << 20, last]
        {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(cache.get(guest("a"), fixture.fingerprint).is_none(), "byte {at}");
        }
        let mut swapped = good.clone(); // two segments change places
        let (first, second) = swapped[HEADER_BYTES..].split_at_mut(1 << 20);
        first.swap_with_slice(&mut second[..1 << 20]);
        for bad in [&good[..segment], &good[..last], &swapped] {
            std::fs::write(&path, bad).unwrap();
            assert!(cache.get(guest("a"), fixture.fingerprint).is_none());
        }
        std::fs::write(&path, &good).unwrap();
        let found = cache.get(guest("a"), fixture.fingerprint).unwrap();
        std::fs::write(&path, vec![0; good.len()]).unwrap(); // too late: what was authenticated is what is loaded
        assert!(std::fs::read(found.code().path()).unwrap() == code);
    }

    #[test]
    fn an_entry_of_another_form_is_foreign() {
        let fixture = Fixture::new();
        let cache = fixture.cache(&KEY, 1 << 20);
        for letter in [b'C', b'L', b'R', 0] {
            cache.put(guest("a"), fixture.fingerprint, &artifact(b"code")).unwrap();
            let path = fixture.files().pop().unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[HEADER_BYTES - 1] = letter;
            std::fs::write(&path, &bytes).unwrap();
            assert!(cache.get(guest("a"), fixture.fingerprint).is_none());
            assert!(!path.exists());
        }
    }

    #[test]
    fn an_entry_of_another_key_or_another_guest_is_foreign() {
        let fixture = Fixture::new();
        fixture.cache(&[4; 32], 1 << 20).put(guest("a"), fixture.fingerprint, &artifact(b"code")).unwrap();
        let cache = fixture.cache(&KEY, 1 << 20);
        assert!(cache.get(guest("a"), fixture.fingerprint).is_none());
        assert!(fixture.files().is_empty());

        cache.put(guest("a"), fixture.fingerprint, &artifact(b"code")).unwrap();
        let planted = fixture.folder.path().join(entry_name(guest("b"), fixture.fingerprint));
        std::fs::rename(fixture.files().pop().unwrap(), planted).unwrap();
        assert!(cache.get(guest("b"), fixture.fingerprint).is_none());
    }

    #[test]
    fn the_entry_that_was_not_used_for_longest_goes_first() {
        let fixture = Fixture::new();
        let code = [0; 1000];
        let cache = fixture.cache(&KEY, 2500);
        for (age, name) in [(300, "old"), (200, "newer")] {
            cache.put(guest(name), fixture.fingerprint, &artifact(&code)).unwrap();
            let path = fixture.folder.path().join(entry_name(guest(name), fixture.fingerprint));
            let file = std::fs::File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
        }
        assert!(cache.get(guest("old"), fixture.fingerprint).is_some()); // used: now the younger one
        cache.put(guest("third"), fixture.fingerprint, &artifact(&code)).unwrap();
        assert!(cache.get(guest("newer"), fixture.fingerprint).is_none());
        assert!(cache.get(guest("old"), fixture.fingerprint).is_some());
        assert!(cache.get(guest("third"), fixture.fingerprint).is_some());
    }

    #[test]
    fn entries_are_private_and_no_temporary_file_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let fixture = Fixture::new();
        fixture.cache(&KEY, 1 << 20).put(guest("a"), fixture.fingerprint, &artifact(b"code")).unwrap();
        let files = fixture.files();
        assert_eq!(files.len(), 1);
        assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
