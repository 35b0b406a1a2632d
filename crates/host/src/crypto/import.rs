//! Keys that were made elsewhere: PKCS#8 and public keys in PEM or DER, JSON Web Keys, and bytes.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{self, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::KeyAlgorithm;
use super::key::{Half, InvalidKey, Key, hmac_algorithm};
use super::public::modulus_and_exponent;

/// Most bytes of a key's text.
pub const MAX_IMPORT: usize = 16 << 10;
/// Bits of the smallest RSA modulus.
const RSA_BITS: usize = 2048;

/// What stands before the key in `SubjectPublicKeyInfo` of RFC 8410 and 5480.
const SPKI_ED25519: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3,
    0x42, 0,
];
const SPKI_P384: &[u8] =
    &[0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22, 3, 0x62, 0];

/// The encodings of points of small order on edwards25519, without the sign bit: with such a key anybody can make signatures
/// that verify.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// A key that fits its algorithm and is strong enough for it. Cleared when dropped.
pub struct Imported {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) half: Half,
    pub(super) material: Zeroizing<Vec<u8>>,
}

/// Why a key is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("it is longer than {MAX_IMPORT} bytes")]
    TooLong,
    #[error("it holds more than one key; import one file for each")]
    Several,
    #[error("it is encrypted; decrypt it first: `openssl pkcs8 -in FILE -out PLAIN`")]
    Encrypted,
    #[error("its form is not PKCS#8; convert it: `openssl pkcs8 -topk8 -nocrypt -in FILE -out PKCS8`")]
    OldForm,
    #[error("the JSON Web Key is not usable: {0}")]
    Jwk(&'static str),
    #[error(
        "it is no PKCS#8 or public key, in PEM or DER, of ed25519, p256, p384 or RSA with 2048 to 8192 bits, and no JSON Web \
         Key; a symmetric key as bare bytes needs its algorithm"
    )]
    Unknown,
    #[error("it is a key for `{found}`, not for `{wanted}`")]
    Algorithm { found: KeyAlgorithm, wanted: KeyAlgorithm },
    #[error("it has {bytes} bytes, and a key for `{algorithm}` has {needed}")]
    Length { algorithm: KeyAlgorithm, bytes: usize, needed: usize },
    #[error("it has {bytes} bytes, and a key for `{algorithm}` needs {needed} at least")]
    Weak { algorithm: KeyAlgorithm, bytes: usize, needed: usize },
    #[error("all its bytes are the same, which is no secret")]
    Trivial,
    #[error("the public key has small order: anybody could make signatures that verify")]
    SmallOrder,
}

impl Imported {
    /// Takes a key from the text of a file. With `wanted`, a key of another algorithm is refused; for symmetric algorithms
    /// the bytes themselves are the key, unless they are a JSON Web Key.
    ///
    /// # Errors
    /// What is wrong with it, and how to mend that.
    pub fn parse(content: &[u8], wanted: Option<KeyAlgorithm>) -> Result<Imported, ImportError> {
        if content.len() > MAX_IMPORT {
            return Err(ImportError::TooLong);
        }
        let found = if content.trim_ascii_start().first() == Some(&b'{') {
            Jwk::parse(content)?.import(wanted)?
        } else if let Some(wanted) = wanted.filter(|wanted| !wanted.is_asymmetric()) {
            Imported::symmetric(wanted, content)?
        } else if content.windows(11).any(|at| at == b"-----BEGIN ") {
            pem(content)?
        } else {
            match pkcs8(content) {
                Some(found) => found,
                None => public(content)?,
            }
        };
        match wanted {
            Some(wanted) if wanted != found.algorithm => Err(ImportError::Algorithm { found: found.algorithm, wanted }),
            _ => Ok(found),
        }
    }

