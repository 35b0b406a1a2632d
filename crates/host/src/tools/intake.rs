//! What a server says, whatever the way it comes: bounded in bytes and number, and read once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_guard::HostError;
use rmcp::model::{JsonRpcMessage, RequestId, ServerNotification};
use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};

/// Messages between one request of ours and the next.
const MAX_MESSAGES: u32 = 10_000;
/// Of those, requests.
pub(super) const MAX_REQUESTS: u32 = 100;
/// What comes instead of messages: some servers print a banner, some send comments.
const MAX_NOISE: u32 = 100;
/// Bytes of everything between one request of ours and the next, besides the largest answer.
const MAX_ASIDE: usize = 16 << 20;

/// What is known of a conversation to everybody who takes part in it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Most bytes of one message.
    most: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last request's number.
    asked: Option<i64>,
    bytes: usize,
    messages: u32,
    requests: u32,
    noise: u32,
    news: News,
    /// Nothing is heard of changes.
    deaf: bool,
    fault: Option<Fault>,
}

/// What the server said about its list of tools since this was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// That it is another one now.
    pub(super) changed: bool,
    /// It could not say so, or not all of the time.
    pub(super) unheard: bool,
}

/// Why nothing more can be said to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the server has gone")]
    Closed,
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the server sent more than was asked for")]
    TooLong,
    #[error("the server answers with HTTP status {0}")]
    Status(u16),
    #[error("the server cannot be reached: {0}")]
    Unreachable(HostError),
}

/// A message that is an answer or a request.
pub(super) type Said = RxJsonRpcMessage<RoleClient>;

impl Watch {
    /// Bounds the messages that come from now on.
    pub(super) fn at_most(&self, bytes: usize) {
        self.most.store(bytes, Ordering::Release);
    }

    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Acquire)
    }

    /// A message of ours is about to be sent. Gives the number of a request.
    pub(super) fn sending(&self, message: &TxJsonRpcMessage<RoleClient>) -> Result<Option<i64>, Fault> {
        let JsonRpcMessage::Request(request) = message else { return Ok(None) };
        let RequestId::Number(id) = request.id else { return Err(Fault::Protocol("a request has no number")) };
        let mut state = self.state();
        (state.asked, state.bytes, state.messages, state.requests, state.noise) = (Some(id), 0, 0, 0, 0);
        Ok(Some(id))
    }

    /// Bytes came in, whatever they are.
    pub(super) fn received(&self, bytes: usize) -> Result<(), Fault> {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_add(bytes);
        if state.bytes > self.most().saturating_add(MAX_ASIDE) { Err(ENDLESS) } else { Ok(()) }
    }

    /// Something came in that is no message and need not be one.
    pub(super) fn noise(&self) -> Result<(), Fault> {
        let mut state = self.state();
        state.noise = state.noise.saturating_add(1);
        if state.noise > MAX_NOISE { Err(ENDLESS) } else { Ok(()) }
    }

    /// Reads a message. `None` for one that is dealt with here.
    pub(super) fn read(&self, text: &[u8]) -> Result<Option<Said>, Fault> {
        if text.len() > self.most() {
            return Err(Fault::TooLong);
        }
        // The parser stops at 127 levels.
        let message: Said = serde_json::from_slice(text).map_err(|_| Fault::Protocol("it sent what is no message"))?;
        let mut state = self.state();
        state.messages = state.messages.saturating_add(1);
        let message = match message {
            // They need no answer, and a task for each is what a flood would like.
            JsonRpcMessage::Notification(sent) => {
                state.news.changed |= matches!(sent.notification, ServerNotification::ToolListChangedNotification(_));
                None
            }
            JsonRpcMessage::Request(_) => {
                state.requests = state.requests.saturating_add(1);
                Some(message)
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {
                // Late answers are passed on, to be passed over.
                match (answered(&message), state.asked) {
                    (Some(id), Some(asked)) if (0..=asked).contains(&id) => Some(message),
                    _ => return Err(Fault::Protocol("it answers what was not asked")),
                }
            }
        };
        if state.messages > MAX_MESSAGES || state.requests > MAX_REQUESTS { Err(ENDLESS) } else { Ok(message) }
    }

    /// From now on changes of the list are heard, or are not. Those before may have gone unheard.
    pub(super) fn hears(&self, changes: bool) {
        let mut state = self.state();
        (state.deaf, state.news.unheard) = (!changes, true);
    }

    pub(super) fn take_news(&self) -> News {
        let mut state = self.state();
        let News { changed, unheard } = std::mem::take(&mut state.news);
        News { changed, unheard: unheard || state.deaf }
    }

    /// What has gone wrong first.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.state().fault
    }

    pub(super) fn fail(&self, fault: Fault) {
        self.state().fault.get_or_insert(fault);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the request that a message answers.
pub(super) fn answered(message: &Said) -> Option<i64> {
    let id = match message {
        JsonRpcMessage::Response(answer) => &answer.id,
        JsonRpcMessage::Error(answer) => answer.id.as_ref()?,
        JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => return None,
    };
    match id {
        RequestId::Number(id) => Some(*id),
        RequestId::String(_) => None,
    }
}

const ENDLESS: Fault = Fault::Protocol("it sends messages without end");
