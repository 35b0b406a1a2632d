//! What an issuer's tokens look like: RFC 9068 access tokens unless configured otherwise.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::jws::Algorithm;
use crate::workload::{ServiceAccount, SpiffeId, TrustDomain};

/// The form of one issuer's tokens. It decides about `typ`, which claims may be missing, and what `sub` must be.
///
/// | profile | `typ` | may be missing | `sub` |
/// |---|---|---|---|
/// | [`AccessToken`](Profile::AccessToken) | `at+jwt` | | visible ASCII |
/// | [`Generic`](Profile::Generic) | `at+jwt`, `JWT` or none | | visible ASCII |
/// | [`Kubernetes`](Profile::Kubernetes) | `JWT` or none | `jti` | `system:serviceaccount:…`, as `kubernetes.io` says |
/// | [`JwtSvid`](Profile::JwtSvid) | `JWT`, `JOSE` or none | `iss`, `jti` | a SPIFFE ID of the trust domain |
///
/// Everything else holds for all of them: `kid`, `exp`, `iat`, one exact audience, the longest lifetime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068. The only profile in which an ID token or a logout token can never be taken for an access token.
    #[default]
    AccessToken,
    /// An issuer that does not set `typ`. Tokens with claims that only other kinds of tokens have are refused.
    Generic,
    /// Projected service-account tokens of a Kubernetes cluster.
    Kubernetes,
    /// SPIFFE JWT-SVIDs of one trust domain. A token without `iss` belongs to the issuer with its trust domain.
    JwtSvid(TrustDomain),
}

/// What Keycloak calls tokens, in the claim `typ`, that are not for us.
const OTHER_KINDS: [&str; 7] =
    ["ID", "Refresh", "Offline", "Logout", "Serialized-ID", "InitialAccessToken", "RegistrationAccessToken"];

/// Which keys of a set may verify, by their `use`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `sig`, or not said.
    Signature,
    /// `jwt-svid` as in a SPIFFE bundle, or `sig` as in the key set of an OpenID provider in front of it. A bundle's
    /// keys without `use` are to be ignored.
    JwtSvid,
}

/// What a profile found out about the workload behind a token, for display and records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workload {
    Kubernetes(ServiceAccount),
    Spiffe(SpiffeId),
}

impl Profile {
    /// The word for it in configuration and reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Profile::AccessToken => "access-token",
            Profile::Generic => "generic",
            Profile::Kubernetes => "k8s",
            Profile::JwtSvid(_) => "jwt-svid",
        }
    }

    /// The profile with that word; `jwt-svid` takes the trust domain, and no other profile does.
    pub fn parse(word: &str, trust_domain: Option<TrustDomain>) -> Option<Profile> {
        match (word, trust_domain) {
            ("access-token", None) => Some(Profile::AccessToken),
            ("generic", None) => Some(Profile::Generic),
            ("k8s", None) => Some(Profile::Kubernetes),
            ("jwt-svid", Some(domain)) => Some(Profile::JwtSvid(domain)),
            _ => None,
        }
    }

    pub(crate) fn trust_domain(&self) -> Option<&TrustDomain> {
        match self {
            Profile::JwtSvid(domain) => Some(domain),
            _ => None,
        }
    }

    pub(crate) fn purpose(&self) -> Purpose {
        match self {
            Profile::JwtSvid(_) => Purpose::JwtSvid,
            _ => Purpose::Signature,
        }
    }

    /// JWT-SVID §2.1 has the algorithms of RFC 7518 only.
    pub(crate) fn permits(&self, algorithm: Algorithm) -> bool {
        !(matches!(self, Profile::JwtSvid(_)) && algorithm == Algorithm::EdDsa)
    }

    /// Whether tokens only identify a workload, so that their issuer cannot put scopes into them.
    pub(crate) fn is_workload_identity(&self) -> bool {
        matches!(self, Profile::Kubernetes | Profile::JwtSvid(_))
    }

    pub(crate) fn needs_jti(&self) -> bool {
        !self.is_workload_identity()
    }

    pub(crate) fn check_header(&self, header: &Map<String, Value>) -> Result<(), TokenError> {
        let typ = match header.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(typ.as_str()),
            Some(_) => return Err(TokenError::Type),
        };
        // RFC 9068 §2.1: the short form is recommended, the long one has to be accepted.
        let fits = match self {
            Profile::AccessToken => matches!(typ, Some("at+jwt" | "application/at+jwt")),
            Profile::Generic => matches!(typ, None | Some("JWT" | "at+jwt" | "application/at+jwt")),
            Profile::Kubernetes => matches!(typ, None | Some("JWT")),
            Profile::JwtSvid(_) => matches!(typ, None | Some("JWT" | "JOSE")),
        };
        if !fits {
            return Err(TokenError::Type);
        }
        // JWT-SVID §2: no header member that the specification does not describe.
        if matches!(self, Profile::JwtSvid(_)) && header.keys().any(|name| !["alg", "kid", "typ"].contains(&&**name)) {
            return Err(TokenError::HeaderUnknown);
        }
        Ok(())
    }

    /// Without a telling `typ`, what else is in a token says what it is.
    pub(crate) fn check_kind(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        if *self == Profile::AccessToken {
            return Ok(());
        }
        // OpenID Connect Core §2 and §3.3.2.11, RFC 8417 §2.2, RFC 9449 §4.2.
        for name in ["nonce", "at_hash", "c_hash", "s_hash", "events", "htm", "htu"] {
            if claims.contains_key(name) {
                return Err(TokenError::NotAnAccessToken { name });
            }
        }
        // Keycloak and Cognito say in the claims what they do not say in the header.
        let says = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if OTHER_KINDS.iter().any(|kind| says("typ").eq_ignore_ascii_case(kind)) {
            return Err(TokenError::NotAnAccessToken { name: "typ" });
        }
        if claims.contains_key("token_use") && says("token_use") != "access" {
            return Err(TokenError::NotAnAccessToken { name: "token_use" });
        }
        Ok(())
    }

    /// What `sub` must be beyond visible ASCII.
    pub(crate) fn workload(&self, sub: &str, claims: &Map<String, Value>) -> Result<Option<Workload>, TokenError> {
        match self {
            Profile::AccessToken | Profile::Generic => Ok(None),
            Profile::Kubernetes => ServiceAccount::of(sub, claims).map(|account| Some(Workload::Kubernetes(account))),
            Profile::JwtSvid(domain) => match SpiffeId::parse(sub) {
                Some(id) if id.trust_domain() == domain => Ok(Some(Workload::Spiffe(id))),
                _ => Err(TokenError::WorkloadSubject { expected: "a SPIFFE ID of the issuer's trust domain" }),
            },
        }
    }
}

impl Purpose {
    /// Whether a key with that `use` serves.
    pub(crate) fn fits(self, declared: Option<&str>) -> bool {
        match self {
            Purpose::Signature => matches!(declared, None | Some("sig")),
            Purpose::JwtSvid => matches!(declared, Some("jwt-svid" | "sig")),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Workload::Kubernetes(account) => account.fmt(f),
            Workload::Spiffe(id) => id.fmt(f),
        }
    }
}
