//! `[[trusted]]`: the issuers whose tokens are accepted, as they are configured, and on which terms.

use std::path::{Path, PathBuf};

use bailiwick_identity::{
    Algorithm, HttpsClient, IssuerDirectory, Jwks, KeyUrl, Profile, PublishedIssuer, TrustDomain, TrustedIssuer,
};
use cap_std::fs::Dir;
use serde::Deserialize;

use crate::failure::Failure;
use crate::input;
use crate::quantity::Seconds;
use crate::terminal::Untrusted;

/// One issuer as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustedSection {
    pub(crate) issuer: String,
    audience: String,
    algorithms: Vec<String>,
    /// Its key set; without one, its keys are found by discovery.
    jwks: Option<PathBuf>,
    #[serde(default)]
    profile: ProfileName,
    trust_domain: Option<String>,
    #[serde(default, deserialize_with = "crate::configuration::parsed")]
    max_lifetime: Option<Seconds>,
    /// `0s` is meant as such, so this is not a [`Seconds`].
    skew: Option<u64>,
    #[serde(default)]
    require_dpop: bool,
    #[serde(default)]
    single_use: bool,
    #[serde(default)]
    scopes_from_registry: bool,
    /// The authorities that vouch for its servers, PEM, instead of the system's.
    ca_file: Option<PathBuf>,
    /// Whether its servers may have private addresses.
    #[serde(default)]
    private: bool,
}

/// What the issuer's tokens look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProfileName {
    /// RFC 9068 access tokens (`typ` is `at+jwt`)
    #[default]
    AccessToken,
    /// Access tokens of an issuer that does not set `typ`
    Generic,
    /// Service-account tokens of a Kubernetes cluster
    K8s,
    /// SPIFFE JWT-SVIDs of one trust domain
    JwtSvid,
}

impl TrustedSection {
    /// The same with its files relative to `base`.
    pub(crate) fn relative_to(self, base: &Path) -> TrustedSection {
        let below = |path: Option<PathBuf>| path.map(|path| base.join(path));
        TrustedSection { jwks: below(self.jwks), ca_file: below(self.ca_file), ..self }
    }

    /// The files that decide whom to trust.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.jwks.iter().chain(&self.ca_file)
    }

    /// One more issuer in `directory`. `remembered` opens the folder in which fetched keys are kept.
    ///
    /// # Errors
    /// A file that cannot be read, or terms that cannot be meant.
    pub(crate) fn add_to(
        &self,
        directory: IssuerDirectory,
        remembered: &dyn Fn() -> Result<Option<Dir>, Failure>,
    ) -> Result<IssuerDirectory, Failure> {
        let Some(jwks) = &self.jwks else {
            let mut published = PublishedIssuer::new(self.terms(Jwks::default())?, self.client()?);
            if let Some(folder) = remembered()? {
                published = published.remembered_in(folder);
            }
            return directory.discover(published).map_err(|error| self.wrong(error));
        };
        if self.ca_file.is_some() || self.private {
            return Err(
                self.wrong("`ca_file` and `private` are about fetching its keys; with `jwks` nothing is fetched")
            );
        }
        directory.with(self.terms(key_set(jwks)?)?).map_err(|error| self.wrong(error))
    }

    fn terms(&self, keys: Jwks) -> Result<TrustedIssuer, Failure> {
        let algorithms = self.algorithms.iter().map(|text| {
            Algorithm::parse(text).ok_or_else(|| {
                let known = "known are ES256, EdDSA, PS256, RS256";
                self.wrong(format!("`{}` is not an algorithm; {known}", Untrusted(text)))
            })
        });
        let algorithms: Vec<Algorithm> = algorithms.collect::<Result<_, Failure>>()?;
        let profile = profile(self.profile, self.trust_domain.as_deref()).map_err(|problem| self.wrong(problem))?;
        let issuer = TrustedIssuer::new(&self.issuer, &self.audience, keys, &algorithms);
        let mut issuer = issuer.and_then(|issuer| issuer.profile(profile)).map_err(|error| self.wrong(error))?;
        if let Some(limit) = self.max_lifetime {
            issuer = issuer.max_lifetime(limit.whole()).map_err(|error| self.wrong(error))?;
        }
        if let Some(skew) = self.skew {
            issuer = issuer.skew(skew).map_err(|error| self.wrong(error))?;
        }
        if self.scopes_from_registry {
            issuer = issuer.scopes_from_registry().map_err(|error| self.wrong(error))?;
        }
        if self.require_dpop {
            issuer = issuer.bound_only();
        }
        Ok(if self.single_use { issuer.single_use() } else { issuer })
    }

    fn client(&self) -> Result<HttpsClient, Failure> {
        KeyUrl::metadata(&self.issuer).map_err(|error| {
            self.wrong(error).help("without `jwks = \"FILE\"` its keys are fetched from below that URL")
        })?;
        let mut client = HttpsClient::new();
        if let Some(path) = &self.ca_file {
            let pem = input::bytes(path, "the file of certificate authorities", 16 << 20)?;
            let name = path.display().to_string();
            client =
                client.authorities(&pem).map_err(|error| self.wrong(format!("`{}`: {error}", Untrusted(&name))))?;
        }
        Ok(if self.private { client.private() } else { client })
    }

    fn wrong(&self, problem: impl std::fmt::Display) -> Failure {
        Failure::usage(format!("trusted issuer `{}`: {problem}", Untrusted(&self.issuer)))
    }
}

/// The profile that was named.
///
/// # Errors
/// When the trust domain is missing, is none, or goes with another profile.
pub(crate) fn profile(name: ProfileName, trust_domain: Option<&str>) -> Result<Profile, &'static str> {
    let domain = match trust_domain {
        None => None,
        Some(text) => Some(
            TrustDomain::parse(text)
                .ok_or("`trust_domain` is not the name of a SPIFFE trust domain: write it without `spiffe://`")?,
        ),
    };
    match (name, domain) {
        (ProfileName::AccessToken, None) => Ok(Profile::AccessToken),
        (ProfileName::Generic, None) => Ok(Profile::Generic),
        (ProfileName::K8s, None) => Ok(Profile::Kubernetes),
        (ProfileName::JwtSvid, Some(domain)) => Ok(Profile::JwtSvid(domain)),
        (ProfileName::JwtSvid, None) => Err("the profile `jwt-svid` needs `trust_domain`"),
        _ => Err("`trust_domain` belongs to the profile `jwt-svid`"),
    }
}

/// A key set from a file.
///
/// # Errors
/// When it cannot be read or used.
pub(crate) fn key_set(path: &Path) -> Result<Jwks, Failure> {
    let content = input::bytes(path, "the key set", Jwks::MAX_BYTES)?;
    let name = path.display().to_string();
    Jwks::parse(&content).map_err(|error| Failure::usage(format!("key set `{}`: {error}", Untrusted(&name))))
}
