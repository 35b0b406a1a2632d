//! Answers of servers, without the values that they were sent.

use std::sync::Arc;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, Terms};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};

use super::Secrets;
use super::scrub::Scrubber;
use crate::fetch::{FetchResponse, over};

/// Above this many bytes a body is scrubbed on a thread for blocking work.
const INLINE: usize = 64 << 10;

impl Secrets {
    /// Takes values out of header fields; a field whose name has one is dropped.
    ///
    /// # Errors
    /// Never for what a server can send.
    pub(crate) fn scrub_headers(&self, headers: &mut HeaderMap) -> Result<(), HostError> {
        let Some(finder) = self.scrubber() else { return Ok(()) };
        let named: Vec<_> = headers.keys().filter(|name| finder.finds(name.as_str().as_bytes())).cloned().collect();
        for name in named {
            headers.remove(name);
        }
        for value in headers.values_mut() {
            if finder.finds(value.as_bytes())
                && let Some(scrubbed) = self.scrubber().and_then(|scrubber| scrubber.whole(value.as_bytes()))
            {
                *value = HeaderValue::from_bytes(&scrubbed).map_err(|_| HostError::Failed(Code::HttpFailed))?;
            }
        }
        Ok(())
    }

    /// Takes values out of a body that was read and decoded.
    ///
    /// # Errors
    /// `limit.response_bytes` when it is over the cap afterwards.
    pub(crate) async fn scrub_response(
        &self,
        mut response: FetchResponse,
        terms: &Terms,
    ) -> Result<FetchResponse, HostError> {
        let Some(scrubber) = self.scrubber().filter(|_| !response.body.is_empty()) else { return Ok(response) };
        let body = response.body.clone();
        let scrubbed = if body.len() <= INLINE {
            scrubber.whole(&body)
        } else {
            let work = tokio::task::spawn_blocking(move || scrubber.whole(&body));
            // Whatever went wrong: a body that was not looked at does not go to the guest.
            work.await.map_err(|_| HostError::Failed(Code::Internal))?
        };
        let Some(scrubbed) = scrubbed else { return Ok(response) };
        if over(scrubbed.len(), terms.response) {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        response.headers.retain(|(name, _)| name != CONTENT_LENGTH.as_str());
        response.body = scrubbed.into();
        Ok(response)
    }
}

/// Takes values out of a body that is read in pieces, those too that are sent while it is read.
pub(crate) struct AnswerStream {
    secrets: Arc<Secrets>,
    scrubber: Option<Scrubber>,
}

impl AnswerStream {
    pub(crate) fn new(secrets: Arc<Secrets>) -> AnswerStream {
        AnswerStream { secrets, scrubber: None }
    }

    /// Whether there is anything to take out by now.
    pub(crate) fn scrubs(&mut self) -> bool {
        self.scrubber = match self.scrubber.take() {
            Some(scrubber) => Some(self.secrets.renewed(scrubber)),
            None => self.secrets.scrubber(),
        };
        self.scrubber.is_some()
    }

    /// The next piece, as far as it cannot be the beginning of a value.
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        if !self.scrubs() {
            return piece;
        }
        self.scrubber.as_mut().map_or(Bytes::new(), |scrubber| scrubber.push(&piece).into())
    }

    /// What was held back.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.scrubber.take().map_or(Bytes::new(), |scrubber| scrubber.finish().into())
    }
}
