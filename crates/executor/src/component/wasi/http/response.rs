//! What comes in: `incoming-response`, its body, and the parts of the interface that only servers have.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_guard::journal::Asked;
use bailiwick_host::fetch::{OpenBody, OpenResponse};
use bailiwick_policy::Code;
use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, DynPollable, InputStream, IoError, Pollable, StreamError, StreamResult, subscribe,
};
use wasmtime_wasi::runtime::poll_noop;

use super::body::OutgoingBody;
use super::error::{FieldError, HttpError};
use super::fields::Fields;
use super::types::{
    self, ErrorCode, HeaderError, HostFutureTrailers, HostIncomingBody, HostIncomingRequest, HostIncomingResponse,
    HostOutgoingResponse, HostResponseOutparam, IncomingRequest, Method, OutgoingResponse, ResponseOutparam, Scheme,
    StatusCode,
};
use super::{Http, absent};
use crate::run::Told;

/// Most bytes that one read of a body gives.
const CHUNK: usize = 64 << 10;

/// A response whose head is there.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct IncomingResponse {
    status: StatusCode,
    fields: Fields,
    body: Option<IncomingBody>,
}

/// The body of a response, before its stream was asked for.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct IncomingBody {
    body: Option<OpenBody>,
    patience: Option<Duration>,
    told: Arc<Told>,
}

/// The trailers of a response: none.
#[derive(Debug, Default)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Trailers {
    was_taken: bool,
}

/// The stream of a body.
struct Reader {
    body: OpenBody,
    patience: Option<Duration>,
    told: Arc<Told>,
    state: Reading,
}

enum Reading {
    Waiting,
    Ready(Bytes),
    Failed(HttpError),
    Closed,
}

impl IncomingResponse {
    pub(super) fn new(response: OpenResponse, patience: Option<Duration>, told: &Arc<Told>) -> IncomingResponse {
        let OpenResponse { status, headers, body } = response;
        let body = Some(IncomingBody { body: Some(body), patience, told: Arc::clone(told) });
        IncomingResponse { status, fields: Fields::received(headers), body }
    }
}

impl Reader {
    async fn wait(&mut self) {
        if !matches!(self.state, Reading::Waiting) {
            return;
        }
        let reading = self.body.read(CHUNK);
        let read = match self.patience {
            None => reading.await,
            Some(patience) => {
                let asked = || Asked::of(&[b"next bytes", &patience.as_nanos().to_le_bytes()]);
                match self.told.within(patience, asked, reading).await {
                    Ok(read) => read.unwrap_or(Err(HostError::Limit(Code::CallDeadline))),
                    Err(cause) => Err(HostError::Stopped(cause)),
                }
            }
        };
        self.state = match read {
            Ok(bytes) if bytes.is_empty() => Reading::Closed,
            Ok(bytes) => Reading::Ready(bytes),
            Err(error) => Reading::Failed(error.into()),
        };
    }
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size > 0 {
            // What is there already needs no waiting.
            let _ = poll_noop(std::pin::pin!(self.wait()));
        }
        match mem::replace(&mut self.state, Reading::Closed) {
            Reading::Waiting => {
                self.state = Reading::Waiting;
                Ok(Bytes::new())
            }
            Reading::Ready(mut bytes) => {
                let given = bytes.split_to(size.min(bytes.len()));
                self.state = if bytes.is_empty() { Reading::Waiting } else { Reading::Ready(bytes) };
                Ok(given)
            }
            Reading::Failed(HttpError::Code(code)) => Err(StreamError::LastOperationFailed(wasmtime::Error::new(code))),
            Reading::Failed(HttpError::Trap(error)) => Err(StreamError::Trap(error)),
            Reading::Closed => Err(StreamError::Closed),
        }
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        self.wait().await;
    }
}

impl types::Host for Http<'_> {
    fn http_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().cloned())
    }

    fn convert_error_code(&mut self, error: HttpError) -> wasmtime::Result<ErrorCode> {
        error.into_code()
    }

    fn convert_header_error(&mut self, error: FieldError) -> wasmtime::Result<HeaderError> {
        error.into_error()
    }
}

