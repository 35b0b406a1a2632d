//! The key store on its disk: sealed, private, and what happens when it is not as it was left.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_guard::CallError;
use bailiwick_host::crypto::*;
use bailiwick_host::vault::{MasterKey, Vault, VaultError};
use bailiwick_policy::Code;
use bytes::Bytes;
use data_encoding::BASE64;

use crate::crypto::{NOW, Ring as Scene, key, making, vault};
use crate::support::{code, guard};

async fn sign(crypto: &Crypto, name: &str) -> Result<Vec<u8>, CallError> {
    guard(&Scene::everything()).call(crypto, Sign { key: key(name), message: Bytes::from("m") }).await
}

fn folder(scene: &Scene) -> PathBuf {
    scene.dir.path().join("state/keys")
}

fn with_vault(scene: &Scene, vault: Vault) -> KeyStore {
    KeyStore::open(&folder(scene), Rings::new(), Arc::new(vault)).unwrap()
}

#[tokio::test]
async fn keys_are_sealed_private_and_complete() {
    let scene = Scene::new();
    let seed: Vec<u8> = (100..132).collect();
    let jwk = r#"{"kty":"oct","alg":"HS256","k":"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM"}"#;
    let imported = Imported::parse(jwk.as_bytes(), None).unwrap();
    scene.store.import(&key("r/k"), &imported, NOW).unwrap();
    let mode = |path: &str| std::fs::metadata(folder(&scene).join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("r"), mode("r/k"), mode("r/k/1.key")), (0o700, 0o700, 0o700, 0o600));
    let file = std::fs::read(folder(&scene).join("r/k/1.key")).unwrap();
    let base64 = BASE64.encode(&seed);
    for needle in [seed.as_slice(), base64.as_bytes(), b"hmac", b"r/k", b"created"] {
        assert!(!file.windows(needle.len()).any(|at| at == needle), "{needle:?} stands in the file");
    }
    let text = format!("{:?} {:?} {:?}", scene.store, scene.crypto, scene.store.list());
    assert!(!text.contains(&base64) && !text.contains("100, 101"), "{text}");
    let reopened = with_vault(&scene, Vault::new(MasterKey::from_bytes([7; 32])));
    assert_eq!(reopened.list().unwrap().len(), 1, "the key survives a restart");
}

#[tokio::test]
async fn without_its_master_key_a_key_is_not_there_and_not_lost() {
    let scene = Scene::new();
    scene.store.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW).unwrap();
    let signature = sign(&scene.crypto, "r/k").await.unwrap();
    let other = with_vault(&scene, Vault::new(MasterKey::from_bytes([8; 32])));
    let refused = other.list().unwrap_err();
    assert!(matches!(refused, KeyError::Sealed { error: VaultError::WrongKey { .. }, .. }), "{refused}");
    assert!(refused.to_string().contains("`r/k`, version 1: it was sealed with another master key"), "{refused}");
    assert!(matches!(other.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW), Err(KeyError::Exists { .. })));
    assert!(
        matches!(other.rotate(&key("r/k"), NOW), Err(KeyError::Sealed { .. })),
        "nothing is built on what is not known"
    );
    let other = Crypto::new(Some(Arc::new(other)));
    assert_eq!(code(sign(&other, "r/k").await), Code::KeyStore);
    assert_eq!(sign(&scene.crypto, "r/k").await.unwrap(), signature);
}

#[tokio::test]
async fn keys_are_sealed_anew_for_a_new_master_key() {
    let scene = Scene::new();
    scene.store.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW).unwrap();
    scene.store.rotate(&key("r/k"), NOW).unwrap();
    let signature = sign(&scene.crypto, "r/k").await.unwrap();
    let [old, new] = [7, 8].map(|byte| MasterKey::from_bytes([byte; 32]));
    let both = with_vault(&scene, Vault::with_keys(vec![new, old]).unwrap());
    assert_eq!(both.reseal().unwrap(), 2);
    assert_eq!(both.reseal().unwrap(), 0, "all is done");
    let store = with_vault(&scene, Vault::new(MasterKey::from_bytes([8; 32])));
    assert_eq!(sign(&Crypto::new(Some(Arc::new(store))), "r/k").await.unwrap(), signature);
}

