//! `bailiwick:host/fetch`.

use bailiwick_guard::CallError;
use bailiwick_host::fetch::Verb;

use super::HostView;
use super::wit::fetch::{Host, Method, Request, Response};
use crate::ops;

impl Host for HostView {
    async fn send(&mut self, request: Request) -> Result<Response, CallError> {
        let verb = match request.method {
            Method::Get => Verb::Get,
            Method::Head => Verb::Head,
            Method::Post => Verb::Post,
            Method::Put => Verb::Put,
            Method::Patch => Verb::Patch,
            Method::Delete => Verb::Delete,
            Method::Options => Verb::Options,
        };
        let response = ops::fetch(&self.door, verb, &request.url, request.headers, request.body.into()).await?;
        Ok(Response { status: response.status, headers: response.headers, body: response.body.into() })
    }
}
