//! Responses whose body is read piece by piece.
//!
//! The call ends when the headers are there; it is the same action as one whose response comes whole. Reading on
//! needs no new decision, as with an open file. What the rule says holds for the body as a whole, however it is read:
//!
//! - its bytes, as sent and decompressed, count against `limits.response`, and against the ratio of decompression;
//! - its last byte must have been read within `limits.timeout`, counted from the request on;
//! - each read looks whether the authority is still alive, and waits at most [`IDLE`] for the server;
//! - it takes a place among the run's open handles. Dropping it closes a connection on which more would come.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bailiwick_guard::journal::{Crossed, Handle, Place, Unwritable, join, split};
use bailiwick_guard::{CallError, Guard, HostError, Meter, Perform, Permit};
use bailiwick_policy::{Code, Terms};
use bytes::{Buf, Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response;
use hyper::body::{Body, Incoming};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, ReadBuf};
use tokio::time::Instant;

use super::action::{Delete, Fetch, Get, Head, InPieces, LONGEST, Method, Options, Patch, Plain, Post, Put, Verb};
use super::client::{Begun, timeout};
use super::decode::{codings, room, undo};
use super::redirect::{MAX_REDIRECTS, Redirect};
use super::response::{IDLE, cap, plain_fields};
use super::{FetchRequest, Fetcher};
use crate::secrets::AnswerStream;

/// Most bytes that one read gives.
pub const MAX_CHUNK: usize = 1 << 20;

/// What came of a [`Fetch`] whose response is read in pieces.
#[expect(clippy::large_enum_variant, reason = "there is one of a request, and it is taken apart at once")]
#[derive(Debug)]
pub enum Opened {
    Response(OpenResponse),
    /// The rule allows redirects, and this is one: ask again at its target.
    Redirect(Redirect),
}

/// A response whose body is still to be read.
#[derive(Debug)]
pub struct OpenResponse {
    pub status: u16,
    /// As in [`FetchResponse`](super::FetchResponse).
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: OpenBody,
}

/// A body that is read piece by piece, and decompressed on the way.
pub struct OpenBody {
    /// `None` in a replay, in which nothing is read.
    live: Option<LiveBody>,
    handle: Handle,
}

/// A body that comes over a connection.
struct LiveBody {
    source: Source,
    scrubbed: Box<Scrubbed>,
    sent: Arc<AtomicU64>,
    given: u64,
    cap: u64,
    ends: Instant,
}

/// What was decompressed, without secrets.
struct Scrubbed {
    answer: AnswerStream,
    /// What is to be given next.
    ready: Bytes,
    /// All of it was read.
    drained: bool,
}

enum Source {
    /// As it comes, and what was done to it. Whether there is a body at all shows with its first bytes.
    Raw(Raw, String),
    Decoded(Box<dyn AsyncRead + Send + Unpin>),
    Ended(Result<(), HostError>),
}

/// Sends a request, follows its redirects as [`follow`](super::follow) does, and leaves the body to be read.
///
/// # Errors
/// As [`follow`](super::follow).
pub async fn open(
    guard: &Guard,
    fetcher: &Fetcher,
    verb: Verb,
    request: FetchRequest,
) -> Result<OpenResponse, CallError> {
    let (mut verb, mut request) = (verb, request);
    for _ in 0..=MAX_REDIRECTS {
        let asked = request.clone();
        let opened = match verb {
            Verb::Get => guard.call(fetcher, Fetch::<Get, _>::in_pieces(asked)).await,
            Verb::Head => guard.call(fetcher, Fetch::<Head, _>::in_pieces(asked)).await,
            Verb::Post => guard.call(fetcher, Fetch::<Post, _>::in_pieces(asked)).await,
            Verb::Put => guard.call(fetcher, Fetch::<Put, _>::in_pieces(asked)).await,
            Verb::Patch => guard.call(fetcher, Fetch::<Patch, _>::in_pieces(asked)).await,
            Verb::Delete => guard.call(fetcher, Fetch::<Delete, _>::in_pieces(asked)).await,
            Verb::Options => guard.call(fetcher, Fetch::<Options, _>::in_pieces(asked)).await,
        };
        match opened? {
            Opened::Response(response) => return Ok(response),
            Opened::Redirect(redirect) => (verb, request) = redirect.next(guard, verb, request)?,
        }
    }
    Err(CallError::Limit(Code::Redirects))
}

