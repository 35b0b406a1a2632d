//! The issuers that the host's configuration trusts, and on which terms.

use std::sync::Arc;

use crate::jwks::Jwks;
use crate::jws::Algorithm;
use crate::profile::Profile;
use crate::workload::TrustDomain;

/// One issuer: its name, our name at it, its keys and algorithms. Built by decisions in order; then immutable.
///
/// Defaults:
/// - no algorithm beyond those given;
/// - access tokens (RFC 9068) only;
/// - a lifetime of at most 1 h, and 5 s of skew;
/// - a token grants the scopes in it, and without any it grants nothing;
/// - a proof of possession for tokens that are bound to a key, others without;
/// - tokens may be used until they expire.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: Jwks,
    pub(crate) max_lifetime: u64,
    pub(crate) skew: u64,
    pub(crate) profile: Profile,
    pub(crate) bound: bool,
    pub(crate) single_use: bool,
    pub(crate) scopes_from_registry: bool,
    pub(crate) local: bool,
}

/// Every issuer whose tokens are accepted. Empty by default: nobody is.
#[derive(Clone, Debug, Default)]
pub struct TrustedIssuers {
    issuers: Vec<Arc<TrustedIssuer>>,
}

/// A configuration of issuers that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    #[error("an issuer needs a name (`issuer`) of 1 to 1024 bytes")]
    Issuer,
    #[error("the issuer `{issuer}` needs an `audience` of 1 to 1024 bytes: our own name in its tokens")]
    Audience { issuer: String },
    #[error("the issuer `{issuer}` needs at least one of `algorithms`: ES256, EdDSA, PS256, RS256")]
    Algorithms { issuer: String },
    #[error("the issuer `{issuer}` may have tokens of 1 to {} s", TrustedIssuer::MAX_LIFETIME)]
    Lifetime { issuer: String },
    #[error("the issuer `{issuer}` may have at most {} s of skew", TrustedIssuer::MAX_SKEW)]
    Skew { issuer: String },
    #[error("the issuer `{issuer}` is configured twice")]
    Twice { issuer: String },
    #[error("the profile `{profile}` of the issuer `{issuer}` does not have the algorithm {algorithm}")]
    ProfileAlgorithm { issuer: String, profile: &'static str, algorithm: Algorithm },
    #[error("the trust domain `{domain}` of the issuer `{issuer}` is another issuer's")]
    TrustDomainTwice { issuer: String, domain: TrustDomain },
    #[error(
        "the tokens of the issuer `{issuer}` carry scopes; only those of the profiles `k8s` and `jwt-svid` can do without"
    )]
    ScopesFromRegistry { issuer: String },
}

impl TrustedIssuer {
    /// Seconds that a token may live at most, whoever issued it.
    pub const MAX_LIFETIME: u64 = 3600;
    /// Seconds that two clocks may differ at most.
    pub const MAX_SKEW: u64 = 60;
    /// Seconds that two clocks may differ unless configured.
    pub const DEFAULT_SKEW: u64 = 5;

    /// An issuer by the exact text of its `iss`, our own name as `aud`, its keys and the algorithms it signs with.
    pub fn new(issuer: &str, audience: &str, keys: Jwks, algorithms: &[Algorithm]) -> Result<Self, IssuerError> {
        if issuer.is_empty() || issuer.len() > 1024 {
            return Err(IssuerError::Issuer);
        }
        if audience.is_empty() || audience.len() > 1024 {
            return Err(IssuerError::Audience { issuer: issuer.to_owned() });
        }
        if algorithms.is_empty() {
            return Err(IssuerError::Algorithms { issuer: issuer.to_owned() });
        }
        Ok(TrustedIssuer {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            algorithms: algorithms.to_vec(),
            keys,
            max_lifetime: Self::MAX_LIFETIME,
            skew: Self::DEFAULT_SKEW,
            profile: Profile::AccessToken,
            bound: false,
            single_use: false,
            scopes_from_registry: false,
            local: false,
        })
    }

    /// Verifies with these keys instead: the issuer published others.
    #[must_use]
    pub fn replace_keys(self, keys: Jwks) -> Self {
        TrustedIssuer { keys, ..self }
    }

