//! Access tokens (RFC 9068): unverified text on one side, a verified token on the other, and one way across.

use std::fmt;

use aws_lc_rs::digest;
use bailiwick_policy::{Detail, ScopeSet};
use zeroize::Zeroizing;

use crate::actor::ActorChain;
use crate::agent::Subject;
use crate::check::{Check, NoTrail, Trail};
use crate::claims::Claims;
use crate::details;
use crate::dpop::Proof;
use crate::error::{Part, TokenError};
use crate::issuer::{TrustedIssuer, TrustedIssuers};
use crate::jti::JtiHash;
use crate::jws::{self, Compact};
use crate::profile::Workload;
use crate::replay::{ReplayError, ReplayStore};
use crate::thumbprint::Thumbprint;

/// A compact token that somebody presented. It has nothing to read: who it is from and what it grants is known only
/// after [`verify`](RawToken::verify). Its memory is wiped when it is dropped, and `Debug` shows its length only.
pub struct RawToken(Zeroizing<String>);

/// A verified token. Its fields are private and this module makes it in one place, so that a `Token` is the proof.
///
/// Of a token that is bound to a key, possession of the key was proved.
#[derive(Clone, Debug)]
pub struct Token {
    issuer: String,
    subject: Subject,
    scopes: ScopeSet,
    scopes_from_registry: bool,
    details: Vec<Detail>,
    actors: ActorChain,
    workload: Option<Workload>,
    bound_to: Option<Thumbprint>,
    issued_at: u64,
    expires_at: u64,
    valid_until: u64,
    jti: JtiHash,
    key_id: String,
    local: bool,
}

/// A token that passed every check, before what may be used once is spent.
#[derive(Debug)]
#[must_use = "a token counts only when what may be used once is spent"]
pub struct UnspentToken {
    token: Token,
    proof: Option<(JtiHash, u64)>,
    single_use: bool,
}

/// Whom an issuer signed a token for that is refused all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedFor {
    pub issuer: String,
    /// `None` where the token names none well.
    pub subject: Option<Subject>,
    /// Names the token, where it has a name.
    pub jti: Option<JtiHash>,
}

/// A token whose signature holds, and nothing more.
struct Verified<'t> {
    compact: Compact<'t>,
    claims: Claims,
    issuer: &'t TrustedIssuer,
    key_id: String,
}

impl RawToken {
    /// Whatever was presented; nothing is checked yet.
    pub fn new(text: String) -> RawToken {
        RawToken(Zeroizing::new(text))
    }

    /// Checks every rule for a token that comes without a proof of possession and may be used until it expires.
    ///
    /// `now` is in seconds since the Unix epoch. Revocation and the registry come after this.
    ///
    /// # Errors
    /// The first rule that the token breaks; and for a token that may be used once, that there is no store of uses here.
    pub fn verify(&self, trusted: &TrustedIssuers, now: u64) -> Result<Token, TokenError> {
        let unspent = self.check(None, trusted, now, &mut NoTrail)?;
        if unspent.single_use { Err(TokenError::ReplayStore(ReplayError::Unavailable)) } else { Ok(unspent.token) }
    }

    /// Checks every rule for a token and the proof of possession that came with it. What may be used once is not spent
    /// yet, so that nobody can fill the store with proofs for tokens that are refused.
    ///
    /// # Errors
    /// The first rule that the token breaks.
    pub fn verify_presented(
        &self,
        proof: Option<&Proof>,
        trusted: &TrustedIssuers,
        now: u64,
    ) -> Result<UnspentToken, TokenError> {
        self.check(proof, trusted, now, &mut NoTrail)
    }

