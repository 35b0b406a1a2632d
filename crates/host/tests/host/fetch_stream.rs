//! Bodies that are read in pieces, under the same terms as those that come whole.

use std::sync::Arc;

use async_compression::tokio::write::GzipEncoder;
use bailiwick_guard::{CallError, Guard, HostError, Life, StopCause, Timestamp};
use bailiwick_host::Host;
use bailiwick_host::fetch::*;
use bailiwick_policy::Code;
use tokio::io::AsyncWriteExt;

use crate::fetch::{allow, ask};
use crate::support::{Network, Server, Step, code, guard, guard_with, public, recorded, reply};

async fn begin(guard: &Guard, host: &Host) -> Result<OpenResponse, CallError> {
    open(guard, &host.fetch, Verb::Get, ask("http://a.example/x")).await
}

/// A host whose only name leads to a server that does this.
async fn host(steps: Vec<Step>) -> (Arc<Server>, Host) {
    let server = Server::new(move |_| steps.clone());
    let host = Network::tcp(&server).await.host(&public("a.example"));
    (server, host)
}

/// Everything that is still to come, in pieces of at most `max`.
async fn rest(body: &mut OpenBody, max: usize) -> Result<Vec<u8>, HostError> {
    let mut whole = Vec::new();
    loop {
        let piece = body.read(max).await?;
        assert!(piece.len() <= max, "more than was asked for");
        if piece.is_empty() {
            return Ok(whole);
        }
        whole.extend_from_slice(&piece);
    }
}

async fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(data).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn a_body_comes_in_pieces_and_whole() {
    let data: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let guard = guard(&allow("http://a.example", ""));
    for (headers, sent) in [("", data.clone()), ("content-encoding: gzip\r\n", gzip(&data).await)] {
        for max in [1000, 65_536, usize::MAX] {
            let (server, host) = host(reply("200 OK", headers, &sent)).await;
            let mut response = begin(&guard, &host).await.unwrap();
            assert_eq!(response.status, 200);
            assert!(response.headers.iter().all(|(name, _)| name != "content-encoding"), "{headers}");
            assert!(rest(&mut response.body, max).await.unwrap() == data, "{headers} {max}");
            assert_eq!(response.body.read(max).await, Ok(bytes::Bytes::new()), "the end stays the end");
            // A connection whose response was read to its end serves the next request.
            drop(response);
            begin(&guard, &host).await.unwrap();
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn an_empty_body_has_no_coding() {
    let guard = guard(&allow("http://a.example", ""));
    let chunked = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec();
    for steps in [reply("204 No Content", "content-encoding: br\r\n", ""), vec![Step::Send(chunked)]] {
        let (_server, host) = host(steps).await;
        let mut response = begin(&guard, &host).await.unwrap();
        assert_eq!(rest(&mut response.body, 100).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn the_caps_hold_for_all_pieces_together() {
    let capped = guard(&allow("http://a.example", "limits = { response = \"10KiB\" }"));
    let flood = vec![
        Step::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()),
        Step::Flood(b"400\r\n".iter().copied().chain([b'x'; 0x400]).chain(*b"\r\n").collect()),
    ];
    let (server, endless) = host(flood).await;
    let mut response = begin(&capped, &endless).await.unwrap();
    let mut read = 0;
    let error = loop {
        match response.body.read(100).await {
            Ok(piece) => read += piece.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error, HostError::Limit(Code::ResponseBytes));
    assert!(read <= 10 << 10, "{read}");
    assert_eq!(response.body.read(100).await, Err(error), "there is nothing more to be had");
    server.ended.notified().await; // also without the body being dropped
    let (_server, large) = host(reply("200 OK", "", vec![b'x'; 11 << 10])).await;
    assert_eq!(code(begin(&capped, &large).await), Code::ResponseBytes, "an announced length is enough");
    let usual = guard(&allow("http://a.example", ""));
    let bomb = gzip(&vec![0; 16 << 20]).await;
    let (_server, bomb) = host(reply("200 OK", "content-encoding: gzip\r\n", &bomb)).await;
    let mut response = begin(&usual, &bomb).await.unwrap();
    assert_eq!(rest(&mut response.body, 4096).await, Err(HostError::Limit(Code::DecompressedBytes)));
}

#[tokio::test]
async fn what_is_torn_or_garbage_fails() {
    let guard = guard(&allow("http://a.example", ""));
    let torn = vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Step::Close];
    let garbage = reply("200 OK", "content-encoding: gzip\r\n", "garbage");
    let unknown = reply("200 OK", "content-encoding: lzma\r\n", "garbage");
    for steps in [torn, garbage, unknown] {
        let (_server, host) = host(steps).await;
        let mut response = begin(&guard, &host).await.unwrap();
        assert_eq!(rest(&mut response.body, 100).await, Err(HostError::Failed(Code::HttpFailed)));
    }
}

#[tokio::test(start_paused = true)]
async fn time_is_counted_from_the_request_on() {
    let dripping =
        Server::new(|_| vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Step::Hang]);
    let host = Network::memory(&dripping).host(&public("a.example"));
    // Silence, then the rule's own limit, of which the guest's own time is a part.
    for (terms, pause, seconds) in [("", 0, 10), ("limits = { timeout = \"4s\" }", 3, 1)] {
        let guard = guard(&allow("http://a.example", terms));
        let mut response = begin(&guard, &host).await.unwrap();
        assert_eq!(response.body.read(9).await.unwrap(), "abc");
        tokio::time::advance(std::time::Duration::from_secs(pause)).await;
        let began = tokio::time::Instant::now();
        assert_eq!(response.body.read(9).await, Err(HostError::Limit(Code::CallDeadline)));
        assert!((seconds..=seconds + 1).contains(&began.elapsed().as_secs()), "{terms}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn reading_on_is_worth_no_more_than_the_authority() {
    let (_server, host) = host(reply("200 OK", "", "hello")).await;
    let life = Life::until(Timestamp(u64::MAX));
    let guard = guard_with(&allow("http://a.example", ""), life.clone());
    let mut response = begin(&guard, &host).await.unwrap();
    assert_eq!(response.body.read(2).await.unwrap(), "he");
    life.revoker().revoke();
    assert_eq!(response.body.read(2).await, Err(HostError::Stopped(StopCause::Revoked)));
    assert_eq!(recorded(&guard), ["fetch.get http://a.example/x allow"], "pieces are no calls");
}

#[tokio::test]
async fn bodies_take_places_and_dropping_one_closes_its_connection() {
    let (server, host) =
        host(vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Step::Hang]).await;
    let guard = guard(&allow("http://a.example", "").replace("[[allow]]", "[limits]\nhost_calls = 1000\n[[allow]]"));
    let mut held = Vec::new();
    let refused = loop {
        match begin(&guard, &host).await {
            Ok(response) => held.push(response),
            Err(error) => break error,
        }
    };
    assert_eq!((refused.code(), held.len()), (Code::OpenHandles, 128));
    held.pop();
    server.ended.notified().await;
    begin(&guard, &host).await.unwrap();
}

#[tokio::test]
async fn redirects_are_calls_of_their_own() {
    let server = Server::new(|asked| {
        if asked.head.starts_with("GET /x ") {
            reply("302 Found", "location: /y\r\n", "")
        } else {
            reply("200 OK", "", "there")
        }
    });
    let host = Network::tcp(&server).await.host(&public("a.example"));
    let guard = guard(&allow("http://a.example", "redirects = true"));
    let mut response = begin(&guard, &host).await.unwrap();
    assert_eq!(rest(&mut response.body, 100).await.unwrap(), b"there");
    assert_eq!(recorded(&guard), ["fetch.get http://a.example/x allow", "fetch.get http://a.example/y allow"]);
}
