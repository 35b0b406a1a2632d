//! Versions of keys: which of them signs, which verify, and who makes the next one.

use std::num::NonZeroU64;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bailiwick_guard::{CallError, Guard, Life, Timestamp};
use bailiwick_host::crypto::*;
use bailiwick_policy::Code;
use bytes::Bytes;
use tempfile::TempDir;

use crate::crypto::{Ring as Scene, key, making, vault};
use crate::support::{HandClock, code, guard_by};

const DAY: u64 = 24 * 60 * 60;

/// A key store whose clock is put forward by hand.
struct Time {
    dir: TempDir,
    clock: Arc<HandClock>,
    guard: Guard,
    store: Arc<KeyStore>,
    crypto: Crypto,
}

impl Time {
    fn with(rings: Rings) -> Time {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
        clock.0.store(1_000_000, Ordering::SeqCst);
        let guard = guard_by(&Scene::everything(), Life::until(Timestamp(u64::MAX)), Arc::<HandClock>::clone(&clock));
        let store = Arc::new(KeyStore::open(dir.path(), rings, vault()).unwrap());
        Time { dir, clock, guard, crypto: Crypto::new(Some(Arc::clone(&store))), store }
    }

    fn now(&self) -> u64 {
        self.clock.0.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn versions(&self) -> Vec<u32> {
        self.store.info(&key("r/k")).unwrap().versions.iter().map(|version| version.number).collect()
    }

    async fn sign(&self) -> Result<Vec<u8>, CallError> {
        self.guard.call(&self.crypto, Sign { key: key("r/k"), message: Bytes::from("m") }).await
    }

    async fn verify(&self, signature: &[u8]) -> bool {
        let signature = Bytes::copy_from_slice(signature);
        let verify = Verify { key: key("r/k"), message: Bytes::from("m"), signature };
        self.guard.call(&self.crypto, verify).await.unwrap()
    }

    async fn encrypt(&self) -> Result<Vec<u8>, CallError> {
        let encrypt = Encrypt { key: key("r/k"), plaintext: Bytes::from("m"), aad: Bytes::new() };
        self.guard.call(&self.crypto, encrypt).await
    }

    async fn decrypt(&self, sealed: &[u8]) -> Result<Vec<u8>, CallError> {
        let sealed = Bytes::copy_from_slice(sealed);
        self.guard.call(&self.crypto, Decrypt { key: key("r/k"), sealed, aad: Bytes::new() }).await
    }
}

fn ring(create: Option<KeyAlgorithm>, rotate: Rotate) -> Rings {
    Rings::from([("r".into(), Ring { create, rotate })])
}

#[tokio::test]
async fn a_ring_that_makes_keys_makes_their_next_versions() {
    let time = Time::with(making(KeyAlgorithm::Ed25519));
    let first = time.sign().await.unwrap();
    time.pass(DAY - 1);
    assert_eq!(time.sign().await.unwrap(), first, "the same key until 24 h have passed");
    assert_eq!(time.versions(), [1]);
    time.pass(1);
    let second = time.sign().await.unwrap();
    assert_ne!(second, first);
    assert_eq!(time.versions(), [2, 1]);
    assert!(time.verify(&first).await && time.verify(&second).await, "both versions verify");
    assert_eq!(time.sign().await.unwrap(), second, "the old version signs no more");
    time.store.delete_version(&key("r/k"), 1).unwrap();
    assert!(!time.verify(&first).await && time.verify(&second).await);
}

#[tokio::test]
async fn what_is_sealed_says_with_which_version() {
    for algorithm in [KeyAlgorithm::Aes256Gcm, KeyAlgorithm::ChaCha20Poly1305] {
        let time = Time::with(making(algorithm));
        let first = time.encrypt().await.unwrap();
        time.pass(DAY);
        let second = time.encrypt().await.unwrap();
        assert_eq!((&first[..VERSION_LEN], &second[..VERSION_LEN]), (&[0, 0, 0, 1][..], &[0, 0, 0, 2][..]));
        assert_eq!(time.decrypt(&first).await.unwrap(), b"m");
        assert_eq!(time.decrypt(&second).await.unwrap(), b"m");
        for other in [0u32, 2, 3, u32::MAX] {
            let mut moved = first.clone();
            moved[..VERSION_LEN].copy_from_slice(&other.to_be_bytes());
            assert_eq!(code(time.decrypt(&moved).await), Code::NotAuthentic, "version {other}");
        }
    }
}

#[tokio::test]
async fn without_create_an_old_key_signs_no_more_until_somebody_rotates_it() {
    let time = Time::with(Rings::new());
    time.store.create(&key("r/k"), KeyAlgorithm::P256, time.now()).unwrap();
    let first = time.sign().await.unwrap();
    time.pass(DAY);
    assert_eq!(code(time.sign().await), Code::KeyExpired);
    assert!(time.verify(&first).await, "it verifies on");
    assert_eq!(time.versions(), [1], "nothing is made");
    assert_eq!(time.store.rotate(&key("r/k"), time.now()).unwrap(), 2);
    assert!(time.verify(&time.sign().await.unwrap()).await);
    let info = time.store.info(&key("r/k")).unwrap();
    assert_eq!(info.not_after, Some(time.now() + DAY));
}

#[tokio::test]
async fn rotation_is_as_often_as_the_ring_says_or_never() {
    let hour = Rotate::After(NonZeroU64::new(3600).unwrap());
    let time = Time::with(ring(Some(KeyAlgorithm::HmacSha256), hour));
    let tag = || time.guard.call(&time.crypto, Hmac { key: key("r/k"), data: Bytes::from("m") });
    let first = tag().await.unwrap();
    time.pass(3600);
    assert_ne!(tag().await.unwrap(), first);
    assert!(time.verify(&first).await);
    let time = Time::with(ring(Some(KeyAlgorithm::Ed25519), Rotate::Never));
    let first = time.sign().await.unwrap();
    time.pass(1000 * DAY);
    assert_eq!(time.sign().await.unwrap(), first);
    assert_eq!(time.store.info(&key("r/k")).unwrap().not_after, None);
}

/// What was derived names no version: the same key gives the same bytes for ever.
#[tokio::test]
async fn keys_that_derive_are_not_rotated() {
    let time = Time::with(making(KeyAlgorithm::HkdfSha256));
    let derive = || {
        let derive = Derive { key: key("r/k"), salt: Bytes::new(), info: Bytes::from("i"), len: 32 };
        time.guard.call(&time.crypto, derive)
    };
    let first = derive().await.unwrap();
    time.pass(1000 * DAY);
    assert_eq!(derive().await.unwrap(), first);
    let refused = time.store.rotate(&key("r/k"), time.now()).unwrap_err();
    assert!(matches!(refused, KeyError::NoRotation { .. }), "{refused}");
}

/// Others know an imported key, and would not know the next one.
#[tokio::test]
async fn the_host_does_not_replace_what_it_did_not_make() {
    let time = Time::with(making(KeyAlgorithm::HmacSha256));
    let bytes = |first: u8| (first..first + 32).collect::<Vec<u8>>();
    let imported = |first| Imported::symmetric(KeyAlgorithm::HmacSha256, &bytes(first)).unwrap();
    time.store.import(&key("r/k"), &imported(0), time.now()).unwrap();
    let tag = || time.guard.call(&time.crypto, Hmac { key: key("r/k"), data: Bytes::from("m") });
    let first = tag().await.unwrap();
    time.pass(DAY);
    assert_eq!(code(tag().await), Code::KeyExpired);
    assert_eq!(time.store.import_next(&key("r/k"), &imported(1), time.now()).unwrap(), 2);
    assert_ne!(tag().await.unwrap(), first);
    let other = Imported::symmetric(KeyAlgorithm::HmacSha384, &(0..48).collect::<Vec<u8>>()).unwrap();
    let refused = time.store.import_next(&key("r/k"), &other, time.now()).unwrap_err();
    assert!(matches!(refused, KeyError::OtherAlgorithm { .. }), "{refused}");
    let refused = time.store.import(&key("r/k"), &imported(2), time.now()).unwrap_err();
    assert!(matches!(refused, KeyError::Exists { .. }), "{refused}");
}

#[tokio::test]
async fn a_version_encrypts_as_often_as_random_nonces_allow() {
    let used_up = |time: &Time, count: &str| {
        let file = time.dir.path().join("r/k/1.messages");
        std::fs::write(&file, count).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let time = Time::with(ring(None, Rotate::Never));
    time.store.create(&key("r/k"), KeyAlgorithm::Aes256Gcm, time.now()).unwrap();
    used_up(&time, "4294967294");
    let sealed = time.encrypt().await.unwrap();
    time.encrypt().await.unwrap();
    assert_eq!(code(time.encrypt().await), Code::KeyExpired, "2^32 messages");
    assert_eq!(time.decrypt(&sealed).await.unwrap(), b"m");
    // Counts are taken in shares: of what is left of one, nothing is given back.
    let again = Crypto::new(Some(Arc::new(KeyStore::open(time.dir.path(), Rings::new(), vault()).unwrap())));
    let encrypt = Encrypt { key: key("r/k"), plaintext: Bytes::from("m"), aad: Bytes::new() };
    assert_eq!(code(time.guard.call(&again, encrypt).await), Code::KeyExpired);
    used_up(&time, "no number");
    assert_eq!(code(time.encrypt().await), Code::KeyExpired, "a count that nobody can read is used up");
    let making = Time::with(ring(Some(KeyAlgorithm::Aes256Gcm), Rotate::Never));
    making.encrypt().await.unwrap();
    let count = std::fs::read_to_string(making.dir.path().join("r/k/1.messages")).unwrap();
    assert_eq!(count, "64", "the first share");
    for _ in 0..63 {
        making.encrypt().await.unwrap();
    }
    used_up(&making, "4294967296");
    let next = making.encrypt().await.unwrap();
    assert_eq!(next[..VERSION_LEN], [0, 0, 0, 2], "the ring makes the next version");
}

/// Processes share a folder: here, several stores of one folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_rotate_at_once_one_makes_the_version() {
    for round in 0..10 {
        let time = Time::with(making(KeyAlgorithm::Ed25519));
        time.sign().await.unwrap();
        time.pass(DAY);
        let clock = Arc::clone(&time.clock);
        let open = || Arc::new(KeyStore::open(time.dir.path(), making(KeyAlgorithm::Ed25519), vault()).unwrap());
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let crypto = Crypto::new(Some(open()));
                let guard =
                    guard_by(&Scene::everything(), Life::until(Timestamp(u64::MAX)), Arc::<HandClock>::clone(&clock));
                tokio::spawn(async move {
                    guard.call(&crypto, Sign { key: key("r/k"), message: Bytes::from("m") }).await.unwrap()
                })
            })
            .collect();
        let mut signatures = Vec::new();
        for task in tasks {
            signatures.push(task.await.unwrap());
        }
        assert!(signatures.windows(2).all(|pair| pair[0] == pair[1]), "round {round}");
        assert_eq!(time.versions(), [2, 1], "round {round}");
    }
}

