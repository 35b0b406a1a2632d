//! The private key with which an agent proves possession of its tokens: the other side of [`RawProof`](crate::RawProof).

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value, json};
use uuid::{NoContext, Timestamp, Uuid};
use zeroize::Zeroizing;

use crate::jws::Algorithm;
use crate::target::Target;
use crate::thumbprint::Thumbprint;
use crate::token::RawToken;

/// An Ed25519 or P-256 key pair. `Debug` shows its thumbprint only.
pub struct ProofKey {
    pair: Pair,
    /// The public half, as proofs carry it.
    members: Map<String, Value>,
    thumbprint: Thumbprint,
}

/// A file that holds no such key. The messages carry nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofKeyError {
    #[error("it is not a private key: expected PEM with `-----BEGIN PRIVATE KEY-----` (PKCS #8)")]
    Format,
    #[error("it is the public half of a key; a proof takes the private one")]
    Public,
    #[error(
        "it is encrypted, or in a form of its own; `openssl pkcs8 -topk8 -nocrypt -in FILE` writes the one that is read"
    )]
    Form,
    #[error("it is neither an Ed25519 nor a P-256 key")]
    Kind,
    #[error("the system gave no randomness for a signature")]
    Randomness,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl ProofKey {
    /// Bytes of a file with a key at most.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads PEM (RFC 7468) with a PKCS #8 key (RFC 5958).
    ///
    /// # Errors
    /// When it is anything else, or a key of another kind.
    pub fn parse(content: &[u8]) -> Result<ProofKey, ProofKeyError> {
        let text = std::str::from_utf8(content).map_err(|_| ProofKeyError::Format)?;
        let text = text.split_once("-----BEGIN ").ok_or(ProofKeyError::Format)?.1;
        let Some(rest) = text.strip_prefix("PRIVATE KEY-----") else {
            return Err(if text.starts_with("PUBLIC KEY-----") { ProofKeyError::Public } else { ProofKeyError::Form });
        };
        let (encoded, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or(ProofKeyError::Format)?;
        let encoded: Zeroizing<Vec<u8>> =
            Zeroizing::new(encoded.bytes().filter(|b| !b.is_ascii_whitespace()).collect());
        let document = Zeroizing::new(BASE64.decode(&encoded).map_err(|_| ProofKeyError::Format)?);
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(&document) {
            return ProofKey::new(Pair::Ed25519(pair));
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document);
        ProofKey::new(Pair::P256(pair.map_err(|_| ProofKeyError::Kind)?))
    }

    /// The thumbprint of the public half: what a token's `cnf.jkt` names.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Makes a proof (RFC 9449 §4.2) for presenting `token` with that method to that URI, with a fresh `jti` and, where the
    /// server gave one out, its nonce. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn prove(
        &self,
        token: &RawToken,
        method: &str,
        target: &Target,
        nonce: Option<&str>,
        now: u64,
    ) -> Result<Zeroizing<String>, ProofKeyError> {
        let algorithm = match self.pair {
            Pair::Ed25519(_) => Algorithm::EdDsa,
            Pair::P256(_) => Algorithm::Es256,
        };
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm.as_str(), "jwk": self.members });
        let mut claims = json!({
            "jti": Uuid::new_v7(Timestamp::from_unix(NoContext, now, 0)).to_string(),
            "htm": method,
            "htu": target.as_str(),
            "iat": now,
            "ath": BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, token.text().as_bytes()).as_ref()),
        });
        if let (Some(nonce), Some(members)) = (nonce, claims.as_object_mut()) {
            members.insert("nonce".to_owned(), nonce.into());
        }
        let mut proof = Zeroizing::new(BASE64URL_NOPAD.encode(header.to_string().as_bytes()));
        proof.push('.');
        proof.push_str(&BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(proof.as_bytes())?;
        proof.push('.');
        proof.push_str(&BASE64URL_NOPAD.encode(&signature));
        Ok(proof)
    }

    fn new(pair: Pair) -> Result<ProofKey, ProofKeyError> {
        let members = match &pair {
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(pair.public_key().as_ref()) })
            }
            Pair::P256(pair) => {
                // SEC 1: an uncompressed point.
                let point = pair.public_key().as_ref().get(1..).and_then(|point| point.split_at_checked(32));
                let (x, y) = point.ok_or(ProofKeyError::Kind)?;
                json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL_NOPAD.encode(x), "y": BASE64URL_NOPAD.encode(y) })
            }
        };
        let Value::Object(members) = members else { return Err(ProofKeyError::Kind) };
        let thumbprint = Thumbprint::of(&members).ok_or(ProofKeyError::Kind)?;
        Ok(ProofKey { pair, members, thumbprint })
    }
}

impl Pair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ProofKeyError> {
        match self {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| ProofKeyError::Randomness)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofKey({})", self.thumbprint)
    }
}
