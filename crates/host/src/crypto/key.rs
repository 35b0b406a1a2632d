//! Keys in memory. What they are made of never leaves this module except to be sealed.

use std::fmt;

use aws_lc_rs::aead::{self, AES_256_GCM, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PSS_2048_8192_SHA256,
    VerificationAlgorithm,
};
use aws_lc_rs::{error, hmac, rand};
use zeroize::Zeroizing;

use super::KeyAlgorithm;

/// Bytes of every symmetric key that is made here, but for HMAC with a longer hash.
const SYMMETRIC: usize = 32;
/// What RSA keys that are made here have; imported ones have 2048 to 8192 bits.
const RSA_SIZE: KeySize = KeySize::Rsa3072;

/// A key, ready for use. aws-lc clears its memory when it frees it; the rest is cleared by `Zeroizing`.
pub(super) struct Key {
    algorithm: KeyAlgorithm,
    pub(super) form: Form,
}

/// The key as the operation wants it.
pub(super) enum Form {
    Sign(Signer, Box<ParsedPublicKey>),
    /// The public half alone.
    Verify(Box<ParsedPublicKey>),
    Hmac(Box<hmac::Key>),
    Seal(Box<LessSafeKey>),
    Derive(Zeroizing<Vec<u8>>),
}

pub(super) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(Box<rsa::KeyPair>),
}

/// Which half of a key a stored form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// A symmetric key, or a private one with its public half.
    Whole,
    Public,
}

impl Key {
    /// Builds a key from its stored form. Whole: Ed25519 the seed; P-256, P-384 and RSA a PKCS#8 document; all others the
    /// key itself. Public: Ed25519 32 bytes, P-256 and P-384 the uncompressed point, RSA an `RSAPublicKey` of RFC 8017.
    pub(super) fn from_material(algorithm: KeyAlgorithm, half: Half, material: &[u8]) -> Result<Key, InvalidKey> {
        let form = match (half, algorithm) {
            (Half::Public, _) => {
                let verification = verification(algorithm).ok_or(InvalidKey)?;
                Form::Verify(Box::new(ParsedPublicKey::new(verification, material)?))
            }
            (_, KeyAlgorithm::Ed25519) => sign(Signer::Ed25519(Ed25519KeyPair::from_seed_unchecked(material)?))?,
            (_, KeyAlgorithm::P256) => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, material)?,
            (_, KeyAlgorithm::P384) => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, material)?,
            (_, KeyAlgorithm::RsaPssSha256) => sign(Signer::Rsa(Box::new(rsa::KeyPair::from_pkcs8(material)?)))?,
            (_, KeyAlgorithm::HmacSha256 | KeyAlgorithm::HmacSha384 | KeyAlgorithm::HmacSha512) => {
                Form::Hmac(Box::new(hmac::Key::new(hmac_algorithm(algorithm).ok_or(InvalidKey)?, material)))
            }
            (_, KeyAlgorithm::Aes256Gcm) => seal(&AES_256_GCM, material)?,
            (_, KeyAlgorithm::ChaCha20Poly1305) => seal(&CHACHA20_POLY1305, material)?,
            (_, KeyAlgorithm::HkdfSha256) => Form::Derive(Zeroizing::new(material.to_vec())),
        };
        Ok(Key { algorithm, form })
    }

    /// New material for a key of that algorithm.
    pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
        let document = |bytes: &[u8]| Ok(Zeroizing::new(bytes.to_vec()));
        match algorithm {
            KeyAlgorithm::Ed25519 => {
                let seed = Ed25519KeyPair::generate()?.seed()?;
                let seed: Curve25519SeedBin<'_> = seed.as_be_bytes()?;
                document(seed.as_ref())
            }
            KeyAlgorithm::P256 => {
                document(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref())
            }
            KeyAlgorithm::P384 => {
                document(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref())
            }
            KeyAlgorithm::RsaPssSha256 => {
                let der: Pkcs8V1Der<'_> = rsa::KeyPair::generate(RSA_SIZE)?.as_der()?;
                document(der.as_ref())
            }
            KeyAlgorithm::HmacSha256
            | KeyAlgorithm::HmacSha384
            | KeyAlgorithm::HmacSha512
            | KeyAlgorithm::Aes256Gcm
            | KeyAlgorithm::ChaCha20Poly1305
            | KeyAlgorithm::HkdfSha256 => {
                let len = hmac_algorithm(algorithm).map_or(SYMMETRIC, |hmac| hmac.digest_algorithm().output_len());
                let mut bytes = Zeroizing::new(vec![0; len]);
                rand::fill(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    pub(super) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The public half; `None` for a key that has none.
    pub(super) fn public(&self) -> Option<&ParsedPublicKey> {
        match &self.form {
            Form::Sign(_, public) | Form::Verify(public) => Some(public),
            Form::Hmac(_) | Form::Seal(_) | Form::Derive(_) => None,
        }
    }

    /// Whether it verifies and cannot sign.
    pub(super) fn is_public(&self) -> bool {
        matches!(self.form, Form::Verify(_))
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

/// How signatures of an algorithm are verified, if it makes any.
pub(super) fn verification(algorithm: KeyAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::P256 => &ECDSA_P256_SHA256_FIXED,
        KeyAlgorithm::P384 => &ECDSA_P384_SHA384_FIXED,
        KeyAlgorithm::RsaPssSha256 => &RSA_PSS_2048_8192_SHA256,
        _ => return None,
    })
}

pub(super) fn hmac_algorithm(algorithm: KeyAlgorithm) -> Option<hmac::Algorithm> {
    Some(match algorithm {
        KeyAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
        KeyAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
        KeyAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        _ => return None,
    })
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, material: &[u8]) -> Result<Form, InvalidKey> {
    sign(Signer::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, material)?))
}

fn sign(signer: Signer) -> Result<Form, InvalidKey> {
    let public = match &signer {
        Signer::Ed25519(pair) => ParsedPublicKey::new(&ED25519, pair.public_key())?,
        Signer::Ecdsa(pair) if *pair.algorithm() == ECDSA_P384_SHA384_FIXED_SIGNING => {
            ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, pair.public_key())?
        }
        Signer::Ecdsa(pair) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key())?,
        Signer::Rsa(pair) => ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key())?,
    };
    Ok(Form::Sign(signer, Box::new(public)))
}

fn seal(algorithm: &'static aead::Algorithm, material: &[u8]) -> Result<Form, InvalidKey> {
    Ok(Form::Seal(Box::new(LessSafeKey::new(UnboundKey::new(algorithm, material)?))))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
