//! A conversation with a server that runs: handshake, list of tools, calls. The protocol is that of the official SDK.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::HostError;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    ClientResult, ErrorCode, ErrorData, Implementation, ListToolsRequest, PaginatedRequestParams, ProtocolVersion,
    ServerNotification, ServerRequest, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, NotificationContext, RequestContext, RoleClient, RunningService, Service, ServiceError,
    ServiceExt,
};
use rmcp::transport::Transport;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::http::{self, Handset};
use super::intake::{Fault, News, Watch};
use super::launch::Way;
use super::offer::{self, MAX_LIST, Offer, OfferError};
use super::pipes::Pipes;
use super::process::Process;
use super::{Launch, MAX_RESULT};

/// From the start of the process to the list of its tools.
const START: Duration = Duration::from_secs(30);
/// What a message has besides the result that it carries.
const ENVELOPE: usize = 64 << 10;
/// Most bytes of the answer to the handshake.
const MAX_HANDSHAKE: usize = 256 << 10;
/// Most pages of a list of tools.
const MAX_PAGES: usize = 100;
/// How often a run asks again for a list that changed.
const MAX_REFRESHES: u32 = 8;

/// The version of the protocol that is asked for.
const VERSION: ProtocolVersion = ProtocolVersion::V_2025_06_18;
/// Those that a server may answer with: all that have this handshake.
const VERSIONS: [ProtocolVersion; 4] =
    [ProtocolVersion::V_2024_11_05, ProtocolVersion::V_2025_03_26, VERSION, ProtocolVersion::V_2025_11_25];

/// A server that runs and has said what it offers.
#[derive(Debug)]
pub(super) struct Session {
    far: Far,
    service: RunningService<RoleClient, Nobody>,
    watch: Arc<Watch>,
    offers: BTreeMap<String, Offer>,
    /// The server said that its list is another one now, and that one is not known yet.
    stale: bool,
    refreshes: u32,
}

/// The other end.
#[derive(Debug)]
enum Far {
    Process(Box<Process>),
    Http(#[expect(dead_code, reason = "requests end with it")] Handset),
}

/// Why a server is of no use. The text is for the operator; what the server itself wrote in it is untrusted.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(
        "`{program}` cannot be started: {error}; write its whole path, or let it see `PATH` with `env = [\"PATH\"]`"
    )]
    Start { program: String, error: io::Error },
    #[error("it ended, or closed the connection, before it answered")]
    Closed { stderr: String },
    #[error("it did not answer within {} seconds", .0.as_secs())]
    Deadline(Duration),
    #[error("it broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("it sent more than was asked for")]
    TooLong,
    #[error("it speaks version `{0}` of the protocol, which this version of Bailiwick does not")]
    Version(String),
    #[error("it refused `{method}`: {message}")]
    Refused { method: &'static str, message: String },
    #[error("it cannot be reached: {0}")]
    Unreachable(HostError),
    #[error("it answers with HTTP status {status}{}", about(*.status))]
    Status { status: u16 },
    #[error("its list of tools is of no use: {0}")]
    Offer(#[from] OfferError),
}

/// How a tool that was called did not give a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoResult {
    /// The server answered with an error of the protocol: its code and what it says. Untrusted text.
    Error(i32, String),
    /// What it answered is no result of a tool.
    Malformed,
}

/// Whom a server may ask: nobody. A `ping` is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nobody;

// Not the SDK's own handler, which answers some requests by default.
impl Service<RoleClient> for Nobody {
    async fn handle_request(
        &self,
        request: ServerRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        match request {
            ServerRequest::PingRequest(_) => Ok(ClientResult::empty(())),
            _ => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "this client offers no such method", None)),
        }
    }

    /// None is passed on to here.
    async fn handle_notification(
        &self,
        _: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        let client = Implementation::new("bailiwick", env!("CARGO_PKG_VERSION"));
        // No capabilities: nothing may be asked of this client.
        ClientConfig::new(ClientCapabilities::default(), client).with_protocol_version(VERSION)
    }
}

