//! From placeholder to value: where a request has placeholders, whether its rule lets it, and what goes out.

use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_policy::{Arguments, Code, SecretName, SecretPlace, SecretUse, Terms};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Secrets;
use crate::fetch::FetchRequest;

/// The placeholders of one request, each in the place that the rule names.
#[derive(Default)]
pub(crate) struct Plan {
    slots: Vec<Slot>,
}

struct Slot {
    name: SecretName,
    placeholder: Arc<str>,
    place: SecretPlace,
}

impl Secrets {
    /// Finds the placeholders in a request.
    ///
    /// # Errors
    /// `deny.secret.place` when one stands where the terms do not say, or more than once.
    pub(crate) fn plan(
        &self,
        request: &FetchRequest,
        terms: &Terms,
        explain: &(dyn Fn(String) + Sync),
    ) -> Result<Plan, HostError> {
        let mut slots = Vec::new();
        for (name, placeholder) in self.issued() {
            let uses = terms.secrets.iter().filter(|secret| secret.name == name);
            let places = found(request, &placeholder, uses.clone()).inspect_err(|_| {
                let uses: Vec<String> = uses.map(|secret| secret.place.to_string()).collect();
                let allowed =
                    if uses.is_empty() { "nowhere".to_owned() } else { format!("once, {}", uses.join(" or ")) };
                explain(format!("the placeholder of secret `{name}` stands elsewhere; the rule has it {allowed}"));
            })?;
            slots.extend(places.into_iter().map(|place| Slot {
                name: name.clone(),
                placeholder: Arc::clone(&placeholder),
                place,
            }));
        }
        Ok(Plan { slots })
    }

    /// Puts the values in. This is the last thing that happens to a request before it is handed to the connection.
    ///
    /// # Errors
    /// `failed.no_secret`, `failed.secret_unfit` for a value that cannot stand in its place, `failed.internal`.
    pub(crate) async fn fill<B>(
        &self,
        plan: Plan,
        request: &mut http::Request<B>,
        body: impl FnOnce(Bytes) -> B,
        plain: &Bytes,
    ) -> Result<(), HostError> {
        let mut filled: Option<Zeroizing<Vec<u8>>> = None;
        for Slot { name, placeholder, place } in plan.slots {
            let value = self.value(&name).await?;
            self.sending(&placeholder, &value)?;
            match place {
                SecretPlace::Header(header) => {
                    let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| UNFIT)?;
                    let written = request.headers().get(&header).ok_or(HostError::Failed(Code::Internal))?;
                    let fits = value.iter().all(|byte| (b' '..=b'~').contains(byte));
                    let text = replaced(written.as_bytes(), &placeholder, &value).filter(|_| fits).ok_or(UNFIT)?;
                    let mut written = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| UNFIT)?;
                    written.set_sensitive(true);
                    request.headers_mut().insert(header, written);
                }
                SecretPlace::Query(_) => {
                    let written = Zeroizing::new(request.uri().to_string());
                    let text = replaced(written.as_bytes(), &placeholder, &percent(&value)).ok_or(UNFIT)?;
                    *request.uri_mut() = Uri::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| UNFIT)?;
                }
                SecretPlace::Body(_) => {
                    let written = filled.as_ref().map_or(&plain[..], |filled| filled);
                    let text = std::str::from_utf8(&value).map_err(|_| UNFIT)?;
                    let text = Zeroizing::new(serde_json::to_string(text).map_err(|_| UNFIT)?);
                    let inner = text.get(1..text.len().saturating_sub(1)).ok_or(UNFIT)?;
                    filled = Some(replaced(written, &placeholder, inner.as_bytes()).ok_or(UNFIT)?);
                }
            }
        }
        if let Some(filled) = filled {
            *request.body_mut() = body(Bytes::from_owner(filled));
        }
        Ok(())
    }
}

impl Plan {
    /// Whether a placeholder stands in the header of that name, which the guest may set for that reason.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| matches!(&slot.place, SecretPlace::Header(header) if header == name))
    }
}

const UNFIT: HostError = HostError::Failed(Code::SecretUnfit);
const MISPLACED: HostError = HostError::Denied(Code::SecretPlace);

