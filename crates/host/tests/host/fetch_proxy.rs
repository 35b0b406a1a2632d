//! A proxy that the operator names: it gets addresses that were checked, and never a name.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bailiwick_host::Services;
use bailiwick_host::fetch::ProxyDialer;
use bailiwick_host::files::Mounts;
use bailiwick_policy::Code;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fetch::{allow, get};
use crate::support::{Names, Server, code, guard, public, reply};

/// Answers `CONNECT` with `answer`, and, if that opens a tunnel, lets it lead to `server` whatever was asked for.
async fn proxy(answer: &'static str, server: SocketAddr) -> (ProxyDialer, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialer = ProxyDialer::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            seen.lock().unwrap().push(String::from_utf8(head).unwrap());
            client.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains(" 200 ") {
                let mut server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
            }
        }
    });
    (dialer, asked)
}

#[tokio::test]
async fn the_proxy_is_asked_for_the_address_that_was_checked() {
    let server = Server::new(|_| reply("200 OK", "", "hello"));
    let (dialer, asked) = proxy("HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n", server.listen().await).await;
    let names = public("a.example").then("in.example", "10.0.0.1").then("six.example", "2606:4700::1111");
    let host = Services::builder().resolver(names).dialer(dialer).build().host(Mounts::default());
    let rules: String = ["a", "in", "six"].map(|name| allow(&format!("http://{name}.example"), "")).concat();
    let guard = guard(&rules);
    assert_eq!(get(&guard, &host, "http://a.example/x").await.unwrap().body, "hello");
    assert_eq!(get(&guard, &host, "http://six.example/x").await.unwrap().body, "hello");
    assert_eq!(code(get(&guard, &host, "http://in.example/x").await), Code::PrivateAddress);
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "CONNECT 93.184.215.14:80 HTTP/1.1\r\nhost: 93.184.215.14:80\r\n\r\n",
            "CONNECT [2606:4700::1111]:80 HTTP/1.1\r\nhost: [2606:4700::1111]:80\r\n\r\n",
        ]
    );
    assert!(server.asked().iter().all(|asked| asked.head.starts_with("GET /x HTTP/1.1\r\n")), "not in a proxy's form");
}

/// What is not public is this machine's network, not the proxy's.
#[tokio::test]
async fn a_private_address_is_not_the_proxys() {
    let server = Server::new(|_| reply("200 OK", "", "hello"));
    let address = server.listen().await;
    let (dialer, asked) = proxy("HTTP/1.1 200 OK\r\n\r\n", address).await;
    let host = Services::builder().dialer(dialer).build().host(Mounts::default());
    let guard = guard(&allow(&format!("http://{address}"), "private = true"));
    assert_eq!(get(&guard, &host, &format!("http://{address}/x")).await.unwrap().body, "hello");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_no_connection() {
    let server = Server::new(|_| reply("200 OK", "", "hello"));
    let address = server.listen().await;
    for answer in ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 302 \r\n\r\n"] {
        let (dialer, asked) = proxy(answer, address).await;
        let host = Services::builder().resolver(public("a.example")).dialer(dialer).build().host(Mounts::default());
        let guard = guard(&allow("http://a.example", ""));
        assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::ConnectFailed, "{answer}");
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
    let (endless, _) = proxy(Box::leak("x".repeat(20_000).into_boxed_str()), address).await;
    let gone = ProxyDialer::parse("http://127.0.0.1:1").unwrap();
    for dialer in [endless, gone] {
        let names = Names::default().then("a.example", "93.184.215.14");
        let host = Services::builder().resolver(names).dialer(dialer).build().host(Mounts::default());
        let guard = guard(&allow("http://a.example", ""));
        assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::ConnectFailed);
    }
    assert_eq!(server.connections(), 0);
}