impl Session {
    pub(super) async fn start(launch: &Launch) -> Result<Session, ServerError> {
        match &launch.way {
            Way::Program(program) => {
                let name = program.command.first().cloned().unwrap_or_default();
                let started = Process::start(program);
                let (process, stdin, stdout) = started.map_err(|error| ServerError::Start { program: name, error })?;
                let (pipes, watch) = Pipes::new(stdout, stdin);
                Session::greet(pipes, watch, Far::Process(Box::new(process))).await
            }
            Way::Http(address) => {
                let (transport, watch, handset) = http::call(address)?;
                Session::greet(transport, watch, Far::Http(handset)).await
            }
        }
    }

    async fn greet(
        transport: impl Transport<RoleClient> + 'static,
        watch: Arc<Watch>,
        mut far: Far,
    ) -> Result<Session, ServerError> {
        let greeted = async {
            let service = greet(transport, &watch).await?;
            let offers = list(&service, &watch).await?;
            Ok((service, offers))
        };
        match (timeout(START, greeted).await, &mut far) {
            (Ok(Ok((service, offers))), _) => Ok(Session { far, service, watch, offers, stale: false, refreshes: 0 }),
            (Ok(Err(ServerError::Closed { .. })), Far::Process(process)) => {
                Err(ServerError::Closed { stderr: process.last_words().await })
            }
            (Ok(Err(error)), _) => Err(error),
            (Err(_elapsed), _) => Err(ServerError::Deadline(START)),
        }
    }

    /// The tools, as the server describes them now.
    pub(super) fn offers(&self) -> &BTreeMap<String, Offer> {
        &self.offers
    }

    /// What a program wrote to standard error last. Untrusted text.
    pub(super) fn stderr(&self) -> String {
        match &self.far {
            Far::Process(process) => process.stderr(),
            Far::Http(_) => String::new(),
        }
    }

    /// Asks again for the list of tools if the server said that it changed, or could not say so.
    pub(super) async fn refresh(&mut self) -> Result<(), ServerError> {
        // INVARIANT: `stale` is reset by a list that has arrived and by nothing else: this may fail, or be dropped half way.
        let News { changed, unheard } = self.watch.take_news();
        self.stale |= changed || unheard;
        if !self.stale {
            return Ok(());
        }
        self.refreshes = self.refreshes.saturating_add(u32::from(changed));
        if self.refreshes > MAX_REFRESHES {
            return Err(ServerError::Protocol("its list of tools changes without end"));
        }
        let listed = timeout(START, list(&self.service, &self.watch)).await;
        self.offers = listed.map_err(|_elapsed| ServerError::Deadline(START))??;
        self.stale = false;
        Ok(())
    }

    /// Calls a tool. Its answer has at most `max` bytes.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
        max: usize,
        within: Duration,
    ) -> Result<Result<CallToolResult, NoResult>, ServerError> {
        if let Some(fault) = self.watch.fault() {
            return Err(fault.into());
        }
        self.watch.at_most(max.saturating_add(ENVELOPE));
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.clone());
        // Dropped before its answer came, the request is cancelled.
        let answer = timeout(within, self.service.peer().call_tool_once(params)).await;
        match answer.map_err(|_elapsed| ServerError::Deadline(within))? {
            Ok(CallToolResponse::Complete(result)) => Ok(Ok(result)),
            // Nothing else was asked for.
            Ok(_) | Err(ServiceError::UnexpectedResponse) => Ok(Err(NoResult::Malformed)),
            Err(ServiceError::McpError(error)) if self.watch.fault().is_none() => {
                Ok(Err(NoResult::Error(error.code.0, excerpt(&error.message))))
            }
            Err(error) => Err(failed(error, "tools/call", &self.watch)),
        }
    }

    pub(super) async fn close(self) {
        let Session { far, service, .. } = self;
        // With the transport, which the service owns, a process's standard input ends, and a session over HTTP is ended.
        let _ = service.cancel().await;
        if let Far::Process(process) = far {
            process.close().await;
        }
    }
}

