//! Every issuer to trust, with the keys that a token needs at hand.

use serde_json::Value;

use crate::claims::Claims;
use crate::error::Part;
use crate::issuer::{IssuerError, TrustedIssuer, TrustedIssuers};
use crate::jwks::Jwks;
use crate::jws::{self, Compact};
use crate::local::LocalIssuer;
use crate::published::{KeysError, PublishedIssuer};
use crate::token::RawToken;

/// The issuers that the configuration trusts: those with configured keys, and those that publish them. Empty by default:
/// nobody is trusted.
#[derive(Debug, Default)]
pub struct IssuerDirectory {
    /// All of them; those that publish their keys have none here.
    issuers: TrustedIssuers,
    published: Vec<PublishedIssuer>,
}

impl IssuerDirectory {
    /// No issuer.
    pub fn none() -> IssuerDirectory {
        IssuerDirectory::default()
    }

    /// One more issuer, whose keys are configured.
    ///
    /// # Errors
    /// When its name, or its trust domain, is another's.
    pub fn with(self, issuer: TrustedIssuer) -> Result<IssuerDirectory, IssuerError> {
        Ok(IssuerDirectory { issuers: self.issuers.with(issuer)?, ..self })
    }

    /// One more issuer, whose keys are found by discovery.
    ///
    /// # Errors
    /// When its name, or its trust domain, is another's.
    pub fn discover(mut self, issuer: PublishedIssuer) -> Result<IssuerDirectory, IssuerError> {
        self.issuers = self.issuers.with(issuer.terms().clone().replace_keys(Jwks::default()))?;
        self.published.push(issuer);
        Ok(self)
    }

    /// Uses what is remembered of published keys, and remembers nothing more: for those who only look.
    pub fn looking_on(self) -> IssuerDirectory {
        IssuerDirectory { published: self.published.into_iter().map(PublishedIssuer::looking_on).collect(), ..self }
    }

    /// The issuers with which to verify `token` at second `now`; its own has its keys as far as they can be had, and
    /// others that publish theirs have none. Nothing about the token is known yet: that it names an issuer costs that
    /// issuer's bounded fetches at most.
    ///
    /// # Errors
    /// When the keys of the issuer that the token names cannot be had.
    pub async fn issuers_for(&self, token: &RawToken, now: u64) -> Result<TrustedIssuers, KeysError> {
        match self.named_by(token) {
            None => Ok(self.issuers.clone()),
            Some((issuer, kid)) => Ok(self.issuers.clone().replace(issuer.issuer_for(&kid, now).await?)),
        }
    }

    /// What a proof beside an unverified token has to be made for: our own name at the issuer that it names. Of the token this
    /// tells nothing but which configured issuer it is said to be of.
    pub fn target_for(&self, token: &RawToken) -> Option<&str> {
        let compact = Compact::parse(token.text()).ok()?;
        let claims = Claims(jws::object(&compact.payload, Part::Claims).ok()?);
        let issuer = claims.issuer(&self.issuers).ok()?;
        Some(if issuer.is_local() { LocalIssuer::TARGET } else { issuer.audience() })
    }

    /// Every issuer, those that publish their keys without any.
    pub fn issuers(&self) -> &TrustedIssuers {
        &self.issuers
    }

    /// The issuers that publish their keys.
    pub fn published(&self) -> &[PublishedIssuer] {
        &self.published
    }

    /// The issuer with published keys that an unverified token names, and the `kid` of its header. Whatever is wrong with
    /// the token, its verification says.
    fn named_by(&self, token: &RawToken) -> Option<(&PublishedIssuer, String)> {
        if self.published.is_empty() {
            return None;
        }
        let compact = Compact::parse(token.text()).ok()?;
        compact.check_members(&jws::FORBIDDEN_HEADER_MEMBERS).ok()?;
        let claims = Claims(jws::object(&compact.payload, Part::Claims).ok()?);
        let named = claims.issuer(&self.issuers).ok()?;
        let issuer = self.published.iter().find(|issuer| issuer.terms().issuer() == named.issuer())?;
        // Tokens that the issuer's configuration refuses anyway fetch nothing.
        compact.algorithm(named.algorithms()).ok()?;
        named.token_profile().check_header(&compact.header).ok()?;
        let kid = compact.header.get("kid").and_then(Value::as_str).filter(|kid| (1..=256).contains(&kid.len()))?;
        Some((issuer, kid.to_owned()))
    }
}

impl From<TrustedIssuers> for IssuerDirectory {
    fn from(issuers: TrustedIssuers) -> IssuerDirectory {
        IssuerDirectory { issuers, published: Vec::new() }
    }
}
