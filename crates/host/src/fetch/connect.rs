//! The connector: resolve, look at every answer, dial only what was looked at.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bailiwick_policy::{Code, zone};
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::dial::{Dialer, Pending, Resolver, Stream};

/// Resolving a name may take this long.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(10);
/// Dialling all of its addresses may take this long.
const DIAL_DEADLINE: Duration = Duration::from_secs(10);
/// Answers of a resolver that are dialled; all of them are checked.
const MAX_DIALS: usize = 8;

/// Connects under one regime: with private addresses or without.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) private: bool,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DialError {
    #[error("the host name cannot be resolved")]
    Dns,
    #[error("the host has an address that is not public")]
    Forbidden,
    #[error("no address of the host accepts a connection")]
    Connect,
}

/// A connection to a checked address.
pub(super) struct Wire(Box<dyn Stream>);

impl Connector {
    async fn connect(self, uri: Uri) -> Result<TokioIo<Wire>, DialError> {
        let resolving = tokio::time::timeout(RESOLVE_DEADLINE, self.addresses(&uri));
        let addresses = resolving.await.unwrap_or(Err(DialError::Dns))?;
        let dialling = async {
            for address in addresses.into_iter().take(MAX_DIALS) {
                if let Ok(stream) = self.dialer.dial(address).await {
                    return Ok(TokioIo::new(Wire(stream)));
                }
            }
            Err(DialError::Connect)
        };
        tokio::time::timeout(DIAL_DEADLINE, dialling).await.unwrap_or(Err(DialError::Connect))
    }

    /// The addresses that may be dialled: all that the host has, or none.
    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, DialError> {
        let host = uri.host().ok_or(DialError::Dns)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let literal: Option<IpAddr> = bare.parse().ok();
        let addresses = match literal {
            Some(address) => vec![address],
            None => self.resolver.resolve(host).await.map_err(|_| DialError::Dns)?,
        };
        if addresses.is_empty() {
            return Err(DialError::Dns);
        }
        // INVARIANT: one bad answer spoils the name. Dialling only the good ones would let a name that answers both be
        // asked again until the bad one comes first somewhere else.
        if addresses.iter().all(|address| zone(*address).admits(self.private, literal.is_some())) {
            Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
        } else {
            Err(DialError::Forbidden)
        }
    }
}

impl DialError {
    pub(super) fn host_error(self) -> bailiwick_guard::HostError {
        use bailiwick_guard::HostError::{Denied, Failed};
        match self {
            DialError::Dns => Failed(Code::DnsFailed),
            DialError::Forbidden => Denied(Code::PrivateAddress),
            DialError::Connect => Failed(Code::ConnectFailed),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = DialError;
    type Future = Pending<'static, Result<TokioIo<Wire>, DialError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