impl<M: Method> Perform<Fetch<M, InPieces>> for Fetcher {
    async fn perform(&self, permit: Permit<'_, Fetch<M, InPieces>>) -> Result<Opened, HostError> {
        let handle = Handle::open(permit.place())?;
        let terms = permit.terms();
        let ends = Instant::now() + timeout(terms).min(LONGEST);
        let late = Err(HostError::Limit(Code::CallDeadline));
        let explain = |reason: String| permit.explain(reason);
        let begun = self.begin(M::VERB, permit.action().request(), terms, permit.trace(), &explain);
        let begun = tokio::time::timeout_at(ends, begun);
        match begun.await.unwrap_or(late)? {
            Begun::Redirect(redirect) => Ok(Opened::Redirect(redirect)),
            Begun::Response(head, body) => {
                let answer = self.answer();
                OpenResponse::new(head, body, answer, terms, ends, handle).map(Opened::Response)
            }
        }
    }
}

/// A body by its handle.
impl Crossed for Opened {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        match self {
            Opened::Response(OpenResponse { status, headers, body }) => {
                join(body.handle.write()?, &Plain::Ok((*status, headers.clone())))
            }
            Opened::Redirect(redirect) => join(Vec::new(), &Plain::Err(redirect.plain())),
        }
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Opened> {
        Some(match split::<Plain>(bytes)? {
            (handle, Ok((status, headers))) => {
                let body = OpenBody { live: None, handle: Handle::read(handle, place)? };
                Opened::Response(OpenResponse { status, headers, body })
            }
            (_, Err(redirect)) => Opened::Redirect(Redirect::from_plain(redirect)?),
        })
    }
}

impl OpenResponse {
    fn new(
        head: response::Parts,
        body: Incoming,
        mut answer: AnswerStream,
        terms: &Terms,
        ends: Instant,
        handle: Handle,
    ) -> Result<OpenResponse, HostError> {
        let response::Parts { status, mut headers, .. } = head;
        let cap = cap(terms);
        if body.size_hint().lower() > cap {
            return Err(HostError::Limit(Code::ResponseBytes));
        }
        let mut coding = String::new();
        if let Some(field) = headers.get(CONTENT_ENCODING).filter(|_| !body.is_end_stream()) {
            coding = field.to_str().map_err(|_| HostError::Failed(Code::HttpFailed))?.to_owned();
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
        if !body.is_end_stream() && answer.scrubs() {
            headers.remove(CONTENT_LENGTH);
        }
        let sent = Arc::new(AtomicU64::new(0));
        let raw = Raw { body, chunk: Bytes::new(), sent: Arc::clone(&sent), cap };
        let source = Source::Raw(raw, coding);
        let scrubbed = Box::new(Scrubbed { answer, ready: Bytes::new(), drained: false });
        let live = LiveBody { source, scrubbed, sent, given: 0, cap, ends };
        let body = OpenBody { live: Some(live), handle };
        Ok(OpenResponse { status: status.as_u16(), headers: plain_fields(headers), body })
    }
}

impl OpenBody {
    /// The next bytes: at least one and at most `max`, or [`MAX_CHUNK`]; none at the end.
    ///
    /// # Errors
    /// `limit.response_bytes`, `limit.decompressed_bytes`, `limit.deadline`, `failed.http`, all of them for good;
    /// `deny.token.expired`; the run's end.
    pub async fn read(&mut self, max: usize) -> Result<Bytes, HostError> {
        let OpenBody { live, handle } = self;
        let next = async {
            match live {
                Some(live) => live.read(max, handle.meter()).await,
                None => Err(HostError::Failed(Code::Internal)),
            }
        };
        handle.work(|print| _ = print.text("read").count(max), next).await
    }
}

impl LiveBody {
    async fn read(&mut self, max: usize, meter: &Meter) -> Result<Bytes, HostError> {
        meter.check()?;
        if let Source::Ended(how) = self.source {
            return how.map(|()| Bytes::new());
        }
        if max == 0 {
            return Ok(Bytes::new());
        }
        let patience = self.ends.saturating_duration_since(Instant::now()).min(IDLE);
        let left = meter.life().left(meter.now());
        let late =
            if left < patience { HostError::Denied(Code::TokenExpired) } else { HostError::Limit(Code::CallDeadline) };
        let read = tokio::time::timeout(patience.min(left), self.next(max.min(MAX_CHUNK))).await;
        let read = read.unwrap_or(Err(late));
        match read {
            Ok(ref bytes) if !bytes.is_empty() => {}
            Ok(_) => self.source = Source::Ended(Ok(())),
            // Dropping what is left of it closes the connection.
            Err(error) => self.source = Source::Ended(Err(error)),
        }
        read
    }

