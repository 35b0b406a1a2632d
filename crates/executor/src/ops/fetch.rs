//! HTTP requests.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::fetch::{
    FetchRequest, FetchResponse, MAX_HEADER_BYTES, MAX_HEADERS, Verb, follow, without_secrets,
};
use bailiwick_policy::{ActionName, Code, FetchTarget, Kind};
use bytes::Bytes;

use crate::run::Door;

/// Header fields: names in any case, and raw values.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// Sends a request and reads the response to its end. Redirects are followed, each as a new call, if the rule allows it.
pub(crate) async fn fetch(
    door: &Door,
    verb: Verb,
    url: &str,
    headers: Headers,
    body: Bytes,
) -> Result<FetchResponse, CallError> {
    let refusal = |code| {
        let resource = without_secrets(url);
        door.refuse(Attempt { kind: Kind::Fetch, action: verb.action(), resource: &resource, code })
    };
    let target = FetchTarget::parse(url).map_err(|error| refusal(error.code()))?;
    let bytes =
        headers.iter().fold(0usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(CallError::Limit(Code::RequestBytes));
    }
    follow(door.guard(), &door.host().fetch, verb, FetchRequest { target, headers, body }).await
}

/// The method of that name, written in capitals, or a recorded refusal.
pub(crate) fn parse_method(door: &Door, name: &str, url: &str) -> Result<Verb, CallError> {
    Verb::parse(name).ok_or_else(|| {
        // There is no word for an action that does not exist: the record has it in its resource.
        let resource = format!("{name} {}", without_secrets(url));
        let action = ActionName::Get;
        door.refuse(Attempt { kind: Kind::Fetch, action, resource: &resource, code: Code::Unsupported })
    })
}
