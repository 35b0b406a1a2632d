//! What a guest asks for: a URL, headers, a body.

use std::fmt;
use std::num::NonZeroU64;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, FetchTarget, SecretPlace, Terms, is_host_header};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use http_body_util::Full;

use crate::secrets::Plan;

/// Most header fields of a request or a response.
pub const MAX_HEADERS: usize = 100;
/// Most bytes of names and values of all header fields of a request or a response.
pub const MAX_HEADER_BYTES: usize = 16 << 10;
/// Most bytes of a body, either way, unless the rule says otherwise.
pub(super) const DEFAULT_BODY: u64 = 8 << 20;

/// A request without its method, which belongs to the action's type.
#[derive(Clone)]
pub struct FetchRequest {
    pub target: FetchTarget,
    /// Names in any case, and raw values.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl FetchRequest {
    /// A request with neither headers nor body.
    pub fn new(target: FetchTarget) -> FetchRequest {
        FetchRequest { target, headers: Vec::new(), body: Bytes::new() }
    }

    /// The request as it goes out, if the terms allow it. `explain` hears which header they do not.
    pub(super) fn build(
        &self,
        method: http::Method,
        terms: &Terms,
        secrets: &Plan,
        explain: &(dyn Fn(String) + Sync),
    ) -> Result<http::Request<Full<Bytes>>, HostError> {
        let may_have_body = !matches!(method, http::Method::GET | http::Method::HEAD);
        if !self.body.is_empty() && !may_have_body {
            return Err(HostError::Denied(Code::Malformed));
        }
        if over(self.body.len(), terms.request) {
            return Err(HostError::Limit(Code::RequestBytes));
        }
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.uri_mut() = self.uri()?;
        *request.headers_mut() = self.headers(terms, secrets, explain)?;
        *request.method_mut() = method;
        Ok(request)
    }

    // INVARIANT: the URL that is sent has the host and port that were decided.
    fn uri(&self) -> Result<Uri, HostError> {
        let uri: Uri = self.target.url().as_str().parse().map_err(|_| HostError::Denied(Code::Malformed))?;
        let port = uri.port_u16().unwrap_or(self.target.scheme().default_port());
        let same = uri.scheme_str() == Some(self.target.scheme().as_str())
            && uri.host() == Some(self.target.host().to_string().as_str())
            && port == self.target.port();
        if same { Ok(uri) } else { Err(HostError::Denied(Code::Ambiguous)) }
    }

    fn headers(
        &self,
        terms: &Terms,
        secrets: &Plan,
        explain: &(dyn Fn(String) + Sync),
    ) -> Result<HeaderMap, HostError> {
        let mut bytes = 0_usize;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if bytes > MAX_HEADER_BYTES || headers.len() >= MAX_HEADERS {
                return Err(HostError::Limit(Code::RequestBytes));
            }
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HostError::Denied(Code::Malformed))?;
            let value = HeaderValue::from_bytes(value).map_err(|_| HostError::Denied(Code::Malformed))?;
            // Clients like to repeat what the body says anyway.
            if name == CONTENT_LENGTH && value.as_bytes() == self.body.len().to_string().as_bytes() {
                continue;
            }
            if is_host_header(name.as_str()) {
                explain(format!("the header `{name}` is set by the host, and no rule can leave it to a guest"));
                return Err(HostError::Denied(Code::RequestHeader));
            }
            if !terms.headers.iter().any(|allowed| allowed == name.as_str()) && !secrets.has_header(name.as_str()) {
                explain(beyond(&name, terms));
                return Err(HostError::Denied(Code::RequestHeader));
            }
            headers.append(name, value);
        }
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("bailiwick"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip, deflate, br, zstd"));
        Ok(headers)
    }
}

/// Why a guest may not set a header.
fn beyond(name: &HeaderName, terms: &Terms) -> String {
    let place = SecretPlace::Header(name.as_str().to_owned());
    if let Some(secret) = terms.secrets.iter().find(|secret| secret.place == place) {
        let secret = &secret.name;
        return format!("the header `{name}` is for secret `{secret}`, and the guest sets it without the placeholder");
    }
    let credential = [AUTHORIZATION, COOKIE].contains(name);
    let advice = if credential { "; credentials are better a `secret` of the rule, which no guest sees" } else { "" };
    format!("the guest sets the header `{name}`, which the rule's `headers` do not name{advice}")
}

/// Whether `len` is more than the rule's cap, or the default one.
pub(crate) fn over(len: usize, cap: Option<NonZeroU64>) -> bool {
    u64::try_from(len).is_ok_and(|len| len > cap.map_or(DEFAULT_BODY, NonZeroU64::get))
}

impl fmt::Debug for FetchRequest {
    /// Without query, values and body: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("FetchRequest")
            .field("host", &self.target.host())
            .field("headers", &names)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::{SecretName, SecretUse};

    use super::*;

    #[test]
    fn who_sets_a_credential_is_told_of_secrets() {
        let name = |name| HeaderName::from_static(name);
        let mut terms = Terms::default();
        assert!(!beyond(&name("x-trace"), &terms).contains("secret"));
        assert!(
            beyond(&name("authorization"), &terms).ends_with("are better a `secret` of the rule, which no guest sees")
        );
        let place = SecretPlace::Header("x-api-key".to_owned());
        terms.secrets = vec![SecretUse { name: SecretName::parse("bank-token").unwrap(), place }];
        let said = beyond(&name("x-api-key"), &terms);
        assert_eq!(
            said,
            "the header `x-api-key` is for secret `bank-token`, and the guest sets it without the placeholder"
        );
    }
}
