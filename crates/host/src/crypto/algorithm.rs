//! The closed set of algorithms. None of them is legacy, so there is nothing to forbid.

use std::fmt;

/// What a key is for. Chosen when the key is made, never by a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// Signatures, RFC 8032.
    Ed25519,
    /// ECDSA over P-256 with SHA-256, FIPS 186-5.
    P256,
    /// ECDSA over P-384 with SHA-384, FIPS 186-5.
    P384,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 bytes of salt, RFC 8017.
    RsaPssSha256,
    /// RFC 2104 with FIPS 180-4.
    HmacSha256,
    HmacSha384,
    HmacSha512,
    /// NIST SP 800-38D.
    Aes256Gcm,
    /// RFC 8439.
    ChaCha20Poly1305,
    /// RFC 5869.
    HkdfSha256,
}

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Sign,
    Verify,
    Mac,
    Encrypt,
    Decrypt,
    Derive,
}

/// How [`Hash`](super::Hash) hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// FIPS 180-4.
    Sha256,
    Sha384,
    Sha512,
    /// FIPS 202.
    Sha3_256,
    Sha3_384,
    Sha3_512,
    Blake3,
}

impl KeyAlgorithm {
    pub const ALL: [KeyAlgorithm; 10] = [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::P256,
        KeyAlgorithm::P384,
        KeyAlgorithm::RsaPssSha256,
        KeyAlgorithm::HmacSha256,
        KeyAlgorithm::HmacSha384,
        KeyAlgorithm::HmacSha512,
        KeyAlgorithm::Aes256Gcm,
        KeyAlgorithm::ChaCha20Poly1305,
        KeyAlgorithm::HkdfSha256,
    ];

    /// The name in configuration and key files.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyAlgorithm::Ed25519 => "ed25519",
            KeyAlgorithm::P256 => "p256",
            KeyAlgorithm::P384 => "p384",
            KeyAlgorithm::RsaPssSha256 => "rsa-pss-sha256",
            KeyAlgorithm::HmacSha256 => "hmac-sha256",
            KeyAlgorithm::HmacSha384 => "hmac-sha384",
            KeyAlgorithm::HmacSha512 => "hmac-sha512",
            KeyAlgorithm::Aes256Gcm => "aes-256-gcm",
            KeyAlgorithm::ChaCha20Poly1305 => "chacha20-poly1305",
            KeyAlgorithm::HkdfSha256 => "hkdf-sha256",
        }
    }

    /// The algorithm of that name, compared exactly.
    pub fn parse(text: &str) -> Option<KeyAlgorithm> {
        KeyAlgorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }

    /// Whether a newer version may take over when one is old. What was derived says nothing of its version: from a newer
    /// one tomorrow's bytes would be others than today's, and what was done with them lost.
    pub const fn rotates(self) -> bool {
        !matches!(self, KeyAlgorithm::HkdfSha256)
    }

    /// Whether there is a public half.
    pub const fn is_asymmetric(self) -> bool {
        matches!(self, KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::RsaPssSha256)
    }

    /// A key has one purpose: what signs neither encrypts nor derives.
    pub(super) const fn serves(self, wanted: Use) -> bool {
        match self {
            KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::RsaPssSha256 => {
                matches!(wanted, Use::Sign | Use::Verify)
            }
            KeyAlgorithm::HmacSha256 | KeyAlgorithm::HmacSha384 | KeyAlgorithm::HmacSha512 => {
                matches!(wanted, Use::Mac | Use::Verify)
            }
            KeyAlgorithm::Aes256Gcm | KeyAlgorithm::ChaCha20Poly1305 => matches!(wanted, Use::Encrypt | Use::Decrypt),
            KeyAlgorithm::HkdfSha256 => matches!(wanted, Use::Derive),
        }
    }
}

impl HashAlgorithm {
    pub const ALL: [HashAlgorithm; 7] = [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha3_256,
        HashAlgorithm::Sha3_384,
        HashAlgorithm::Sha3_512,
        HashAlgorithm::Blake3,
    ];

    /// The name in guests.
    pub const fn as_str(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "sha-256",
            HashAlgorithm::Sha384 => "sha-384",
            HashAlgorithm::Sha512 => "sha-512",
            HashAlgorithm::Sha3_256 => "sha3-256",
            HashAlgorithm::Sha3_384 => "sha3-384",
            HashAlgorithm::Sha3_512 => "sha3-512",
            HashAlgorithm::Blake3 => "blake3",
        }
    }

    /// The algorithm of that name, compared exactly.
    pub fn parse(text: &str) -> Option<HashAlgorithm> {
        HashAlgorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
