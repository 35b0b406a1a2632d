//! Names to addresses, addresses to connections: the two steps that an embedder can replace.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::ambient;

/// A boxed future of one of the traits here.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Turns a host name into addresses. What it answers is checked, address by address, before anything is dialled.
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host`, an A-label host name.
    ///
    /// # Errors
    /// Anything; the guest sees `failed.dns`.
    fn resolve<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>>;
}

/// Connects to an address that was checked. It must connect to that very address and to no other.
pub trait Dialer: Send + Sync + 'static {
    /// # Errors
    /// Anything; the next checked address is tried, and after the last one the guest sees `failed.connect`.
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>>;
}

/// A connection, as [`Dialer`] makes it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

/// TCP from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDialer;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(ambient::lookup(host))
    }
}

impl Dialer for SystemDialer {
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream: Box<dyn Stream> = Box::new(ambient::dial(address).await?);
            Ok(stream)
        })
    }
}
