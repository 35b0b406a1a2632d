//! The client of one run.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bailiwick_guard::{HostError, TraceContext};
use bailiwick_policy::{Code, Terms};
use bytes::Bytes;
use http::header::LOCATION;
use http::response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioTimer;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::task::JoinSet;

use super::action::{Answer, Verb};
use super::connect::{Connector, DialError};
use super::redirect::Redirect;
use super::request::{MAX_HEADER_BYTES, MAX_HEADERS};
use super::response::check_headers;
use super::{Dialer, FetchRequest, FetchResponse, Pending, Resolver, Stream};
use crate::secrets::{AnswerStream, Secrets};

/// How long a request may take when its rule does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection waits for its next request.
const POOL_IDLE: Duration = Duration::from_secs(15);
/// Connections to one host that wait for their next request.
const POOL_PER_HOST: usize = 4;
/// Bytes that a connection buffers for headers. More than may be used, so that what is a little too large is told from
/// what is no HTTP; what is larger still is not read.
const HEADER_BUFFER: usize = 4 * MAX_HEADER_BYTES;

/// The fetch capability of one run: its connections, which end with it.
pub struct Fetcher {
    parts: Parts,
    secrets: Arc<Secrets>,
    clients: OnceLock<Result<Clients, rustls::Error>>,
    tasks: Tasks,
}

/// What all runs share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) tls: Arc<dyn Fn() -> Result<Arc<ClientConfig>, rustls::Error> + Send + Sync>,
}

impl Parts {
    /// No name has an address, and no address can be reached.
    pub(crate) fn unreachable() -> Parts {
        let tls = || Err(rustls::Error::General("a replay has no connections".to_owned()));
        Parts { resolver: Arc::new(Nowhere), dialer: Arc::new(Nowhere), tls: Arc::new(tls) }
    }
}

/// What a replay is connected to.
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve<'a>(&'a self, _host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

