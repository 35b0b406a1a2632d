//! Proofs of possession (DPoP, RFC 9449): that whoever presents a token has the key that it is bound to.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::claims::seconds;
use crate::error::{Part, TokenError};
use crate::jti::JtiHash;
use crate::jwks::{EmbeddedKeyError, Key, Unfit};
use crate::jws::{self, Algorithm, Compact};
use crate::nonce::Nonces;
use crate::profile::Purpose;
use crate::target::Target;
use crate::thumbprint::Thumbprint;

/// A proof that somebody presented. It has nothing to read before it is verified.
pub struct RawProof(Zeroizing<String>);

/// What a proof has to be about, and how fresh.
///
/// Defaults: made at most 60 s ago, at most 5 s in the future, without a nonce of the server.
#[derive(Clone, Copy)]
pub struct ProofRequest<'a> {
    method: &'a str,
    target: &'a Target,
    nonces: Option<&'a dyn Nonces>,
    max_age: u64,
    skew: u64,
}

/// A verified proof: its signer has the key with that thumbprint, and made it for this request, now. Which token it is
/// for and that it is used once, [`RawToken::verify_presented`](crate::RawToken::verify_presented) and
/// [`UnspentToken::spend`](crate::UnspentToken::spend) see to.
#[derive(Clone, Debug)]
pub struct Proof {
    thumbprint: Thumbprint,
    token_hash: Option<[u8; 32]>,
    jti: JtiHash,
    until: u64,
}

/// A proof that proves nothing here. The messages carry nothing from the proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof is not a compact token of at most {} bytes with two JSON objects in it", RawProof::MAX_BYTES)]
    Form,
    #[error("the proof has a member twice")]
    DuplicateMember,
    #[error("the proof's header has `{name}`, which is never accepted")]
    HeaderMember { name: &'static str },
    #[error("the proof's `typ` is not `dpop+jwt`")]
    Type,
    #[error("the proof's `alg` is not one of ES256, EdDSA, PS256, RS256")]
    Algorithm,
    #[error("the proof's header needs `jwk`, a public key")]
    Key,
    #[error("the proof's `jwk` has members of a private or symmetric key; the key is no longer secret: make a new one")]
    PrivateKey,
    #[error("the proof's `jwk` does not fit: {0}")]
    UnfitKey(Unfit),
    #[error("the proof's signature does not verify")]
    Signature,
    #[error("the proof's claim `{name}` is missing or not {expected}")]
    Claim { name: &'static str, expected: &'static str },
    #[error("the proof is for another method; `htm` must be the request's")]
    Method,
    #[error("the proof is for another URI; `htu` must be the request's, without query and fragment")]
    Target,
    #[error("the proof was made {ago} s ago; make a new one for each request")]
    TooOld { ago: u64 },
    #[error("the proof was made {ahead} s in the future; check the clocks")]
    InFuture { ahead: u64 },
    #[error("the proof does not have a nonce that this server gave out lately; repeat with the one in the answer")]
    Nonce,
}

/// Header members that would move the meaning of the signature, or a second key, into the proof.
const FORBIDDEN_HEADER_MEMBERS: [&str; 6] = ["crit", "jku", "x5u", "x5c", "b64", "zip"];

impl RawProof {
    /// Bytes of a proof at most.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Whatever was presented; nothing is checked yet.
    pub fn new(text: String) -> RawProof {
        RawProof(Zeroizing::new(text))
    }

    /// Checks every rule of RFC 9449 §4.3 that needs neither the access token nor a store.
    ///
    /// `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// The first rule that the proof breaks.
    pub fn verify(&self, request: &ProofRequest<'_>, now: u64) -> Result<Proof, ProofError> {
        if self.0.len() > Self::MAX_BYTES {
            return Err(ProofError::Form);
        }
        let compact = Compact::parse(&self.0)?;
        compact.check_members(&FORBIDDEN_HEADER_MEMBERS)?;
        if compact.header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return Err(ProofError::Type);
        }
        let algorithm = compact.algorithm(&Algorithm::ALL)?;
        let Some(Value::Object(members)) = compact.header.get("jwk") else { return Err(ProofError::Key) };
        let (key, thumbprint) = Key::embedded(members)?;
        let key = key.decoding_key(algorithm, Purpose::Signature).map_err(ProofError::UnfitKey)?;
        compact.check_signature(algorithm, key)?;
        let claims = jws::object(&compact.payload, Part::Claims)?;
        let jti = text(&claims, "jti", 256)?;
        if text(&claims, "htm", 64)? != request.method {
            return Err(ProofError::Method);
        }
        if Target::parse(text(&claims, "htu", Target::MAX_BYTES)?).as_ref() != Some(request.target) {
            return Err(ProofError::Target);
        }
        let until = request.check_time(&claims, now)?;
        request.check_nonce(&claims, now)?;
        let token_hash = token_hash(&claims)?;
        Ok(Proof { thumbprint, token_hash, jti: JtiHash::of_proof(&thumbprint.to_string(), jti), until })
    }
}