    /// Accepts tokens of that form instead of RFC 9068 access tokens.
    pub fn profile(self, profile: Profile) -> Result<Self, IssuerError> {
        if let Some(algorithm) = self.algorithms.iter().find(|algorithm| !profile.permits(**algorithm)) {
            let (algorithm, profile) = (*algorithm, profile.as_str());
            return Err(IssuerError::ProfileAlgorithm { issuer: self.issuer, profile, algorithm });
        }
        if self.scopes_from_registry && !profile.is_workload_identity() {
            return Err(IssuerError::ScopesFromRegistry { issuer: self.issuer });
        }
        Ok(TrustedIssuer { profile, ..self })
    }

    /// Refuses tokens that are not bound to a key (RFC 9449), so that every token needs a proof of possession.
    pub fn bound_only(self) -> Self {
        TrustedIssuer { bound: true, ..self }
    }

    /// Accepts each token once.
    pub fn single_use(self) -> Self {
        TrustedIssuer { single_use: true, ..self }
    }

    /// Takes a token **without** `scope` for one that grants all that the registry declares for its agent: such a token
    /// says who asks and nothing else, and the registry alone limits the agent beside manifest and task.
    pub fn scopes_from_registry(self) -> Result<Self, IssuerError> {
        if !self.profile.is_workload_identity() {
            return Err(IssuerError::ScopesFromRegistry { issuer: self.issuer });
        }
        Ok(TrustedIssuer { scopes_from_registry: true, ..self })
    }

    /// Accepts only tokens that live at most this many seconds.
    pub fn max_lifetime(self, seconds: u64) -> Result<Self, IssuerError> {
        if seconds == 0 || seconds > Self::MAX_LIFETIME {
            return Err(IssuerError::Lifetime { issuer: self.issuer });
        }
        Ok(TrustedIssuer { max_lifetime: seconds, ..self })
    }

    /// Tolerates this many seconds between the issuer's clock and ours.
    pub fn skew(self, seconds: u64) -> Result<Self, IssuerError> {
        if seconds > Self::MAX_SKEW {
            return Err(IssuerError::Skew { issuer: self.issuer });
        }
        Ok(TrustedIssuer { skew: seconds, ..self })
    }

    /// The text of its `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Our own name in its tokens.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The public keys that its tokens are verified with.
    pub fn keys(&self) -> &Jwks {
        &self.keys
    }

    /// The algorithms that its tokens may be signed with.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The form of its tokens.
    pub fn token_profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether this is the issuer embedded in this installation.
    pub fn is_local(&self) -> bool {
        self.local
    }
}

impl TrustedIssuers {
    /// No issuer.
    pub fn none() -> Self {
        Self::default()
    }

    /// One more issuer.
    pub fn with(mut self, issuer: impl Into<Arc<TrustedIssuer>>) -> Result<Self, IssuerError> {
        let issuer = issuer.into();
        if self.find(&issuer.issuer).is_some() {
            return Err(IssuerError::Twice { issuer: issuer.issuer.clone() });
        }
        if let Some(domain) = issuer.profile.trust_domain()
            && self.find_trust_domain(domain).is_some()
        {
            return Err(IssuerError::TrustDomainTwice { domain: domain.clone(), issuer: issuer.issuer.clone() });
        }
        self.issuers.push(issuer);
        Ok(self)
    }

    /// The issuer with exactly that name, byte by byte.
    pub fn find(&self, issuer: &str) -> Option<&TrustedIssuer> {
        self.issuers.iter().map(Arc::as_ref).find(|known| known.issuer == issuer)
    }

    /// The issuer of that trust domain's JWT-SVIDs.
    pub fn find_trust_domain(&self, domain: &TrustDomain) -> Option<&TrustedIssuer> {
        self.issuers.iter().map(Arc::as_ref).find(|known| known.profile.trust_domain() == Some(domain))
    }

    /// Each issuer, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.issuers.iter().map(Arc::as_ref)
    }

    /// The same issuers, with this one in the place of the one with its name.
    pub(crate) fn replace(mut self, issuer: Arc<TrustedIssuer>) -> Self {
        if let Some(known) = self.issuers.iter_mut().find(|known| known.issuer == issuer.issuer) {
            *known = issuer;
        }
        self
    }
}