#[tokio::test]
async fn a_file_that_is_damaged_moved_or_disclosed_is_not_used() {
    let scene = Scene::new();
    scene.store.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW).unwrap();
    scene.store.create(&key("r/other"), KeyAlgorithm::Ed25519, NOW).unwrap();
    scene.store.rotate(&key("r/k"), NOW).unwrap();
    let file = folder(&scene).join("r/k/2.key");
    let good = std::fs::read(&file).unwrap();
    let put = |content: &[u8], mode: u32| {
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o644, 0o620, 0o640] {
        put(&good, mode);
        let refused = scene.store.public(&key("r/k")).unwrap_err();
        assert!(refused.to_string().contains("others can read or write it"), "{refused}");
        assert_eq!(code(sign(&scene.crypto, "r/k").await), Code::KeyStore);
    }
    for at in (0..good.len()).step_by(7) {
        let mut changed = good.clone();
        changed[at] ^= 1;
        put(&changed, 0o600);
        assert!(matches!(scene.store.public(&key("r/k")), Err(KeyError::Sealed { .. })), "byte {at}");
        put(&good[..at], 0o600);
        assert!(matches!(scene.store.public(&key("r/k")), Err(KeyError::Sealed { .. })), "{at} bytes");
    }
    assert_eq!(code(sign(&scene.crypto, "r/k").await), Code::KeyStore, "and the older version does not sign instead");
    put(&vec![b'x'; 1 << 20], 0o600);
    assert!(matches!(scene.store.public(&key("r/k")), Err(KeyError::File { .. })));
    // A record of another key, or of another version of the same one.
    for other in ["r/other/1.key", "r/k/1.key"] {
        put(&std::fs::read(folder(&scene).join(other)).unwrap(), 0o600);
        let refused = scene.store.public(&key("r/k")).unwrap_err();
        assert!(matches!(refused, KeyError::Sealed { error: VaultError::Damaged, .. }), "{other}: {refused}");
    }
    put(&good, 0o600);
    sign(&scene.crypto, "r/k").await.unwrap();
    std::fs::rename(&file, folder(&scene).join("r/k/moved")).unwrap();
    std::os::unix::fs::symlink("moved", &file).unwrap();
    assert!(scene.store.public(&key("r/k")).is_err(), "a link is no key file");
}

#[tokio::test]
async fn names_that_are_no_versions_are_passed_over() {
    let scene = Scene::new();
    scene.store.create(&key("r/k"), KeyAlgorithm::Ed25519, NOW).unwrap();
    for name in ["01.key", "+2.key", "0.key", "-1.key", "4294967296.key", "2.json", "2.key.tmp", ".3.key", "x"] {
        std::fs::write(folder(&scene).join("r/k").join(name), "x").unwrap();
    }
    for name in ["UPPER", "r/empty", "r/.aside"] {
        std::fs::create_dir_all(folder(&scene).join(name)).unwrap();
    }
    std::fs::write(folder(&scene).join("file"), "x").unwrap();
    let list = scene.store.list().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].versions.len(), 1);
    assert_eq!(code(sign(&scene.crypto, "r/empty").await), Code::NoKey, "a folder without a version is no key");
}

/// What older versions of this program wrote.
#[tokio::test]
async fn keys_in_the_clear_are_sealed_once() {
    let scene = Scene::new();
    let put = |name: &str, seed: u8| {
        let folder = folder(&scene).join("r");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        let text = format!(r#"{{"version":1,"algorithm":"ed25519","key":"{}"}}"#, BASE64.encode(&[seed; 32]));
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    let (old, other) = (put("old.json", 1), put("other.json", 2));
    assert_eq!(code(sign(&scene.crypto, "r/old").await), Code::NoKey, "nothing in the clear is used");
    assert_eq!(scene.store.seal_clear().unwrap(), [key("r/old"), key("r/other")]);
    assert!(!old.exists() && !other.exists());
    let signature = sign(&scene.crypto, "r/old").await.unwrap();
    let info = scene.store.info(&key("r/old")).unwrap();
    assert_eq!((info.algorithm, info.versions.len()), (KeyAlgorithm::Ed25519, 1));
    let machine = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(info.versions[0].created <= machine, "as old as its file");
    assert!(scene.store.seal_clear().unwrap().is_empty());
    // Interrupted before the clear file was removed: it is the same key.
    put("old.json", 1);
    assert_eq!(scene.store.seal_clear().unwrap(), [key("r/old")]);
    assert_eq!(sign(&scene.crypto, "r/old").await.unwrap(), signature);
    // Another key of that name is nobody's to choose from.
    let clear = put("old.json", 3);
    let refused = scene.store.seal_clear().unwrap_err();
    assert!(matches!(refused, KeyError::Ambiguous { .. }), "{refused}");
    assert!(clear.exists());
    std::fs::write(&clear, "{}").unwrap();
    assert!(matches!(scene.store.seal_clear(), Err(KeyError::Malformed { .. })));
    std::fs::set_permissions(&clear, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(scene.store.seal_clear(), Err(KeyError::File { .. })));
}

/// The store's folder is taken away, or something else put in its place.
#[tokio::test]
async fn a_store_that_cannot_be_read_or_written_is_said() {
    let scene = Scene::with(making(KeyAlgorithm::Ed25519));
    std::fs::remove_dir_all(folder(&scene)).unwrap();
    assert_eq!(code(sign(&scene.crypto, "r/k").await), Code::KeyStore);
    let scene = Scene::with(making(KeyAlgorithm::Ed25519));
    std::fs::write(folder(&scene).join("r"), "a file").unwrap();
    assert_eq!(code(sign(&scene.crypto, "r/k").await), Code::KeyStore);
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(KeyStore::open(file.path(), Rings::new(), vault()), Err(KeyError::Folder { .. })));
    assert!(matches!(KeyStore::open(&file.path().join("x"), Rings::new(), vault()), Err(KeyError::Folder { .. })));
}
