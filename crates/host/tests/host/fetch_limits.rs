//! Sizes and times of requests. Where time matters the clock is the test's.

use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use bailiwick_host::fetch::*;
use bailiwick_policy::Code;
use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use crate::fetch::{allow, ask, get};
use crate::support::{Names, Network, Server, Step, code, guard, public, recorded, reply};

async fn fetch_from(steps: Vec<Step>, terms: &str) -> Result<FetchResponse, bailiwick_guard::CallError> {
    let server = Server::new(move |_| steps.clone());
    let network = Network::tcp(&server).await;
    let guard = guard(&allow("http://a.example", terms));
    get(&guard, &network.host(&public("a.example")), "http://a.example/x").await
}

async fn compress(coding: &str, data: &[u8]) -> Vec<u8> {
    macro_rules! with {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all(data).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    match coding {
        "gzip" => with!(GzipEncoder),
        "deflate" => with!(ZlibEncoder),
        "br" => with!(BrotliEncoder),
        "zstd" => with!(ZstdEncoder),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_request_body_has_a_cap() {
    let server = Server::new(|_| reply("200 OK", "", ""));
    let network = Network::tcp(&server).await;
    let host = network.host(&public("a.example"));
    let with = |len| FetchRequest { body: Bytes::from(vec![b'x'; len]), ..ask("http://a.example/x") };
    let capped = guard(&allow("http://a.example", "limits = { request = \"1KiB\" }"));
    assert_eq!(code(follow(&capped, &host.fetch, Verb::Post, with(1025)).await), Code::RequestBytes);
    follow(&capped, &host.fetch, Verb::Post, with(1024)).await.unwrap();
    let usual = guard(&allow("http://a.example", ""));
    assert_eq!(code(follow(&usual, &host.fetch, Verb::Put, with((8 << 20) + 1)).await), Code::RequestBytes);
    for verb in [Verb::Get, Verb::Head] {
        assert_eq!(code(follow(&usual, &host.fetch, verb, with(1)).await), Code::Malformed);
    }
    assert_eq!(server.asked().len(), 1);
    let many = (0..=MAX_HEADERS).map(|_| ("accept".to_owned(), b"x".to_vec())).collect();
    let large = vec![("accept".to_owned(), vec![b'x'; MAX_HEADER_BYTES])];
    for headers in [many, large] {
        let request = FetchRequest { headers, ..ask("http://a.example/x") };
        assert_eq!(code(follow(&usual, &host.fetch, Verb::Get, request).await), Code::RequestBytes);
    }
}

#[tokio::test]
async fn a_response_body_has_a_cap() {
    let terms = "limits = { response = \"1KiB\" }";
    assert_eq!(fetch_from(reply("200 OK", "", [b'x'; 1024]), terms).await.unwrap().body.len(), 1024);
    assert_eq!(code(fetch_from(reply("200 OK", "", [b'x'; 1025]), terms).await), Code::ResponseBytes);
    let endless = |head: &str| {
        vec![
            Step::Send(head.as_bytes().to_vec()),
            Step::Flood(b"400\r\n".iter().copied().chain([b'x'; 0x400]).chain(*b"\r\n").collect()),
        ]
    };
    for terms in ["", terms] {
        let chunked = endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(code(fetch_from(chunked, terms).await), Code::ResponseBytes);
        let until_closed = endless("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        assert_eq!(code(fetch_from(until_closed, terms).await), Code::ResponseBytes);
    }
    // The length alone is enough to refuse: nothing of the body is waited for.
    let claims = vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec()), Step::Hang];
    assert_eq!(code(fetch_from(claims, "").await), Code::ResponseBytes);
}

#[tokio::test]
async fn response_headers_have_a_cap() {
    let fields =
        |count: usize, len: usize| (0..count).map(|n| format!("x-{n}: {}\r\n", "y".repeat(len))).collect::<String>();
    assert_eq!(fetch_from(reply("200 OK", &fields(90, 10), ""), "").await.unwrap().status, 200);
    assert_eq!(code(fetch_from(reply("200 OK", &fields(150, 10), ""), "").await), Code::ResponseBytes);
    assert_eq!(code(fetch_from(reply("200 OK", &fields(3, 6000), ""), "").await), Code::ResponseBytes);
    let flood =
        vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Flood(b"x-flood: yyyyyyyyyyyyyyyy\r\n".to_vec())];
    assert_eq!(code(fetch_from(flood, "").await), Code::HttpFailed);
    let line = vec![Step::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Step::Flood(b"yyyyyyyyyyyyyyyy".to_vec())];
    assert_eq!(code(fetch_from(line, "").await), Code::HttpFailed);
    let hints = vec![Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())];
    let terms = "limits = { timeout = \"1s\" }";
    assert!(matches!(code(fetch_from(hints, terms).await), Code::CallDeadline | Code::HttpFailed));
}