    async fn next(&mut self, max: usize) -> Result<Bytes, HostError> {
        while self.scrubbed.ready.is_empty() && !self.scrubbed.drained {
            let more = self.more(max).await?;
            let Scrubbed { answer, ready, drained } = &mut *self.scrubbed;
            *drained = more.is_empty();
            *ready = if *drained { answer.finish() } else { answer.push(more) };
        }
        let ready = &mut self.scrubbed.ready;
        Ok(ready.split_to(max.min(ready.len())))
    }

    async fn more(&mut self, max: usize) -> Result<Bytes, HostError> {
        if let Source::Raw(raw, _) = &mut self.source {
            let is_empty = raw.fill_buf().await.map_err(|error| broken(&error))?.is_empty();
            let (raw, coding) = match std::mem::replace(&mut self.source, Source::Ended(Ok(()))) {
                Source::Raw(raw, coding) if !is_empty => (raw, coding),
                _ => return Ok(Bytes::new()),
            };
            let mut decoded: Box<dyn AsyncBufRead + Send + Unpin> = Box::new(raw);
            for coding in codings(&coding)?.into_iter().rev() {
                decoded = Box::new(BufReader::new(undo(coding, decoded)?));
            }
            self.source = Source::Decoded(Box::new(decoded));
        }
        let Source::Decoded(source) = &mut self.source else { return Ok(Bytes::new()) };
        let mut bytes = BytesMut::with_capacity(max.min(64 << 10));
        let read = (&mut *source).take(u64::try_from(max).unwrap_or(u64::MAX)).read_buf(&mut bytes).await;
        self.given =
            self.given.saturating_add(u64::try_from(read.map_err(|error| broken(&error))?).unwrap_or(u64::MAX));
        if self.given > self.cap.min(room(self.sent.load(Ordering::Relaxed))) {
            return Err(HostError::Limit(Code::DecompressedBytes));
        }
        Ok(bytes.freeze())
    }
}

/// What a connection brings, counted.
struct Raw {
    body: Incoming,
    chunk: Bytes,
    sent: Arc<AtomicU64>,
    cap: u64,
}

/// What came over the connection, or did not, as it goes through decoders.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(HostError);

/// Everything that is not ours is data that a decoder did not understand.
fn broken(error: &io::Error) -> HostError {
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<Broken>());
    ours.map_or(HostError::Failed(Code::HttpFailed), |Broken(error)| *error)
}

impl AsyncBufRead for Raw {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.chunk.is_empty() {
            let failure = |error| io::Error::other(Broken(error));
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => break,
                Some(Err(_)) => return Poll::Ready(Err(failure(HostError::Failed(Code::HttpFailed)))),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    let sent = this.sent.load(Ordering::Relaxed).saturating_add(len);
                    this.sent.store(sent, Ordering::Relaxed);
                    if sent > this.cap {
                        return Poll::Ready(Err(failure(HostError::Limit(Code::ResponseBytes))));
                    }
                    this.chunk = data;
                }
            }
        }
        Poll::Ready(Ok(&this.chunk))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.chunk.advance(amount.min(this.chunk.len()));
    }
}

impl AsyncRead for Raw {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let len = chunk.len().min(into.remaining());
        into.put_slice(chunk.get(..len).unwrap_or_default());
        self.consume(len);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for OpenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBody").field("handle", &self.handle).finish_non_exhaustive()
    }
}
