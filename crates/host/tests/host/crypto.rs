//! Keys and what may be done with them.

use std::sync::Arc;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::crypto::*;
use bailiwick_host::vault::{MasterKey, Vault};
use bailiwick_policy::{Code, KeyName};
use bytes::Bytes;
use tempfile::TempDir;

use crate::support::{code, guard};

/// When keys are made: in a far future, so that none is too old for the machine's clock.
pub const NOW: u64 = 1 << 33;

/// A key store in a folder of its own.
pub struct Ring {
    pub dir: TempDir,
    pub store: Arc<KeyStore>,
    pub crypto: Crypto,
}

pub fn vault() -> Arc<Vault> {
    Arc::new(Vault::new(MasterKey::from_bytes([7; 32])))
}

impl Ring {
    pub fn new() -> Ring {
        Ring::with(Rings::new())
    }

    pub fn with(rings: Rings) -> Ring {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(KeyStore::open(&dir.path().join("state/keys"), rings, vault()).unwrap());
        Ring { dir, crypto: Crypto::new(Some(Arc::clone(&store))), store }
    }

    pub fn everything() -> String {
        "[limits]\nhost_calls = 100_000\n[[allow]]\nid = \"keyless\"\ncrypto = \"-\"\nactions = [\"hash\", \"random\"]\n\
         [[allow]]\nid = \"keys\"\ncrypto = \"r/**\"\nactions = [\"hmac\", \"sign\", \"verify\", \"encrypt\", \"decrypt\", \
         \"derive\"]\n"
            .into()
    }
}

/// The ring `r` makes its keys.
pub fn making(algorithm: KeyAlgorithm) -> Rings {
    Rings::from([("r".into(), bailiwick_host::crypto::Ring::creating(algorithm))])
}

pub fn key(name: &str) -> KeyName {
    KeyName::parse(name).unwrap()
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from(text)
}

async fn sign(guard: &Guard, crypto: &Crypto, name: &str, message: &'static str) -> Result<Vec<u8>, CallError> {
    guard.call(crypto, Sign { key: key(name), message: bytes(message) }).await
}

async fn verify(guard: &Guard, crypto: &Crypto, name: &str, message: &'static str, signature: &[u8]) -> bool {
    let signature = Bytes::copy_from_slice(signature);
    guard.call(crypto, Verify { key: key(name), message: bytes(message), signature }).await.unwrap()
}

#[tokio::test]
async fn signatures_verify_and_nothing_else_does() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::RsaPssSha256] {
        let (name, other) = (format!("r/{algorithm}"), format!("r/{algorithm}-2"));
        ring.store.create(&key(&name), algorithm, NOW).unwrap();
        ring.store.create(&key(&other), algorithm, NOW).unwrap();
        let signature = sign(&guard, &ring.crypto, &name, "message").await.unwrap();
        let len = match algorithm {
            KeyAlgorithm::P384 => 96,
            KeyAlgorithm::RsaPssSha256 => 384,
            _ => 64,
        };
        assert_eq!(signature.len(), len, "{algorithm}");
        assert!(verify(&guard, &ring.crypto, &name, "message", &signature).await);
        assert!(!verify(&guard, &ring.crypto, &name, "messagf", &signature).await);
        assert!(!verify(&guard, &ring.crypto, &other, "message", &signature).await);
        for length in [0, 1, 63] {
            assert!(!verify(&guard, &ring.crypto, &name, "message", &signature[..length]).await);
        }
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!verify(&guard, &ring.crypto, &name, "message", &changed).await, "{algorithm} byte {at}");
        }
    }
}

#[tokio::test]
async fn tags_verify_in_the_store() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    ring.store.create(&key("r/mac"), KeyAlgorithm::HmacSha256, NOW).unwrap();
    let tag = guard.call(&ring.crypto, Hmac { key: key("r/mac"), data: bytes("message") }).await.unwrap();
    assert!(verify(&guard, &ring.crypto, "r/mac", "message", &tag).await);
    for at in 0..tag.len() {
        let mut changed = tag.clone();
        changed[at] ^= 0x80;
        assert!(!verify(&guard, &ring.crypto, "r/mac", "message", &changed).await);
    }
    assert!(!verify(&guard, &ring.crypto, "r/mac", "message", &tag[..16]).await, "a truncated tag is no tag");
}