#[tokio::test]
async fn compressed_bodies_are_undone() {
    let text = "one line after another\n".repeat(1000);
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let body = compress(coding, text.as_bytes()).await;
        let response =
            fetch_from(reply("200 OK", &format!("content-encoding: {coding}\r\n"), &body), "").await.unwrap();
        assert!(response.body == text, "{coding}");
        assert!(response.headers.iter().all(|(name, _)| name != "content-encoding" && name != "content-length"));
        let torn = fetch_from(reply("200 OK", &format!("content-encoding: {coding}\r\n"), &body[..body.len() / 2]), "");
        assert_eq!(code(torn.await), Code::HttpFailed, "{coding}");
        let garbage = fetch_from(reply("200 OK", &format!("content-encoding: {coding}\r\n"), "garbage"), "");
        assert_eq!(code(garbage.await), Code::HttpFailed, "{coding}");
    }
    let twice = compress("gzip", &compress("br", text.as_bytes()).await).await;
    let response = fetch_from(reply("200 OK", "content-encoding: br, gzip\r\n", &twice), "").await.unwrap();
    assert!(response.body == text);
    for codings in ["lzma", "gzip, gzip, gzip"] {
        let refused = fetch_from(reply("200 OK", &format!("content-encoding: {codings}\r\n"), &twice), "").await;
        assert_eq!(code(refused), Code::HttpFailed, "{codings}");
    }
    assert_eq!(fetch_from(reply("200 OK", "content-encoding: gzip\r\n", ""), "").await.unwrap().body, "");
}

#[tokio::test]
async fn a_bomb_does_not_go_off() {
    let zeros = vec![0; 64 << 20];
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let bomb = compress(coding, &zeros).await;
        assert!(bomb.len() < 100_000, "{coding}: {} bytes", bomb.len());
        let refused = fetch_from(reply("200 OK", &format!("content-encoding: {coding}\r\n"), &bomb), "").await;
        assert_eq!(code(refused), Code::DecompressedBytes, "{coding}");
    }
    // Far below the cap, and still far above any ratio that text has.
    let small = compress("gzip", &zeros[..1 << 20]).await;
    let refused = fetch_from(reply("200 OK", "content-encoding: gzip\r\n", &small), "").await;
    assert_eq!(code(refused), Code::DecompressedBytes);
    let layers = compress("gzip", &compress("gzip", &zeros).await).await;
    let refused = fetch_from(reply("200 OK", "content-encoding: gzip, gzip\r\n", &layers), "").await;
    assert_eq!(code(refused), Code::DecompressedBytes);
    let text: String = (0..500).map(|n| format!("{n} ")).collect();
    let body = compress("gzip", text.as_bytes()).await;
    let capped =
        fetch_from(reply("200 OK", "content-encoding: gzip\r\n", &body), "limits = { response = \"1KiB\" }").await;
    assert_eq!(code(capped), Code::DecompressedBytes, "the rule's cap holds for the text, not only for the bytes sent");
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_left() {
    let names = public("a.example");
    let silent = Network::memory(&Server::new(|_| vec![Step::Hang]));
    let dripping = Network::memory(&Server::new(|_| {
        vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Step::Hang]
    }));
    let cases = [
        ("silent", silent.host(&names), "", Code::CallDeadline, 30),
        ("silent, with a time-out", silent.host(&names), "limits = { timeout = \"2s\" }", Code::CallDeadline, 2),
        ("patient rule", silent.host(&names), "limits = { timeout = \"2m\" }", Code::CallDeadline, 120),
        ("stops in the body", dripping.host(&names), "", Code::CallDeadline, 10),
        ("does not accept", Network::hanging().host(&names), "", Code::ConnectFailed, 10),
        ("does not resolve", Network::hanging().host(&Names::hanging()), "", Code::DnsFailed, 10),
    ];
    for (what, host, terms, expected, seconds) in cases {
        let guard = guard(&allow("http://a.example", terms));
        let began = tokio::time::Instant::now();
        assert_eq!(code(get(&guard, &host, "http://a.example/x").await), expected, "{what}");
        let took = began.elapsed();
        assert!((seconds..seconds + 2).contains(&took.as_secs()), "{what}: {took:?}");
    }
}

/// A request that is given up ends its connection: nothing of it is left behind.
#[tokio::test]
async fn a_request_that_is_given_up_ends_its_connection() {
    let server = Server::new(|_| vec![Step::Hang]);
    let network = Network::tcp(&server).await;
    let guard = guard(&allow("http://a.example", ""));
    let host = network.host(&public("a.example"));
    let request = tokio::time::timeout(Duration::from_millis(200), get(&guard, &host, "http://a.example/x"));
    assert!(request.await.is_err());
    drop(host);
    tokio::time::timeout(Duration::from_secs(20), server.ended.notified()).await.expect("the connection ends");
    assert_eq!(recorded(&guard), ["fetch.get http://a.example/x failed.abandoned"]);
}
