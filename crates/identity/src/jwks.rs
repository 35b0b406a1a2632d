//! JSON Web Key Sets (RFC 7517, 7518, 8037): public keys that an operator configured for one issuer.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use crate::json::{self, JsonError};
use crate::jws::Algorithm;
use crate::profile::Purpose;
use crate::thumbprint::Thumbprint;

/// A set of public keys, each at most once by its `kid`. Empty by default. Clones share the keys.
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    keys: Arc<[Key]>,
}

/// One key of a set. A key that cannot verify tokens keeps its place, so that a token which names it learns why.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    material: Result<Material, Unfit>,
}

/// Why a key cannot verify a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("its `kty` is not EC, OKP or RSA")]
    Type,
    #[error("its `crv` is not the one that the algorithm needs (P-256 for ES256, Ed25519 for EdDSA)")]
    Curve,
    #[error("its `use` is not `sig` (or, for JWT-SVIDs, `jwt-svid`), or its `key_ops` do not have `verify`")]
    Use,
    #[error("its `alg` or `kty` is not the token's `alg`")]
    Algorithm,
    #[error("its RSA modulus has fewer than 2048 or more than 8192 bits")]
    Size,
    #[error("a member that describes the key is missing, not canonical base64url, or of the wrong length")]
    Encoding,
    #[error("its point is not canonical or of small order, so that signatures by it prove nothing")]
    Weak,
}

/// A key set that cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    #[error("the key set is longer than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the key set is {0}")]
    Json(JsonProblem),
    #[error("the key set needs `keys`, an array of 1 to {limit} objects")]
    Keys { limit: usize },
    #[error("key {index} of the set has a `kid` that is not a string of 1 to 256 bytes")]
    KeyId { index: usize },
    #[error("two keys of the set have the same `kid`")]
    DuplicateKeyId,
    #[error("key {index} of the set has the private or symmetric member `{name}`; publish public keys only")]
    PrivateKey { index: usize, name: &'static str },
}

/// What is wrong with the JSON of a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonProblem(String);

impl Jwks {
    /// Bytes of a key set at most.
    pub const MAX_BYTES: usize = 128 * 1024;
    /// Keys of a set at most.
    pub const MAX_KEYS: usize = 100;

    /// Parses a key set.
    ///
    /// # Errors
    /// When the set as a whole cannot be trusted to be what its author meant: too large, not one JSON object, a member
    /// twice, a `kid` twice, a private key. A key that is merely of no use here (`use` = `enc`, an unknown `kty`) stays
    /// in the set and is refused when a token names it.
    pub fn parse(text: &[u8]) -> Result<Jwks, JwksError> {
        if text.len() > Self::MAX_BYTES {
            return Err(JwksError::TooLarge { limit: Self::MAX_BYTES });
        }
        let mut set = json::parse_object(text)?;
        let Some(Value::Array(entries)) = set.remove("keys") else {
            return Err(JwksError::Keys { limit: Self::MAX_KEYS });
        };
        if entries.is_empty() || entries.len() > Self::MAX_KEYS {
            return Err(JwksError::Keys { limit: Self::MAX_KEYS });
        }
        let mut keys: Vec<Key> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let Value::Object(members) = entry else { return Err(JwksError::Keys { limit: Self::MAX_KEYS }) };
            let key = Key::from_members(members, index)?;
            if key.id.is_some() && keys.iter().any(|other| other.id == key.id) {
                return Err(JwksError::DuplicateKeyId);
            }
            keys.push(key);
        }
        Ok(Jwks { keys: keys.into() })
    }

    /// The set with one Ed25519 public key of our own.
    pub(crate) fn ed25519(id: &str, public: &[u8]) -> Jwks {
        let material = Material::ed25519(public);
        Jwks { keys: Arc::new([Key { id: Some(id.to_owned()), material }]) }
    }

    /// The key with that `kid`, compared byte by byte.
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.as_deref() == Some(id))
    }

    /// The only key of a set with one key.
    pub fn only_key(&self) -> Option<&Key> {
        match &*self.keys {
            [key] => Some(key),
            _ => None,
        }
    }

    /// Each key, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }
}

