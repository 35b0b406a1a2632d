//! The issuers that the host's configuration trusts, and on which terms.

use crate::jwks::Jwks;
use crate::jws::Algorithm;

/// One issuer: its name, our name at it, its keys and algorithms. Built by decisions in order; then immutable.
///
/// Defaults: no algorithm beyond those given, access tokens (RFC 9068) only, a lifetime of at most 1 h, 5 s of skew.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: Jwks,
    pub(crate) max_lifetime: u64,
    pub(crate) skew: u64,
    pub(crate) local: bool,
}

/// Every issuer whose tokens are accepted. Empty by default: nobody is.
#[derive(Clone, Debug, Default)]
pub struct TrustedIssuers {
    issuers: Vec<TrustedIssuer>,
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
            local: false,
        })
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

    pub fn keys(&self) -> &Jwks {
        &self.keys
    }

    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
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
    pub fn with(mut self, issuer: TrustedIssuer) -> Result<Self, IssuerError> {
        if self.find(&issuer.issuer).is_some() {
            return Err(IssuerError::Twice { issuer: issuer.issuer });
        }
        self.issuers.push(issuer);
        Ok(self)
    }

    /// The issuer with exactly that name, byte by byte.
    pub fn find(&self, issuer: &str) -> Option<&TrustedIssuer> {
        self.issuers.iter().find(|known| known.issuer == issuer)
    }

    pub fn iter(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.issuers.iter()
    }
}
