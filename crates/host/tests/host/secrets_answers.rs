//! Secrets: what servers say of a value does not reach the guest, and the rest of what they say does.

use std::io::Write as _;
use std::sync::Arc;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::fetch::*;
use bailiwick_host::{Host, Services};
use bailiwick_policy::Code;
use data_encoding::{BASE64, BASE64URL, HEXLOWER};
use rustls::RootCertStore;

use crate::fetch::{allow, ask};
use crate::secrets::{CANARY, arrived, carrying, held, host, is_clean, placeholder, send_with};
use crate::support::{Asked, Network, Server, Step, code, guard, public, reply};

const PLACE: &str = "header = \"authorization\"";

/// Answers with the value in every way that a server might, in one chunk or byte by byte.
pub fn reflecting(steps: impl Fn(Vec<u8>) -> Vec<Step> + Send + Sync + 'static) -> Arc<Server> {
    Server::new(move |asked: &Asked| {
        let value = asked.head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or(CANARY);
        let json = serde_json::to_string(value).unwrap();
        let user = format!("user:{value}");
        let forms = [
            value.to_owned(),
            json.clone(),
            json.replace('/', "\\/"),
            BASE64.encode(value.as_bytes()),
            BASE64.encode(user.as_bytes()),
            BASE64URL.encode(user.as_bytes()),
            HEXLOWER.encode(value.as_bytes()),
            "cAnArY-7f3%2F9%2B%22x%26y%20z".to_owned(),
            "cAnArY-7f3/9+&quot;x&amp;y z".to_owned(),
        ];
        steps(forms.join("\n").into_bytes())
    })
}

pub fn forms_are_gone(body: &[u8], mark: &str) {
    let text = String::from_utf8_lossy(body);
    assert_eq!(text.matches(mark).count(), 9, "{text}");
    for line in text.lines() {
        let rest = line.replace(mark, "");
        assert!(rest.len() <= 8, "{line}");
    }
}

#[tokio::test]
async fn an_answer_has_the_placeholder_where_the_server_had_the_value() {
    let whole = reflecting(|body| reply("401 Unauthorized", "", body));
    let split = reflecting(|body| {
        let mut steps = vec![Step::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())];
        steps.extend(body.iter().map(|byte| Step::Send([b"1\r\n", &[*byte][..], b"\r\n"].concat())));
        steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
        steps
    });
    let packed = reflecting(|body| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&body).unwrap();
        reply("200 OK", "content-encoding: gzip\r\n", encoder.finish().unwrap())
    });
    for server in [whole, split, packed] {
        let network = Network::tcp(&server).await;
        let rules = carrying("http://a.example", PLACE, "") + &allow("http://b.example", "");
        let guard = guard(&rules);
        let host = host(&network, &public("a.example b.example"), held(&[("bank", CANARY)]));
        let mark = placeholder(&guard, &host, "bank").await.unwrap();
        let bearer = format!("Bearer {mark}");
        let response = send_with(&guard, &host, "http://a.example/x", &[("authorization", &bearer)], "").await.unwrap();
        assert!(arrived(&server).contains(CANARY), "the server had it");
        is_clean(&guard, &response);
        forms_are_gone(&response.body, &mark);
        // The same in pieces.
        let ask =
            FetchRequest { headers: vec![("authorization".into(), bearer.into_bytes())], ..ask("http://a.example/x") };
        let mut open = open(&guard, &host.fetch, Verb::Get, ask).await.unwrap();
        let mut pieces = Vec::new();
        loop {
            let piece = open.body.read(7).await.unwrap();
            pieces.extend_from_slice(&piece);
            if piece.is_empty() {
                break;
            }
        }
        forms_are_gone(&pieces, &mark);
        assert!(open.headers.iter().all(|(name, _)| name != "content-length"), "{:?}", open.headers);
        // Another server of the run, which may have heard of it.
        let response = send_with(&guard, &host, "http://b.example/x", &[], "").await.unwrap();
        is_clean(&guard, &response);
        forms_are_gone(&response.body, &mark);
    }
}

#[tokio::test]
async fn headers_of_an_answer_too() {
    let headers = format!(
        "x-echo: Bearer {CANARY}\r\nx-basic: {}\r\nwww-authenticate: error=\"bad token {CANARY}\"\r\nx-secret-value: y\r\n",
        BASE64.encode(format!("u:{CANARY}").as_bytes())
    );
    let server = Server::new(move |_| reply("401 Unauthorized", &headers, "no"));
    let network = Network::tcp(&server).await;
    let guard = guard(&carrying("http://a.example", PLACE, ""));
    let host = host(&network, &public("a.example"), held(&[("bank", CANARY)]));
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    let response = send_with(&guard, &host, "http://a.example/x", &[("authorization", &mark)], "").await.unwrap();
    is_clean(&guard, &response);
    let echo = response.headers.iter().find(|(name, _)| name == "x-echo").unwrap();
    assert_eq!(String::from_utf8_lossy(&echo.1), format!("Bearer {mark}"));
    assert!(response.headers.iter().any(|(name, value)| name == "x-secret-value" && value == b"y"));
}

#[tokio::test]
async fn a_value_in_the_name_of_a_header_takes_the_header_along() {
    let server = Server::new(|_| reply("200 OK", "plain-canary-value: y\r\nx-ok: z\r\n", ""));
    let network = Network::tcp(&server).await;
    let guard = guard(&carrying("http://a.example", PLACE, ""));
    let host = host(&network, &public("a.example"), held(&[("bank", "Plain-Canary-Value")]));
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    let response = send_with(&guard, &host, "http://a.example/x", &[("authorization", &mark)], "").await.unwrap();
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-length", "x-ok"]);
}

