//! Compact JWS (RFC 7515): the signature layer, below any meaning of the claims.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc;
use serde_json::{Map, Value};

use crate::error::{Part, TokenError};
use crate::json::{self, JsonError};
use crate::jwks::{Jwks, Unfit};
use crate::profile::Purpose;

/// Bytes of a compact token at most.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Bytes of its encoded header at most.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;

/// A signature algorithm that an issuer may be configured for. There are no others: no HMAC, no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

/// Checks the signature of a compact JWS and returns its payload.
///
/// The key is the one that the header's `kid` names; without a `kid`, the only key of `keys`. What the payload means,
/// and whether it is a token for us, is for [`RawToken::verify`](crate::RawToken::verify).
///
/// ECDSA has two valid signatures for each message, (r, s) and (r, n − s), and JWS does not say which; both verify, as
/// issuers produce both. A payload is therefore never identified by its signature here. Other forms of one signature
/// (DER, longer or shorter integers, zero, Ed25519's s + L) do not verify.
///
/// # Errors
/// Any rule of form, a forbidden header member, an algorithm outside `allowed`, an unknown or unfit key, and a
/// signature that does not verify.
pub fn verify_compact(text: &str, keys: &Jwks, allowed: &[Algorithm]) -> Result<Vec<u8>, TokenError> {
    let compact = Compact::parse(text)?;
    compact.check_members(&FORBIDDEN_HEADER_MEMBERS)?;
    let algorithm = compact.algorithm(allowed)?;
    let key = compact.key(keys, algorithm, Purpose::Signature)?;
    compact.check_signature(algorithm, key)?;
    Ok(compact.payload)
}

impl Algorithm {
    /// Every algorithm that is known here.
    pub const ALL: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256];

    /// The `alg` of RFC 7518 and RFC 8037.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Ps256 => "PS256",
            Algorithm::Rs256 => "RS256",
        }
    }

    /// The algorithm with exactly that name.
    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    const fn library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Header members that move a key, a certificate or the meaning of the signature into the token.
pub(crate) const FORBIDDEN_HEADER_MEMBERS: [&str; 7] = ["crit", "jku", "x5u", "x5c", "jwk", "b64", "zip"];

/// A compact JWS taken apart, its signature not yet checked.
pub(crate) struct Compact<'t> {
    pub(crate) header: Map<String, Value>,
    /// INVARIANT: read by the claims layer before the signature is checked only to choose the issuer.
    pub(crate) payload: Vec<u8>,
    signature: Vec<u8>,
    /// What the signature is about: header and payload as they were written.
    pub(crate) signed: &'t str,
}

impl<'t> Compact<'t> {
    pub(crate) fn parse(text: &'t str) -> Result<Compact<'t>, TokenError> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge { limit: MAX_TOKEN_BYTES });
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Segments)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() {
            return Err(TokenError::Segments);
        }
        if header.len() > MAX_HEADER_BYTES {
            return Err(TokenError::TooLarge { limit: MAX_HEADER_BYTES });
        }
        Ok(Compact {
            header: object(&decode(header, Part::Header)?, Part::Header)?,
            payload: decode(payload, Part::Claims)?,
            signature: decode(signature, Part::Signature)?,
            signed,
        })
    }

    /// Refuses a header with one of these members, whatever its value.
    pub(crate) fn check_members(&self, forbidden: &[&'static str]) -> Result<(), TokenError> {
        match forbidden.iter().find(|name| self.header.contains_key(**name)) {
            Some(name) => Err(TokenError::HeaderMember { name }),
            None => Ok(()),
        }
    }

    /// The header's `alg`, when it is one of `allowed`.
    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, TokenError> {
        let named = self.header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        let algorithm = named.ok_or(TokenError::Algorithm)?;
        if allowed.contains(&algorithm) {
            Ok(algorithm)
        } else {
            Err(TokenError::AlgorithmNotAllowed { algorithm: algorithm.as_str() })
        }
    }

    /// The header's `kid`.
    pub(crate) fn key_id(&self) -> Result<Option<&str>, TokenError> {
        match self.header.get("kid") {
            None => Ok(None),
            Some(Value::String(id)) if (1..=256).contains(&id.len()) => Ok(Some(id)),
            Some(_) => Err(TokenError::KeyId),
        }
    }

    /// The key that the header's `kid` names, or the only one, when it fits.
    pub(crate) fn key<'k>(
        &self,
        keys: &'k Jwks,
        algorithm: Algorithm,
        purpose: Purpose,
    ) -> Result<&'k DecodingKey, TokenError> {
        let key = match self.key_id()? {
            Some(id) => keys.key(id),
            None => keys.only_key(),
        };
        key.ok_or(TokenError::UnknownKey)?.decoding_key(algorithm, purpose).map_err(TokenError::UnfitKey)
    }

    pub(crate) fn check_signature(&self, algorithm: Algorithm, key: &DecodingKey) -> Result<(), TokenError> {
        // The library's provider is named here and not looked up: its process-wide default can be changed by others.
        let verifier = (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm.library(), key)
            .map_err(|_| TokenError::UnfitKey(Unfit::Algorithm))?;
        verifier.verify(self.signed.as_bytes(), &self.signature).map_err(|_| TokenError::Signature)
    }
}

/// Base64url without padding, white space, or stray bits at the end.
fn decode(text: &str, part: Part) -> Result<Vec<u8>, TokenError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TokenError::Encoding { part })
}

pub(crate) fn object(bytes: &[u8], part: Part) -> Result<Map<String, Value>, TokenError> {
    json::parse_object(bytes).map_err(|error| match error {
        JsonError::Duplicate => TokenError::DuplicateMember { part },
        JsonError::Syntax { .. } | JsonError::NotAnObject => TokenError::Json { part },
    })
}
