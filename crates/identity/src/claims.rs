//! The payload of a token: what each claim must be.

use bailiwick_policy::ScopeSet;
use serde_json::{Map, Value};

use crate::agent::Subject;
use crate::dpop::Proof;
use crate::error::TokenError;
use crate::issuer::{TrustedIssuer, TrustedIssuers};
use crate::jti::JtiHash;
use crate::thumbprint::Thumbprint;
use crate::workload::SpiffeId;

/// The members. INVARIANT: nothing of them leaves the crate before the signature is checked.
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// The issuer that `iss` names. A JWT-SVID may do without; then the trust domain of its `sub` has one issuer.
    pub(crate) fn issuer<'t>(&self, trusted: &'t TrustedIssuers) -> Result<&'t TrustedIssuer, TokenError> {
        if self.0.contains_key("iss") {
            let name = self.string("iss")?;
            return trusted.find(name).ok_or_else(|| TokenError::UnknownIssuer { issuer: shown(name) });
        }
        let id = self.0.get("sub").and_then(Value::as_str).and_then(SpiffeId::parse);
        let id = id.ok_or(TokenError::ClaimMissing { name: "iss" })?;
        let known = trusted.find_trust_domain(id.trust_domain());
        known.ok_or_else(|| TokenError::UnknownIssuer { issuer: shown(&format!("spiffe://{}", id.trust_domain())) })
    }

    /// A string, or an array of one string, that is exactly our name.
    pub(crate) fn check_audience(&self, ours: &str) -> Result<(), TokenError> {
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

    /// `iat`, unless it is in the future.
    pub(crate) fn issued_at(&self, skew: u64, now: u64) -> Result<u64, TokenError> {
        let issued_at = self.seconds("iat")?.ok_or(TokenError::ClaimMissing { name: "iat" })?;
        if issued_at > now.saturating_add(skew) {
            return Err(TokenError::IssuedInFuture { ahead: issued_at.saturating_sub(now) });
        }
        Ok(issued_at)
    }

    pub(crate) fn check_not_before(&self, skew: u64, now: u64) -> Result<(), TokenError> {
        match self.seconds("nbf")? {
            Some(not_before) if not_before > now.saturating_add(skew) => {
                Err(TokenError::NotYetValid { ahead: not_before.saturating_sub(now) })
            }
            _ => Ok(()),
        }
    }

    /// `exp`, unless it has come.
    pub(crate) fn expires_at(&self, skew: u64, now: u64) -> Result<u64, TokenError> {
        let expires_at = self.seconds("exp")?.ok_or(TokenError::ClaimMissing { name: "exp" })?;
        if now >= expires_at.saturating_add(skew) {
            return Err(TokenError::Expired { ago: now.saturating_sub(expires_at) });
        }
        Ok(expires_at)
    }

    /// The name of the token: by its `jti`, or where the profile does without, by what was signed.
    pub(crate) fn id(&self, issuer: &TrustedIssuer, signed: &str) -> Result<JtiHash, TokenError> {
        if !self.0.contains_key("jti") && !issuer.profile.needs_jti() {
            return Ok(JtiHash::of_signed(&issuer.issuer, signed));
        }
        Ok(JtiHash::of(&issuer.issuer, self.string("jti")?))
    }

    pub(crate) fn subject(&self) -> Result<Subject, TokenError> {
        Subject::parse(self.string("sub")?).map_err(|_| TokenError::Subject)
    }

    /// The scopes in the token; `None` when it does not have the claim.
    pub(crate) fn scopes(&self) -> Result<Option<ScopeSet>, TokenError> {
        match self.0.get("scope") {
            None => Ok(None),
            Some(Value::String(text)) => ScopeSet::parse_token(text).map(Some).map_err(TokenError::Scope),
            Some(_) => Err(TokenError::ClaimType { name: "scope", expected: "a string of scopes" }),
        }
    }

    /// The key that the token is bound to, when the proof is by that key and for the token with that hash.
    pub(crate) fn possession(
        &self,
        issuer: &TrustedIssuer,
        token_hash: impl FnOnce() -> [u8; 32],
        proof: Option<&Proof>,
    ) -> Result<Option<Thumbprint>, TokenError> {
        match (self.confirmation()?, proof) {
            (None, None) if !issuer.bound => Ok(None),
            // A proof beside a token that names no key proves nothing about the token (RFC 9449 §7.1).
            (None, _) => Err(TokenError::NotBound),
            (Some(_), None) => Err(TokenError::ProofRequired),
            (Some(key), Some(proof)) if key != proof.thumbprint().to_string() => Err(TokenError::ProofBinding),
            (Some(_), Some(proof)) if proof.token_hash() != Some(token_hash()) => Err(TokenError::ProofToken),
            (Some(_), Some(proof)) => Ok(Some(proof.thumbprint())),
        }
    }

    /// `cnf.jkt`. Whatever else confirms possession (RFC 7800, RFC 8705) is not known here, and so not ignored.
    fn confirmation(&self) -> Result<Option<&str>, TokenError> {
        let confirmation = match self.0.get("cnf") {
            None => return Ok(None),
            Some(Value::Object(confirmation)) => confirmation,
            Some(_) => return Err(TokenError::ClaimType { name: "cnf", expected: "an object" }),
        };
        match (confirmation.get("jkt"), confirmation.len()) {
            (Some(Value::String(thumbprint)), 1) => Ok(Some(thumbprint)),
            _ => Err(TokenError::Unsupported { name: "cnf" }),
        }
    }

    /// A NumericDate that is a whole, non-negative number: `1.5`, `1e9` and `"1"` are refused.
    fn seconds(&self, name: &'static str) -> Result<Option<u64>, TokenError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => {
                let expected = "a whole number of seconds";
                seconds(value).map(Some).ok_or(TokenError::ClaimType { name, expected })
            }
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

/// Beyond 2^53 another reader of the same JSON may see another number.
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().filter(|seconds| *seconds < 1 << 53)
}

/// An unverified text for an operator's eyes: escaped, and cut short.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}