#[tokio::test]
async fn a_body_that_grows_over_its_cap_is_kept_back() {
    let server = Server::new(|_| reply("200 OK", "", "1234567812345678 ".repeat(30)));
    let network = Network::tcp(&server).await;
    let terms = "limits = { response = \"1KiB\" }\nredirects = false";
    let guard = guard(&carrying("http://a.example", PLACE, terms));
    let host = host(&network, &public("a.example"), held(&[("bank", "1234567812345678")]));
    assert_eq!(send_with(&guard, &host, "http://a.example/x", &[], "").await.unwrap().body.len(), 510);
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    let refused = send_with(&guard, &host, "http://a.example/x", &[("authorization", &mark)], "").await;
    assert_eq!(code(refused), Code::ResponseBytes);
}

/// The same request, whose body is read in pieces.
async fn open_with(guard: &Guard, host: &Host, verb: Verb, bearer: &str) -> Result<OpenResponse, CallError> {
    let headers = vec![("authorization".to_owned(), bearer.as_bytes().to_vec())];
    open(guard, &host.fetch, verb, FetchRequest { headers, ..ask("http://a.example/x") }).await
}

#[tokio::test]
async fn a_length_is_what_the_server_says_or_nothing() {
    let length = |headers: &[(String, Vec<u8>)]| {
        let found = headers.iter().find(|(name, _)| name == "content-length");
        found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
    };
    let bare =
        |status: &str| vec![Step::Send(format!("HTTP/1.1 {status}\r\ncontent-length: 1234\r\n\r\n").into_bytes())];
    for (verb, steps, expected, in_pieces) in [
        // No body came: it is the length of one that would.
        (Verb::Head, bare("200 OK"), Some("1234"), Some("1234")),
        (Verb::Get, bare("304 Not Modified"), Some("1234"), Some("1234")),
        // Before the body is read nobody knows whether its length stays.
        (Verb::Get, reply("200 OK", "", "nothing of it"), Some("13"), None),
        (Verb::Get, reply("200 OK", "", format!("all of it: {CANARY}")), None, None),
    ] {
        let shown = format!("{verb:?}, expected {expected:?}");
        let server = Server::new(move |_| steps.clone());
        let network = Network::tcp(&server).await;
        let guard = guard(&carrying("http://a.example", PLACE, ""));
        let host = host(&network, &public("a.example"), held(&[("bank", CANARY)]));
        let mark = placeholder(&guard, &host, "bank").await.unwrap();
        let ask = FetchRequest {
            headers: vec![("authorization".into(), mark.clone().into_bytes())],
            ..ask("http://a.example/x")
        };
        let whole = follow(&guard, &host.fetch, verb, ask).await.unwrap();
        assert_eq!(length(&whole.headers).as_deref(), expected, "{shown}");
        is_clean(&guard, &whole);
        let opened = open_with(&guard, &host, verb, &mark).await.unwrap();
        assert_eq!(length(&opened.headers).as_deref(), in_pieces, "{shown}");
    }
}

#[tokio::test]
async fn a_part_of_a_body_is_refused_once_there_are_secrets() {
    let (first, second) = CANARY.split_at(9);
    let server = Server::new(move |asked: &Asked| {
        let part = if asked.head.contains("/second") { second } else { first };
        reply("206 Partial Content", "content-range: bytes 0-8/19\r\n", part)
    });
    let network = Network::tcp(&server).await;
    let rules = carrying("http://a.example", PLACE, "");
    let (without, with) = (guard(&rules), guard(&rules));
    let host = host(&network, &public("a.example"), held(&[("bank", CANARY)]));
    let part = send_with(&without, &host, "http://a.example/x", &[], "").await.unwrap();
    assert_eq!((part.status, &part.body[..]), (206, first.as_bytes()), "control: nothing was sent yet");
    let mark = placeholder(&with, &host, "bank").await.unwrap();
    for url in ["http://a.example/x", "http://a.example/second"] {
        let refused = send_with(&with, &host, url, &[("authorization", &mark)], "").await;
        assert_eq!(code(refused), Code::HttpFailed, "{url}");
        // A later one of the run, which carries nothing itself.
        assert_eq!(code(send_with(&with, &host, url, &[], "").await), Code::HttpFailed, "{url}");
    }
    assert_eq!(open_with(&with, &host, Verb::Get, &mark).await.map(drop).unwrap_err().code(), Code::HttpFailed);
}

#[tokio::test]
async fn what_an_earlier_run_sent_is_known_from_the_first_answer_on() {
    let server = reflecting(|body| reply("200 OK", "", body));
    let network = Network::tcp(&server).await;
    let rules = carrying("http://a.example", PLACE, "") + &allow("http://b.example", "");
    let guard = guard(&rules);
    let services = Services::builder().resolver(public("a.example b.example")).dialer(network.clone());
    let services = services.with_roots(RootCertStore::empty()).secrets(held(&[("bank", CANARY)])).build();
    let base = tempfile::tempdir().unwrap();
    let open_host = || services.open(guard.grant().manifest(), base.path()).unwrap();
    for url in ["http://b.example/x", "http://a.example/x"] {
        let host = open_host();
        let response = send_with(&guard, &host, url, &[], "").await.unwrap();
        assert!(!arrived(&server).contains(CANARY), "control: this run sent nothing");
        is_clean(&guard, &response);
        // Who asks for it now gets the placeholder that stands there.
        let mark = placeholder(&guard, &host, "bank").await.unwrap();
        forms_are_gone(&response.body, &mark);
        let part =
            open(&guard, &open_host().fetch, Verb::Get, ask(url)).await.unwrap().body.read(1 << 20).await.unwrap();
        assert!(!String::from_utf8_lossy(&part).contains(CANARY));
    }
}
