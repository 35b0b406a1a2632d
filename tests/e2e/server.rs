//! A small web server on 127.0.0.1 with good and bad pages, in plain text and over TLS.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::api;

/// Serves until it is dropped.
pub(crate) struct Server {
    listener: TcpListener,
    port: u16,
    seen: Arc<Seen>,
    requests: Mutex<Receiver<String>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    closing: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    /// How often each path was asked for.
    paths: Mutex<BTreeMap<String, usize>>,
}

/// What arrived.
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// The first line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

type Tls = Arc<rustls::ServerConfig>;

impl Server {
    pub(crate) fn plain() -> io::Result<Server> {
        Server::start(None)
    }

    /// Over TLS, with a certificate for 127.0.0.1; also gives the certificate authority as PEM.
    pub(crate) fn tls() -> io::Result<(Server, String)> {
        let (tls, authority) = certify().map_err(io::Error::other)?;
        Ok((Server::start(Some(tls))?, authority))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Connections so far, whether or not a request came over them.
    pub(crate) fn connections(&self) -> usize {
        // The kernel accepts a connection before this process does: take what is still waiting, by being last in line.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).and_then(|mut last| {
            last.shutdown(Shutdown::Write)?;
            last.read(&mut [0])
        });
        self.seen.connections.load(Ordering::Acquire).saturating_sub(1)
    }

    /// Waits for the next request; its first line.
    pub(crate) fn next_request(&self) -> Option<String> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.recv_timeout(crate::program::PATIENCE).ok()
    }

    fn start(tls: Option<Tls>) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen::default());
        let (report, requests) = channel();
        let thread = thread::spawn({
            let (listener, seen) = (listener.try_clone()?, Arc::clone(&seen));
            move || accept(&listener, &seen, tls.as_ref(), &report)
        });
        Ok(Server { listener, port, seen, requests: Mutex::new(requests), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.seen.closing.store(true, Ordering::Release);
        if let Ok(address) = self.listener.local_addr() {
            // Wakes the thread that accepts.
            let _ = TcpStream::connect(address);
        }
        for stream in self.seen.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}

fn accept(listener: &TcpListener, seen: &Arc<Seen>, tls: Option<&Tls>, report: &Sender<String>) {
    while let Ok((stream, _)) = listener.accept() {
        if seen.closing.load(Ordering::Acquire) {
            return;
        }
        seen.connections.fetch_add(1, Ordering::AcqRel);
        if let Ok(clone) = stream.try_clone() {
            seen.open.lock().unwrap_or_else(PoisonError::into_inner).push(clone);
        }
        let (tls, report, seen) = (tls.cloned(), report.clone(), Arc::clone(seen));
        thread::spawn(move || {
            // A client that breaks off is no concern of the server.
            let _ = match tls {
                None => serve(&stream, &seen, &report),
                Some(config) => rustls::ServerConnection::new(config)
                    .map_err(io::Error::other)
                    .and_then(|connection| serve(rustls::StreamOwned::new(connection, &stream), &seen, &report)),
            };
            // Dropping it would not close it: there is a second handle to it.
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

/// One request, one response. The connection closes after it.
fn serve(mut stream: impl Read + Write, seen: &Seen, report: &Sender<String>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut reader = BufReader::new(&mut stream);
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method == "CONNECT" {
        // A proxy that leads everywhere: here.
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        stream.flush()?;
        return serve(stream, seen, report);
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    let request = Request { method, path, head, body };
    let _ = report.send(request.line().to_owned());
    let earlier = {
        let mut paths = seen.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let count = paths.entry(request.path.clone()).or_default();
        *count += 1;
        *count - 1
    };
    if let Some((status, headers, body)) = api::answer(&request, earlier) {
        return answer(&mut stream, status, &headers, body.as_bytes());
    }
    respond(&mut stream, &request)
}

fn respond(stream: &mut (impl Read + Write), request: &Request) -> io::Result<()> {
    match request.path.as_str() {
        "/hello" => answer(stream, "200 OK", "content-type: text/plain\r\n", b"hello"),
        "/missing" => answer(stream, "404 Not Found", "", b"no such page"),
        "/binary" => answer(stream, "200 OK", "", b"\xff\x00\xfe"),
        // What arrived, without what differs from run to run.
        "/echo" => {
            let kept = |line: &&str| !line.to_ascii_lowercase().starts_with("host:") && !line.is_empty();
            let mut lines: Vec<&str> = request.head.lines().skip(1).filter(kept).collect();
            lines.sort_unstable();
            answer(
                stream,
                "200 OK",
                "",
                format!("{}\n{}\n\n{}", request.line(), lines.join("\n"), request.body).as_bytes(),
            )
        }
        "/moved" => answer(stream, "302 Found", "location: /hello\r\n", b""),
        "/loop" => answer(stream, "302 Found", "location: /loop\r\n", b""),
        "/to-metadata" => answer(stream, "302 Found", "location: http://169.254.169.254/latest/meta-data\r\n", b""),
        "/to-file" => answer(stream, "302 Found", "location: file:///etc/passwd\r\n", b""),
        "/to-data" => answer(stream, "302 Found", "location: data:text/plain,inline\r\n", b""),
        "/to-name" => answer(stream, "302 Found", "location: http://localhost/hello\r\n", b""),
        "/to-secret" => answer(stream, "302 Found", "location: /secret\r\n", b""),
        "/large" => answer(stream, "200 OK", "", &vec![b'x'; 3 << 20]),
        // 20 MiB of lines, in chunks.
        "/log" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")?;
            for chunk in 0..320 {
                let line = |n| {
                    let level = if n % 5000 == 4999 { "ERROR" } else { "info" };
                    format!("{:<63}\n", format!("{n:06} {level} something happened"))
                };
                let lines: String = (chunk * 1024..(chunk + 1) * 1024).map(line).collect();
                write!(stream, "{:x}\r\n{lines}\r\n", lines.len())?;
            }
            stream.write_all(b"0\r\n\r\n")?;
            stream.flush()
        }
        "/gzip-bomb" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            io::copy(&mut io::repeat(0).take(64 << 20), &mut encoder)?;
            answer(stream, "200 OK", "content-encoding: gzip\r\n", &encoder.finish()?)
        }
        "/not-gzip" => answer(stream, "200 OK", "content-encoding: gzip\r\n", b"this is not compressed"),
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                stream.write_all(b"400\r\n")?;
                stream.write_all(&[b'x'; 1024])?;
                stream.write_all(b"\r\n")?;
            }
        }
        // Half a response, and then nothing until the client goes.
        "/slow" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")?;
            stream.flush()?;
            stream.read(&mut [0]).map(drop)
        }
        "/hang" => stream.read(&mut [0]).map(drop),
        "/stuck/in-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf")?;
            stream.flush()?;
            stream.read(&mut [0]).map(drop)
        }
        "/stuck/in-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le")?;
            stream.flush()?;
            stream.read(&mut [0]).map(drop)
        }
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            loop {
                stream.write_all(b"x-again: and again\r\n")?;
            }
        }
        path => match WRONG.iter().find(|(wrong, _)| *wrong == path) {
            Some((_, bytes)) => {
                stream.write_all(bytes.as_bytes())?;
                stream.flush()
            }
            None => answer(stream, "200 OK", "", path.as_bytes()),
        },
    }
}

/// What is sent before the connection closes.
const WRONG: &[(&str, &str)] = &[
    ("/garbage", "SSH-2.0-not-a-web-server\r\n\r\n"),
    ("/closes", ""),
    ("/closes-in-head", "HTTP/1.1 200 OK\r\ncontent-le"),
    ("/closes-in-body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
    ("/longer-than-said", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nthisand more"),
    ("/two-lengths", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nthis"),
    ("/no-length", "HTTP/1.1 200 OK\r\ncontent-length: four\r\n\r\nthis"),
    ("/bad-chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnone\r\nthis\r\n"),
    ("/no-status", "HTTP/1.1 OK\r\n\r\n"),
];

fn answer(stream: &mut impl Write, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    stream.flush()
}

fn certify() -> Result<(Tls, String), Box<dyn std::error::Error + Send + Sync>> {
    let authority_key = rcgen::KeyPair::generate()?;
    let mut authority = rcgen::CertificateParams::new(Vec::new())?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key)?.pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der())?;
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok((Arc::new(config), pem))
}