    /// A symmetric key.
    ///
    /// # Errors
    /// [`ImportError::Length`] for AES and ChaCha20; [`ImportError::Weak`] for an HMAC key shorter than its hash (RFC 2104,
    /// RFC 7518) or an HKDF key shorter than 32 bytes; [`ImportError::Trivial`]; [`ImportError::Unknown`] for an algorithm with
    /// two halves.
    pub fn symmetric(algorithm: KeyAlgorithm, bytes: &[u8]) -> Result<Imported, ImportError> {
        let len = bytes.len();
        let least = hmac_algorithm(algorithm).map_or(32, |hmac| hmac.digest_algorithm().output_len());
        match algorithm {
            _ if algorithm.is_asymmetric() => return Err(ImportError::Unknown),
            KeyAlgorithm::Aes256Gcm | KeyAlgorithm::ChaCha20Poly1305 if len != least => {
                return Err(ImportError::Length { algorithm, bytes: len, needed: least });
            }
            _ if len < least => return Err(ImportError::Weak { algorithm, bytes: len, needed: least }),
            _ => {}
        }
        if bytes.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(ImportError::Trivial);
        }
        Imported::checked(algorithm, Half::Whole, bytes).ok_or(ImportError::Unknown)
    }

    /// What this key is for.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Whether it is a public key alone, which verifies and cannot sign.
    pub fn is_public(&self) -> bool {
        self.half == Half::Public
    }

    fn checked(algorithm: KeyAlgorithm, half: Half, material: &[u8]) -> Option<Imported> {
        Key::from_material(algorithm, half, material).ok()?;
        Some(Imported { algorithm, half, material: Zeroizing::new(material.to_vec()) })
    }
}

fn pem(content: &[u8]) -> Result<Imported, ImportError> {
    let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(content);
    let Some(Ok((kind, der))) = sections.next() else {
        let encrypted = content.windows(9).any(|at| at == b"ENCRYPTED");
        return Err(if encrypted { ImportError::Encrypted } else { ImportError::Unknown });
    };
    let der = Zeroizing::new(der);
    if sections.next().is_some() {
        return Err(ImportError::Several);
    }
    match kind {
        SectionKind::PrivateKey => pkcs8(&der).ok_or(ImportError::Unknown),
        SectionKind::PublicKey => public(&der),
        SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => Err(ImportError::OldForm),
        _ => Err(ImportError::Unknown),
    }
}

/// A private key, in the form in which it is kept.
fn pkcs8(der: &[u8]) -> Option<Imported> {
    let ecdsa = |signing, algorithm| kept(EcdsaKeyPair::from_pkcs8(signing, der).ok()?, algorithm);
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return ed25519(&pair).ok();
    }
    ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, KeyAlgorithm::P256)
        .or_else(|| ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, KeyAlgorithm::P384))
        .or_else(|| rsa_pair(&rsa::KeyPair::from_pkcs8(der).ok()?))
}

fn ed25519(pair: &Ed25519KeyPair) -> Result<Imported, InvalidKey> {
    let seed = pair.seed()?;
    let seed: Curve25519SeedBin<'_> = seed.as_be_bytes()?;
    Imported::checked(KeyAlgorithm::Ed25519, Half::Whole, seed.as_ref()).ok_or(InvalidKey)
}

fn kept(pair: EcdsaKeyPair, algorithm: KeyAlgorithm) -> Option<Imported> {
    Imported::checked(algorithm, Half::Whole, pair.to_pkcs8v1().ok()?.as_ref())
}

fn rsa_pair(pair: &rsa::KeyPair) -> Option<Imported> {
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    Imported::checked(KeyAlgorithm::RsaPssSha256, Half::Whole, der.as_ref())
}