impl<'a> ProofRequest<'a> {
    /// Seconds since it was made that a proof is accepted unless chosen.
    pub const DEFAULT_MAX_AGE: u64 = 60;
    /// Seconds that a proof is accepted at most.
    pub const MAX_AGE: u64 = 300;
    /// Seconds that a proof may be made in the future.
    pub const SKEW: u64 = 5;

    /// A request of that method, exactly as in HTTP, to that URI.
    pub fn new(method: &'a str, target: &'a Target) -> ProofRequest<'a> {
        ProofRequest { method, target, nonces: None, max_age: Self::DEFAULT_MAX_AGE, skew: Self::SKEW }
    }

    /// Demands a nonce that the server gave out.
    pub fn nonces(self, nonces: &'a dyn Nonces) -> Self {
        ProofRequest { nonces: Some(nonces), ..self }
    }

    /// Accepts proofs that were made at most this many seconds ago, from 1 to 300.
    pub fn max_age(self, seconds: u64) -> Self {
        ProofRequest { max_age: seconds.clamp(1, Self::MAX_AGE), ..self }
    }

    /// The second from which on the proof is worthless.
    fn check_time(&self, claims: &Map<String, Value>, now: u64) -> Result<u64, ProofError> {
        let wrong = ProofError::Claim { name: "iat", expected: "a whole number of seconds" };
        let made = claims.get("iat").and_then(seconds).ok_or(wrong)?;
        if made > now.saturating_add(self.skew) {
            return Err(ProofError::InFuture { ahead: made.saturating_sub(now) });
        }
        let until = made.saturating_add(self.max_age).saturating_add(1);
        if now >= until {
            return Err(ProofError::TooOld { ago: now.saturating_sub(made) });
        }
        Ok(until)
    }

    fn check_nonce(&self, claims: &Map<String, Value>, now: u64) -> Result<(), ProofError> {
        match self.nonces {
            None => Ok(()),
            Some(nonces) => match claims.get("nonce") {
                Some(Value::String(nonce)) if nonce.len() <= 256 && nonces.accepts(nonce, now) => Ok(()),
                _ => Err(ProofError::Nonce),
            },
        }
    }
}

impl Proof {
    /// The key that made it.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Names the proof in records and in the store of what was used.
    pub fn jti(&self) -> JtiHash {
        self.jti
    }

    /// SHA-256 of the token that it is for.
    pub(crate) fn token_hash(&self) -> Option<[u8; 32]> {
        self.token_hash
    }

    /// What to record as used, and until when.
    pub(crate) fn single_use(&self) -> (JtiHash, u64) {
        (self.jti, self.until)
    }
}

impl ProofError {
    /// The stable reason code.
    pub fn code(&self) -> bailiwick_policy::Code {
        use bailiwick_policy::Code;
        match self {
            ProofError::Form | ProofError::Claim { .. } => Code::ProofMalformed,
            ProofError::DuplicateMember => Code::ProofDuplicateMember,
            ProofError::HeaderMember { .. } => Code::ProofHeader,
            ProofError::Type => Code::ProofType,
            ProofError::Algorithm => Code::ProofAlgorithm,
            ProofError::Key | ProofError::PrivateKey | ProofError::UnfitKey(_) => Code::ProofKey,
            ProofError::Signature => Code::ProofSignature,
            ProofError::Method => Code::ProofMethod,
            ProofError::Target => Code::ProofTarget,
            ProofError::TooOld { .. } | ProofError::InFuture { .. } => Code::ProofTime,
            ProofError::Nonce => Code::ProofNonce,
        }
    }
}

/// The signature layer is the tokens' own; what it refuses has another name here.
impl From<TokenError> for ProofError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::DuplicateMember { .. } => ProofError::DuplicateMember,
            TokenError::HeaderMember { name } => ProofError::HeaderMember { name },
            TokenError::Algorithm | TokenError::AlgorithmNotAllowed { .. } => ProofError::Algorithm,
            TokenError::UnfitKey(unfit) => ProofError::UnfitKey(unfit),
            TokenError::Signature => ProofError::Signature,
            _ => ProofError::Form,
        }
    }
}

impl From<EmbeddedKeyError> for ProofError {
    fn from(error: EmbeddedKeyError) -> Self {
        match error {
            EmbeddedKeyError::Private => ProofError::PrivateKey,
            EmbeddedKeyError::Unfit(unfit) => ProofError::UnfitKey(unfit),
        }
    }
}

impl fmt::Debug for RawProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawProof({} bytes)", self.0.len())
    }
}

impl fmt::Debug for ProofRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nonces = self.nonces.is_some();
        f.debug_struct("ProofRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("nonces", &nonces)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &'static str, limit: usize) -> Result<&'c str, ProofError> {
    match claims.get(name) {
        Some(Value::String(text)) if (1..=limit).contains(&text.len()) => Ok(text),
        _ => Err(ProofError::Claim { name, expected: "a string within its limits" }),
    }
}

fn token_hash(claims: &Map<String, Value>) -> Result<Option<[u8; 32]>, ProofError> {
    let wrong = ProofError::Claim { name: "ath", expected: "a SHA-256 hash in canonical base64url" };
    match claims.get("ath") {
        None => Ok(None),
        Some(Value::String(text)) => {
            let hash = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
            hash.map(Some).ok_or(wrong)
        }
        Some(_) => Err(wrong),
    }
}
