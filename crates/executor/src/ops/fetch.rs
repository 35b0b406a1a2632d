//! HTTP requests.

use bailiwick_guard::{Attempt, CallError, HostError};
use bailiwick_host::fetch::{
    FetchRequest, FetchResponse, MAX_HEADER_BYTES, MAX_HEADERS, OpenBody, OpenResponse, Verb, follow, open,
    without_secrets,
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
    follow(door.guard(), &door.host().fetch, verb, request(door, verb, url, headers, body)?).await
}

/// Sends a request and waits for the head of the response. Redirects as for [`fetch`].
pub(crate) async fn open_fetch(
    door: &Door,
    verb: Verb,
    url: &str,
    headers: Headers,
    body: Bytes,
) -> Result<OpenResponse, CallError> {
    open(door.guard(), &door.host().fetch, verb, request(door, verb, url, headers, body)?).await
}

/// The body of a response that [`open_fetch`] gave, with what a refusal of reading on is recorded as.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct StreamedBody {
    action: ActionName,
    resource: String,
    body: OpenBody,
}

impl StreamedBody {
    pub(crate) fn new(verb: Verb, url: &str, body: OpenBody) -> StreamedBody {
        StreamedBody { action: verb.action(), resource: without_secrets(url), body }
    }

    /// The next bytes, at most `max`; none at the end. That the authority has ended meanwhile is a refusal on record.
    pub(crate) async fn read(&mut self, door: &Door, max: usize) -> Result<Bytes, CallError> {
        let StreamedBody { action, resource, body } = self;
        body.read(max).await.map_err(|error| match error {
            HostError::Denied(code) => door.refuse(Attempt { kind: Kind::Fetch, action: *action, resource, code }),
            HostError::Failed(code) => CallError::Failed(code),
            HostError::Limit(code) => CallError::Limit(code),
            HostError::Stopped(cause) => CallError::Stopped(cause),
        })
    }
}

/// The request that was asked for, or a refusal on record.
fn request(door: &Door, verb: Verb, url: &str, headers: Headers, body: Bytes) -> Result<FetchRequest, CallError> {
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
    Ok(FetchRequest { target, headers, body })
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
