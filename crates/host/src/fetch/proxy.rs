//! A way out through a proxy: a tunnel to the very address that was checked.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;

use bailiwick_policy::{FetchTarget, Host, ResourceError, Scheme, Zone, zone};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::{Dialer, Pending, Stream, SystemDialer};
use crate::ambient;

/// Most bytes of what a proxy says before the tunnel is there.
const MAX_HEAD: usize = 8 << 10;

/// Dials public addresses through an HTTP proxy, with `CONNECT ADDRESS:PORT`, for plain http too.
///
/// Names are resolved and checked here as without a proxy; the proxy is never told one, so that it cannot resolve it to
/// something else. Addresses that are not public are those of this machine's network: they are dialled directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyDialer {
    host: Host,
    port: u16,
}

/// A text that names no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("the proxy is no URL such as `http://proxy.example:3128`: {0}")]
    Url(#[from] ResourceError),
    #[error("the proxy must be spoken to over plain http; write `http://HOST:PORT`")]
    Scheme,
    #[error("the URL of a proxy has neither path nor query; write `http://HOST:PORT`")]
    Path,
}

impl ProxyDialer {
    /// Reads `http://HOST[:PORT]`. There is no user name or password in it.
    ///
    /// # Errors
    /// [`ProxyError`] for everything else.
    pub fn parse(url: &str) -> Result<ProxyDialer, ProxyError> {
        let target = FetchTarget::parse(url)?;
        if target.scheme() != Scheme::Http {
            return Err(ProxyError::Scheme);
        }
        if !target.segments().is_empty() || target.url().query().is_some() {
            return Err(ProxyError::Path);
        }
        Ok(ProxyDialer { host: target.host().clone(), port: target.port() })
    }

    /// A connection to the proxy, whatever its address: the operator named it.
    async fn reach(&self) -> io::Result<Box<dyn Stream>> {
        let addresses = match &self.host {
            Host::Ip(address) => vec![*address],
            Host::Name(name) => ambient::lookup(name).await?,
        };
        let mut last = io::ErrorKind::NotFound.into();
        for address in addresses {
            match SystemDialer.dial(SocketAddr::new(address, self.port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl FromStr for ProxyDialer {
    type Err = ProxyError;

    fn from_str(url: &str) -> Result<ProxyDialer, ProxyError> {
        ProxyDialer::parse(url)
    }
}

impl Dialer for ProxyDialer {
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            if zone(address.ip()) != Zone::Public {
                return SystemDialer.dial(address).await;
            }
            let mut stream = self.reach().await?;
            stream.write_all(format!("CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await?;
            stream.flush().await?;
            let head = head(&mut stream).await?;
            if is_tunnel(&head) { Ok(stream) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
        })
    }
}

/// What the proxy says, up to the empty line: not a byte more, because what follows is the tunnel's.
async fn head(stream: &mut Box<dyn Stream>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// `HTTP/1.1 200 …`, or any other 2xx.
fn is_tunnel(head: &[u8]) -> bool {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "));
    matches!(rest, Some([b'2', b'0'..=b'9', b'0'..=b'9', b' ' | b'\r', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        let proxy = ProxyDialer::parse("http://proxy.example:3128").unwrap();
        assert_eq!((proxy.host, proxy.port), (Host::Name("proxy.example".into()), 3128));
        assert_eq!(ProxyDialer::parse("http://[::1]/").unwrap().port, 80);
        for (bad, says) in [
            ("https://proxy.example:3128", "plain http"),
            ("http://proxy.example/x", "neither path"),
            ("http://proxy.example?x", "neither path"),
            ("http://user:password@proxy.example", "user name"),
            ("proxy.example:3128", "neither http nor https"),
            ("http://0x7f.1:3128", "oddly written"),
            ("socks5://proxy.example", "neither http nor https"),
        ] {
            let error = ProxyDialer::parse(bad).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn only_success_opens_a_tunnel() {
        for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 Connection established\r\n", "HTTP/1.1 204\r\n"] {
            assert!(is_tunnel(head.as_bytes()), "{head:?}");
        }
        for head in ["HTTP/1.1 407 No\r\n", "HTTP/1.1 302 \r\n", "HTTP/1.1 2000 \r\n", "HTTP/2 200 \r\n", "SSH-2.0", ""]
        {
            assert!(!is_tunnel(head.as_bytes()), "{head:?}");
        }
    }
}
