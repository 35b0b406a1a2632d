//! Access tokens (RFC 9068): unverified text on one side, a verified token on the other, and one way across.

use std::fmt;

use aws_lc_rs::digest;
use bailiwick_policy::ScopeSet;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::agent::Subject;
use crate::error::{Part, TokenError};
use crate::issuer::{TrustedIssuer, TrustedIssuers};
use crate::jws::{self, Compact};

/// A compact token that somebody presented. It has nothing to read: who it is from and what it grants is known only
/// after [`verify`](RawToken::verify). Its memory is wiped when it is dropped, and `Debug` shows its length only.
pub struct RawToken(Zeroizing<String>);

/// A verified token. Its fields are private and this module makes it in one place, so that a `Token` is the proof.
#[derive(Clone, Debug)]
pub struct Token {
    issuer: String,
    subject: Subject,
    scopes: ScopeSet,
    issued_at: u64,
    expires_at: u64,
    valid_until: u64,
    jti: JtiHash,
    key_id: String,
    local: bool,
}

/// SHA-256 of a token's issuer and `jti`: names the token in logs and revocations without revealing its `jti`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JtiHash([u8; 32]);

impl RawToken {
    pub fn new(text: String) -> RawToken {
        RawToken(Zeroizing::new(text))
    }

    /// Checks every rule for the compact token itself: form, header, issuer, key, signature, audience, times, scopes.
    ///
    /// `now` is in seconds since the Unix epoch. Freshness of the `jti`, revocation and the registry come after this.
    ///
    /// # Errors
    /// The first rule that the token breaks.
    pub fn verify(&self, trusted: &TrustedIssuers, now: u64) -> Result<Token, TokenError> {
        let compact = Compact::parse(&self.0)?;
        // RFC 9068 §2.1; the short form is recommended, the long one has to be accepted.
        if !matches!(compact.header.get("typ").and_then(Value::as_str), Some("at+jwt" | "application/at+jwt")) {
            return Err(TokenError::Type);
        }
        let key_id = compact.key_id()?.ok_or(TokenError::KeyId)?.to_owned();
        let claims = Claims(jws::object(&compact.payload, Part::Claims)?);
        let issuer = claims.issuer(trusted)?;
        compact.verify_signature(&issuer.keys, &issuer.algorithms)?;
        claims.into_token(issuer, key_id, now)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// The configured issuer that made it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The agent, by its issuer's name for it; which of ours that is, the registry says.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Seconds since the Unix epoch.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// The token's `exp`, in seconds since the Unix epoch.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// The second at which its authority ends here: `exp` and the skew that its issuer is allowed.
    pub fn valid_until(&self) -> u64 {
        self.valid_until
    }

    pub fn jti(&self) -> JtiHash {
        self.jti
    }

    /// The `kid` of the key that signed it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Whether the issuer embedded in this installation made it.
    pub fn is_local(&self) -> bool {
        self.local
    }
}

impl JtiHash {
    /// The hash for a `jti` of that issuer.
    pub fn of(issuer: &str, jti: &str) -> JtiHash {
        let mut context = digest::Context::new(&digest::SHA256);
        // The length keeps the two texts apart, whatever they contain.
        context.update(&u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(jti.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        JtiHash(hash)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawToken({} bytes)", self.0.len())
    }
}

impl fmt::Debug for JtiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JtiHash({self})")
    }
}

impl fmt::Display for JtiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// The payload's members. Nothing of them leaves this module before the signature is checked.
struct Claims(Map<String, Value>);

impl Claims {
    fn issuer<'t>(&self, trusted: &'t TrustedIssuers) -> Result<&'t TrustedIssuer, TokenError> {
        let name = self.string("iss")?;
        trusted.find(name).ok_or_else(|| TokenError::UnknownIssuer { issuer: shown(name) })
    }

    fn into_token(self, issuer: &TrustedIssuer, key_id: String, now: u64) -> Result<Token, TokenError> {
        self.check_audience(&issuer.audience)?;
        let (issued_at, expires_at) = self.check_times(issuer, now)?;
        if self.0.contains_key("cnf") {
            return Err(TokenError::ProofRequired);
        }
        // Both change who acts or what is granted: a token that has them means less than the rest of it says.
        for name in ["act", "authorization_details"] {
            if self.0.contains_key(name) {
                return Err(TokenError::Unsupported { name });
            }
        }
        let jti = JtiHash::of(&issuer.issuer, self.string("jti")?);
        let subject = Subject::parse(self.string("sub")?).map_err(|_| TokenError::Subject)?;
        let scopes = match self.0.get("scope") {
            None => ScopeSet::empty(),
            Some(Value::String(text)) => ScopeSet::parse_token(text).map_err(TokenError::Scope)?,
            Some(_) => return Err(TokenError::ClaimType { name: "scope", expected: "a string of scopes" }),
        };
        Ok(Token {
            issuer: issuer.issuer.clone(),
            subject,
            scopes,
            issued_at,
            expires_at,
            valid_until: expires_at.saturating_add(issuer.skew),
            jti,
            key_id,
            local: issuer.local,
        })
    }

    /// A string, or an array of one string, that is exactly our name.
    fn check_audience(&self, ours: &str) -> Result<(), TokenError> {
        let audience = match self.0.get("aud") {
            None => return Err(TokenError::ClaimMissing { name: "aud" }),
            Some(Value::String(one)) => Some(one.as_str()),
            Some(Value::Array(several)) => match several.as_slice() {
                [Value::String(one)] => Some(one.as_str()),
                _ => None,
            },
            Some(_) => None,
        };
        if audience == Some(ours) { Ok(()) } else { Err(TokenError::Audience) }
    }

    /// `iat` and `exp`, when `now` lies between them and they are not too far apart.
    fn check_times(&self, issuer: &TrustedIssuer, now: u64) -> Result<(u64, u64), TokenError> {
        let issued_at = self.seconds("iat")?.ok_or(TokenError::ClaimMissing { name: "iat" })?;
        let expires_at = self.seconds("exp")?.ok_or(TokenError::ClaimMissing { name: "exp" })?;
        let not_before = self.seconds("nbf")?.unwrap_or(0);
        let latest = now.saturating_add(issuer.skew);
        if issued_at > latest {
            return Err(TokenError::IssuedInFuture { ahead: issued_at.saturating_sub(now) });
        }
        if not_before > latest {
            return Err(TokenError::NotYetValid { ahead: not_before.saturating_sub(now) });
        }
        if now >= expires_at.saturating_add(issuer.skew) {
            return Err(TokenError::Expired { ago: now.saturating_sub(expires_at) });
        }
        if expires_at <= issued_at || expires_at.saturating_sub(issued_at) > issuer.max_lifetime {
            return Err(TokenError::Lifetime { limit: issuer.max_lifetime });
        }
        Ok((issued_at, expires_at))
    }

    /// A NumericDate that is a whole, non-negative number: `1.5`, `1e9` and `"1"` are refused.
    fn seconds(&self, name: &'static str) -> Result<Option<u64>, TokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                // Beyond 2^53 another reader of the same token may see another number.
                Some(seconds) if seconds < 1 << 53 => Ok(Some(seconds)),
                _ => Err(TokenError::ClaimType { name, expected: "a whole number of seconds" }),
            },
        }
    }

    fn string(&self, name: &'static str) -> Result<&str, TokenError> {
        match self.0.get(name) {
            None => Err(TokenError::ClaimMissing { name }),
            Some(Value::String(text)) if (1..=1024).contains(&text.len()) => Ok(text),
            Some(_) => Err(TokenError::ClaimType { name, expected: "a string of 1 to 1024 bytes" }),
        }
    }
}

/// An unverified text for an operator's eyes: escaped, and cut short.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}