/// A public key as `SubjectPublicKeyInfo`.
fn public(der: &[u8]) -> Result<Imported, ImportError> {
    for (prefix, algorithm) in
        [(SPKI_ED25519, KeyAlgorithm::Ed25519), (SPKI_P256, KeyAlgorithm::P256), (SPKI_P384, KeyAlgorithm::P384)]
    {
        if let Some(raw) = der.strip_prefix(prefix) {
            return raw_public(algorithm, raw);
        }
    }
    let parsed = rsa::PublicKey::from_der(der).map_err(|_| ImportError::Unknown)?;
    raw_public(KeyAlgorithm::RsaPssSha256, parsed.as_ref())
}

fn raw_public(algorithm: KeyAlgorithm, raw: &[u8]) -> Result<Imported, ImportError> {
    match algorithm {
        KeyAlgorithm::Ed25519 if has_small_order(raw) => return Err(ImportError::SmallOrder),
        // Uncompressed alone, so that a key has one form.
        KeyAlgorithm::P256 | KeyAlgorithm::P384 if raw.first() != Some(&4) => return Err(ImportError::Unknown),
        KeyAlgorithm::RsaPssSha256 => {
            let bits = modulus_and_exponent(raw).map(|(n, _)| bits(n)).unwrap_or_default();
            if bits < RSA_BITS {
                return Err(ImportError::Weak { algorithm, bytes: bits / 8, needed: RSA_BITS / 8 });
            }
        }
        _ => {}
    }
    Imported::checked(algorithm, Half::Public, raw).ok_or(ImportError::Unknown)
}

fn has_small_order(key: &[u8]) -> bool {
    let mut key = key.to_vec();
    if let Some(last) = key.last_mut() {
        *last &= 0x7f;
    }
    let hex = data_encoding::HEXLOWER.encode(&key);
    SMALL_ORDER.contains(&hex.as_str())
}

/// Bits of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(zeros)
}

/// RFC 7517, RFC 7518 and RFC 8037, as far as it says what a key is and what it is for. Members are borrowed, so that no copies
/// of secret ones stay behind; one that needs an escape is no base64url.
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    #[serde(default, rename = "use")]
    purpose: Option<&'a str>,
    alg: Option<&'a str>,
    crv: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
    d: Option<&'a str>,
    k: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
}

impl<'a> Jwk<'a> {
    fn parse(content: &'a [u8]) -> Result<Jwk<'a>, ImportError> {
        serde_json::from_slice(content).map_err(|_| {
            ImportError::Jwk(
                "it must be one JSON object with `kty`, no member twice and no escapes; of a set, import one key",
            )
        })
    }

    fn import(&self, wanted: Option<KeyAlgorithm>) -> Result<Imported, ImportError> {
        let found = match (self.kty, self.crv) {
            ("OKP", Some("Ed25519")) => self.okp(),
            ("EC", Some("P-256")) => self.ec(KeyAlgorithm::P256, &ECDSA_P256_SHA256_FIXED_SIGNING, 32),
            ("EC", Some("P-384")) => self.ec(KeyAlgorithm::P384, &ECDSA_P384_SHA384_FIXED_SIGNING, 48),
            ("RSA", None) => self.rsa(),
            ("oct", None) => self.oct(wanted),
            ("OKP" | "EC", _) => Err(ImportError::Jwk("its curve must be Ed25519, P-256 or P-384")),
            _ => Err(ImportError::Jwk("`kty` must be `OKP`, `EC`, `RSA` or `oct`")),
        }?;
        let (algs, purpose): (&[&str], &str) = match found.algorithm {
            KeyAlgorithm::Ed25519 => (&["EdDSA", "Ed25519"], "sig"),
            KeyAlgorithm::P256 => (&["ES256"], "sig"),
            KeyAlgorithm::P384 => (&["ES384"], "sig"),
            KeyAlgorithm::RsaPssSha256 => (&["PS256"], "sig"),
            KeyAlgorithm::HmacSha256 => (&["HS256"], "sig"),
            KeyAlgorithm::HmacSha384 => (&["HS384"], "sig"),
            KeyAlgorithm::HmacSha512 => (&["HS512"], "sig"),
            KeyAlgorithm::Aes256Gcm => (&["A256GCM"], "enc"),
            KeyAlgorithm::ChaCha20Poly1305 => (&["C20P"], "enc"),
            KeyAlgorithm::HkdfSha256 => (&[], "enc"),
        };
        if self.alg.is_some_and(|alg| !algs.contains(&alg)) {
            return Err(ImportError::Jwk("its `alg` says that it is for another algorithm"));
        }
        if self.purpose.is_some_and(|given| given != purpose) {
            return Err(ImportError::Jwk("its `use` says that it is for something else"));
        }
        Ok(found)
    }

    fn okp(&self) -> Result<Imported, ImportError> {
        let x = member(self.x)?;
        let Some(d) = self.d else { return raw_public(KeyAlgorithm::Ed25519, &x) };
        let pair = Ed25519KeyPair::from_seed_and_public_key(&member(Some(d))?, &x).map_err(|_| UNFIT)?;
        ed25519(&pair).map_err(|_| UNFIT)
    }

    fn ec(
        &self,
        algorithm: KeyAlgorithm,
        signing: &'static EcdsaSigningAlgorithm,
        len: usize,
    ) -> Result<Imported, ImportError> {
        let (x, y) = (member(self.x)?, member(self.y)?);
        if x.len() != len || y.len() != len {
            return Err(ImportError::Jwk("its coordinates must have the full length of the curve"));
        }
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        let Some(d) = self.d else { return raw_public(algorithm, &point).map_err(|_| UNFIT) };
        let d = member(Some(d))?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &d, &point).map_err(|_| UNFIT)?;
        kept(pair, algorithm).ok_or(UNFIT)
    }

