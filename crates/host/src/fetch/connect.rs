//! The connector: resolve, look at every answer, dial only what was looked at.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bailiwick_policy::{Code, Zone};
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::dial::{Dialer, Pending, Resolver, Stream};
use super::reach::Reach;

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
    Forbidden(IpAddr, Zone),
    #[error("no address of the host accepts a connection")]
    Connect,
}

/// A connection to a checked address.
pub(super) struct Wire(Box<dyn Stream>);

impl Connector {
    async fn connect(self, uri: Uri) -> Result<TokioIo<Wire>, DialError> {
        let addresses = self.addresses(&uri).await?;
        // One that swallows packets must not take the time of the others.
        let tries = u32::try_from(addresses.len().min(MAX_DIALS)).unwrap_or(1).max(1);
        let turn = DIAL_DEADLINE.checked_div(tries).unwrap_or(DIAL_DEADLINE);
        for address in addresses.into_iter().take(MAX_DIALS) {
            if let Ok(Ok(stream)) = tokio::time::timeout(turn, self.dialer.dial(address)).await {
                return Ok(TokioIo::new(Wire(stream)));
            }
        }
        Err(DialError::Connect)
    }

    /// The addresses that may be dialled: all that the host has, or none.
    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, DialError> {
        let host = uri.host().ok_or(DialError::Dns)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let reach = Reach::of(host, &*self.resolver).await.map_err(|_| DialError::Dns)?;
        match reach.obstacle(self.private) {
            Some((address, zone)) => Err(DialError::Forbidden(address, zone)),
            None => Ok(reach.addresses().iter().map(|(address, _)| SocketAddr::new(*address, port)).collect()),
        }
    }
}

impl DialError {
    pub(super) fn host_error(self) -> bailiwick_guard::HostError {
        use bailiwick_guard::HostError::{Denied, Failed};
        match self {
            DialError::Dns => Failed(Code::DnsFailed),
            DialError::Forbidden(..) => Denied(Code::PrivateAddress),
            DialError::Connect => Failed(Code::ConnectFailed),
        }
    }

    /// For the operator; the guest is not told which addresses there are.
    pub(super) fn reason(self) -> Option<String> {
        match self {
            DialError::Forbidden(address, Zone::Private) => {
                Some(format!("the host's address {address} is not public, and the rule does not say `private = true`"))
            }
            DialError::Forbidden(address, Zone::Special) => Some(format!(
                "the host's address {address} is link-local, reserved or a metadata service's; nothing but a URL that \
                 contains it reaches it, under a rule with `private = true`"
            )),
            DialError::Forbidden(address, _) => {
                Some(format!("nothing can be fetched from the host's address {address}"))
            }
            DialError::Dns | DialError::Connect => None,
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