#[tokio::test]
async fn sealed_messages_open_only_unchanged() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    for algorithm in [KeyAlgorithm::Aes256Gcm, KeyAlgorithm::ChaCha20Poly1305] {
        let (name, other) = (key(&format!("r/{algorithm}")), key(&format!("r/{algorithm}-2")));
        ring.store.create(&name, algorithm, NOW).unwrap();
        ring.store.create(&other, algorithm, NOW).unwrap();
        let encrypt = || Encrypt { key: name.clone(), plaintext: bytes("attack at dawn"), aad: bytes("to: general") };
        let sealed = guard.call(&ring.crypto, encrypt()).await.unwrap();
        assert_eq!(sealed.len(), VERSION_LEN + NONCE_LEN + 14 + TAG_LEN);
        let again = guard.call(&ring.crypto, encrypt()).await.unwrap();
        let nonce = VERSION_LEN..VERSION_LEN + NONCE_LEN;
        assert_ne!(sealed[nonce.clone()], again[nonce], "every message has its own nonce");
        let open = |key: &KeyName, sealed: &[u8], aad: &'static str| {
            let sealed = Bytes::copy_from_slice(sealed);
            guard.call(&ring.crypto, Decrypt { key: key.clone(), sealed, aad: bytes(aad) })
        };
        assert_eq!(open(&name, &sealed, "to: general").await.unwrap(), b"attack at dawn");
        assert_eq!(code(open(&name, &sealed, "to: private").await), Code::NotAuthentic);
        assert_eq!(code(open(&other, &sealed, "to: general").await), Code::NotAuthentic);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(code(open(&name, &changed, "to: general").await), Code::NotAuthentic, "{algorithm} byte {at}");
            assert_eq!(code(open(&name, &sealed[..at], "to: general").await), Code::NotAuthentic, "{at} bytes");
        }
    }
}

/// What each algorithm serves; everything else is refused.
#[tokio::test]
async fn a_key_serves_its_own_operations_only() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    for algorithm in KeyAlgorithm::ALL {
        let name = key(&format!("r/{algorithm}"));
        ring.store.create(&name, algorithm, NOW).unwrap();
        let data = || bytes("data");
        let crypto = &ring.crypto;
        let tries: Vec<(&str, Result<(), CallError>)> = vec![
            ("sign", guard.call(crypto, Sign { key: name.clone(), message: data() }).await.map(drop)),
            ("verify", {
                let verify = Verify { key: name.clone(), message: data(), signature: data() };
                guard.call(crypto, verify).await.map(|good| assert!(!good))
            }),
            ("hmac", guard.call(crypto, Hmac { key: name.clone(), data: data() }).await.map(drop)),
            ("encrypt", {
                guard.call(crypto, Encrypt { key: name.clone(), plaintext: data(), aad: data() }).await.map(drop)
            }),
            ("decrypt", {
                let sealed = Bytes::from_static(&[0; 40]);
                match guard.call(crypto, Decrypt { key: name.clone(), sealed, aad: data() }).await {
                    Err(CallError::Failed(Code::NotAuthentic)) => Ok(()),
                    other => other.map(drop),
                }
            }),
            ("derive", {
                let derive = Derive { key: name.clone(), salt: data(), info: data(), len: 32 };
                guard.call(crypto, derive).await.map(drop)
            }),
        ];
        let serves: &[&str] = match algorithm {
            KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::RsaPssSha256 => {
                &["sign", "verify"]
            }
            KeyAlgorithm::HmacSha256 | KeyAlgorithm::HmacSha384 | KeyAlgorithm::HmacSha512 => &["verify", "hmac"],
            KeyAlgorithm::Aes256Gcm | KeyAlgorithm::ChaCha20Poly1305 => &["encrypt", "decrypt"],
            KeyAlgorithm::HkdfSha256 => &["derive"],
        };
        for (operation, result) in tries {
            if serves.contains(&operation) {
                assert_eq!(result, Ok(()), "{algorithm} {operation}");
            } else {
                assert_eq!(code(result), Code::KeyUse, "{algorithm} {operation}");
            }
        }
    }
}

