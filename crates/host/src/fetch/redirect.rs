//! Redirects: each hop is a new call, decided and recorded like the first.

use bailiwick_guard::{Attempt, CallError, Guard};
use bailiwick_policy::{Code, DEFAULT_HEADERS, FetchTarget, Kind};
use bytes::Bytes;
use http::StatusCode;

use super::action::{Answer, Verb, send};
use super::{FetchRequest, FetchResponse, Fetcher};
use crate::secrets::PREFIX;

/// Redirects that one request may lead through.
pub const MAX_REDIRECTS: usize = 5;

/// Fields that describe a body, and go with it.
const BODY_HEADERS: &[&str] = &["content-encoding", "content-language", "content-location", "content-type"];

/// Where a server sends a request on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    status: StatusCode,
    /// As the server wrote it.
    location: String,
}

/// Sends a request and follows its redirects, each hop as a new call.
///
/// Method and body change as the Fetch standard says. On the way to another origin only the headers of
/// [`DEFAULT_HEADERS`] are kept: nothing that could be a credential goes along.
///
/// # Errors
/// As [`Guard::call`]; `limit.redirects` beyond [`MAX_REDIRECTS`]; a refusal, which is recorded, when the server names a
/// target that has more than one reading or is no http or https URL.
pub async fn follow(
    guard: &Guard,
    fetcher: &Fetcher,
    verb: Verb,
    request: FetchRequest,
) -> Result<FetchResponse, CallError> {
    let (mut verb, mut request) = (verb, request);
    for _ in 0..=MAX_REDIRECTS {
        match send(guard, fetcher, verb, request.clone()).await? {
            Answer::Response(response) => return Ok(response),
            Answer::Redirect(redirect) => (verb, request) = redirect.next(guard, verb, request)?,
        }
    }
    Err(CallError::Limit(Code::Redirects))
}

impl Redirect {
    pub(super) fn new(status: StatusCode, location: &str) -> Redirect {
        Redirect { status, location: location.to_owned() }
    }

    pub(super) fn plain(&self) -> (u16, String) {
        (self.status.as_u16(), self.location.clone())
    }

    pub(super) fn from_plain((status, location): (u16, String)) -> Option<Redirect> {
        Some(Redirect { status: StatusCode::from_u16(status).ok()?, location })
    }

    pub(super) fn is(status: StatusCode) -> bool {
        matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
    }