impl Dialer for Nowhere {
    fn dial(&self, _address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

/// How an exchange goes on once the head of its response is there.
pub(super) enum Begun {
    Response(response::Parts, Incoming),
    Redirect(Redirect),
}

/// INVARIANT: a connection that was made under a `private` rule is never used for a request under another.
struct Clients {
    public: HttpClient,
    private: HttpClient,
}

pub(super) type HttpClient = Client<HttpsConnector<Connector>, Full<Bytes>>;

impl Fetcher {
    /// Costs nothing until the first request.
    pub(crate) fn new(parts: Parts, secrets: Arc<Secrets>) -> Fetcher {
        Fetcher { parts, secrets, clients: OnceLock::new(), tasks: Tasks::default() }
    }

    /// One request and its whole response. `explain` hears why, if it is refused here.
    pub(super) async fn exchange(
        &self,
        verb: Verb,
        ask: &FetchRequest,
        terms: &Terms,
        trace: TraceContext,
        explain: &(dyn Fn(String) + Sync),
    ) -> Result<Answer, HostError> {
        let exchange = async {
            match self.begin(verb, ask, terms, trace, explain).await? {
                Begun::Redirect(redirect) => Ok(Answer::Redirect(redirect)),
                Begun::Response(head, body) => {
                    let response = FetchResponse::read(head, body, terms).await?;
                    self.secrets.scrub_response(response, terms).await.map(Answer::Response)
                }
            }
        };
        tokio::time::timeout(timeout(terms), exchange).await.unwrap_or(Err(HostError::Limit(Code::CallDeadline)))
    }

    /// One request and the head of its response, of which secrets were taken out; the body is for whoever calls it to scrub,
    /// and so is the time.
    pub(super) async fn begin(
        &self,
        verb: Verb,
        ask: &FetchRequest,
        terms: &Terms,
        trace: TraceContext,
        explain: &(dyn Fn(String) + Sync),
    ) -> Result<Begun, HostError> {
        self.secrets.prepare().await?;
        let plan = self.secrets.plan(ask, terms, explain)?;
        let mut request = ask.build(verb.http(), terms, &plan, explain)?;
        if terms.trace {
            let value = trace.to_string().parse().map_err(|_| HostError::Failed(Code::HttpFailed))?;
            // In the place of a guest's own, which would tell of another trace.
            request.headers_mut().insert("traceparent", value);
        }
        let clients = self.clients.get_or_init(|| self.clients());
        let clients = clients.as_ref().map_err(|_| HostError::Failed(Code::TlsFailed))?;
        let client = if terms.private { &clients.private } else { &clients.public };
        self.secrets.fill(plan, &mut request, Full::new, &ask.body).await?;
        let sent = client.request(request).await.map_err(|error| failure(&error, explain))?;
        let (mut head, body) = sent.into_parts();
        check_headers(&head.headers)?;
        self.secrets.scrub_headers(&mut head.headers)?;
        if head.status == http::StatusCode::PARTIAL_CONTENT && self.secrets.scrubber().is_some() {
            // A value that comes in parts, one request each, is in none of them.
            explain("the response is a part of one, and this run has secrets".to_owned());
            return Err(HostError::Failed(Code::HttpFailed));
        }
        if terms.redirects
            && Redirect::is(head.status)
            && let Some(location) = head.headers.get(LOCATION)
        {
            if head.headers.get_all(LOCATION).iter().any(|other| other != location) {
                return Err(HostError::Failed(Code::HttpFailed));
            }
            let location = location.to_str().map_err(|_| HostError::Failed(Code::HttpFailed))?;
            return Ok(Begun::Redirect(Redirect::new(head.status, location)));
        }
        Ok(Begun::Response(head, body))
    }

    /// What takes secrets out of a body that is read in pieces.
    pub(super) fn answer(&self) -> AnswerStream {
        AnswerStream::new(Arc::clone(&self.secrets))
    }

    fn clients(&self) -> Result<Clients, rustls::Error> {
        let tls = session_tls(&self.parts)?;
        let client = |private| http_client(&self.parts, &tls, private, &self.tasks);
        Ok(Clients { public: client(false), private: client(true) })
    }
}

/// TLS for the connections of one run.
pub(super) fn session_tls(parts: &Parts) -> Result<ClientConfig, rustls::Error> {
    let mut tls = ClientConfig::clone(&*(parts.tls)()?);
    // Tickets of one run would make its connections recognisable in the next.
    tls.resumption = Resumption::in_memory_sessions(16);
    Ok(tls)
}

/// A client that dials checked addresses only.
pub(super) fn http_client(parts: &Parts, tls: &ClientConfig, private: bool, tasks: &Tasks) -> HttpClient {
    let connector = Connector { resolver: Arc::clone(&parts.resolver), dialer: Arc::clone(&parts.dialer), private };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Client::builder(tasks.clone())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_PER_HOST)
        .http1_max_buf_size(HEADER_BUFFER)
        .http1_max_headers(4 * MAX_HEADERS)
        .http2_max_header_list_size(u32::try_from(HEADER_BUFFER).unwrap_or(u32::MAX))
        .build(connector)
}

/// How long a request and its whole response may take.
pub(super) fn timeout(terms: &Terms) -> Duration {
    terms.timeout.unwrap_or(DEFAULT_TIMEOUT)
}

/// What the guest is told. The library's text may name hosts and addresses that are not the guest's business.
pub(super) fn failure(error: &legacy::Error, explain: &(dyn Fn(String) + Sync)) -> HostError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(dial) = error.downcast_ref::<DialError>() {
            if let Some(reason) = dial.reason() {
                explain(reason);
            }
            return dial.host_error();
        }
        if error.is::<rustls::Error>() {
            return HostError::Failed(Code::TlsFailed);
        }
        // The source of an I/O error is the source of what it wraps, which would be passed over.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    // What is left of connecting, once dialling is done, is the handshake.
    HostError::Failed(if error.is_connect() { Code::TlsFailed } else { Code::HttpFailed })
}

/// The tasks that drive a run's connections. They end with it, whatever they wait for.
#[derive(Clone, Default)]
pub(super) struct Tasks {
    running: Arc<Mutex<JoinSet<()>>>,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(task);
    }
}

impl Tasks {
    pub(super) fn abort(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").finish_non_exhaustive()
    }
}