#[tokio::test]
async fn a_missing_key_is_missing_unless_its_ring_makes_it() {
    let guard = guard(&Ring::everything());
    let plain = Ring::new();
    assert_eq!(code(sign(&guard, &plain.crypto, "r/none", "x").await), Code::NoKey);
    assert_eq!(code(sign(&guard, &Crypto::default(), "r/none", "x").await), Code::NoKey);
    let making = Ring::with(making(KeyAlgorithm::Ed25519));
    let early = Verify { key: key("r/k"), message: bytes("x"), signature: bytes("y") };
    assert_eq!(code(guard.call(&making.crypto, early).await), Code::NoKey, "verifying makes no key");
    let signature = sign(&guard, &making.crypto, "r/k", "x").await.unwrap();
    assert!(verify(&guard, &making.crypto, "r/k", "x", &signature).await);
    let list: Vec<_> = making.store.list().unwrap().into_iter().map(|key| (key.name, key.algorithm)).collect();
    assert_eq!(list, [(key("r/k"), KeyAlgorithm::Ed25519)]);
    assert!(matches!(making.store.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW), Err(KeyError::Exists { .. })));
}

#[tokio::test]
async fn a_denied_key_is_neither_used_nor_made() {
    let ring = Ring::with(Rings::from([("s".into(), bailiwick_host::crypto::Ring::creating(KeyAlgorithm::Ed25519))]));
    let guard = guard(&Ring::everything());
    assert_eq!(code(sign(&guard, &ring.crypto, "s/k", "x").await), Code::ManifestNoRule);
    assert!(ring.store.list().unwrap().is_empty());
}

/// Several processes share a folder: here, several stores of one folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_make_a_key_all_get_the_same() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let open = || KeyStore::open(dir.path(), making(KeyAlgorithm::Ed25519), vault()).unwrap();
        let stores: Vec<_> = (0..4).map(|_| Arc::new(open())).collect();
        let guard = Arc::new(guard(&Ring::everything()));
        let tasks: Vec<_> = stores
            .iter()
            .map(|store| {
                let (crypto, guard) = (Crypto::new(Some(Arc::clone(store))), Arc::clone(&guard));
                tokio::spawn(async move { sign(&guard, &crypto, "r/k", "x").await.unwrap() })
            })
            .collect();
        let mut signatures = Vec::new();
        for task in tasks {
            signatures.push(task.await.unwrap());
        }
        // Ed25519 is deterministic: equal signatures are signatures of one key.
        assert!(signatures.windows(2).all(|pair| pair[0] == pair[1]), "round {round}");
        let left: Vec<_> = std::fs::read_dir(dir.path().join("r/k")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["1.key"], "no temporary file is left");
    }
}

#[tokio::test]
async fn inputs_are_bounded() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let hash = |len| Hash { algorithm: HashAlgorithm::Blake3, data: Bytes::from(vec![0; len]) };
    guard.call(&ring.crypto, hash(MAX_INPUT)).await.unwrap();
    assert_eq!(code(guard.call(&ring.crypto, hash(MAX_INPUT + 1)).await), Code::ArgumentBytes);
    for algorithm in HashAlgorithm::ALL {
        let data = |len| Bytes::from(vec![1; len]);
        let small = guard.call(&ring.crypto, Hash { algorithm, data: data(10) }).await.unwrap();
        let large = guard.call(&ring.crypto, Hash { algorithm, data: data(100_000) }).await.unwrap();
        assert_eq!(small.len(), large.len());
        assert_ne!(small, large);
    }
    assert_eq!(guard.call(&ring.crypto, Random { len: MAX_RANDOM }).await.unwrap().len(), MAX_RANDOM);
    assert_eq!(code(guard.call(&ring.crypto, Random { len: MAX_RANDOM + 1 }).await), Code::ArgumentBytes);
    let (one, two) = (Random { len: 32 }, Random { len: 32 });
    assert_ne!(guard.call(&ring.crypto, one).await.unwrap(), guard.call(&ring.crypto, two).await.unwrap());
    ring.store.create(&key("r/hkdf"), KeyAlgorithm::HkdfSha256, NOW).unwrap();
    let derive = |len| Derive { key: key("r/hkdf"), salt: Bytes::new(), info: bytes("a"), len };
    assert_eq!(guard.call(&ring.crypto, derive(MAX_DERIVED)).await.unwrap().len(), MAX_DERIVED);
    for len in [0, MAX_DERIVED + 1, usize::MAX] {
        assert_eq!(code(guard.call(&ring.crypto, derive(len)).await), Code::ArgumentBytes);
    }
    let other = Derive { key: key("r/hkdf"), salt: Bytes::new(), info: bytes("b"), len: 32 };
    let derived = guard.call(&ring.crypto, other).await.unwrap();
    assert_ne!(derived, guard.call(&ring.crypto, derive(32)).await.unwrap());
}
