//! The operator's own way out: exports go to the collector that they named. Nothing here is for guests.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use url::Url;

use super::client::{HttpClient, Parts, Tasks, http_client, session_tls};

/// How long a request and its answer may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of an answer, at most. A collector says in a few what it did not take.
const MAX_ANSWER: usize = 64 * 1024;

/// An OTLP/HTTP receiver. It is dialled wherever the operator says, private addresses too; link-local ones only when the URL
/// itself has them. No redirect is followed.
pub struct Collector {
    client: HttpClient,
    endpoint: Url,
    tasks: Tasks,
}

/// Why an export did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    #[error(
        "the endpoint `{0}` is no URL of a collector; write it as in `http://localhost:4318`, without user, query or fragment"
    )]
    Endpoint(String),
    #[error("no secure connection can be made: {0}")]
    Tls(String),
    #[error("the collector at `{endpoint}` cannot be reached: {why}")]
    Unreachable { endpoint: String, why: String },
    #[error("the collector at `{endpoint}` did not answer within {} s", DEADLINE.as_secs())]
    Deadline { endpoint: String },
    #[error("the collector at `{endpoint}` answered with the status {status}")]
    Status { endpoint: String, status: u16 },
    #[error("the answer of the collector at `{endpoint}` is no HTTP, or longer than {MAX_ANSWER} bytes")]
    Answer { endpoint: String },
}

impl Collector {
    pub(crate) fn new(parts: &Parts, endpoint: &str) -> Result<Collector, CollectorError> {
        let endpoint = parse(endpoint).ok_or_else(|| CollectorError::Endpoint(endpoint.to_owned()))?;
        let tls = session_tls(parts).map_err(|error| CollectorError::Tls(error.to_string()))?;
        let tasks = Tasks::default();
        let client = http_client(parts, &tls, true, &tasks);
        Ok(Collector { client, endpoint, tasks })
    }

    /// Sends JSON to `path` below the endpoint, such as `v1/traces`, and gives back the answer.
    ///
    /// # Errors
    /// When it did not arrive, or the collector did not take it.
    pub async fn post(&self, path: &str, json: Vec<u8>) -> Result<Vec<u8>, CollectorError> {
        let url = format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/'));
        let exchange = self.exchange(&url, json);
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or_else(|_| Err(CollectorError::Deadline { endpoint: url.clone() }))
    }

    async fn exchange(&self, url: &str, json: Vec<u8>) -> Result<Vec<u8>, CollectorError> {
        let endpoint = || url.to_owned();
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "bailiwick")
            .body(Full::new(Bytes::from(json)))
            .map_err(|_| CollectorError::Endpoint(endpoint()))?;
        let response = self.client.request(request).await.map_err(|error| {
            let mut why = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(deeper) = cause {
                why = deeper.to_string();
                cause = deeper.source();
            }
            CollectorError::Unreachable { endpoint: endpoint(), why }
        })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        if status != StatusCode::OK {
            return Err(CollectorError::Status { endpoint: endpoint(), status: status.as_u16() });
        }
        body.map(|body| body.to_bytes().to_vec()).map_err(|_| CollectorError::Answer { endpoint: endpoint() })
    }
}

fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && url.fragment().is_none()).then_some(url)
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url() {
        for good in ["http://localhost:4318", "https://otel.example.com/base/", "http://[::1]:4318"] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "localhost:4318",
            "ftp://a.example",
            "http://",
            "http://u:p@a.example",
            "http://a.example?x",
            "http://a.example#x",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
