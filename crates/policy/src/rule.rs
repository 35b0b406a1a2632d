//! One rule of a manifest as a decision cites it, and what it says about how a call may be made.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::allowance::Allowance;
use crate::names::SecretName;
use crate::text::Printable;

/// Whether a rule grants or refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    Allow,
    Deny,
}

/// A rule of a manifest: its id, where it stands, what it does, its terms, and its budgets if it has any.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) location: String,
    pub(crate) effect: Effect,
    pub(crate) terms: Terms,
    pub(crate) allowance: Option<Allowance>,
}

/// How an allowed call may be made. Strictest by default: no private addresses, no redirects, no headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Loopback, private and link-local addresses may be dialled.
    pub private: bool,
    /// Redirects are followed, each hop as a call of its own.
    pub redirects: bool,
    /// The request carries a W3C `traceparent`, by which its server can tell which requests belong to one run.
    pub trace: bool,
    /// The call needs a token that is at most 15 minutes old and bound to a key whose possession was proved.
    pub sensitive: bool,
    /// The request headers that the guest may set; lower case, sorted, without duplicates.
    pub headers: Vec<String>,
    /// The secrets that requests may carry, each in its place and nowhere else.
    pub secrets: Vec<SecretUse>,
    /// Most bytes of a response; `None` leaves the host's own cap.
    pub response: Option<NonZeroU64>,
    /// Most bytes of a request's body; `None` leaves the host's own cap.
    pub request: Option<NonZeroU64>,
    /// Longest time for the call; `None` leaves the host's own deadline. Never zero.
    pub timeout: Option<Duration>,
}

/// A secret that a request may carry. The guest writes a placeholder in that place, and the host the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    pub name: SecretName,
    pub place: SecretPlace,
}

/// Where in a request a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In the value of the header of that name, in lower case, with whatever text around it.
    Header(String),
    /// As the whole value of the query parameter of that name.
    Query(String),
    /// As the whole value of the member of that name, directly in a JSON object.
    Body(String),
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretPlace::Header(name) => write!(f, "in the header `{name}`"),
            SecretPlace::Query(name) => write!(f, "as the query parameter `{}`", Printable(name)),
            SecretPlace::Body(name) => write!(f, "as the member `{}` of a JSON body", Printable(name)),
        }
    }
}

/// What a fetch rule lets the guest set when it says nothing: content negotiation, caching and ranges. Nothing that
/// authenticates, names a host, or shapes the connection.
pub const DEFAULT_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "prefer",
    "range",
    "user-agent",
];

/// Headers that shape the connection or name its ends, besides all that begin with `proxy-`.
const HOST_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Whether the host alone sets this header: no rule can leave it to a guest. `name` is in lower case.
pub fn is_host_header(name: &str) -> bool {
    HOST_HEADERS.contains(&name) || name.starts_with("proxy-")
}

impl Rule {
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `policies/expense-bot.toml:26`.
    pub fn location(&self) -> &str {
        &self.location
    }

    pub fn effect(&self) -> Effect {
        self.effect
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    pub fn allowance(&self) -> Option<&Allowance> {
        self.allowance.as_ref()
    }
}

impl Terms {
    /// What a rule that says nothing about terms has.
    pub(crate) fn usual() -> Terms {
        Terms { headers: DEFAULT_HEADERS.iter().map(|name| (*name).to_owned()).collect(), ..Terms::default() }
    }

    /// What both allow: the stricter of each field.
    #[must_use]
    pub fn narrow(&self, other: &Terms) -> Terms {
        Terms {
            private: self.private && other.private,
            redirects: self.redirects && other.redirects,
            trace: self.trace && other.trace,
            sensitive: self.sensitive || other.sensitive,
            headers: self.headers.iter().filter(|name| other.headers.contains(name)).cloned().collect(),
            secrets: self.secrets.iter().filter(|secret| other.secrets.contains(secret)).cloned().collect(),
            response: smaller(self.response, other.response),
            request: smaller(self.request, other.request),
            timeout: smaller(self.timeout, other.timeout),
        }
    }

    /// Whether [`Terms::narrow`] with `other` changes nothing.
    pub(crate) fn is_within(&self, other: &Terms) -> bool {
        fn within<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> bool {
            smaller(a, b) == a
        }
        self.private <= other.private
            && self.redirects <= other.redirects
            && self.trace <= other.trace
            && self.sensitive >= other.sensitive
            && (self.headers == other.headers || self.headers.iter().all(|name| other.headers.contains(name)))
            && self.secrets.iter().all(|secret| other.secrets.contains(secret))
            && within(self.response, other.response)
            && within(self.request, other.request)
            && within(self.timeout, other.timeout)
    }
}

fn smaller<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(header: &str) -> SecretUse {
        SecretUse { name: SecretName::parse("key").unwrap(), place: SecretPlace::Header(header.into()) }
    }

    fn wide() -> Terms {
        Terms { private: true, redirects: true, trace: true, secrets: vec![key("a"), key("b")], ..Terms::usual() }
    }

    #[test]
    fn narrowing_takes_the_stricter_of_each_field() {
        let strict = Terms {
            private: false,
            redirects: false,
            trace: false,
            sensitive: true,
            headers: vec!["accept".into()],
            secrets: vec![key("a")],
            response: NonZeroU64::new(5),
            request: NonZeroU64::new(6),
            timeout: Some(Duration::from_secs(1)),
        };
        assert_eq!(wide().narrow(&strict), strict);
        assert_eq!(strict.narrow(&wide()), strict);
        let looser = Terms { response: NonZeroU64::new(9), timeout: Some(Duration::from_secs(9)), ..wide() };
        assert_eq!(looser.narrow(&strict), strict);
    }

    #[test]
    fn within_means_that_narrowing_changes_nothing() {
        let strict = Terms { timeout: Some(Duration::from_secs(1)), ..Terms::default() };
        for (a, b) in [(&strict, &wide()), (&wide(), &strict), (&wide(), &wide()), (&Terms::default(), &strict)] {
            assert_eq!(a.is_within(b), a.narrow(b) == *a);
        }
    }

    #[test]
    fn default_headers_are_sorted_and_lower_case() {
        assert!(DEFAULT_HEADERS.is_sorted());
        assert!(DEFAULT_HEADERS.iter().all(|name| !name.bytes().any(|b| b.is_ascii_uppercase())));
        for name in ["authorization", "cookie", "host", "content-length"] {
            assert!(!DEFAULT_HEADERS.contains(&name));
        }
    }
}
