//! Keys in memory. What they are made of never leaves this module except to the key store's own file.

use std::fmt;

use aws_lc_rs::aead::{self, AES_256_GCM, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use aws_lc_rs::{error, hmac};
use zeroize::Zeroizing;

use super::KeyAlgorithm;

/// Bytes of every symmetric key that is made here.
const SYMMETRIC: usize = 32;

/// A key, ready for use. aws-lc clears its memory when it frees it; the rest is cleared by `Zeroizing`.
pub(super) struct Key {
    algorithm: KeyAlgorithm,
    pub(super) form: Form,
}

/// The key as the operation wants it.
pub(super) enum Form {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Hmac(Box<hmac::Key>),
    Seal(Box<LessSafeKey>),
    Derive(Zeroizing<Vec<u8>>),
}

/// The public half of a signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub algorithm: KeyAlgorithm,
    /// Ed25519: 32 bytes. P-256: the uncompressed point, 65 bytes.
    pub bytes: Vec<u8>,
}

impl Key {
    /// Builds a key from its stored form: Ed25519 the seed, P-256 a PKCS#8 document, all others the key itself.
    pub(super) fn from_material(algorithm: KeyAlgorithm, material: &[u8]) -> Result<Key, InvalidKey> {
        let form = match algorithm {
            KeyAlgorithm::Ed25519 => Form::Ed25519(Ed25519KeyPair::from_seed_unchecked(material)?),
            KeyAlgorithm::P256 => Form::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, material)?),
            KeyAlgorithm::HmacSha256 => mac(hmac::HMAC_SHA256, material)?,
            KeyAlgorithm::HmacSha384 => mac(hmac::HMAC_SHA384, material)?,
            KeyAlgorithm::HmacSha512 => mac(hmac::HMAC_SHA512, material)?,
            KeyAlgorithm::Aes256Gcm => seal(&AES_256_GCM, material)?,
            KeyAlgorithm::ChaCha20Poly1305 => seal(&CHACHA20_POLY1305, material)?,
            KeyAlgorithm::HkdfSha256 => Form::Derive(Zeroizing::new(long_enough(material)?.to_vec())),
        };
        Ok(Key { algorithm, form })
    }

    /// New material for a key of that algorithm.
    pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
        match algorithm {
            KeyAlgorithm::Ed25519 => {
                let seed = Ed25519KeyPair::generate()?.seed()?;
                let seed: Curve25519SeedBin<'_> = seed.as_be_bytes()?;
                Ok(Zeroizing::new(seed.as_ref().to_vec()))
            }
            KeyAlgorithm::P256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                Ok(Zeroizing::new(pair.to_pkcs8v1()?.as_ref().to_vec()))
            }
            KeyAlgorithm::HmacSha256
            | KeyAlgorithm::HmacSha384
            | KeyAlgorithm::HmacSha512
            | KeyAlgorithm::Aes256Gcm
            | KeyAlgorithm::ChaCha20Poly1305
            | KeyAlgorithm::HkdfSha256 => {
                let mut bytes = Zeroizing::new(vec![0; SYMMETRIC]);
                rand::fill(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    pub(super) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// `None` for a key that has no public half.
    pub(super) fn public(&self) -> Option<PublicKey> {
        let bytes = match &self.form {
            Form::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Form::P256(pair) => pair.public_key().as_ref().to_vec(),
            Form::Hmac(_) | Form::Seal(_) | Form::Derive(_) => return None,
        };
        Some(PublicKey { algorithm: self.algorithm, bytes })
    }
}

/// Key material that does not fit its algorithm, or a failure of the random source.
#[derive(Debug)]
pub(super) struct InvalidKey;

impl From<error::KeyRejected> for InvalidKey {
    fn from(_: error::KeyRejected) -> InvalidKey {
        InvalidKey
    }
}

impl From<error::Unspecified> for InvalidKey {
    fn from(_: error::Unspecified) -> InvalidKey {
        InvalidKey
    }
}

fn seal(algorithm: &'static aead::Algorithm, material: &[u8]) -> Result<Form, InvalidKey> {
    Ok(Form::Seal(Box::new(LessSafeKey::new(UnboundKey::new(algorithm, material)?))))
}

fn mac(algorithm: hmac::Algorithm, material: &[u8]) -> Result<Form, InvalidKey> {
    Ok(Form::Hmac(Box::new(hmac::Key::new(algorithm, long_enough(material)?))))
}

/// Short keys are legal for HMAC and HKDF, and worthless. 16 bytes is the shortest that is accepted.
fn long_enough(material: &[u8]) -> Result<&[u8], InvalidKey> {
    if material.len() >= 16 { Ok(material) } else { Err(InvalidKey) }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
