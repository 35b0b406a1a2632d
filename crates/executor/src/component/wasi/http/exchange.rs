//! `outgoing-handler`, and the response that is to come.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::journal::Asked;
use bailiwick_guard::{CallError, StopCause};
use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::runtime::poll_noop;

use super::error::HttpError;
use super::request::{OutgoingRequest, RequestOptions};
use super::response::IncomingResponse;
use super::types::{ErrorCode, HostFutureIncomingResponse};
use super::{Http, outgoing_handler};
use crate::component::trap;
use crate::ops;
use crate::run::{Door, Told};

/// A request on its way, and then its response.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Exchange {
    state: State,
    told: Arc<Told>,
}

enum State {
    // INVARIANT: nobody but the guest's own waiting drives it, so that no call outlives the run.
    Pending(Pin<Box<dyn Future<Output = Answer> + Send>>),
    Ready(Box<Answer>),
    Taken,
}

type Answer = Result<IncomingResponse, HttpError>;

impl Exchange {
    fn new(told: &Arc<Told>, asking: impl Future<Output = Answer> + Send + 'static) -> Exchange {
        let mut exchange = Exchange { state: State::Pending(Box::pin(asking)), told: Arc::clone(told) };
        exchange.look();
        exchange
    }

    /// Goes on as far as that takes no waiting.
    fn look(&mut self) {
        if let State::Pending(asking) = &mut self.state
            && let Some(answer) = poll_noop(Pin::new(asking))
        {
            self.state = State::Ready(Box::new(answer));
        }
    }
}

#[async_trait]
impl Pollable for Exchange {
    async fn ready(&mut self) {
        // In a replay an answer is there before it was: calls do not take time.
        self.look();
        self.told.until_shown().await;
        if let State::Pending(asking) = &mut self.state {
            let answer = asking.as_mut().await;
            self.state = State::Ready(Box::new(answer));
        }
    }
}

async fn ask(door: Door, mut request: OutgoingRequest, options: RequestOptions) -> Answer {
    let body = match &mut request.parcel {
        Some(parcel) => parcel.finished().await?,
        None if request.fields.content_length().unwrap_or(0) > 0 => {
            return Err(ErrorCode::HttpRequestBodySize(Some(0)).into());
        }
        None => Bytes::new(),
    };
    let url = request.url();
    let verb = ops::parse_method(&door, request.verb(), &url)?;
    let opening = ops::open_fetch(&door, verb, &url, request.fields.pairs(), body);
    let response = match options.first_byte {
        None => opening.await,
        Some(nanos) => {
            let asked = || Asked::of(&[b"first byte", url.as_bytes(), &nanos.to_le_bytes()]);
            let opened = door.told().within(Duration::from_nanos(nanos), asked, opening).await;
            opened.map_err(CallError::Stopped)?.ok_or(ErrorCode::HttpResponseTimeout)?
        }
    };
    Ok(IncomingResponse::new(response?, options.between_bytes.map(Duration::from_nanos), door.told()))
}

type Handle = Resource<Exchange>;

impl outgoing_handler::Host for Http<'_> {
    fn handle(
        &mut self,
        request: Resource<OutgoingRequest>,
        options: Option<Resource<RequestOptions>>,
    ) -> Result<Handle, HttpError> {
        let options = options.map(|options| self.table.delete(options)).transpose()?.unwrap_or_default();
        let request = self.table.delete(request)?;
        let told = Arc::clone(self.door.told());
        Ok(self.table.push(Exchange::new(&told, ask(self.door.clone(), request, options)))?)
    }
}

impl HostFutureIncomingResponse for Http<'_> {
    fn subscribe(&mut self, exchange: Handle) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, exchange)
    }

    fn get(
        &mut self,
        exchange: Handle,
    ) -> wasmtime::Result<Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>> {
        let handle = exchange.rep();
        let this = self.table.get_mut(&exchange)?;
        this.look();
        let asked = || Asked::of(&[b"answer", &handle.to_le_bytes()]);
        let is_there = !matches!(this.state, State::Pending(_));
        match (this.told.now(asked, || is_there).map_err(trap)?, is_there) {
            (true, true) => {}
            (false, _) => return Ok(None),
            (true, false) => return Err(trap(StopCause::Diverged)),
        }
        match std::mem::replace(&mut this.state, State::Taken) {
            State::Pending(asking) => {
                this.state = State::Pending(asking);
                Ok(None)
            }
            State::Ready(answer) => Ok(Some(Ok(match *answer {
                Ok(response) => Ok(self.table.push(response)?),
                Err(error) => Err(error.into_code()?),
            }))),
            State::Taken => Ok(Some(Err(()))),
        }
    }

    fn drop(&mut self, exchange: Handle) -> wasmtime::Result<()> {
        self.table.delete(exchange)?;
        Ok(())
    }
}