/// The places of a placeholder in a request, all of which the rule names.
fn found<'a>(
    request: &FetchRequest,
    placeholder: &str,
    uses: impl Iterator<Item = &'a SecretUse> + Clone,
) -> Result<Vec<SecretPlace>, HostError> {
    let mut places = Vec::new();
    let allowed = |fits: &dyn Fn(&SecretPlace) -> bool| {
        let place = uses.clone().map(|secret| &secret.place).find(|place| fits(place));
        place.cloned().ok_or(MISPLACED)
    };
    let url = request.target.url();
    match count(url.as_str().as_bytes(), placeholder) {
        0 => {}
        1 => places.push(allowed(&|place| {
            matches!(place, SecretPlace::Query(name) if url.query().is_some_and(|query| is_value(query, name, placeholder)))
        })?),
        _ => return Err(MISPLACED),
    }
    for (name, value) in &request.headers {
        match (count(name.as_bytes(), placeholder), count(value, placeholder)) {
            (0, 0) => {}
            (0, 1) => {
                let same = |(other, _): &&(String, Vec<u8>)| other.eq_ignore_ascii_case(name);
                if request.headers.iter().filter(same).count() != 1 {
                    return Err(MISPLACED);
                }
                let fits = |place: &SecretPlace| matches!(place, SecretPlace::Header(header) if name.eq_ignore_ascii_case(header));
                places.push(allowed(&fits)?);
            }
            _ => return Err(MISPLACED),
        }
    }
    match count(&request.body, placeholder) {
        0 => {}
        1 => places.push(allowed(
            &|place| matches!(place, SecretPlace::Body(member) if is_json(request) && is_member(&request.body, member, placeholder)),
        )?),
        _ => return Err(MISPLACED),
    }
    Ok(places)
}

/// Whether the placeholder, which stands in the URL once, is all of the value of a query parameter of that name.
fn is_value(query: &str, name: &str, placeholder: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, value)| {
        let key = url::form_urlencoded::parse(key.as_bytes()).next();
        value == placeholder && key.is_some_and(|(key, _)| key == name)
    })
}

/// Whether every reader takes the body for one JSON object: another one could find the value in a field of another name.
fn is_json(request: &FetchRequest) -> bool {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    Arguments::of_body(headers, request.body.clone()).is_object()
}

/// Whether the placeholder, which stands in the body once, is all of the value of the member of that name.
///
/// The text is changed as the exchange will change it, and what a parser then sees must have changed there: so a placeholder
/// that is spelled with escapes, or a member that stands twice, cannot lead the value elsewhere.
fn is_member(body: &[u8], member: &str, placeholder: &str) -> bool {
    let is = |text: &[u8], expected: &str| {
        let parsed: Option<Map<String, Value>> = serde_json::from_slice(text).ok();
        parsed.is_some_and(|object| object.get(member).and_then(Value::as_str) == Some(expected))
    };
    let marker = placeholder.to_ascii_uppercase();
    let marked = replaced(body, placeholder, marker.as_bytes());
    is(body, placeholder) && marked.is_some_and(|marked| is(&marked, &marker))
}

fn count(text: &[u8], placeholder: &str) -> usize {
    memchr::memmem::find_iter(text, placeholder.as_bytes()).count()
}

/// The text with the first placeholder replaced, in a buffer that never grows and is cleared.
fn replaced(text: &[u8], placeholder: &str, value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let at = memchr::memmem::find(text, placeholder.as_bytes())?;
    let (before, rest) = text.split_at_checked(at)?;
    let behind = rest.get(placeholder.len()..)?;
    let mut filled = Zeroizing::new(Vec::with_capacity(text.len().saturating_add(value.len())));
    filled.extend_from_slice(before);
    filled.extend_from_slice(value);
    filled.extend_from_slice(behind);
    Some(filled)
}

