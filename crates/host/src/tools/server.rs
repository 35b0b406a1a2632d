//! One server in one run: started when it is first needed, asked one thing at a time.

use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::session::{ServerError, Session};
use super::wire::RpcError;
use super::{Acceptance, AcceptanceError, AcceptedTool, Launch};

/// How long a call may take unless the manifest says otherwise.
const CALL: Duration = Duration::from_secs(30);
/// How often a run starts a server that fails again and again.
const MAX_STARTS: u32 = 4;

#[derive(Debug)]
pub(super) struct Server {
    launch: Launch,
    /// `None` where nothing can have been accepted: the host keeps no acceptances, or they cannot be read.
    acceptance: Option<Acceptance>,
    /// They cannot be read.
    unreadable: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Session>,
    starts: u32,
    closed: bool,
}

impl Server {
    pub(super) fn new(launch: Launch, acceptance: Option<Result<Acceptance, AcceptanceError>>) -> Server {
        let unreadable = matches!(acceptance, Some(Err(_)));
        let acceptance = acceptance.and_then(Result::ok);
        Server { launch, acceptance, unreadable, state: Mutex::default() }
    }

    /// What can be called, as far as that is known without starting the server.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &AcceptedTool> {
        let acceptance = self.acceptance.iter().filter(|acceptance| acceptance.is_for(&self.launch));
        acceptance.flat_map(Acceptance::tools)
    }

    /// The tool, if it was accepted of a server that is started like this one.
    pub(super) fn tool(&self, name: &str) -> Result<&AcceptedTool, HostError> {
        if self.unreadable {
            return Err(HostError::Failed(Code::Internal));
        }
        let tool = self.acceptance.as_ref().and_then(|acceptance| acceptance.tool(name).zip(Some(acceptance)));
        match tool {
            None => Err(HostError::Denied(Code::ToolUnaccepted)),
            Some((_, acceptance)) if !acceptance.is_for(&self.launch) => Err(HostError::Denied(Code::ToolChanged)),
            Some((tool, _)) => Ok(tool),
        }
    }

    /// Calls a tool that is still as it was accepted.
    pub(super) async fn call(
        &self,
        tool: &AcceptedTool,
        arguments: &Map<String, Value>,
        max: usize,
    ) -> Result<Result<Value, RpcError>, HostError> {
        let mut state = self.state.lock().await;
        let answer = async {
            let session = state.session(&self.launch).await?;
            session.refresh().await.map_err(failed)?;
            match session.offers().get(tool.name()) {
                None => return Err(HostError::Failed(Code::NoTool)),
                Some(offer) if offer.digest() != tool.digest() => return Err(HostError::Denied(Code::ToolChanged)),
                Some(_) => {}
            }
            let within = self.launch.timeout.unwrap_or(CALL);
            session.call(tool.name(), arguments, max, within).await.map_err(failed)
        };
        let answer = answer.await;
        // After a deadline the conversation can go on; after everything else that is the server's fault it cannot.
        let is_lost =
            matches!(answer, Err(HostError::Failed(Code::ToolServer) | HostError::Limit(Code::ResponseBytes)));
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
    async fn session(&mut self, launch: &Launch) -> Result<&mut Session, HostError> {
        if self.session.is_none() {
            if self.closed || self.starts == MAX_STARTS {
                return Err(HostError::Failed(Code::ToolServer));
            }
            self.starts += 1;
            self.session = Some(Session::start(launch).await.map_err(failed)?);
        }
        self.session.as_mut().ok_or(HostError::Failed(Code::ToolServer))
    }
}

fn failed(error: ServerError) -> HostError {
    match error {
        ServerError::Deadline(_) => HostError::Limit(Code::CallDeadline),
        ServerError::TooLong => HostError::Limit(Code::ResponseBytes),
        _ => HostError::Failed(Code::ToolServer),
    }
}