async fn greet(
    transport: impl Transport<RoleClient> + 'static,
    watch: &Watch,
) -> Result<RunningService<RoleClient, Nobody>, ServerError> {
    watch.at_most(MAX_HANDSHAKE);
    let service = Nobody.serve(transport).await.map_err(|error| match (watch.fault(), error) {
        (Some(fault), _) => fault.into(),
        (None, ClientInitializeError::JsonRpcError(error)) => refused("initialize", &error),
        (None, _) => ServerError::Protocol("its answer to the handshake is none"),
    })?;
    match service.peer_info() {
        Some(server) if VERSIONS.contains(&server.protocol_version) => Ok(service),
        Some(server) => Err(ServerError::Version(server.protocol_version.as_str().chars().take(40).collect())),
        None => Err(ServerError::Protocol("its answer to the handshake is none")),
    }
}

/// The SDK's own way to ask for a list keeps answers for as long as the server likes.
async fn list(
    service: &RunningService<RoleClient, Nobody>,
    watch: &Watch,
) -> Result<BTreeMap<String, Offer>, ServerError> {
    let mut offers = BTreeMap::new();
    if service.peer_info().is_none_or(|server| server.capabilities.tools.is_none()) {
        return Ok(offers);
    }
    let mut cursor = None;
    let mut left = MAX_LIST;
    for _ in 0..MAX_PAGES {
        watch.at_most(left.saturating_add(ENVELOPE));
        let request = ListToolsRequest::with_param(PaginatedRequestParams::default().with_cursor(cursor));
        let answer = service.peer().send_request(ClientRequest::ListToolsRequest(request)).await;
        let page = match answer.map_err(|error| failed(error, "tools/list", watch)) {
            Ok(ServerResult::ListToolsResult(page)) => page,
            Ok(_) => return Err(OfferError::Malformed.into()),
            Err(ServerError::TooLong) => return Err(OfferError::TooMany.into()),
            Err(error) => return Err(error),
        };
        let tools = page.tools.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let tools = tools.map_err(|_| OfferError::Malformed)?;
        let size = tools.iter().map(|tool| tool.to_string().len()).sum();
        left = left.checked_sub(size).ok_or(OfferError::TooMany)?;
        offer::collect(&mut offers, &tools)?;
        match page.next_cursor {
            None => {
                // What is said between calls is an answer that came late.
                watch.at_most(MAX_RESULT + ENVELOPE);
                return Ok(offers);
            }
            next => cursor = next,
        }
    }
    Err(OfferError::TooMany.into())
}

fn failed(error: ServiceError, method: &'static str, watch: &Watch) -> ServerError {
    match (watch.fault(), error) {
        (Some(fault), _) => fault.into(),
        (None, ServiceError::McpError(error)) => refused(method, &error),
        (None, ServiceError::UnexpectedResponse) => ServerError::Protocol("its answer is of another kind"),
        (None, _) => ServerError::Closed { stderr: String::new() },
    }
}

fn refused(method: &'static str, error: &ErrorData) -> ServerError {
    ServerError::Refused { method, message: excerpt(&error.message) }
}

fn excerpt(text: &str) -> String {
    text.chars().take(400).collect()
}

/// What a status means here.
fn about(status: u16) -> &'static str {
    match status {
        300..=399 => "; redirects are not followed: name the place itself",
        401 | 403 => "; it wants to know who asks: name a `bearer_file` for its URL in `bailiwick.toml`",
        404 => "; there is no such place, or the session is over",
        _ => "",
    }
}

impl From<Fault> for ServerError {
    fn from(fault: Fault) -> ServerError {
        match fault {
            Fault::Closed => ServerError::Closed { stderr: String::new() },
            Fault::Protocol(what) => ServerError::Protocol(what),
            Fault::TooLong => ServerError::TooLong,
            Fault::Status(status) => ServerError::Status { status },
            Fault::Unreachable(error) => ServerError::Unreachable(error),
        }
    }
}