    fn rsa(&self) -> Result<Imported, ImportError> {
        let public_key = PublicKeyComponents { n: member(self.n)?, e: member(self.e)? };
        if self.d.is_none() {
            let der: PublicKeyX509Der<'_> = public_key.as_der().map_err(|_| UNFIT)?;
            return public(der.as_ref());
        }
        let bits = bits(&public_key.n);
        if bits < RSA_BITS {
            let algorithm = KeyAlgorithm::RsaPssSha256;
            return Err(ImportError::Weak { algorithm, bytes: bits / 8, needed: RSA_BITS / 8 });
        }
        let components = KeyPairComponents {
            public_key,
            d: member(self.d)?,
            p: member(self.p)?,
            q: member(self.q)?,
            dP: member(self.dp)?,
            dQ: member(self.dq)?,
            qInv: member(self.qi)?,
        };
        let pair = rsa::KeyPair::from_components(&components).map_err(|_| UNFIT)?;
        rsa_pair(&pair).ok_or(UNFIT)
    }

    fn oct(&self, wanted: Option<KeyAlgorithm>) -> Result<Imported, ImportError> {
        let of_alg = match self.alg {
            Some("HS256") => Some(KeyAlgorithm::HmacSha256),
            Some("HS384") => Some(KeyAlgorithm::HmacSha384),
            Some("HS512") => Some(KeyAlgorithm::HmacSha512),
            Some("A256GCM") => Some(KeyAlgorithm::Aes256Gcm),
            Some("C20P") => Some(KeyAlgorithm::ChaCha20Poly1305),
            Some(_) => None,
            None => wanted.filter(|wanted| !wanted.is_asymmetric()),
        };
        let unknown =
            ImportError::Jwk("its `alg` must be HS256, HS384, HS512, A256GCM or C20P, or be left out and given here");
        Imported::symmetric(of_alg.ok_or(unknown)?, &member(self.k)?)
    }
}

const UNFIT: ImportError = ImportError::Jwk("its members do not make a key, or do not fit together");

/// A base64url member.
fn member(text: Option<&str>) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    let text = text.ok_or(ImportError::Jwk("a member that its `kty` needs is missing"))?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ImportError::Jwk("a member is not base64url"))?;
    Ok(Zeroizing::new(bytes))
}
