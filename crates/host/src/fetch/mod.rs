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
//! - Bodies are counted while they stream, before and after decompression.
//!
//! There are no proxies, no cookies, no credentials of the host, no retries of a request that was sent, and no cache.
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

mod action;
mod client;
mod connect;
mod decode;
mod dial;
mod redirect;
mod request;
mod response;

pub use action::{Answer, Delete, Fetch, Get, Head, Method, Options, Patch, Post, Put, Verb, send};
pub use bailiwick_policy::{Zone, zone};
pub use client::Fetcher;
pub(crate) use client::Parts;
pub use dial::{Dialer, Pending, Resolver, Stream, SystemDialer, SystemResolver};
pub use redirect::{MAX_REDIRECTS, Redirect, follow, without_secrets};
pub use request::{FetchRequest, MAX_HEADER_BYTES, MAX_HEADERS};
pub use response::FetchResponse;
