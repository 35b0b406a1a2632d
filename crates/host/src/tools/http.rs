//! A server's streamable HTTP as a transport of the protocol: the official SDK's, over a client of ours that bounds what comes
//! in and dials checked addresses only.
//!
//! The SDK keeps the session's number and ends the session. It is not let do what would make two calls of one: it neither
//! resumes a stream nor starts a session anew by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::common::client_side_sse::SseRetryPolicy;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
    StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};
use tokio::sync::watch;

use super::intake::{Fault, Watch, answered};
use super::launch::Address;
use crate::fetch::Line;

/// How long the end of a session may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// Messages that wait between the SDK's tasks.
const QUEUE: usize = 16;
/// What a chunk may have besides the rest of an event.
const CHUNK: usize = 1 << 20;
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// Longest number of a session.
const MAX_SESSION: usize = 1024;
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A client for one server.
#[derive(Clone)]
pub(super) struct Client {
    line: Arc<Line>,
    address: Arc<Address>,
    watch: Arc<Watch>,
    hung_up: watch::Receiver<()>,
}

/// A stream that broke stays so: what was missed is asked for anew, or the session is.
#[derive(Debug)]
struct Never;

impl SseRetryPolicy for Never {
    fn retry(&self, _: usize) -> Option<Duration> {
        None
    }
}

/// Ends every request of a client when it is dropped.
#[derive(Debug)]
pub(super) struct Handset(#[expect(dead_code, reason = "its end is the message")] watch::Sender<()>);

pub(super) type Transport = StreamableHttpClientTransport<Client>;

type Failed = StreamableHttpError<Fault>;

/// Nothing is sent yet.
pub(super) fn call(address: &Arc<Address>) -> Result<(Transport, Arc<Watch>, Handset), Fault> {
    let line = Line::new(&address.parts, address.private).map_err(Fault::Unreachable)?;
    let (sender, hung_up) = watch::channel(());
    let watch = Arc::<Watch>::default();
    watch.hears(false);
    let client = Client { line: Arc::new(line), address: Arc::clone(address), watch: Arc::clone(&watch), hung_up };
    // It is not used for dialling: that is the address's own URL.
    let mut config = StreamableHttpClientTransportConfig::with_uri(address.url.as_str())
        .reinit_on_expired_session(false)
        .max_concurrent_requests(1)
        .control_request_timeout(FAREWELL);
    config.retry_config = Arc::new(Never);
    config.channel_buffer_capacity = QUEUE;
    Ok((Transport::with_client(client, config), watch, Handset(sender)))
}

impl StreamableHttpClient for Client {
    type Error = Fault;

    async fn post_message(
        &self,
        _: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let answer = self.post(&message, session, headers).await;
        answer.inspect_err(|fault| self.watch.fail(*fault)).map_err(StreamableHttpError::Client)
    }

    async fn delete_session(
        &self,
        _: Arc<str>,
        session: Arc<str>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        let sent = self.send(Method::DELETE, Some(session), headers, Bytes::new());
        match tokio::time::timeout(FAREWELL, sent).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(fault)) => Err(StreamableHttpError::Client(fault)),
            Err(_elapsed) => Err(StreamableHttpError::Client(Fault::Closed)),
        }
    }

    /// What the server says by itself. A server need not offer it; then nothing is heard of changes.
    async fn get_stream(
        &self,
        _: Arc<str>,
        session: Option<Arc<str>>,
        _: Option<String>,
        _: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        match self.send(Method::GET, session, headers, Bytes::new()).await {
            Ok(response) if response.status().is_success() && is(&response, EVENTS) => {
                Ok(self.clone().events(response.into_body(), None))
            }
            _ => Err(StreamableHttpError::ServerDoesNotSupportSse),
        }
    }
}

