//! A server that does what a test tells it, down to the bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Request line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

/// What the server does next.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Sends this until nobody reads any more.
    Flood(Vec<u8>),
    Hang,
    Close,
}

type Handler = dyn Fn(&Asked) -> Vec<Step> + Send + Sync;

pub struct Server {
    handler: Box<Handler>,
    tls: Option<TlsAcceptor>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
    closed: AtomicUsize,
    /// Told whenever a connection has ended.
    pub ended: Notify,
}

/// A whole HTTP/1.1 response that leaves the connection open.
pub fn reply(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<Step> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

impl Server {
    pub fn new(handler: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static) -> Arc<Server> {
        Server::with_tls(None, handler)
    }

    pub fn with_tls(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static,
    ) -> Arc<Server> {
        Arc::new(Server {
            handler: Box::new(handler),
            tls,
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            ended: Notify::new(),
        })
    }

    /// The port of a real listener on this machine's loopback address.
    pub async fn listen(self: &Arc<Server>) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), Arc::clone(self));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&server).serve(stream));
            }
        });
        address
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The first lines of all requests.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.head.lines().next().unwrap().to_owned()).collect()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Connections that have not ended.
    pub fn open(&self) -> usize {
        self.connections().saturating_sub(self.closed.load(Ordering::SeqCst))
    }

    pub async fn serve(self: Arc<Server>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        match &self.tls {
            None => {
                let _ended = self.http1(stream).await;
            }
            Some(acceptor) => {
                if let Ok(stream) = acceptor.accept(stream).await {
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        let _ended = http2(stream).await;
                    } else {
                        let _ended = self.http1(stream).await;
                    }
                }
            }
        }
        self.closed.fetch_add(1, Ordering::SeqCst);
        self.ended.notify_one();
    }

    async fn http1(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                    break at + 4;
                }
                more(&mut stream, &mut buffer).await?;
                if buffer.first() == Some(&0x16) {
                    // A TLS handshake, where none is spoken.
                    return None;
                }
            };
            let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            while buffer.len() < length {
                more(&mut stream, &mut buffer).await?;
            }
            let asked = Asked { head, body: buffer.drain(..length).collect() };
            let steps = (self.handler)(&asked);
            self.asked.lock().unwrap().push(asked);
            for step in steps {
                match step {
                    Step::Send(bytes) => stream.write_all(&bytes).await.ok()?,
                    Step::Flood(bytes) => loop {
                        stream.write_all(&bytes).await.ok()?;
                    },
                    Step::Hang => loop {
                        more(&mut stream, &mut buffer).await?;
                    },
                    Step::Close => return None,
                }
            }
        }
    }
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        let body = format!("{:?} {}", request.version(), request.uri());
        let mut send = respond.send_response(http::Response::new(()), false)?;
        send.send_data(Bytes::from(body), true)?;
    }
    Ok(())
}
