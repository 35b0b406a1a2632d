//! Sealing one record.
//!
//! ```text
//! record = "bwv1" ‖ key id (8) ‖ salt (32) ‖ ciphertext ‖ tag (16)
//! key    = HKDF-SHA-256(salt, master key, "bailiwick vault record")      RFC 5869
//! sealed = AES-256-GCM(key, nonce 0, plain, aad = header ‖ len(purpose) ‖ purpose ‖ name)
//! ```
//!
//! Every record has a fresh salt of 256 bits and so a key of its own, which seals once: its nonce can be a constant.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use zeroize::{Zeroize, Zeroizing};

use super::MasterKey;

const MAGIC: &[u8; 4] = b"bwv1";
const ID_LEN: usize = 8;
const SALT_LEN: usize = 32;

/// Seals and opens records with a master key. Cheap to make; shared behind an `Arc`.
pub struct Vault {
    /// The first one seals, all of them open.
    keys: Vec<(KeyId, MasterKey)>,
}

type KeyId = [u8; ID_LEN];

/// Why a record cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("it is not sealed, or a newer version sealed it")]
    Version,
    #[error(
        "it was sealed with another master key (`{sealed}`; this vault has `{held}`); use that one, or restore the file"
    )]
    WrongKey { sealed: String, held: String },
    #[error("it is damaged, or was sealed under another name; restore it from a backup")]
    Damaged,
    #[error("there is no master key")]
    NoKey,
    #[error("the random source failed")]
    Random,
}

impl Vault {
    /// With the key that seals, which opens too.
    pub fn new(key: MasterKey) -> Vault {
        Vault { keys: vec![(key_id(&key), key)] }
    }

    /// With several keys: the first one seals, all of them open.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] for none.
    pub fn with_keys(keys: Vec<MasterKey>) -> Result<Vault, VaultError> {
        let keys: Vec<_> = keys.into_iter().map(|key| (key_id(&key), key)).collect();
        if keys.is_empty() { Err(VaultError::NoKey) } else { Ok(Vault { keys }) }
    }

    /// Seals `plain` for what `purpose` and `name` together say, and for nothing else.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn seal(&self, purpose: &str, name: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (id, master) = self.keys.first().ok_or(VaultError::NoKey)?;
        let mut salt = [0; SALT_LEN];
        rand::fill(&mut salt).map_err(|_| VaultError::Random)?;
        let mut sealed = [&MAGIC[..], &id[..], &salt[..]].concat();
        let aad = authenticated(&sealed, purpose, name);
        // With room for the tag: a vector that grows leaves a copy of the plain text behind.
        let mut text = Zeroizing::new(Vec::with_capacity(plain.len().saturating_add(AES_256_GCM.tag_len())));
        text.extend_from_slice(plain);
        let key = record_key(master, &salt)?;
        key.seal_in_place_append_tag(nonce(), Aad::from(&aad), &mut *text).map_err(|_| VaultError::Random)?;
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed for the same purpose and name.
    ///
    /// # Errors
    /// What is wrong with it; a wrong master key is told from damage.
    pub fn open(&self, purpose: &str, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (id, rest) = split(sealed)?;
        let (salt, text) = rest.split_at_checked(SALT_LEN).ok_or(VaultError::Damaged)?;
        let found = self.keys.iter().find(|(held, _)| held == id);
        let (_, master) =
            found.ok_or_else(|| VaultError::WrongKey { sealed: HEXLOWER.encode(id), held: self.ids() })?;
        let header = sealed.get(..sealed.len().saturating_sub(text.len())).ok_or(VaultError::Damaged)?;
        let aad = authenticated(header, purpose, name);
        let mut text = Zeroizing::new(text.to_vec());
        let key = record_key(master, salt)?;
        let plain = key.open_in_place(nonce(), Aad::from(&aad), &mut text).map_err(|_| VaultError::Damaged)?.len();
        if let Some(tag) = text.get_mut(plain..) {
            tag.zeroize();
        }
        text.truncate(plain);
        Ok(text)
    }

    /// Whether the key that seals now sealed this record, and not an older one.
    ///
    /// # Errors
    /// [`VaultError::Version`] for what is no record.
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, VaultError> {
        let (id, _) = split(sealed)?;
        Ok(self.keys.first().is_some_and(|(held, _)| held == id))
    }

    /// What names the key that seals, without telling anything about it.
    pub fn id(&self) -> String {
        self.keys.first().map(|(id, _)| HEXLOWER.encode(id)).unwrap_or_default()
    }

    fn ids(&self) -> String {
        self.keys.iter().map(|(id, _)| HEXLOWER.encode(id)).collect::<Vec<_>>().join(", ")
    }
}

fn split(sealed: &[u8]) -> Result<(&[u8; ID_LEN], &[u8]), VaultError> {
    let rest = sealed.strip_prefix(MAGIC).ok_or(VaultError::Version)?;
    rest.split_first_chunk().ok_or(VaultError::Damaged)
}

