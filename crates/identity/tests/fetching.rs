//! Keys by discovery, from servers over TLS that behave and that do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests, which the lint does not recognise as such"
)]

mod support;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_identity::{
    Algorithm, HttpsClient, IssuerDirectory, Jwks, KeyCache, KeysError, PublishedIssuer, RawToken, Resolve, TokenError,
    TrustedIssuer,
};
use bailiwick_policy::Code;
use cap_std::fs::Dir;
use serde_json::json;
use support::{AUDIENCE, NOW, Signer, claims, with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Nothing here takes so long unless it hangs, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn a_token_of_an_issuer_that_publishes_its_keys() {
    let stage = Stage::new().await;
    let directory = stage.directory();
    assert!(stage.verify(&directory, &stage.token(json!({})), NOW).await.is_ok());
    assert_eq!(stage.served(), [OPENID, "/jwks"]);
    let again = stage.verify(&directory, &stage.token(json!({"jti": "02"})), NOW + 200).await;
    assert!(again.is_ok());
    assert_eq!(stage.served().len(), 2, "the keys are fresh");
    let stale = stage.token(json!({"jti": "03", "iat": NOW + 290, "exp": NOW + 400}));
    assert!(stage.verify(&directory, &stale, NOW + 300).await.is_ok());
    assert_eq!(stage.served().len(), 4);
}

#[tokio::test]
async fn an_authorization_server_without_openid() {
    let stage = Stage::new().await;
    stage.serve(OPENID, Page::status("404 Not Found"));
    stage.serve(OAUTH, stage.metadata());
    assert!(stage.verify(&stage.directory(), &stage.token(json!({})), NOW).await.is_ok());
    assert_eq!(stage.served(), [OPENID, OAUTH, "/jwks"]);
}

#[tokio::test]
async fn ten_thousand_invented_kids_fetch_once_in_30_s() {
    let stage = Stage::new().await;
    let directory = stage.directory();
    let mut refused = 0;
    for n in 0..10_000_u64 {
        let token = RawToken::new(stage.signer.compact(
            &with(stage.signer.header(), json!({"kid": format!("bogus-{n}")})).to_string(),
            &stage.claims(json!({})).to_string(),
        ));
        let at = NOW + n / 100; // over 100 s
        let issuers = directory.issuers_for(&token, at).await.unwrap();
        refused += usize::from(token.verify(&issuers, at).unwrap_err() == TokenError::UnknownKey);
    }
    assert_eq!(refused, 10_000);
    assert_eq!(stage.served().iter().filter(|path| *path == "/jwks").count(), 4, "at 0, 30, 60 and 90 s");
    assert!(stage.verify(&directory, &stage.token(json!({})), NOW + 100).await.is_ok());
}

#[tokio::test]
async fn all_who_wait_share_one_fetch() {
    let stage = Stage::new().await;
    let directory = Arc::new(stage.directory());
    let mut tasks = JoinSet::new();
    for n in 0..50 {
        let (directory, token) = (Arc::clone(&directory), stage.token(json!({"jti": n.to_string()})));
        tasks.spawn(async move {
            let issuers = directory.issuers_for(&token, NOW).await?;
            Ok::<_, KeysError>(token.verify(&issuers, NOW).is_ok())
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|accepted| accepted == Ok(true)));
    assert_eq!(stage.served().len(), 2);
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_holds_nobody_up() {
    let stage = Stage::new().await;
    stage.serve("/jwks", Page::hang());
    let directory = stage.directory();
    let token = stage.token(json!({}));
    {
        let mut abandoned = Box::pin(directory.issuers_for(&token, NOW));
        loop {
            tokio::select! {
                biased;
                _ = &mut abandoned => panic!("the server does not answer"),
                () = stage.arrived.notified() => if stage.served().len() == 2 { break },
            }
        }
    }
    let error = patiently(directory.issuers_for(&token, NOW)).await;
    assert!(error.is_ok_and(|issuers| token.verify(&issuers, NOW).unwrap_err() == TokenError::UnknownKey));
}

#[tokio::test]
async fn rotation() {
    let stage = Stage::new().await;
    let directory = stage.directory();
    assert!(stage.verify(&directory, &stage.token(json!({})), NOW).await.is_ok());

    let next = Signer::ec();
    let new = with(next.jwk(), json!({"kid": "k2"}));
    let signed_by_new = |jti: &str| {
        let header = with(next.header(), json!({"kid": "k2"})).to_string();
        RawToken::new(next.compact(&header, &stage.claims(json!({"jti": jti})).to_string()))
    };
    stage.serve("/jwks", Page::ok(json!({"keys": [stage.signer.jwk(), new]})));
    assert_eq!(stage.verify(&directory, &signed_by_new("02"), NOW + 29).await, Err(Code::TokenUnknownKey));
    assert!(stage.verify(&directory, &signed_by_new("03"), NOW + 30).await.is_ok());
    assert!(stage.verify(&directory, &stage.token(json!({"jti": "04"})), NOW + 31).await.is_ok(), "two keys overlap");

    stage.serve("/jwks", Page::ok(json!({"keys": [new]})));
    assert!(stage.verify(&directory, &signed_by_new("05"), NOW + 330).await.is_ok());
    let old = stage.verify(&directory, &stage.token(json!({"jti": "06"})), NOW + 331).await;
    assert_eq!(old, Err(Code::TokenUnknownKey), "a removed key is gone");
}

#[tokio::test]
async fn an_outage() {
    let stage = Stage::new().await;
    let directory = stage.directory();
    let token = |now: u64| stage.token(json!({"jti": now.to_string(), "iat": now, "exp": now + 60}));
    assert!(stage.verify(&directory, &token(NOW), NOW).await.is_ok());
    stage.serve(OPENID, Page::status("503 Service Unavailable"));
    for after in [300, 330, 3600, 24 * 3600, 24 * 3600 + 299] {
        assert!(stage.verify(&directory, &token(NOW + after), NOW + after).await.is_ok(), "{after} s");
    }
    let after = NOW + 24 * 3600 + 300;
    assert_eq!(stage.verify(&directory, &token(after), after).await, Err(Code::IssuerUnreachable), "for a day at most");
    assert_eq!(stage.verify(&directory, &token(after), after + 10).await, Err(Code::IssuerUnreachable), "and no fetch");
    stage.serve(OPENID, stage.metadata());
    assert!(stage.verify(&directory, &token(after + 30), after + 30).await.is_ok(), "it is over");
}

#[tokio::test]
async fn what_an_issuer_must_not_answer() {
    let stage = Stage::new().await;
    let metadata = |issuer: &str, keys: &str| {
        Page::ok(json!({"issuer": issuer, "jwks_uri": keys, "response_types_supported": []}))
    };
    let (issuer, here) = (stage.issuer(), format!("{}/jwks", stage.issuer()));
    let large = || Page::text("x".repeat(10 << 20));
    let private = json!({"keys": [with(stage.signer.jwk(), json!({"d": "AAAA"}))]});
    for (about, path, page, code) in [
        ("a redirect of the metadata", OPENID, Page::redirect(&here), Code::IssuerAnswer),
        ("a redirect of the keys", "/jwks", Page::redirect("/other"), Code::IssuerAnswer),
        ("10 MB of metadata", OPENID, large(), Code::IssuerAnswer),
        ("10 MB of keys", "/jwks", large(), Code::IssuerAnswer),
        ("keys without an end", "/jwks", Page::endless(), Code::IssuerAnswer),
        ("a page for people", OPENID, Page::text("<html>sign in</html>".to_owned()), Code::IssuerAnswer),
        ("keys that are a list", "/jwks", Page::ok(json!([])), Code::IssuerAnswer),
        ("no keys", "/jwks", Page::ok(json!({"keys": []})), Code::IssuerAnswer),
        ("a private key", "/jwks", Page::ok(private), Code::IssuerAnswer),
        ("compressed keys", "/jwks", Page::compressed(), Code::IssuerAnswer),
        ("another issuer's metadata", OPENID, metadata("https://evil.example", &here), Code::IssuerAnswer),
        ("its own name with a slash", OPENID, metadata(&format!("{issuer}/"), &here), Code::IssuerAnswer),
        ("keys over http", OPENID, metadata(&issuer, "http://id.example/jwks"), Code::IssuerAnswer),
        ("keys in a file", OPENID, metadata(&issuer, "file:///etc/passwd"), Code::IssuerAnswer),
        ("keys at a metadata service", OPENID, metadata(&issuer, "https://169.254.169.254/"), Code::IssuerAddress),
        ("keys at an odd address", OPENID, metadata(&issuer, "https://0xa9fea9fe/"), Code::IssuerAddress),
        ("keys at no address", OPENID, metadata(&issuer, "https://nowhere.example/"), Code::IssuerUnreachable),
        ("keys that are not there", "/jwks", Page::status("404 Not Found"), Code::IssuerUnreachable),
        ("no metadata at all", OPENID, Page::status("404 Not Found"), Code::IssuerUnreachable),
        ("a server error", OPENID, Page::status("500 Internal Server Error"), Code::IssuerUnreachable),
        ("what is not HTTP", OPENID, Page::raw("SSH-2.0-x\r\n\r\n"), Code::IssuerUnreachable),
        (
            "half an answer",
            "/jwks",
            Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
            Code::IssuerUnreachable,
        ),
        ("headers without an end", OPENID, Page::headers(), Code::IssuerUnreachable),
    ] {
        stage.reset();
        stage.serve(path, page);
        let directory = stage.directory();
        let (first, second) = (stage.token(json!({})), stage.token(json!({"jti": "02"})));
        assert_eq!(stage.verify(&directory, &first, NOW).await, Err(code), "{about}");
        let asked = stage.served().len();
        assert_eq!(stage.verify(&directory, &second, NOW + 29).await, Err(code), "{about}, remembered");
        assert_eq!(stage.served().len(), asked, "{about}: not asked again at once");
    }
}

#[tokio::test]
async fn a_slow_server_has_a_deadline() {
    let stage = Stage::new().await;
    for (path, page) in [(OPENID, Page::hang()), ("/jwks", Page::hang()), ("/jwks", Page::slow())] {
        stage.reset();
        stage.serve(path, page);
        let client = stage.client().deadline(Duration::from_millis(300));
        let directory = IssuerDirectory::none().discover(PublishedIssuer::new(stage.terms(), client)).unwrap();
        assert_eq!(stage.verify(&directory, &stage.token(json!({})), NOW).await, Err(Code::IssuerUnreachable));
    }
}

#[tokio::test]
async fn only_public_addresses_unless_configured() {
    let stage = Stage::new().await;
    let terms = || PublishedIssuer::new(stage.terms(), stage.client_without_private());
    let directory = IssuerDirectory::none().discover(terms()).unwrap();
    assert_eq!(stage.verify(&directory, &stage.token(json!({})), NOW).await, Err(Code::IssuerAddress));
    // A name with a good and a bad address is bad, in whatever order they come, and special addresses always are.
    for answers in [
        &["127.0.0.1", "169.254.169.254"][..],
        &["169.254.169.254", "127.0.0.1"],
        &["::ffff:169.254.169.254"],
        &["fd00:ec2::254"],
        &["0.0.0.0"],
    ] {
        let client = stage.client().resolver(Arc::new(Always(answers.iter().map(|it| it.parse().unwrap()).collect())));
        let directory = IssuerDirectory::none().discover(PublishedIssuer::new(stage.terms(), client)).unwrap();
        let refused = stage.verify(&directory, &stage.token(json!({})), NOW).await;
        assert_eq!(refused, Err(Code::IssuerAddress), "{answers:?}");
    }
    assert_eq!(stage.connections.load(Ordering::Acquire), 0, "nothing was dialled");
}

#[tokio::test]
async fn a_server_must_prove_its_name() {
    let stage = Stage::new().await;
    let (other, _) = certificate(&["id.example"]);
    for client in [
        HttpsClient::new().private().resolver(Arc::new(Names)).authorities(other.as_bytes()).unwrap(),
        HttpsClient::new().private().resolver(Arc::new(Names)),
    ] {
        let directory = IssuerDirectory::none().discover(PublishedIssuer::new(stage.terms(), client)).unwrap();
        assert_eq!(stage.verify(&directory, &stage.token(json!({})), NOW).await, Err(Code::IssuerUnreachable));
    }
    assert_eq!(stage.served(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_is_refused_anyway_fetches_nothing() {
    let stage = Stage::new().await;
    let directory = stage.directory();
    let signed = |header: serde_json::Value, claims: serde_json::Value| {
        let header = with(stage.signer.header(), header).to_string();
        RawToken::new(stage.signer.compact(&header, &stage.claims(claims).to_string()))
    };
    for token in [
        RawToken::new("x.y.z".to_owned()),
        RawToken::new("A".repeat(1 << 20)),
        signed(json!({}), json!({"iss": "https://other.example"})),
        signed(json!({}), json!({"iss": [stage.issuer()]})),
        signed(json!({"kid": null}), json!({})),
        signed(json!({"kid": 7}), json!({})),
        signed(json!({"kid": "k".repeat(257)}), json!({})),
        signed(json!({"alg": "none"}), json!({})),
        signed(json!({"alg": "RS256"}), json!({})),
        signed(json!({"typ": "JWT"}), json!({})),
        signed(json!({"jku": stage.issuer()}), json!({})),
    ] {
        let issuers = directory.issuers_for(&token, NOW).await.unwrap();
        assert!(token.verify(&issuers, NOW).is_err());
    }
    assert_eq!(stage.served(), [""; 0]);
}

#[tokio::test]
async fn keys_are_remembered_between_processes() {
    let stage = Stage::new().await;
    let temporary = tempfile::tempdir().unwrap();
    let process = || {
        let folder = Dir::open_ambient_dir(temporary.path(), cap_std::ambient_authority()).unwrap();
        let issuer = PublishedIssuer::new(stage.terms(), stage.client()).remembered_in(folder);
        IssuerDirectory::none().discover(issuer).unwrap()
    };
    assert!(stage.verify(&process(), &stage.token(json!({})), NOW).await.is_ok());
    assert!(stage.verify(&process(), &stage.token(json!({"jti": "02"})), NOW + 100).await.is_ok());
    assert_eq!(stage.served().len(), 2);
    let remembered = process().published().first().unwrap().remembered(NOW + 100).unwrap().unwrap();
    assert_eq!((remembered.fetched_at, remembered.fresh_until), (NOW, NOW + KeyCache::DEFAULT_FRESH));
    assert_eq!(remembered.keys.iter().map(|key| key.describe()).collect::<Vec<_>>(), ["P-256"]);

    // The flood goes on over many processes.
    let bogus = || {
        let header = with(stage.signer.header(), json!({"kid": "bogus"})).to_string();
        RawToken::new(stage.signer.compact(&header, &stage.claims(json!({})).to_string()))
    };
    for _ in 0..20 {
        assert_eq!(stage.verify(&process(), &bogus(), NOW + 101).await, Err(Code::TokenUnknownKey));
    }
    assert_eq!(stage.served().len(), 4, "one fetch more");

    // So does the outage.
    stage.serve(OPENID, Page::status("503 Service Unavailable"));
    let asked = stage.served().len();
    let late = |jti: &str| stage.token(json!({"jti": jti, "iat": NOW + 500, "exp": NOW + 900}));
    assert!(stage.verify(&process(), &late("03"), NOW + 500).await.is_ok());
    assert!(stage.verify(&process(), &late("04"), NOW + 501).await.is_ok());
    assert_eq!(stage.served().len(), asked + 1);
    assert_eq!(
        stage.verify(&process(), &bogus(), NOW + 502).await,
        Err(Code::IssuerUnreachable),
        "it may be a new key"
    );
}

/// Whoever is not believed any more is not believed from memory either.
#[tokio::test]
async fn keys_are_remembered_for_the_terms_on_which_they_were_fetched() {
    let stage = Stage::new().await;
    let temporary = tempfile::tempdir().unwrap();
    let folder = || Dir::open_ambient_dir(temporary.path(), cap_std::ambient_authority()).unwrap();
    let issuer = |client: HttpsClient| PublishedIssuer::new(stage.terms(), client).remembered_in(folder());
    let process = |issuer: PublishedIssuer| IssuerDirectory::none().discover(issuer).unwrap();
    let files = || std::fs::read_dir(temporary.path()).unwrap().count();

    let looking = process(issuer(stage.client()).looking_on());
    assert!(stage.verify(&looking, &stage.token(json!({})), NOW).await.is_ok());
    assert_eq!(files(), 0, "who only looks remembers nothing");
    assert!(stage.verify(&process(issuer(stage.client())), &stage.token(json!({})), NOW).await.is_ok());
    assert_eq!(files(), 1);
    let asked = stage.served().len();
    let looking = process(issuer(stage.client())).looking_on();
    assert!(stage.verify(&looking, &stage.token(json!({})), NOW + 1).await.is_ok());
    assert_eq!(stage.served().len(), asked, "and uses what is remembered");

    let (other, _) = certificate(&["other.example"]);
    for client in [
        stage.client_without_private(),
        HttpsClient::new().resolver(Arc::new(Names)).private(),
        stage.client().authorities(other.as_bytes()).unwrap(),
    ] {
        assert!(issuer(client.clone()).remembered(NOW + 2).unwrap().is_none());
        assert!(stage.verify(&process(issuer(client)), &stage.token(json!({})), NOW + 2).await.is_err());
    }
}

/// An issuer at `https://id.example:PORT`.
struct Stage {
    signer: Signer,
    port: u16,
    authority: String,
    pages: Arc<Mutex<Vec<(String, Page)>>>,
    paths: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    arrived: Arc<tokio::sync::Notify>,
    _tasks: JoinSet<()>,
}

impl Stage {
    async fn new() -> Stage {
        let (authority, config) = certificate(&["id.example"]);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut stage = Stage {
            signer: Signer::ec(),
            port,
            authority,
            pages: Arc::default(),
            paths: Arc::default(),
            connections: Arc::default(),
            arrived: Arc::default(),
            _tasks: JoinSet::new(),
        };
        stage.reset();
        let (pages, paths) = (Arc::clone(&stage.pages), Arc::clone(&stage.paths));
        let (connections, arrived) = (Arc::clone(&stage.connections), Arc::clone(&stage.arrived));
        stage._tasks.spawn(async move {
            let (acceptor, mut open) = (TlsAcceptor::from(config), JoinSet::new());
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::AcqRel);
                let (acceptor, pages, paths, arrived) =
                    (acceptor.clone(), Arc::clone(&pages), Arc::clone(&paths), Arc::clone(&arrived));
                open.spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let page = pages.lock().unwrap().iter().find(|(of, _)| *of == path).map(|(_, page)| page.clone());
                    paths.lock().unwrap().push(path);
                    arrived.notify_one();
                    // A client that breaks off is what some tests are about.
                    let _ = page.unwrap_or(Page::status("404 Not Found")).write(&mut stream).await;
                });
            }
        });
        stage
    }

    fn issuer(&self) -> String {
        format!("https://id.example:{}", self.port)
    }

    fn metadata(&self) -> Page {
        Page::ok(json!({"issuer": self.issuer(), "jwks_uri": format!("{}/jwks", self.issuer())}))
    }

    /// Every page as it should be.
    fn reset(&self) {
        self.pages.lock().unwrap().clear();
        self.serve(OPENID, self.metadata());
        self.serve("/jwks", Page::ok(json!({"keys": [self.signer.jwk()]})));
        self.paths.lock().unwrap().clear();
    }

    fn serve(&self, path: &str, page: Page) {
        let mut pages = self.pages.lock().unwrap();
        pages.retain(|(of, _)| of != path);
        pages.push((path.to_owned(), page));
    }

    /// The paths that were asked for.
    fn served(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }

    fn client_without_private(&self) -> HttpsClient {
        HttpsClient::new().authorities(self.authority.as_bytes()).unwrap().resolver(Arc::new(Names)).deadline(PATIENCE)
    }

    fn client(&self) -> HttpsClient {
        self.client_without_private().private()
    }

    fn terms(&self) -> TrustedIssuer {
        let algorithms = [Algorithm::Es256, Algorithm::EdDsa];
        TrustedIssuer::new(&self.issuer(), AUDIENCE, Jwks::default(), &algorithms).unwrap()
    }

    fn directory(&self) -> IssuerDirectory {
        IssuerDirectory::none().discover(PublishedIssuer::new(self.terms(), self.client())).unwrap()
    }

    fn claims(&self, changes: serde_json::Value) -> serde_json::Value {
        with(with(claims(), json!({"iss": self.issuer()})), changes)
    }

    fn token(&self, changes: serde_json::Value) -> RawToken {
        RawToken::new(self.signer.compact(&self.signer.header().to_string(), &self.claims(changes).to_string()))
    }

    async fn verify(&self, directory: &IssuerDirectory, token: &RawToken, now: u64) -> Result<(), Code> {
        let issuers = patiently(directory.issuers_for(token, now)).await.map_err(|error| error.code())?;
        token.verify(&issuers, now).map(drop).map_err(|error| error.code())
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(2 * PATIENCE, future).await.expect("it hangs")
}

/// What the server does with a request.
#[derive(Clone)]
enum Page {
    Send(Vec<u8>),
    /// And then this again and again.
    Repeat(Vec<u8>, &'static [u8]),
    /// And then nothing.
    Hang(&'static [u8]),
}

impl Page {
    fn ok(body: serde_json::Value) -> Page {
        Page::text(body.to_string())
    }

    fn text(body: String) -> Page {
        Page::raw(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn raw(text: &str) -> Page {
        Page::Send(text.as_bytes().to_vec())
    }

    fn status(status: &str) -> Page {
        Page::raw(&format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
    }

    fn redirect(to: &str) -> Page {
        Page::raw(&format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
    }

    fn compressed() -> Page {
        Page::raw("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}")
    }

    fn endless() -> Page {
        Page::Repeat(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), b"8\r\n{\"keys\":\r\n")
    }

    fn headers() -> Page {
        Page::Repeat(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")
    }

    fn hang() -> Page {
        Page::Hang(b"")
    }

    fn slow() -> Page {
        Page::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
    }

    async fn write(&self, stream: &mut (impl AsyncWriteExt + AsyncReadExt + Unpin)) -> io::Result<()> {
        match self {
            Page::Send(bytes) => stream.write_all(bytes).await?,
            Page::Repeat(first, again) => {
                stream.write_all(first).await?;
                loop {
                    stream.write_all(again).await?;
                }
            }
            Page::Hang(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                stream.read_u8().await?;
            }
        }
        stream.shutdown().await
    }
}

/// `*.example` is this machine.
struct Names;

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>> {
        Box::pin(async move {
            match host {
                "id.example" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        })
    }
}

struct Always(Vec<IpAddr>);

impl Resolve for Always {
    fn resolve<'a>(&'a self, _: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(self.0.clone()) })
    }
}

/// An authority as PEM, and a server that it vouches for.
fn certificate(names: &[&str]) -> (String, Arc<rustls::ServerConfig>) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (pem, Arc::new(config))
}
