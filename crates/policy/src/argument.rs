//! What a call passes along besides its resource, which conditions of rules look at.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::document::{self, Members, Unreadable};
use crate::resource::ResourceError;

/// The arguments of a tool call, which are the members of one JSON object, or the body of a request. Cheap to make and to
/// clone: a body is read when a condition asks for it. Its `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Arguments(Given);

#[derive(Clone, Default, PartialEq, Eq)]
enum Given {
    #[default]
    Nothing,
    Members(Arc<Map<String, Value>>),
    Body(Body),
}

#[derive(Clone)]
struct Body {
    media: Result<(), Unreadable>,
    bytes: Bytes,
    read: Arc<OnceLock<Result<Members, Unreadable>>>,
}

impl Arguments {
    pub fn new(members: Map<String, Value>) -> Arguments {
        Arguments(Given::Members(Arc::new(members)))
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`Code::Malformed`](crate::Code::Malformed) if it is none, or is nested more than 127 deep.
    pub fn parse(text: &str) -> Result<Arguments, ResourceError> {
        let members = serde_json::from_str(text);
        members.map(Arguments::new).map_err(|_| ResourceError::malformed("the arguments are not a JSON object"))
    }

    /// The whole body of a request, with the header fields that say how it is to be read. What is sent must be these very
    /// bytes. A body that is not whole when the call is decided is passed as [`Arguments::default`]: no condition accepts it.
    pub fn of_body<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>, bytes: Bytes) -> Arguments {
        Arguments(Given::Body(Body { media: media(headers), bytes, read: Arc::default() }))
    }

    /// The whole body of a request that says of it that it is JSON.
    pub fn of_json(bytes: impl Into<Bytes>) -> Arguments {
        Arguments::of_body([("content-type", &b"application/json"[..])], bytes.into())
    }

    /// The arguments of a tool call; empty for everything else.
    pub fn members(&self) -> &Map<String, Value> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        match &self.0 {
            Given::Members(members) => members,
            Given::Nothing | Given::Body(_) => &NONE,
        }
    }

    /// Whether this is a body that all readers read alike, as one JSON object.
    pub fn is_object(&self) -> bool {
        self.body().is_ok()
    }

    /// The members of the body, which is one JSON object.
    pub(crate) fn body(&self) -> Result<&Members, Unreadable> {
        match &self.0 {
            Given::Body(body) => {
                body.media?;
                body.read.get_or_init(|| document::read(&body.bytes)).as_ref().map_err(|unreadable| *unreadable)
            }
            Given::Nothing | Given::Members(_) => {
                Err(Unreadable("it is not there, or not whole when the call is decided"))
            }
        }
    }
}

/// Whether every reader of these header fields takes the body for JSON in UTF-8 as it stands.
fn media<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Result<(), Unreadable> {
    let mut json = None;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-encoding") {
            return Err(Unreadable("it has a `content-encoding`"));
        }
        if name.eq_ignore_ascii_case("content-type") && json.replace(is_json(value)).is_some() {
            return Err(Unreadable("there are two of `content-type`"));
        }
    }
    if json == Some(true) { Ok(()) } else { Err(Unreadable("its `content-type` is not `application/json`")) }
}

/// `application/json` or `application/….+json`, with no parameter but `charset=utf-8`.
fn is_json(value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let value = value.to_ascii_lowercase();
    let (essence, parameter) = match value.split_once(';') {
        Some((essence, parameter)) => {
            (essence.trim_end_matches([' ', '\t']), Some(parameter.trim_matches([' ', '\t'])))
        }
        None => (value.trim_matches([' ', '\t']), None),
    };
    let is_token = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte));
    let subtype = essence.trim_start_matches([' ', '\t']).strip_prefix("application/");
    let json = subtype.is_some_and(|subtype| {
        subtype == "json" || subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty() && is_token(name))
    });
    json && matches!(parameter, None | Some("charset=utf-8" | "charset=\"utf-8\""))
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        self.media == other.media && self.bytes == other.bytes
    }
}

impl Eq for Body {}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Given::Nothing => f.write_str("Arguments(0)"),
            Given::Members(members) => write!(f, "Arguments({})", members.len()),
            Given::Body(body) => write!(f, "Arguments({} bytes)", body.bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_and_their_values_are_not_shown() {
        for text in ["", "[]", "1", "{} {}", "{", "null", &format!("{{\"a\":{}}}", "[".repeat(200))] {
            assert!(Arguments::parse(text).is_err(), "{text}");
        }
        let secret = Arguments::parse(r#"{"a":"hunter2"}"#).unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        let secret = Arguments::of_body([], Bytes::from_static(b"hunter2"));
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn a_body_is_json_by_its_headers() {
        let read = |headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
            Arguments::of_body(headers, Bytes::from_static(b"{}")).body().map(|members| members.len())
        };
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/problem+json",
            "application/vnd.api+json",
        ] {
            assert_eq!(read(&[("Content-Type", good)]), Ok(0), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/json; charset=utf-7",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json, text/plain",
            "application/+json",
            "application/a b+json",
            "application/json;x=y",
            "application/json\u{a0}",
        ] {
            assert!(read(&[("content-type", bad)]).is_err(), "{bad}");
        }
        let json = ("content-type", "application/json");
        assert!(read(&[]).is_err());
        assert!(read(&[json, ("CONTENT-TYPE", "text/plain")]).is_err());
        assert!(read(&[json, json]).is_err());
        assert!(read(&[json, ("Content-Encoding", "deflate")]).is_err());
        assert_eq!(read(&[("accept", "text/html"), json]), Ok(0));
        assert!(Arguments::default().body().is_err());
        assert!(Arguments::parse("{}").unwrap().body().is_err());
    }
}