/// Percent-encodes whatever is not unreserved (RFC 3986).
fn percent(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(value.len().saturating_mul(3)));
    for byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(*byte),
            other => {
                text.push(b'%');
                let digit = |nibble: u8| b"0123456789ABCDEF".get(usize::from(nibble)).copied();
                text.extend(digit(other >> 4).into_iter().chain(digit(other & 15)));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use bailiwick_policy::FetchTarget;

    use super::*;

    const PH: &str = "bailiwick-secret-00112233445566778899aabbccddeeff";

    fn request(url: &str, headers: &[(&str, &str)], body: &str) -> FetchRequest {
        let headers =
            headers.iter().map(|(name, value)| (name.replace("PH", PH), value.replace("PH", PH).into_bytes()));
        FetchRequest {
            headers: headers.collect(),
            body: body.replace("PH", PH).into_bytes().into(),
            ..FetchRequest::new(FetchTarget::parse(&url.replace("PH", PH)).unwrap())
        }
    }

    fn places(request: &FetchRequest, place: SecretPlace) -> Result<usize, HostError> {
        let uses = [SecretUse { name: SecretName::parse("s").unwrap(), place }];
        found(request, PH, uses.iter()).map(|found| found.len())
    }

    #[test]
    fn a_header_has_it_once_with_text_around_it() {
        let header = || SecretPlace::Header("authorization".to_owned());
        let at = |headers| places(&request("https://a.example/", headers, ""), header());
        assert_eq!(at(&[("Authorization", "Bearer PH")]), Ok(1));
        assert_eq!(at(&[("authorization", "none")]), Ok(0));
        for refused in [
            &[("x-other", "PH")][..],
            &[("authorization", "PH PH")],
            &[("authorization", "PH"), ("Authorization", "mine")],
            &[("authorization", "PH"), ("accept", "PH")],
            &[("PH", "x")],
        ] {
            assert_eq!(at(refused), Err(MISPLACED), "{refused:?}");
        }
        for (url, body) in
            [("https://a.example/PH", ""), ("https://a.example/?key=PH", ""), ("https://a.example/", "PH")]
        {
            assert_eq!(
                places(&request(url, &[("authorization", "PH")], body), header()),
                Err(MISPLACED),
                "{url} {body}"
            );
        }
    }

    #[test]
    fn a_query_parameter_has_nothing_else() {
        let at = |url| places(&request(url, &[], ""), SecretPlace::Query("a key".to_owned()));
        assert_eq!(at("https://a.example/?a+key=PH"), Ok(1));
        assert_eq!(at("https://a.example/?x=1&a%20key=PH&y"), Ok(1));
        for refused in [
            "https://a.example/?a+key=xPH",
            "https://a.example/?a+key=PHx",
            "https://a.example/?key=PH",
            "https://a.example/?PH=a+key",
            "https://a.example/?PH",
            "https://a.example/PH?a+key=x",
            "https://a.example/?a+key=PH&b=PH",
            "https://PH.example/?a+key=x",
            "https://a.example/?a+key=%62ailiwick-secret-00112233445566778899aabbccddeeff&b=PH",
        ] {
            assert_eq!(at(refused), Err(MISPLACED), "{refused}");
        }
    }

    #[test]
    fn a_member_is_the_one_that_a_parser_sees() {
        let json = &[("content-type", "application/json")][..];
        let at = |body| places(&request("https://a.example/", json, body), SecretPlace::Body("token".to_owned()));
        assert_eq!(at(r#"{"a": [1], "token": "PH"}"#), Ok(1));
        assert_eq!(at(r#"{"\u0074oken": "PH"}"#), Ok(1));
        let form = &[("content-type", "application/x-www-form-urlencoded")][..];
        for headers in [&[][..], form, &[json, json].concat()] {
            let body = request("https://a.example/", headers, r#"{"x": "&y=", "token": "PH"}"#);
            assert_eq!(places(&body, SecretPlace::Body("token".to_owned())), Err(MISPLACED), "{headers:?}");
        }
        for refused in [
            r#"{"token": "x", "token": "PH"}"#,
            r#"{"token": "Bearer PH"}"#,
            r#"{"other": "PH"}"#,
            r#"{"PH": "token"}"#,
            r#"{"a": {"token": "PH"}}"#,
            r#"{"token": ["PH"]}"#,
            r#"{"token": "PH", "token": "x"}"#,
            r#"{"token": "PH", "b": "PH"}"#,
            r#"[{"token": "PH"}]"#,
            "token=PH",
            r#"{"b": "PH", "token": "\u0062ailiwick-secret-00112233445566778899aabbccddeeff"}"#,
            r#"{"token": "PH", "token": "\u0062ailiwick-secret-00112233445566778899aabbccddeeff"}"#,
        ] {
            assert_eq!(at(refused), Err(MISPLACED), "{refused}");
        }
    }

    #[test]
    fn values_are_written_as_their_place_wants() {
        assert_eq!(percent("a/b&c=d é~".as_bytes()).as_slice(), b"a%2Fb%26c%3Dd%20%C3%A9~");
        assert_eq!(replaced(b"x PH y", "PH", b"value").unwrap().as_slice(), b"x value y");
        assert!(replaced(b"x", "PH", b"value").is_none());
    }
}