/// What is authenticated beside the text: no two pairs of purpose and name give the same bytes.
fn authenticated(header: &[u8], purpose: &str, name: &str) -> Vec<u8> {
    let len = u64::try_from(purpose.len()).unwrap_or(u64::MAX).to_be_bytes();
    [header, &len, purpose.as_bytes(), name.as_bytes()].concat()
}

fn record_key(master: &MasterKey, salt: &[u8]) -> Result<LessSafeKey, VaultError> {
    let extracted = Salt::new(HKDF_SHA256, salt).extract(master.bytes());
    let expanded = extracted.expand(&[b"bailiwick vault record"], &AES_256_GCM).map_err(|_| VaultError::Random)?;
    Ok(LessSafeKey::new(UnboundKey::from(expanded)))
}

/// The constant nonce. INVARIANT: a record's key seals once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

pub(super) fn id(key: &MasterKey) -> String {
    HEXLOWER.encode(&key_id(key))
}

fn key_id(key: &MasterKey) -> KeyId {
    struct IdLen;
    impl KeyType for IdLen {
        fn len(&self) -> usize {
            ID_LEN
        }
    }
    let mut id = [0; ID_LEN];
    let extracted = Salt::new(HKDF_SHA256, &[]).extract(key.bytes());
    // Cannot fail: 8 bytes are fewer than HKDF can give, and as many as were asked for.
    let expanded = extracted.expand(&[b"bailiwick vault key id"], IdLen);
    let _ = expanded.and_then(|expanded| expanded.fill(&mut id));
    id
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("id", &self.id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(MasterKey::from_bytes([byte; 32]))
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_purpose_and_name_only() {
        let sealed = vault(1).seal("secret", "bank", b"hunter2 hunter2").unwrap();
        assert_eq!(vault(1).open("secret", "bank", &sealed).unwrap().as_slice(), b"hunter2 hunter2");
        for (purpose, name) in [("secret", "bank2"), ("key", "bank"), ("secretb", "ank"), ("", "secretbank")] {
            assert_eq!(vault(1).open(purpose, name, &sealed), Err(VaultError::Damaged), "{purpose} {name}");
        }
        let empty = vault(1).seal("", "", b"").unwrap();
        assert!(vault(1).open("", "", &empty).unwrap().is_empty());
    }

    #[test]
    fn no_byte_can_be_changed_and_none_cut_off() {
        let sealed = vault(1).seal("secret", "bank", b"value").unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            let expected = match at {
                0..4 => VaultError::Version,
                4..12 => continue, // another key: below
                _ => VaultError::Damaged,
            };
            assert_eq!(vault(1).open("secret", "bank", &damaged), Err(expected), "byte {at}");
        }
        for len in 0..sealed.len() {
            assert!(vault(1).open("secret", "bank", &sealed[..len]).is_err(), "{len} bytes");
        }
        assert!(vault(1).open("secret", "bank", &[&sealed[..], &[0]].concat()).is_err());
    }

    #[test]
    fn another_master_key_is_told_from_damage() {
        let sealed = vault(1).seal("secret", "bank", b"value").unwrap();
        let error = vault(2).open("secret", "bank", &sealed).unwrap_err();
        assert_eq!(error, VaultError::WrongKey { sealed: vault(1).id(), held: vault(2).id() });
        assert_ne!(vault(1).id(), vault(2).id());
    }

    #[test]
    fn older_keys_open_and_do_not_seal() {
        let old = vault(1).seal("p", "n", b"value").unwrap();
        let both = Vault::with_keys(vec![MasterKey::from_bytes([2; 32]), MasterKey::from_bytes([1; 32])]).unwrap();
        assert_eq!(both.open("p", "n", &old).unwrap().as_slice(), b"value");
        assert_eq!(both.is_current(&old), Ok(false));
        let new = both.seal("p", "n", b"value").unwrap();
        assert_eq!(both.is_current(&new), Ok(true));
        assert!(vault(1).open("p", "n", &new).is_err());
        assert_eq!(Vault::with_keys(Vec::new()).unwrap_err(), VaultError::NoKey);
        assert_eq!(both.is_current(b"plain"), Err(VaultError::Version));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike_and_never_shows() {
        let plain = b"a-value-that-would-show";
        let (one, two) = (vault(1).seal("p", "n", plain).unwrap(), vault(1).seal("p", "n", plain).unwrap());
        assert_ne!(one, two);
        assert!(!one.windows(plain.len()).any(|window| window == plain));
        assert_eq!(one.len(), 4 + ID_LEN + SALT_LEN + plain.len() + 16);
        assert_eq!(format!("{:?}", vault(1)), format!("Vault {{ id: {:?}, .. }}", vault(1).id()));
    }
}