impl Key {
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The kind of key, and the `alg` that its set declares for it, for display.
    pub fn describe(&self) -> String {
        match &self.material {
            Ok(Material { family, algorithm, .. }) => match algorithm {
                Some(algorithm) => format!("{}, {algorithm}", family.as_str()),
                None => family.as_str().to_owned(),
            },
            Err(unfit) => format!("of no use: {unfit}"),
        }
    }

    /// Whether the key could verify a token, and if not, why.
    pub fn usable(&self) -> Result<(), Unfit> {
        self.material.as_ref().map(|_| ()).map_err(|unfit| *unfit)
    }

    /// The key for that algorithm and purpose.
    pub(crate) fn decoding_key(&self, algorithm: Algorithm, purpose: Purpose) -> Result<&DecodingKey, Unfit> {
        let material = self.material.as_ref().map_err(|unfit| *unfit)?;
        if !purpose.fits(material.purpose.as_deref()) {
            return Err(Unfit::Use);
        }
        let family_fits = match algorithm {
            Algorithm::Es256 => material.family == Family::P256,
            Algorithm::EdDsa => material.family == Family::Ed25519,
            Algorithm::Ps256 | Algorithm::Rs256 => material.family == Family::Rsa,
        };
        if !family_fits || material.algorithm.is_some_and(|declared| declared != algorithm) {
            return Err(Unfit::Algorithm);
        }
        Ok(&material.key)
    }

    /// A key that came with a proof, which its own thumbprint identifies.
    pub(crate) fn embedded(members: &Map<String, Value>) -> Result<(Key, Thumbprint), EmbeddedKeyError> {
        if private_member(members).is_some() {
            return Err(EmbeddedKeyError::Private);
        }
        let material = Material::from_members(members).map_err(EmbeddedKeyError::Unfit)?;
        let thumbprint = Thumbprint::of(members).ok_or(EmbeddedKeyError::Unfit(Unfit::Encoding))?;
        Ok((Key { id: None, material: Ok(material) }, thumbprint))
    }

    fn from_members(members: &Map<String, Value>, index: usize) -> Result<Key, JwksError> {
        if let Some(name) = private_member(members) {
            return Err(JwksError::PrivateKey { index, name });
        }
        let id = match members.get("kid") {
            None => None,
            Some(Value::String(id)) if (1..=256).contains(&id.len()) => Some(id.clone()),
            Some(_) => return Err(JwksError::KeyId { index }),
        };
        Ok(Key { id, material: Material::from_members(members) })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("usable", &self.usable()).finish()
    }
}

impl From<JsonError> for JwksError {
    fn from(error: JsonError) -> Self {
        JwksError::Json(JsonProblem(error.to_string()))
    }
}

/// Why a key that came with a proof does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmbeddedKeyError {
    Private,
    Unfit(Unfit),
}

/// The first member that only a private or symmetric key has.
fn private_member(members: &Map<String, Value>) -> Option<&'static str> {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].into_iter().find(|name| members.contains_key(*name))
}

#[derive(Clone)]
struct Material {
    family: Family,
    /// The `use` that the set declares for this key.
    purpose: Option<String>,
    /// The `alg` that the set declares for this key.
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    P256,
    Ed25519,
    Rsa,
}

impl Family {
    const fn as_str(self) -> &'static str {
        match self {
            Family::P256 => "P-256",
            Family::Ed25519 => "Ed25519",
            Family::Rsa => "RSA",
        }
    }
}

impl Material {
    fn ed25519(public: &[u8]) -> Result<Material, Unfit> {
        let key = ed25519_key(public)?;
        Ok(Material { family: Family::Ed25519, purpose: None, algorithm: Some(Algorithm::EdDsa), key })
    }

