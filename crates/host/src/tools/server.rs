//! One server in one run: started when it is first needed, asked one thing at a time.

use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use rmcp::model::CallToolResult;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::session::{NoResult, ServerError, Session};
use super::{Acceptance, AcceptanceError, AcceptedTool, Launch};

/// How long a call may take unless the manifest says otherwise.
pub(super) const CALL: Duration = Duration::from_secs(30);
/// How often a run starts a server that fails again and again.
const MAX_STARTS: u32 = 4;

#[derive(Debug)]
pub(super) struct Server {
    launch: Launch,
    accepted: Accepted,
    state: Mutex<State>,
}

/// What is known of what the operator accepted.
#[derive(Debug)]
enum Accepted {
    Known(Acceptance),
    /// The host keeps no acceptances: nothing was accepted.
    Nothing,
    /// There is a record, which cannot be read.
    Unreadable,
}

/// Why a call has no result. The text is for the operator; what a server wrote in it is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: HostError,
    pub(super) why: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Session>,
    starts: u32,
    closed: bool,
}

impl Server {
    pub(super) fn new(launch: Launch, acceptance: Option<Result<Acceptance, AcceptanceError>>) -> Server {
        let accepted = match acceptance {
            Some(Ok(acceptance)) => Accepted::Known(acceptance),
            Some(Err(_)) => Accepted::Unreadable,
            None => Accepted::Nothing,
        };
        Server { launch, accepted, state: Mutex::default() }
    }

    /// What can be called, as far as that is known without starting the server.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &AcceptedTool> {
        let acceptance = match &self.accepted {
            Accepted::Known(acceptance) if acceptance.is_for(&self.launch) => Some(acceptance),
            Accepted::Known(_) | Accepted::Nothing | Accepted::Unreadable => None,
        };
        acceptance.into_iter().flat_map(Acceptance::tools)
    }

    /// The tool, if it was accepted of a server that is reached like this one.
    pub(super) fn tool(&self, name: &str) -> Result<&AcceptedTool, HostError> {
        let acceptance = match &self.accepted {
            Accepted::Known(acceptance) => acceptance,
            Accepted::Nothing => return Err(HostError::Denied(Code::ToolUnaccepted)),
            Accepted::Unreadable => return Err(HostError::Failed(Code::Internal)),
        };
        match acceptance.tool(name) {
            None => Err(HostError::Denied(Code::ToolUnaccepted)),
            Some(_) if !acceptance.is_for(&self.launch) => Err(HostError::Denied(Code::ToolChanged)),
            Some(tool) => Ok(tool),
        }
    }

    /// Calls a tool that is still as it was accepted.
    pub(super) async fn call(
        &self,
        tool: &AcceptedTool,
        arguments: &Map<String, Value>,
        max: usize,
    ) -> Result<CallToolResult, Failure> {
        let mut state = self.state.lock().await;
        let answer = async {
            let session = state.session(&self.launch).await?;
            session.refresh().await?;
            match session.offers().get(tool.name()) {
                None => return Err(HostError::Failed(Code::NoTool).into()),
                Some(offer) if offer.digest() != tool.digest() => {
                    return Err(HostError::Denied(Code::ToolChanged).into());
                }
                Some(_) => {}
            }
            let within = self.launch.timeout.unwrap_or(CALL);
            match session.call(tool.name(), arguments, max, within).await? {
                Ok(result) => Ok(result),
                Err(NoResult::Malformed) => Err(HostError::Failed(Code::ToolResult).into()),
                Err(NoResult::Error(code, message)) => {
                    let why = Some(format!("the server answers with error {code}: {message}"));
                    Err(Failure { error: HostError::Failed(Code::ToolError), why })
                }
            }
        };
        let answer = answer.await;
        // After a deadline the conversation can go on, and after an answer of any kind; after everything else it cannot.
        let is_lost = answer.as_ref().is_err_and(|failure| match failure.error {
            HostError::Failed(code) => code == Code::ToolServer,
            HostError::Limit(code) => code == Code::ResponseBytes,
            HostError::Denied(code) => code == Code::PrivateAddress,
            HostError::Stopped(_) => false,
        });
        if let Some(session) = state.session.take_if(|_| is_lost) {
            session.close().await;
        }
        answer
    }

    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        if let Some(session) = state.session.take() {
            session.close().await;
        }
    }
}

impl State {
    async fn session(&mut self, launch: &Launch) -> Result<&mut Session, Failure> {
        if self.session.is_none() {
            if self.closed || self.starts == MAX_STARTS {
                let why = (!self.closed).then(|| format!("it was started {MAX_STARTS} times in this run"));
                return Err(Failure { error: HostError::Failed(Code::ToolServer), why });
            }
            self.starts += 1;
            self.session = Some(Session::start(launch).await?);
        }
        self.session.as_mut().ok_or(HostError::Failed(Code::ToolServer).into())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Failure {
        Failure { error, why: None }
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Failure {
        let why = Some(match &error {
            ServerError::Closed { stderr } if !stderr.trim().is_empty() => format!("{error}; it wrote: {stderr}"),
            error => error.to_string(),
        });
        let error = match error {
            ServerError::Deadline(_) => HostError::Limit(Code::CallDeadline),
            ServerError::TooLong => HostError::Limit(Code::ResponseBytes),
            ServerError::Unreachable(denied @ HostError::Denied(_)) => denied,
            ServerError::Unreachable(_)
            | ServerError::Start { .. }
            | ServerError::Closed { .. }
            | ServerError::Protocol(_)
            | ServerError::Version(_)
            | ServerError::Refused { .. }
            | ServerError::Status { .. }
            | ServerError::Offer(_) => HostError::Failed(Code::ToolServer),
        };
        Failure { error, why }
    }
}
