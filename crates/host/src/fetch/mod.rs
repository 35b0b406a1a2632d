//! HTTP requests to addresses that were checked.
//!
//! What was decided is a [`FetchTarget`](bailiwick_policy::FetchTarget), parsed once; the same value is dialled. Between
//! the decision and the wire stand these rules, in this order:
//!
//! - Request headers that the rule does not name are refused (`deny.network.header`), and some always are.
//! - The name is resolved by the [`Resolver`], and **every** answer is looked at: one answer that is not public refuses
//!   the whole name (`deny.network.private_address`), unless the rule says `private`. An address written in the URL takes
//!   the same path. Only an address that was looked at is dialled, by the [`Dialer`].
//! - Connections are kept for reuse within one run, never across runs, and those of `private` rules apart from the others.
//! - A redirect is never followed by the effect. If the rule allows redirects it is answered as [`Answer::Redirect`], and
//!   [`follow`] makes a new call of each hop; otherwise it is a response like any other.
//! - Bodies are counted while they stream, before and after decompression. A guest may also read one piece by piece, see
//!   [`open`]: under the same terms.
//!
//! There are no proxies but one that the operator names ([`ProxyDialer`]), no cookies, no credentials of the host, no
//! retries of a request that was sent, and no cache.
//!
//! | limit | default | set by |
//! |---|---|---|
//! | request body | 8 MiB | `limits.request` of the rule |
//! | response body, as sent and decompressed | 8 MiB | `limits.response` |
//! | decompression | 200 times the size as sent, and 64 KiB | |
//! | headers, each way | 16 KiB, 100 fields | |
//! | whole request | 30 s; at most 10 min | `limits.timeout` |
//! | resolving a name; then connecting, without TLS | 10 s each | |
//! | silence inside a body | 10 s | |
//! | redirects | 5 | |
//!
//! # A resolver and a dialer of one's own
//!
//! ```
//! use std::io;
//! use std::net::{IpAddr, SocketAddr};
//! use std::sync::{Arc, Mutex};
//!
//! use bailiwick_host::Services;
//! use bailiwick_host::fetch::{Dialer, Pending, Resolver, Stream};
//!
//! /// Every name has this address.
//! struct Fixed(IpAddr);
//!
//! impl Resolver for Fixed {
//!     fn resolve<'a>(&'a self, _host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
//!         Box::pin(async { Ok(vec![self.0]) })
//!     }
//! }
//!
//! /// Remembers what was about to be dialled, and dials nothing.
//! #[derive(Clone, Default)]
//! struct Watch(Arc<Mutex<Vec<SocketAddr>>>);
//!
//! impl Dialer for Watch {
//!     fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
//!         Box::pin(async move {
//!             self.0.lock().map_err(|_| io::ErrorKind::Other)?.push(address);
//!             Err(io::ErrorKind::ConnectionRefused.into())
//!         })
//!     }
//! }
//!
//! let watch = Watch::default();
//! let services = Services::builder().resolver(Fixed([93, 184, 215, 14].into())).dialer(watch.clone()).build();
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # let reach = runtime.block_on(bailiwick_host::fetch::Reach::of("a.example", &Fixed([10, 0, 0, 1].into())))?;
//! # assert!(reach.obstacle(false).is_some() && reach.obstacle(true).is_none());
//! # let stream = runtime.block_on(watch.dial(([93, 184, 215, 14], 443).into()));
//! # assert!(stream.is_err() && watch.0.lock().unwrap().len() == 1);
//! # drop(services);
//! # Ok::<(), io::Error>(())
//! ```

mod action;
mod client;
mod collector;
mod connect;
mod decode;
mod dial;
mod line;
mod proxy;
mod reach;
mod redirect;
mod request;
mod response;
mod stream;

pub use action::{
    Answer, Delete, Fetch, Get, Head, InPieces, Method, Options, Patch, Post, Put, Reading, Verb, Whole, send,
};
pub use bailiwick_policy::{Zone, zone};
pub use client::Fetcher;
pub(crate) use client::Parts;
pub use collector::{Collector, CollectorError};
pub use dial::{Dialer, Pending, Resolver, Stream, SystemDialer, SystemResolver};
pub(crate) use line::Line;
pub use proxy::{ProxyDialer, ProxyError};
pub use reach::Reach;
pub use redirect::{MAX_REDIRECTS, Redirect, follow, without_secrets};
pub(crate) use request::over;
pub use request::{FetchRequest, MAX_HEADER_BYTES, MAX_HEADERS};
pub use response::FetchResponse;
pub use stream::{MAX_CHUNK, OpenBody, OpenResponse, Opened, open};
