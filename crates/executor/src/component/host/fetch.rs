//! `bailiwick:host/fetch`.

use bailiwick_guard::CallError;
use bailiwick_host::fetch::Verb;
use bailiwick_policy::Code;
use wasmtime::component::Resource;

use super::HostView;
use super::wit::fetch::{Host, HostBody, Method, Request, Response, StreamedResponse};
use crate::ops::{self, StreamedBody};

impl Host for HostView<'_> {
    async fn send(&mut self, request: Request) -> Result<Response, CallError> {
        let Request { method, url, headers, body } = request;
        let response = ops::fetch(&self.door, verb(method), &url, headers, body.into()).await?;
        Ok(Response { status: response.status, headers: response.headers, body: response.body.into() })
    }

    async fn open(&mut self, request: Request) -> Result<StreamedResponse, CallError> {
        let Request { method, url, headers, body } = request;
        let verb = verb(method);
        let response = ops::open_fetch(&self.door, verb, &url, headers, body.into()).await?;
        let body = self.table.push(StreamedBody::new(verb, &url, response.body));
        // A table that is full is one handle too many.
        let body = body.map_err(|_| CallError::Limit(Code::OpenHandles))?;
        Ok(StreamedResponse { status: response.status, headers: response.headers, body })
    }
}

impl HostBody for HostView<'_> {
    async fn read(&mut self, body: Resource<StreamedBody>, max: u32) -> Result<Vec<u8>, CallError> {
        // INVARIANT: the engine knows which handles a guest has.
        let body = self.table.get_mut(&body).map_err(|_| CallError::Failed(Code::Internal))?;
        Ok(body.read(&self.door, usize::try_from(max).unwrap_or(usize::MAX)).await?.into())
    }

    async fn drop(&mut self, body: Resource<StreamedBody>) -> wasmtime::Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

fn verb(method: Method) -> Verb {
    match method {
        Method::Get => Verb::Get,
        Method::Head => Verb::Head,
        Method::Post => Verb::Post,
        Method::Put => Verb::Put,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
        Method::Options => Verb::Options,
    }
}