    /// Who signed it, for the record of a refusal: as far as the signature holds, whatever else is wrong with it. Authorises
    /// nothing.
    pub fn signed_for(&self, trusted: &TrustedIssuers) -> Option<SignedFor> {
        let Verified { compact, claims, issuer, .. } = self.check_signature(trusted, &mut NoTrail).ok()?;
        Some(SignedFor {
            issuer: issuer.issuer.clone(),
            subject: claims.subject().ok(),
            jti: claims.id(issuer, compact.signed).ok(),
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The checks, in the order of [`Check::ALL`].
    pub(crate) fn check(
        &self,
        proof: Option<&Proof>,
        trusted: &TrustedIssuers,
        now: u64,
        trail: &mut impl Trail,
    ) -> Result<UnspentToken, TokenError> {
        let Verified { compact, claims, issuer, key_id } = self.check_signature(trusted, trail)?;
        let profile = &issuer.profile;
        trail.note(Check::Audience, claims.check_audience(&issuer.audience))?;
        let issued_at = trail.note(Check::IssuedAt, claims.issued_at(issuer.skew, now))?;
        trail.note(Check::NotBefore, claims.check_not_before(issuer.skew, now))?;
        let expires_at = trail.note(Check::Expiry, claims.expires_at(issuer.skew, now))?;
        trail.note(Check::Lifetime, check_lifetime(issuer, issued_at, expires_at))?;
        let jti = trail.note(Check::Id, claims.id(issuer, compact.signed))?;
        let named = claims.subject().and_then(|sub| Ok((profile.workload(sub.as_str(), &claims.0)?, sub)));
        let (workload, subject) = trail.note(Check::Subject, named)?;
        let scopes = trail.note(Check::Scope, claims.scopes())?;
        let details = details::ours(claims.0.get("authorization_details")).map_err(TokenError::Details);
        let details = trail.note(Check::Details, details)?;
        let actors = trail.note(Check::Actor, ActorChain::of(&claims.0))?;
        let bound_to = trail.note(Check::Possession, claims.possession(issuer, || self.hash(), proof))?;
        let token = Token {
            issuer: issuer.issuer.clone(),
            subject,
            scopes_from_registry: scopes.is_none() && details.is_empty() && issuer.scopes_from_registry,
            scopes: scopes.unwrap_or_default(),
            details,
            actors,
            workload,
            bound_to,
            issued_at,
            expires_at,
            valid_until: expires_at.saturating_add(issuer.skew),
            jti,
            key_id,
            local: issuer.local,
        };
        Ok(UnspentToken { token, proof: proof.map(Proof::single_use), single_use: issuer.single_use })
    }

    /// The checks up to the signature.
    fn check_signature<'t>(
        &'t self,
        trusted: &'t TrustedIssuers,
        trail: &mut impl Trail,
    ) -> Result<Verified<'t>, TokenError> {
        let compact = trail.note(Check::Form, Compact::parse(&self.0))?;
        trail.note(Check::Header, compact.check_members(&jws::FORBIDDEN_HEADER_MEMBERS))?;
        let claims = Claims(trail.note(Check::Claims, jws::object(&compact.payload, Part::Claims))?);
        let issuer = trail.note(Check::Issuer, claims.issuer(trusted))?;
        let profile = &issuer.profile;
        trail.note(Check::Type, profile.check_header(&compact.header).and_then(|()| profile.check_kind(&claims.0)))?;
        let algorithm = trail.note(Check::Algorithm, compact.algorithm(&issuer.algorithms))?;
        let key_id = compact.key_id().and_then(|id| id.ok_or(TokenError::KeyId));
        let key_id = trail.note(Check::KeyId, key_id)?.to_owned();
        let key = trail.note(Check::Key, compact.key(&issuer.keys, algorithm, profile.purpose()))?;
        trail.note(Check::Signature, compact.check_signature(algorithm, key))?;
        Ok(Verified { compact, claims, issuer, key_id })
    }

    /// What `ath` of a proof has to be (RFC 9449 §4.2).
    fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref());
        hash
    }
}

impl UnspentToken {
    /// Records the use of the proof, and of the token where its issuer's tokens may be used once.
    ///
    /// # Errors
    /// When one was used before, or the store cannot record the use.
    pub fn spend(self, store: &dyn ReplayStore, now: u64) -> Result<Token, TokenError> {
        let refused = |used: TokenError| {
            move |error| match error {
                ReplayError::Used | ReplayError::Over => used,
                ReplayError::Full | ReplayError::Unavailable => TokenError::ReplayStore(error),
            }
        };
        if let Some((id, until)) = self.proof {
            store.use_once(id, until, now).map_err(refused(TokenError::ProofReplayed))?;
        }
        if self.single_use {
            let until = self.token.valid_until;
            store.use_once(self.token.jti, until, now).map_err(refused(TokenError::Replayed))?;
        }
        Ok(self.token)
    }

    /// What it says, for records and display. It counts only when it is spent.
    pub fn peek(&self) -> &Token {
        &self.token
    }
}

impl Token {
    /// Seconds since it was issued that a token may authorise sensitive actions.
    pub const SENSITIVE_AGE: u64 = 15 * 60;

    /// The configured issuer that made it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The agent, by its issuer's name for it; which of ours that is, the registry says.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The scopes in the token; none when it does not have the claim.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Whether the token says who asks and nothing else, and its issuer is configured to leave the scopes to the
    /// registry ([`TrustedIssuer::scopes_from_registry`]).
    pub fn leaves_scopes_to_registry(&self) -> bool {
        self.scopes_from_registry
    }

    /// What its `authorization_details` of type `bailiwick` grant and demand.
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// Who acts for the subject, for records and display.
    pub fn actors(&self) -> &ActorChain {
        &self.actors
    }

    /// The workload behind the token, where the issuer's profile names one.
    pub fn workload(&self) -> Option<&Workload> {
        self.workload.as_ref()
    }

    /// The thumbprint of the key that the token is bound to and whose possession was proved.
    pub fn bound_to(&self) -> Option<Thumbprint> {
        self.bound_to
    }

    /// The last second at which the token may authorise a sensitive action: 15 minutes after it was issued, when it is
    /// bound to a key; never otherwise.
    pub fn sensitive_until(&self) -> Option<u64> {
        self.bound_to.map(|_| self.issued_at.saturating_add(Self::SENSITIVE_AGE))
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

    /// Names the token in records and revocations.
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

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawToken({} bytes)", self.0.len())
    }
}

fn check_lifetime(issuer: &TrustedIssuer, issued_at: u64, expires_at: u64) -> Result<(), TokenError> {
    if expires_at <= issued_at || expires_at.saturating_sub(issued_at) > issuer.max_lifetime {
        return Err(TokenError::Lifetime { limit: issuer.max_lifetime });
    }
    Ok(())
}