impl HostIncomingResponse for Http<'_> {
    fn status(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<StatusCode> {
        Ok(self.table.get(&response)?.status)
    }

    fn headers(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<Resource<Fields>> {
        let fields = self.table.get(&response)?.fields.clone();
        Ok(self.table.push(fields)?)
    }

    fn consume(
        &mut self,
        response: Resource<IncomingResponse>,
    ) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        match self.table.get_mut(&response)?.body.take() {
            Some(body) => Ok(Ok(self.table.push(body)?)),
            None => Ok(Err(())),
        }
    }

    fn drop(&mut self, response: Resource<IncomingResponse>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        Ok(())
    }
}

impl HostIncomingBody for Http<'_> {
    fn stream(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Result<Resource<DynInputStream>, ()>> {
        let IncomingBody { body: source, patience, told } = self.table.get_mut(&body)?;
        let (Some(source), patience) = (source.take(), *patience) else { return Ok(Err(())) };
        let told = Arc::clone(told);
        let stream: DynInputStream = Box::new(Reader { body: source, patience, told, state: Reading::Waiting });
        Ok(Ok(self.table.push_child(stream, &body)?))
    }

    fn finish(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<Resource<Trailers>> {
        self.table.delete(body)?;
        Ok(self.table.push(Trailers::default())?)
    }

    fn drop(&mut self, body: Resource<IncomingBody>) -> wasmtime::Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

#[async_trait]
impl Pollable for Trailers {
    async fn ready(&mut self) {}
}

impl HostFutureTrailers for Http<'_> {
    fn subscribe(&mut self, trailers: Resource<Trailers>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, trailers)
    }

    fn get(
        &mut self,
        trailers: Resource<Trailers>,
    ) -> wasmtime::Result<Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>> {
        let was_taken = mem::replace(&mut self.table.get_mut(&trailers)?.was_taken, true);
        Ok(Some(if was_taken { Err(()) } else { Ok(Ok(None)) }))
    }

    fn drop(&mut self, trailers: Resource<Trailers>) -> wasmtime::Result<()> {
        self.table.delete(trailers)?;
        Ok(())
    }
}

/// There are none.
impl HostIncomingRequest for Http<'_> {
    fn method(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Method> {
        absent()
    }

    fn path_with_query(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Option<String>> {
        absent()
    }

    fn scheme(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Option<Scheme>> {
        absent()
    }

    fn authority(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Option<String>> {
        absent()
    }

    fn headers(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Resource<Fields>> {
        absent()
    }

    fn consume(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        absent()
    }

    fn drop(&mut self, _: Resource<IncomingRequest>) -> wasmtime::Result<()> {
        absent()
    }
}

/// There are none.
impl HostOutgoingResponse for Http<'_> {
    fn new(&mut self, _: Resource<Fields>) -> wasmtime::Result<Resource<OutgoingResponse>> {
        absent()
    }

    fn status_code(&mut self, _: Resource<OutgoingResponse>) -> wasmtime::Result<StatusCode> {
        absent()
    }

    fn set_status_code(&mut self, _: Resource<OutgoingResponse>, _: StatusCode) -> wasmtime::Result<Result<(), ()>> {
        absent()
    }

    fn headers(&mut self, _: Resource<OutgoingResponse>) -> wasmtime::Result<Resource<Fields>> {
        absent()
    }

    fn body(&mut self, _: Resource<OutgoingResponse>) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        absent()
    }

    fn drop(&mut self, _: Resource<OutgoingResponse>) -> wasmtime::Result<()> {
        absent()
    }
}

/// There are none.
impl HostResponseOutparam for Http<'_> {
    fn send_informational(
        &mut self,
        _: Resource<ResponseOutparam>,
        _: StatusCode,
        _: Resource<Fields>,
    ) -> Result<(), HttpError> {
        absent().map_err(HttpError::Trap)
    }

    fn set(
        &mut self,
        _: Resource<ResponseOutparam>,
        _: Result<Resource<OutgoingResponse>, ErrorCode>,
    ) -> wasmtime::Result<()> {
        absent()
    }

    fn drop(&mut self, _: Resource<ResponseOutparam>) -> wasmtime::Result<()> {
        absent()
    }
}
