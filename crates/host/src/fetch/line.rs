//! Requests of the host itself to a server that its operator named, under the same checks of addresses as a guest's.

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use super::client::{HttpClient, Parts, Tasks, failure, http_client, session_tls};
use super::response::check_headers;

/// A client for one server. Its connections are nobody else's, and end with it.
pub(crate) struct Line {
    client: HttpClient,
    tasks: Tasks,
}

impl Line {
    /// A line that dials public addresses, or private ones as well. Nothing is dialled yet.
    ///
    /// # Errors
    /// `failed.tls` when there is no TLS.
    pub(crate) fn new(parts: &Parts, private: bool) -> Result<Line, HostError> {
        let tls = session_tls(parts).map_err(|_| HostError::Failed(Code::TlsFailed))?;
        let tasks = Tasks::default();
        Ok(Line { client: http_client(parts, &tls, private, &tasks), tasks })
    }

    /// Sends a request, and waits for the head of the response for as long as whoever polls this. A redirect is a response.
    ///
    /// # Errors
    /// There is no response, or its header fields are over what a response may have.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, HostError> {
        let response = self.client.request(request).await.map_err(|error| failure(&error, &|_| ()))?;
        check_headers(response.headers())?;
        Ok(response)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
