//! The bytes between the host and a server: so many may come for one statement, and no more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Most bytes of what a server says to one statement: a row is not handed out before it is there whole.
const MOST: u64 = 24 << 20;

/// How many bytes may still come.
#[derive(Clone, Debug)]
pub(super) struct ByteCap(Arc<AtomicU64>);

/// A connection that ends when too much comes.
pub(super) struct Wire {
    stream: Stream,
    cap: ByteCap,
}

pub(super) enum Stream {
    Tcp(TcpStream),
    Socket(UnixStream),
}

impl ByteCap {
    pub(super) fn new() -> ByteCap {
        ByteCap(Arc::new(AtomicU64::new(MOST)))
    }

    /// For the next statement.
    pub(super) fn renew(&self) {
        self.0.store(MOST, Ordering::Release);
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn take(&self, bytes: usize) -> bool {
        let left = self.0.load(Ordering::Acquire).saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.0.store(left, Ordering::Release);
        left > 0
    }
}

impl Wire {
    pub(super) fn new(stream: Stream, cap: ByteCap) -> Wire {
        Wire { stream, cap }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Socket(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        if let Poll::Ready(Ok(())) = read
            && !self.cap.take(buffer.filled().len().saturating_sub(before))
        {
            return Poll::Ready(Err(io::Error::other("the server says more than one statement may bring")));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Socket(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Socket(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