    fn from_members(members: &Map<String, Value>) -> Result<Material, Unfit> {
        let kty = members.get("kty").and_then(Value::as_str).ok_or(Unfit::Type)?;
        if !matches!(kty, "EC" | "OKP" | "RSA") {
            return Err(Unfit::Type);
        }
        let purpose = match members.get("use") {
            None => None,
            Some(Value::String(purpose)) if matches!(&**purpose, "sig" | "jwt-svid") => Some(purpose.clone()),
            Some(_) => return Err(Unfit::Use),
        };
        match members.get("key_ops") {
            None => {}
            Some(Value::Array(operations)) if operations.iter().any(|name| name == "verify") => {}
            Some(_) => return Err(Unfit::Use),
        }
        let algorithm = match members.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(Algorithm::parse(name).ok_or(Unfit::Algorithm)?),
            Some(_) => return Err(Unfit::Algorithm),
        };
        let crv = members.get("crv").and_then(Value::as_str);
        let (family, key) = match (kty, crv) {
            ("EC", Some("P-256")) => {
                let mut point = vec![4]; // SEC 1: an uncompressed point
                point.extend(coordinate(members, "x")?);
                point.extend(coordinate(members, "y")?);
                (Family::P256, DecodingKey::from_ec_der(&point))
            }
            ("OKP", Some("Ed25519")) => (Family::Ed25519, ed25519_key(&coordinate(members, "x")?)?),
            ("RSA", _) => {
                let (modulus, exponent) = (bytes(members, "n")?, bytes(members, "e")?);
                check_rsa(&modulus, &exponent)?;
                (Family::Rsa, DecodingKey::from_rsa_raw_components(&modulus, &exponent))
            }
            _ => return Err(Unfit::Curve),
        };
        Ok(Material { family, purpose, algorithm, key })
    }
}

/// The y coordinates of the eight points of small order (RFC 8032 §5.1, RFC 7748 §6 and §7), little-endian: those of order
/// 4, 1, 2, and twice 8. The sign of x does not matter: each sign gives such a point, or none.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Of a point of small order, one signature verifies for many messages, and nobody needs a private key to make it. The
/// verification of RFC 8032 does not look.
fn ed25519_key(public: &[u8]) -> Result<DecodingKey, Unfit> {
    let mut y: [u8; 32] = public.try_into().map_err(|_| Unfit::Encoding)?;
    y[31] &= 0x7f;
    // At least 2^255 − 19, of which another encoding is the canonical one.
    let reduced = y[0] < 0xed || y[1..31].iter().any(|byte| *byte != 0xff) || y[31] != 0x7f;
    if !reduced || SMALL_ORDER.contains(&y) {
        return Err(Unfit::Weak);
    }
    Ok(DecodingKey::from_ed_der(public))
}

/// Both curves have coordinates of 32 bytes, leading zeros included (RFC 7518 §6.2.1.2).
fn coordinate(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Unfit> {
    let bytes = bytes(members, name)?;
    if bytes.len() == 32 { Ok(bytes) } else { Err(Unfit::Encoding) }
}

fn bytes(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Unfit> {
    let text = members.get(name).and_then(Value::as_str).ok_or(Unfit::Encoding)?;
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Unfit::Encoding)
}

/// RFC 7518 §6.3.1: big-endian without leading zeros; §3.3 and §3.5: at least 2048 bits.
fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), Unfit> {
    let (Some(first), Some(1..)) = (modulus.first(), exponent.first()) else { return Err(Unfit::Encoding) };
    let bits = (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize);
    if *first == 0 || exponent.len() > 4 || exponent.last().is_none_or(|last| last % 2 == 0) || exponent == [1] {
        return Err(Unfit::Encoding);
    }
    if (2048..=8192).contains(&bits) { Ok(()) } else { Err(Unfit::Size) }
}