    /// The request that the server asks for instead of `request`.
    ///
    /// # Errors
    /// A recorded refusal when the location is not usable.
    pub fn next(&self, guard: &Guard, verb: Verb, request: FetchRequest) -> Result<(Verb, FetchRequest), CallError> {
        let target = self.target(&request.target).map_err(|code| {
            let resource = without_secrets(&self.location);
            guard.refuse(Attempt { kind: Kind::Fetch, action: verb.action(), resource: &resource, code })
        })?;
        let same_origin = target.url().origin() == request.target.url().origin();
        let rewritten = match self.status.as_u16() {
            303 => !matches!(verb, Verb::Get | Verb::Head),
            301 | 302 => verb == Verb::Post,
            _ => false,
        };
        // A server that was told a secret in the query may say it again in where it sends us, in whatever writing.
        let told = has_placeholder(request.target.url().as_str().as_bytes());
        let mut next = FetchRequest { target, ..request };
        if !same_origin {
            next.headers.retain(|(name, value)| {
                DEFAULT_HEADERS.contains(&name.to_ascii_lowercase().as_str()) && !has_placeholder(value)
            });
        }
        if rewritten {
            next.body = Bytes::new();
            next.headers.retain(|(name, _)| !BODY_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
        }
        if !same_origin && (told || carries_secret(&next)) {
            // No rule of the other origin makes good that this one chose where the value goes.
            let resource = without_secrets(next.target.url().as_str());
            let (action, code) = (verb.action(), Code::SecretPlace);
            return Err(guard.refuse(Attempt { kind: Kind::Fetch, action, resource: &resource, code }));
        }
        // The length is that of the body, whatever becomes of it.
        next.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        Ok((if rewritten { Verb::Get } else { verb }, next))
    }

    /// The location, resolved against where the request went. A host is taken as the server spells it: a parser would
    /// repair an odd address before anybody could refuse it.
    fn target(&self, base: &FetchTarget) -> Result<FetchTarget, Code> {
        let location = self.location.split('#').next().unwrap_or_default();
        if location.contains('\\') || location.chars().any(char::is_control) {
            return Err(Code::Ambiguous);
        }
        let has_scheme = location.split(['/', '?']).next().is_some_and(|start| start.contains(':'));
        let text = if has_scheme {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{}:{location}", base.scheme())
        } else {
            base.url().join(location).map_err(|_| Code::Malformed)?.into()
        };
        FetchTarget::parse(&text).map_err(|error| error.code())
    }
}

/// Whether a placeholder would go along to another origin. In headers it does not: these are left behind.
fn carries_secret(request: &FetchRequest) -> bool {
    has_placeholder(request.target.url().as_str().as_bytes()) || has_placeholder(&request.body)
}

fn has_placeholder(text: &[u8]) -> bool {
    memchr::memmem::find(text, PREFIX.as_bytes()).is_some()
}

/// The text of a URL that was refused, for its record: without query, fragment and user name, which may hold secrets.
pub fn without_secrets(url: &str) -> String {
    let (plain, cut) = match url.split_once(['?', '#']) {
        Some((plain, _)) => (plain, "?…"),
        None => (url, ""),
    };
    let (start, rest) = plain.split_once("//").unwrap_or(("", plain));
    let authority = rest.split('/').next().unwrap_or_default();
    let slashes = if start.is_empty() && !plain.starts_with("//") { "" } else { "//" };
    match authority.rsplit_once('@') {
        Some((_, host)) => {
            let path = rest.get(authority.len()..).unwrap_or_default();
            format!("{start}{slashes}…@{host}{path}{cut}")
        }
        None => format!("{plain}{cut}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: &str, location: &str) -> Result<String, Code> {
        let redirect = Redirect::new(StatusCode::FOUND, location);
        redirect.target(&FetchTarget::parse(base).unwrap()).map(|target| target.url().to_string())
    }

    #[test]
    fn locations_are_resolved_where_they_stand() {
        let base = "https://a.example/x/y?q=1";
        for (location, expected) in [
            ("z", "https://a.example/x/z"),
            ("/z?k=v#top", "https://a.example/z?k=v"),
            ("../z", "https://a.example/z"),
            ("//b.example/z", "https://b.example/z"),
            ("http://b.example:8080/z", "http://b.example:8080/z"),
            ("?k=a:b", "https://a.example/x/y?k=a:b"),
        ] {
            assert_eq!(target(base, location), Ok(expected.to_owned()), "{location}");
        }
    }

    #[test]
    fn what_a_parser_would_repair_is_refused() {
        for location in [
            "http://0x7f.1/",
            "http://2130706433/",
            "//127.1/",
            "http://[::ffff:127.0.0.1]/",
            "https://user@b.example/",
            "HTTPS://b.example/",
            "https:/b.example/",
            "https://b.example/../x",
            "/\\b.example",
            "https://b.example/a%2fb",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            let refused = target("https://a.example/x", location);
            assert!(matches!(refused, Err(Code::Ambiguous | Code::Malformed)), "{location}: {refused:?}");
        }
    }

    #[test]
    fn records_of_a_location_carry_no_secrets() {
        for (url, shown) in [
            ("https://u:p@h.example/x?token=1", "https://…@h.example/x?…"),
            ("//u@h.example", "//…@h.example"),
            ("/x/@y?z", "/x/@y?…"),
            ("https://h.example/x", "https://h.example/x"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
