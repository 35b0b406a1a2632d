//! HTTP requests, and the bodies of responses that are read in pieces.

use bailiwick_guard::CallError;
use bailiwick_policy::Code;
use data_encoding::BASE64;

use super::arguments::{self as a, Encoding};
use super::bodies::Bodies;
use super::operation::Fetch;
use super::operations::{Answer, Asked, MAX_READ, encode, serialise};
use crate::ops;

impl Asked<'_> {
    pub(super) async fn fetch(self, operation: Fetch, bodies: &Bodies) -> Answer {
        match operation {
            Fetch::Whole => self.fetch_whole().await,
            Fetch::Open => self.fetch_open(bodies).await,
            Fetch::Read => self.fetch_read(bodies).await,
            Fetch::Close => {
                let a::CloseBody { handle } = self.parse()?;
                bodies.take(handle).ok_or(CallError::Failed(Code::MalformedArgument))?;
                serialise(&a::Done {})
            }
        }
    }

    async fn fetch_whole(self) -> Answer {
        let a::Fetch { url, method, headers, body, encoding } = self.parse()?;
        let verb = ops::parse_method(self.door, &method, &url)?;
        let body = self.decode(body, encoding)?;
        let response = ops::fetch(self.door, verb, &url, sent(headers), body).await?;
        let headers = plain(response.headers);
        let is_small = response.body.len() as u64 <= MAX_READ;
        let (body, encoding) = match encode(response.body.clone(), Encoding::Utf8) {
            Ok(text) if is_small => (text, Encoding::Utf8),
            _ => (BASE64.encode(&response.body), Encoding::Base64),
        };
        serialise(&a::Response { status: response.status, headers, body, encoding })
    }

    async fn fetch_open(self, bodies: &Bodies) -> Answer {
        let a::Fetch { url, method, headers, body, encoding } = self.parse()?;
        let verb = ops::parse_method(self.door, &method, &url)?;
        let body = self.decode(body, encoding)?;
        let response = ops::open_fetch(self.door, verb, &url, sent(headers), body).await?;
        let handle = bodies.keep(ops::StreamedBody::new(verb, &url, response.body));
        serialise(&a::Opened { status: response.status, headers: plain(response.headers), handle })
    }

    async fn fetch_read(self, bodies: &Bodies) -> Answer {
        let a::ReadBody { handle, length, encoding } = self.parse()?;
        let length = usize::try_from(length.unwrap_or(MAX_READ).min(MAX_READ)).unwrap_or(usize::MAX);
        let mut body = bodies.take(handle).ok_or(CallError::Failed(Code::MalformedArgument))?;
        let read = body.read(self.door, length).await;
        bodies.put_back(handle, body);
        let bytes = read?;
        let end = bytes.is_empty() && length > 0;
        serialise(&a::Piece { body: encode(bytes, encoding)?, end })
    }
}

fn sent(headers: Vec<(String, String)>) -> Vec<(String, Vec<u8>)> {
    headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect()
}

fn plain(fields: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
    fields.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())).collect()
}
