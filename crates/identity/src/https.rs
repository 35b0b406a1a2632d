//! One GET over TLS, to an address that was checked: how an issuer's metadata and keys are fetched.
//!
//! Only https; the name is resolved once, every answer is looked at, and one of them is dialled; no redirects, no proxy, no
//! cookies, no credentials, no decompression, no connection that is kept. The whole exchange has one deadline.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::digest;
use bailiwick_policy::zone;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_ENCODING, HOST, HeaderMap, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use crate::discovery::{KeyUrl, max_age};

/// Names to addresses; the one step that an embedder can replace. Every answer is checked before anything is dialled.
pub trait Resolve: Send + Sync {
    /// All addresses of a host name.
    ///
    /// # Errors
    /// Anything; the name then counts as unknown.
    fn resolve<'a>(&'a self, host: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;
}

/// Fetches pages of one issuer.
///
/// Defaults:
/// - the certificates that the operating system trusts, loaded at the first fetch;
/// - the operating system's resolver;
/// - public addresses only;
/// - 10 s for a page, from resolving its name to its last byte.
#[derive(Clone)]
pub struct HttpsClient {
    roots: Option<Arc<RootCertStore>>,
    /// SHA-256 of those certificates.
    roots_hash: Option<[u8; 32]>,
    tls: OnceLock<Result<Arc<ClientConfig>, rustls::Error>>,
    resolver: Arc<dyn Resolve>,
    private: bool,
    deadline: Duration,
}