/// A running process sees what another did with the next call.
#[tokio::test]
async fn what_another_process_does_is_seen_at_once() {
    let time = Time::with(Rings::new());
    time.store.create(&key("r/k"), KeyAlgorithm::Ed25519, time.now()).unwrap();
    let first = time.sign().await.unwrap();
    let other = KeyStore::open(time.dir.path(), Rings::new(), vault()).unwrap();
    other.rotate(&key("r/k"), time.now()).unwrap();
    let second = time.sign().await.unwrap();
    assert_ne!(first, second);
    other.delete(&key("r/k")).unwrap();
    assert_eq!(code(time.sign().await), Code::NoKey);
    other.create(&key("r/k"), KeyAlgorithm::Ed25519, time.now()).unwrap();
    let third = time.sign().await.unwrap();
    assert!(third != first && third != second);
    assert!(!time.verify(&first).await, "the removed key is gone, though the new one has its number");
    assert_eq!(std::fs::read_dir(time.dir.path().join("r")).unwrap().count(), 1, "nothing of it is left");
}

#[tokio::test]
async fn the_newest_version_stays_and_what_is_not_there_is_said() {
    let time = Time::with(Rings::new());
    let name = key("r/k");
    assert!(matches!(time.store.rotate(&name, 0), Err(KeyError::Missing { .. })));
    assert!(matches!(time.store.delete(&name), Err(KeyError::Missing { .. })));
    assert!(matches!(time.store.delete_version(&name, 1), Err(KeyError::Missing { .. })));
    time.store.create(&name, KeyAlgorithm::Ed25519, time.now()).unwrap();
    time.store.rotate(&name, time.now()).unwrap();
    assert!(matches!(time.store.delete_version(&name, 2), Err(KeyError::Newest { version: 2, .. })));
    assert!(matches!(time.store.delete_version(&name, 7), Err(KeyError::NoVersion { version: 7, .. })));
    assert_eq!(time.versions(), [2, 1]);
}

