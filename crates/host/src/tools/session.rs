//! A conversation with a server that runs: handshake, list of tools, calls.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use super::offer::{self, MAX_LIST, Offer, OfferError};
use super::process::Process;
use super::wire::{RpcError, Wire, WireError};
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

/// The version of the protocol that is asked for, and those that a server may answer with.
const VERSION: &str = "2025-06-18";
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", VERSION, "2025-11-25"];

/// A server that runs and has said what it offers.
#[derive(Debug)]
pub(super) struct Session {
    process: Process,
    wire: Wire<ChildStdout>,
    offers: BTreeMap<String, Offer>,
    /// The server said that its list is another one now, and that one is not known yet.
    stale: bool,
    refreshes: u32,
}

/// Why a server is of no use. The text is for the operator; what the server itself wrote in it is untrusted.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(
        "`{program}` cannot be started: {error}; write its whole path, or let it see `PATH` with `env = [\"PATH\"]`"
    )]
    Start { program: String, error: io::Error },
    #[error("it ended, or closed its standard output, before it answered")]
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
    #[error("its list of tools is of no use: {0}")]
    Offer(#[from] OfferError),
}

impl Session {
    pub(super) async fn start(launch: &Launch) -> Result<Session, ServerError> {
        let program = launch.command.first().cloned().unwrap_or_default();
        let started = Process::start(launch).map_err(|error| ServerError::Start { program, error })?;
        let (process, stdin, stdout) = started;
        let wire = Wire::new(stdout, stdin);
        let mut session = Session { process, wire, offers: BTreeMap::new(), stale: false, refreshes: 0 };
        match timeout(START, session.greet()).await {
            Ok(Ok(())) => Ok(session),
            Ok(Err(ServerError::Closed { .. })) => {
                Err(ServerError::Closed { stderr: session.process.last_words().await })
            }
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => Err(ServerError::Deadline(START)),
        }
    }

    /// The tools, as the server describes them now.
    pub(super) fn offers(&self) -> &BTreeMap<String, Offer> {
        &self.offers
    }

    /// What it wrote to standard error last. Untrusted text.
    pub(super) fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// Asks again for the list of tools if the server said that it changed.
    pub(super) async fn refresh(&mut self) -> Result<(), ServerError> {
        // INVARIANT: `stale` is reset by a list that has arrived and by nothing else: this may fail, or be dropped half way.
        self.stale |= self.wire.take_list_changed(MAX_RESULT + ENVELOPE)?;
        if !self.stale {
            return Ok(());
        }
        self.refreshes += 1;
        if self.refreshes > MAX_REFRESHES {
            return Err(ServerError::Protocol("its list of tools changes without end"));
        }
        timeout(START, self.list()).await.map_err(|_elapsed| ServerError::Deadline(START))?
    }

    /// Calls a tool. Its answer has at most `max` bytes.
    pub(super) async fn call(
        &mut self,
        tool: &str,
        arguments: &Map<String, Value>,
        max: usize,
        within: Duration,
    ) -> Result<Result<Value, RpcError>, ServerError> {
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = timeout(within, self.wire.request("tools/call", params, max.saturating_add(ENVELOPE))).await;
        match answer {
            Ok(answer) => Ok(answer?),
            Err(_elapsed) => {
                self.wire.cancel()?;
                Err(ServerError::Deadline(within))
            }
        }
    }

    pub(super) async fn close(self) {
        let Session { process, wire, .. } = self;
        // Its standard input ends with the wire.
        drop(wire);
        process.close().await;
    }

    async fn greet(&mut self) -> Result<(), ServerError> {
        let client = json!({ "name": "bailiwick", "version": env!("CARGO_PKG_VERSION") });
        // No capabilities: nothing may be asked of this client.
        let params = json!({ "protocolVersion": VERSION, "capabilities": {}, "clientInfo": client });
        let answer = self.ask("initialize", params, MAX_HANDSHAKE).await?;
        let version = answer.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        if !VERSIONS.contains(&version) {
            return Err(ServerError::Version(version.chars().take(40).collect()));
        }
        self.wire.notify("notifications/initialized", json!({}))?;
        if answer.get("capabilities").and_then(|offered| offered.get("tools")).is_some() {
            self.list().await?;
        }
        Ok(())
    }

    async fn list(&mut self) -> Result<(), ServerError> {
        let mut offers = BTreeMap::new();
        let mut cursor = None;
        let mut left = MAX_LIST;
        for _ in 0..MAX_PAGES {
            let params = match &cursor {
                None => json!({}),
                Some(cursor) => json!({ "cursor": cursor }),
            };
            let page = match self.ask("tools/list", params, left.saturating_add(ENVELOPE)).await {
                Err(ServerError::TooLong) => return Err(OfferError::TooMany.into()),
                page => page?,
            };
            let tools = page.get("tools").and_then(Value::as_array).ok_or(OfferError::Malformed)?;
            left = left.checked_sub(page.to_string().len()).ok_or(OfferError::TooMany)?;
            offer::collect(&mut offers, tools)?;
            match page.get("nextCursor") {
                None | Some(Value::Null) => {
                    self.offers = offers;
                    self.stale = false;
                    return Ok(());
                }
                Some(Value::String(next)) => cursor = Some(next.clone()),
                Some(_) => return Err(OfferError::Malformed.into()),
            }
        }
        Err(OfferError::TooMany.into())
    }

    async fn ask(&mut self, method: &'static str, params: Value, max: usize) -> Result<Value, ServerError> {
        let answer = self.wire.request(method, params, max).await?;
        answer.map_err(|RpcError { message }| ServerError::Refused {
            method,
            message: message.chars().take(400).collect(),
        })
    }
}

impl From<WireError> for ServerError {
    fn from(error: WireError) -> ServerError {
        match error {
            WireError::Closed => ServerError::Closed { stderr: String::new() },
            WireError::Protocol(what) => ServerError::Protocol(what),
            WireError::TooLong => ServerError::TooLong,
        }
    }
}