impl Client {
    async fn post(
        &self,
        message: &ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Fault> {
        let asked = self.watch.sending(message)?;
        let body = serde_json::to_vec(message).map_err(|_| Fault::Protocol("a message cannot be written"))?;
        let response = self.send(Method::POST, session, headers, body.into()).await?;
        if !response.status().is_success() {
            return Err(Fault::Status(response.status().as_u16()));
        }
        // Nobody reads what is said to something that asks nothing.
        let Some(asked) = asked else { return Ok(StreamableHttpPostResponse::Accepted) };
        let session = session_of(response.headers())?;
        if is(&response, EVENTS) {
            return Ok(StreamableHttpPostResponse::Sse(
                self.clone().events(response.into_body(), Some(asked)),
                session,
            ));
        }
        if !is(&response, JSON) {
            return Err(Fault::Protocol("its answer is neither JSON nor a stream of events"));
        }
        let text = self.collect(response.into_body()).await?;
        match self.watch.read(&text)? {
            Some(message) if answered(&message) == Some(asked) => {
                Ok(StreamableHttpPostResponse::Json(message, session))
            }
            _ => Err(Fault::Protocol("its answer is to another request")),
        }
    }

    /// Sends a request and gives the response's head. For as long as it takes: whoever waits has a deadline.
    async fn send(
        &self,
        method: Method,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
        body: Bytes,
    ) -> Result<Response<Incoming>, Fault> {
        let accepted = HeaderValue::from_static("application/json, text/event-stream");
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = self.address.uri()?;
        let own = request.headers_mut();
        own.extend(headers);
        own.insert(ACCEPT, accepted);
        own.insert(USER_AGENT, HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION"))));
        if method == Method::POST {
            own.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        if let Some(session) = session {
            own.insert(SESSION, HeaderValue::from_str(&session).map_err(|_| BAD_SESSION)?);
        }
        if let Some(bearer) = &self.address.bearer {
            own.insert(AUTHORIZATION, bearer.header()?);
        }
        *request.method_mut() = method;
        let mut hung_up = self.hung_up.clone();
        let response = tokio::select! {
            response = self.line.send(request) => response.map_err(Fault::Unreachable)?,
            _ = hung_up.changed() => return Err(Fault::Closed),
        };
        if response.headers().contains_key(CONTENT_ENCODING) {
            return Err(Fault::Protocol("its answer is compressed, which was not asked for"));
        }
        Ok(response)
    }

    async fn collect(&self, mut body: Incoming) -> Result<Vec<u8>, Fault> {
        let mut hung_up = self.hung_up.clone();
        let mut text = Vec::new();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                _ = hung_up.changed() => return Err(Fault::Closed),
            };
            let Some(frame) = frame else { return Ok(text) };
            let Ok(data) = frame.map_err(|_| Fault::Closed)?.into_data() else { continue };
            if text.len().saturating_add(data.len()) > self.watch.most() {
                return Err(Fault::TooLong);
            }
            self.watch.received(data.len())?;
            text.extend_from_slice(&data);
        }
    }

    /// The messages of a stream, as events with nothing but a message each. `asked` is answered by it.
    fn events(self, body: Incoming, asked: Option<i64>) -> BoxStream<'static, Result<Sse, SseError>> {
        if asked.is_none() {
            self.watch.hears(true);
        }
        let pending = Arc::<AtomicUsize>::default();
        let (counted, watch) = (Arc::clone(&pending), Arc::clone(&self.watch));
        let bytes = body.into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(|_| Fault::Closed)?;
            watch.received(chunk.len())?;
            let event = counted.fetch_add(chunk.len(), Ordering::AcqRel).saturating_add(chunk.len());
            if event > watch.most().saturating_add(CHUNK) { Err(Fault::TooLong) } else { Ok(chunk) }
        });
        let source = Box::pin(SseStream::from_bytes_stream(bytes));
        let events = Events { source, client: self, listens: asked.is_none(), asked, pending };
        stream::unfold(Some(events), |events| async {
            let mut events = events?;
            match events.next().await {
                Ok(None) => None,
                Ok(Some(event)) => Some((Ok(event), Some(events))),
                Err(fault) => {
                    events.client.watch.fail(fault);
                    Some((Err(SseError::Body(Box::new(fault))), None))
                }
            }
        })
        .boxed()
    }
}

/// A stream of events that is being read.
struct Events<S> {
    source: S,
    client: Client,
    /// It is where the server tells of changes.
    listens: bool,
    /// The request whose answer is still to come.
    asked: Option<i64>,
    /// Bytes since the last event.
    pending: Arc<AtomicUsize>,
}

impl<S: futures::Stream<Item = Result<Sse, SseError>> + Unpin> Events<S> {
    /// The next event with a message that matters.
    async fn next(&mut self) -> Result<Option<Sse>, Fault> {
        loop {
            let event = tokio::select! {
                event = self.source.next() => event,
                _ = self.client.hung_up.changed() => return Err(Fault::Closed),
            };
            self.pending.store(0, Ordering::Release);
            let event = match event {
                Some(Ok(event)) => event,
                Some(Err(SseError::Body(error))) => {
                    return Err(*error.downcast::<Fault>().unwrap_or(Box::new(Fault::Closed)));
                }
                Some(Err(_)) => return Err(Fault::Protocol("its stream of events is malformed")),
                None if self.asked.is_some() => return Err(Fault::Closed),
                None => return Ok(None),
            };
            let Some(text) = event.data.filter(|text| is_message(event.event.as_deref()) && !text.trim().is_empty())
            else {
                self.client.watch.noise()?;
                continue;
            };
            if let Some(message) = self.client.watch.read(text.as_bytes())? {
                if answered(&message).is_some() && answered(&message) == self.asked {
                    self.asked = None;
                }
                return Ok(Some(Sse::default().data(text)));
            }
        }
    }
}

impl<S> Drop for Events<S> {
    fn drop(&mut self) {
        if self.listens {
            self.client.watch.hears(false);
        }
    }
}

fn is_message(name: Option<&str>) -> bool {
    matches!(name, None | Some("" | "message"))
}

/// Whether the response's body is of this type.
fn is(response: &Response<Incoming>, kind: &str) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

fn session_of(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(SESSION) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= MAX_SESSION);
    text.map(|text| Some(text.to_owned())).ok_or(BAD_SESSION)
}

const BAD_SESSION: Fault = Fault::Protocol("its session has no proper number");

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}