/// A signature does not say which version made it, and not for ever are all of them tried.
#[tokio::test]
async fn the_newest_hundred_versions_verify() {
    let time = Time::with(Rings::new());
    time.store.create(&key("r/k"), KeyAlgorithm::HmacSha256, time.now()).unwrap();
    let tag = || time.guard.call(&time.crypto, Hmac { key: key("r/k"), data: Bytes::from("m") });
    let first = tag().await.unwrap();
    for version in 2..=100 {
        assert_eq!(time.store.rotate(&key("r/k"), time.now()).unwrap(), version);
    }
    assert!(time.verify(&first).await, "the 100th");
    assert_eq!(MAX_TRIED, 100);
    time.store.rotate(&key("r/k"), time.now()).unwrap();
    assert!(!time.verify(&first).await, "the 101st");
    let public = time.store.public(&key("r/k")).unwrap_err();
    assert!(matches!(public, KeyError::NoPublicKey { .. }));
}

#[tokio::test]
async fn public_halves_of_all_versions_are_given_out() {
    let time = Time::with(Rings::new());
    time.store.create(&key("r/k"), KeyAlgorithm::P384, time.now()).unwrap();
    time.store.rotate(&key("r/k"), time.now() + 5).unwrap();
    let public = time.store.public(&key("r/k")).unwrap();
    let about: Vec<_> = public.iter().map(|key| (key.version, key.created)).collect();
    assert_eq!(about, [(2, time.now() + 5), (1, time.now())]);
    assert_ne!(public[0].kid(), public[1].kid());
    assert_eq!(public[0].jwk()["alg"], "ES384");
    let signature = time.sign().await.unwrap();
    // Somebody else, with what was given out.
    let theirs = Time::with(Rings::new());
    let imported = Imported::parse(public[0].jwk().to_string().as_bytes(), None).unwrap();
    theirs.store.import(&key("r/k"), &imported, theirs.now()).unwrap();
    assert!(theirs.verify(&signature).await);
    assert_eq!(code(theirs.sign().await), Code::KeyUse, "a public key signs nothing");
    assert!(matches!(theirs.store.rotate(&key("r/k"), 0), Err(KeyError::PublicKey { .. })));
    theirs.pass(1000 * DAY);
    assert!(theirs.verify(&signature).await);
}
