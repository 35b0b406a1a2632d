//! What a server answers, read within its caps.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, Terms};
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::decode::decode;
use super::request::{DEFAULT_BODY, MAX_HEADER_BYTES, MAX_HEADERS, over};

/// Silence inside a body that is taken for the end.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// A response, read to its end and decompressed.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchResponse {
    pub status: u16,
    /// Names in lower case, and raw values, without those that shape the connection or were undone (encodings).
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl FetchResponse {
    /// Reads the body as the terms allow.
    pub(super) async fn read(head: response::Parts, body: Incoming, terms: &Terms) -> Result<FetchResponse, HostError> {
        let response::Parts { status, mut headers, .. } = head;
        let body = collect(body, terms).await?;
        let encoding = headers.get(CONTENT_ENCODING).cloned();
        let body = match encoding {
            Some(encoding) if !body.is_empty() => {
                let codings = encoding.to_str().map_err(|_| HostError::Failed(Code::HttpFailed))?;
                headers.remove(CONTENT_ENCODING);
                headers.remove(CONTENT_LENGTH);
                decode(codings, body, cap(terms)).await?
            }
            _ => body,
        };
        Ok(FetchResponse { status: status.as_u16(), headers: plain_fields(headers), body })
    }
}

/// The fields as a guest gets them, without those that are the connection's.
pub(super) fn plain_fields(mut headers: HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONNECTION);
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// # Errors
/// `limit.response_bytes` when there are more header fields, or larger ones, than a response may have.
pub(super) fn check_headers(headers: &HeaderMap) -> Result<(), HostError> {
    let bytes = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    let bytes = bytes.fold(0, usize::saturating_add);
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(HostError::Limit(Code::ResponseBytes));
    }
    Ok(())
}

async fn collect(mut body: Incoming, terms: &Terms) -> Result<Bytes, HostError> {
    let too_large = HostError::Limit(Code::ResponseBytes);
    if body.size_hint().lower() > cap(terms) {
        return Err(too_large);
    }
    let mut collected = BytesMut::new();
    while let Some(frame) = idle(body.frame()).await? {
        let frame = frame.map_err(|_| HostError::Failed(Code::HttpFailed))?;
        if let Ok(data) = frame.into_data() {
            if over(collected.len().saturating_add(data.len()), terms.response) {
                return Err(too_large);
            }
            collected.extend_from_slice(&data);
        }
    }
    Ok(collected.freeze())
}

async fn idle<T>(next: impl Future<Output = T>) -> Result<T, HostError> {
    tokio::time::timeout(IDLE, next).await.map_err(|_| HostError::Limit(Code::CallDeadline))
}

/// Most bytes of a body, as sent and decompressed.
pub(super) fn cap(terms: &Terms) -> u64 {
    terms.response.map_or(DEFAULT_BODY, NonZeroU64::get)
}

impl fmt::Debug for FetchResponse {
    /// Without values and body: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchResponse")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}