/// A page, and for how long its server lets it be kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    /// Seconds from now on, the time in caches on the way taken off; `None` when it does not say.
    pub(crate) max_age: Option<u64>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}`: {problem}")]
pub struct FetchError {
    pub url: String,
    pub problem: FetchProblem,
}

/// What went wrong on the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchProblem {
    #[error("the host name cannot be resolved")]
    Dns,
    #[error("the host has an address that is not public; if that is meant, set `private = true` for the issuer")]
    Address,
    #[error("no address of the host accepts a connection")]
    Connect,
    #[error(
        "no secure connection: {0}; an authority that this machine does not know is named with `ca_file` for the issuer"
    )]
    Tls(String),
    #[error("no whole answer within {} s", .0.as_secs_f32())]
    Deadline(Duration),
    #[error("the answer is not HTTP, or breaks off")]
    Http,
    #[error("the answer is a redirect, and redirects are not followed")]
    Redirect,
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is compressed, which was not asked for")]
    Encoding,
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
}

/// A text that gives no certificate authorities to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("there is no certificate in it; it must hold PEM blocks `BEGIN CERTIFICATE`")]
    Empty,
    #[error("it holds something that is not a certificate")]
    Malformed,
}

/// Bytes of headers that are read at most.
const HEADER_BUFFER: usize = 64 * 1024;
/// Answers of a resolver that are dialled; all of them are checked.
const MAX_DIALS: usize = 4;

impl HttpsClient {
    /// How long a page may take unless chosen.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    pub fn new() -> HttpsClient {
        HttpsClient {
            roots: None,
            roots_hash: None,
            tls: OnceLock::new(),
            resolver: Arc::new(SystemResolver),
            private: false,
            deadline: Self::DEADLINE,
        }
    }

    /// Trusts the certificates in this PEM text *instead of* those of the operating system.
    ///
    /// # Errors
    /// When there is none in it, or one of them is not a certificate.
    pub fn authorities(self, pem: &[u8]) -> Result<HttpsClient, AuthoritiesError> {
        let mut roots = RootCertStore::empty();
        let mut hashed = digest::Context::new(&digest::SHA256);
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| AuthoritiesError::Malformed)?;
            // Each says itself how long it is.
            hashed.update(&certificate);
            roots.add(certificate).map_err(|_| AuthoritiesError::Malformed)?;
        }
        if roots.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        let mut roots_hash = [0; 32];
        roots_hash.copy_from_slice(hashed.finish().as_ref());
        Ok(HttpsClient { roots: Some(Arc::new(roots)), roots_hash: Some(roots_hash), tls: OnceLock::new(), ..self })
    }

    /// Whom it believes, as a text that differs when that does.
    pub(crate) fn trust(&self) -> String {
        let roots = self.roots_hash.map_or_else(|| "system".to_owned(), |hash| HEXLOWER.encode(&hash));
        let addresses = if self.private { "private" } else { "public" };
        format!("{roots} {addresses}")
    }

    /// Dials private addresses, too. Link-local ones, metadata services among them, are never dialled.
    pub fn private(self) -> HttpsClient {
        HttpsClient { private: true, ..self }
    }

    /// Resolves names in another way.
    pub fn resolver(self, resolver: Arc<dyn Resolve>) -> HttpsClient {
        HttpsClient { resolver, ..self }
    }

    /// Gives a page this long.
    pub fn deadline(self, deadline: Duration) -> HttpsClient {
        HttpsClient { deadline, ..self }
    }

    /// Fetches one page of at most `limit` bytes.
    ///
    /// # Errors
    /// What went wrong; anything but the status 200 is an error.
    pub(crate) async fn get(&self, url: &KeyUrl, limit: usize) -> Result<Page, FetchError> {
        let exchange = tokio::time::timeout(self.deadline, self.exchange(url.url(), limit));
        let result = exchange.await.unwrap_or(Err(FetchProblem::Deadline(self.deadline)));
        result.map_err(|problem| FetchError { url: url.url().to_string(), problem })
    }

    async fn exchange(&self, url: &Url, limit: usize) -> Result<Page, FetchProblem> {
        let stream = self.connect(url).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEADER_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| FetchProblem::Http)?;
        // Dropped at the end of this function, whatever the end is, and the connection with it.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "bailiwick")
            .body(Empty::<Bytes>::new())
            .map_err(|_| FetchProblem::Http)?;
        let (head, body) = sender.send_request(request).await.map_err(|_| FetchProblem::Http)?.into_parts();
        match head.status {
            StatusCode::OK => {}
            status if status.is_redirection() => return Err(FetchProblem::Redirect),
            status => return Err(FetchProblem::Status(status.as_u16())),
        }
        if head.headers.contains_key(CONTENT_ENCODING) {
            return Err(FetchProblem::Encoding);
        }
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { FetchProblem::TooLarge(limit) } else { FetchProblem::Http }
        })?;
        Ok(Page { body: body.to_bytes().into(), max_age: kept_for(&head.headers) })
    }

    async fn connect(&self, url: &Url) -> Result<TlsStream<TcpStream>, FetchProblem> {
        let tls = self.tls.get_or_init(|| client_config(self.roots.clone()));
        let tls = tls.as_ref().map_err(|error| FetchProblem::Tls(error.to_string()))?;
        let (name, addresses) = match url.host().ok_or(FetchProblem::Dns)? {
            Host::Ipv4(address) => (ServerName::from(IpAddr::V4(address)), vec![IpAddr::V4(address)]),
            Host::Ipv6(address) => (ServerName::from(IpAddr::V6(address)), vec![IpAddr::V6(address)]),
            Host::Domain(domain) => {
                let name = ServerName::try_from(domain.to_owned()).map_err(|_| FetchProblem::Dns)?;
                (name, self.resolver.resolve(domain).await.map_err(|_| FetchProblem::Dns)?)
            }
        };
        if addresses.is_empty() {
            return Err(FetchProblem::Dns);
        }
        // INVARIANT: one bad answer spoils the name, and what was looked at is what is dialled. A special address is not
        // dialled even where the URL spells it out: the URL may be one that the issuer's metadata gave.
        if !addresses.iter().all(|address| zone(*address).admits(self.private, false)) {
            return Err(FetchProblem::Address);
        }
        let port = url.port_or_known_default().unwrap_or(443);
        for address in addresses.into_iter().take(MAX_DIALS) {
            if let Ok(stream) = TcpStream::connect(SocketAddr::new(address, port)).await {
                let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
                return connecting.await.map_err(|error| FetchProblem::Tls(error.to_string()));
            }
        }
        Err(FetchProblem::Connect)
    }
}

impl Default for HttpsClient {
    fn default() -> Self {
        HttpsClient::new()
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.roots.is_some();
        f.debug_struct("HttpsClient")
            .field("own_authorities", &own)
            .field("private", &self.private)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The operating system's resolver.
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

fn client_config(roots: Option<Arc<RootCertStore>>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let roots = roots.unwrap_or_else(|| {
        let mut system = RootCertStore::empty();
        // On a machine without certificates that is none, and every handshake fails.
        system.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(system)
    });
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What is left of the page's `max-age` (RFC 9111 §4.2.3). An `Age` that is not a number takes all of it.
fn kept_for(headers: &HeaderMap) -> Option<u64> {
    let directives: Vec<&str> = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    let age = match headers.get(AGE) {
        None => 0,
        Some(age) => age.to_str().ok().and_then(|age| age.trim().parse().ok()).unwrap_or(u64::MAX),
    };
    max_age(&directives.join(",")).map(|seconds| seconds.saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_time_in_other_caches_counts() {
        let kept = |fields: &[(http::HeaderName, &'static str)]| {
            let fields = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            kept_for(&fields.collect::<HeaderMap>())
        };
        assert_eq!(kept(&[]), None);
        assert_eq!(kept(&[(CACHE_CONTROL, "max-age=600")]), Some(600));
        assert_eq!(kept(&[(CACHE_CONTROL, "max-age=600"), (AGE, "200")]), Some(400));
        assert_eq!(kept(&[(CACHE_CONTROL, "max-age=600"), (AGE, "9999")]), Some(0));
        assert_eq!(kept(&[(CACHE_CONTROL, "max-age=600"), (AGE, "old")]), Some(0));
        assert_eq!(kept(&[(AGE, "200")]), None);
    }

    #[test]
    fn authorities_are_certificates() {
        let refused = |pem: &str| HttpsClient::new().authorities(pem.as_bytes()).map(drop).unwrap_err();
        assert_eq!(refused(""), AuthoritiesError::Empty);
        assert_eq!(refused("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"), AuthoritiesError::Malformed);
        assert_eq!(
            refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            AuthoritiesError::Malformed
        );
    }
}
