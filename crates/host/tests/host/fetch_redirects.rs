//! Redirects: off unless the rule says so, and each hop a call of its own.

use bailiwick_host::fetch::*;
use bailiwick_host::files::Mounts;
use bailiwick_policy::Code;
use bytes::Bytes;

use crate::fetch::{allow, ask, get};
use crate::support::{Asked, Names, Network, Server, Step, certify, code, guard, public, recorded, reply};

/// `/to?LOCATION` answers with a redirect to it, everything else with its own path.
fn redirecting(status: &'static str) -> std::sync::Arc<Server> {
    Server::new(move |asked: &Asked| -> Vec<Step> {
        let path = asked.head.split(' ').nth(1).unwrap();
        match path.split_once('?') {
            Some(("/to", location)) => reply(status, &format!("location: {location}\r\n"), "moved"),
            _ => reply("200 OK", "", path),
        }
    })
}

const ON: &str = "redirects = true";

#[tokio::test]
async fn a_redirect_is_a_response_unless_the_rule_says_otherwise() {
    let server = redirecting("302 Found");
    let network = Network::tcp(&server).await;
    let guard = guard(&(allow("http://a.example", "") + &allow("http://b.example", ON)));
    let host = network.host(&public("a.example b.example"));
    let response = get(&guard, &host, "http://a.example/to?http://b.example/x").await.unwrap();
    assert_eq!((response.status, &response.body[..]), (302, &b"moved"[..]));
    assert!(response.headers.contains(&("location".into(), b"http://b.example/x".to_vec())));
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn each_hop_is_decided_and_recorded() {
    let server = redirecting("302 Found");
    let network = Network::tcp(&server).await;
    let guard = guard(&(allow("http://a.example", ON) + &allow("http://b.example", ON)));
    let host = network.host(&public("a.example b.example c.example"));
    let response = get(&guard, &host, "http://a.example/to?http://b.example/x").await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"/x"[..]));
    assert_eq!(get(&guard, &host, "http://a.example/to?/y").await.unwrap().body, "/y");
    let refused = get(&guard, &host, "http://a.example/to?http://c.example/x").await;
    assert_eq!(code(refused), Code::ManifestNoRule);
    let records = recorded(&guard);
    let hosts: Vec<&str> = records.iter().map(|line| line.split('/').nth(2).unwrap()).collect();
    assert_eq!(hosts, ["a.example", "b.example", "a.example", "a.example", "a.example", "c.example"]);
    assert!(records[5].ends_with("deny.manifest.no_rule"), "{records:?}");
    assert!(server.asked().iter().all(|asked| !asked.head.contains("c.example\r\n")));
}

#[tokio::test]
async fn a_redirect_leads_to_no_address_that_a_request_could_not_reach() {
    let server = redirecting("307 Temporary Redirect");
    let network = Network::tcp(&server).await;
    let rules = allow("http://a.example", ON) + &allow("http://in.example", ON) + &allow("http://127.0.0.1", ON);
    let guard = guard(&rules);
    let host = network.host(&public("a.example").then("in.example", "10.0.0.1"));
    for target in ["http://in.example/x", "http://127.0.0.1/x"] {
        let refused = get(&guard, &host, &format!("http://a.example/to?{target}")).await;
        assert_eq!(code(refused), Code::PrivateAddress, "{target}");
    }
    for target in ["http://169.254.169.254/latest/meta-data", "http://localhost/x"] {
        let refused = get(&guard, &host, &format!("http://a.example/to?{target}")).await;
        assert_eq!(code(refused), Code::ManifestNoRule, "{target}");
    }
    for target in ["http://0x7f.1/x", "//2130706433/x", "http://[::ffff:127.0.0.1]/x", "http://u:p@a.example/x"] {
        let refused = get(&guard, &host, &format!("http://a.example/to?{target}")).await;
        assert_eq!(code(refused), Code::Ambiguous, "{target}");
    }
    let refused = get(&guard, &host, "http://a.example/to?file:///etc/passwd").await;
    assert_eq!(code(refused), Code::Malformed);
    let records = recorded(&guard);
    assert!(records.iter().any(|line| line.contains("0x7f.1") && line.ends_with("deny.request.ambiguous")));
    assert!(records.iter().all(|line| !line.contains("u:p")), "{records:?}");
    assert!(network.dials().iter().all(|dial| dial == "93.184.215.14:80"), "{:?}", network.dials());
}

#[tokio::test]
async fn two_locations_are_none() {
    for (locations, status) in [("/a /b", None), ("/a /a", Some(200))] {
        let fields: String = locations.split(' ').map(|location| format!("location: {location}\r\n")).collect();
        let server = Server::new(move |asked: &Asked| match asked.head.split(' ').nth(1) {
            Some("/x") => reply("302 Found", &fields, ""),
            _ => reply("200 OK", "", ""),
        });
        let network = Network::tcp(&server).await;
        let guard = guard(&allow("http://a.example", ON));
        let answer = get(&guard, &network.host(&public("a.example")), "http://a.example/x").await;
        match status {
            Some(status) => assert_eq!(answer.unwrap().status, status),
            None => assert_eq!(code(answer), Code::HttpFailed),
        }
    }
}

#[tokio::test]
async fn a_redirect_from_https_to_http_needs_a_rule_for_http() {
    let tls = certify("a.example", &["http/1.1"]);
    let server = Server::with_tls(Some(tls.acceptor), |asked: &Asked| {
        let open = if asked.head.starts_with("GET /on ") { "http://b.example:8080/x" } else { "http://a.example/x" };
        reply("302 Found", &format!("location: {open}\r\n"), "")
    });
    let network = Network::tcp(&server).await;
    let guard = guard(&(allow("https://a.example", ON) + &allow("http://b.example:8080", "")));
    let host = network.services_with(&public("a.example b.example"), tls.roots).host(Mounts::default());
    assert_eq!(code(get(&guard, &host, "https://a.example/off").await), Code::ManifestNoRule);
    assert_eq!(network.dials(), ["93.184.215.14:443"]);
    // The listener speaks TLS alone, so that plain text fails; what counts is that it was tried.
    assert_eq!(code(get(&guard, &host, "https://a.example/on").await), Code::HttpFailed);
    assert_eq!(network.dials().last().unwrap(), "93.184.215.14:8080");
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = Server::new(|_| reply("302 Found", "location: /again\r\n", ""));
    let network = Network::tcp(&server).await;
    let guard = guard(&allow("http://a.example", ON));
    let host = network.host(&public("a.example"));
    assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::Redirects);
    assert_eq!((server.lines().len(), guard.records().len()), (MAX_REDIRECTS + 1, MAX_REDIRECTS + 1));
}

#[tokio::test]
async fn method_and_body_change_as_the_fetch_standard_says() {
    for (status, verb, expected, body) in [
        ("301 Moved", Verb::Post, "GET", ""),
        ("302 Found", Verb::Post, "GET", ""),
        ("303 See Other", Verb::Post, "GET", ""),
        ("303 See Other", Verb::Put, "GET", ""),
        ("303 See Other", Verb::Head, "HEAD", ""),
        ("302 Found", Verb::Put, "PUT", "data"),
        ("307 Temporary", Verb::Post, "POST", "data"),
        ("308 Permanent", Verb::Post, "POST", "data"),
    ] {
        let server = redirecting(status);
        let network = Network::tcp(&server).await;
        let guard = guard(&allow("http://a.example", ON));
        let host = network.host(&public("a.example"));
        let mut request = ask("http://a.example/to?/x");
        if verb != Verb::Head {
            request.body = Bytes::from("data");
            request.headers =
                vec![("content-type".into(), b"text/x".to_vec()), ("content-length".into(), b"4".to_vec())];
        }
        follow(&guard, &host.fetch, verb, request).await.unwrap();
        let last = server.asked().pop().unwrap();
        assert!(last.head.starts_with(&format!("{expected} /x HTTP/1.1")), "{status} {verb:?}: {}", last.head);
        assert_eq!(last.body, body.as_bytes(), "{status} {verb:?}");
        assert_eq!(last.head.contains("content-type"), !body.is_empty(), "{status} {verb:?}");
    }
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let server = redirecting("307 Temporary Redirect");
    let network = Network::tcp(&server).await;
    let terms = "redirects = true\nheaders = [\"authorization\", \"x-api-key\", \"cookie\", \"accept\"]";
    let guard = guard(&(allow("http://a.example", terms) + &allow("http://b.example", terms)));
    let host = network.host(&Names::default().then("a.example", "1.1.1.1").then("b.example", "1.1.1.2"));
    let names = ["Authorization", "X-Api-Key", "Cookie", "Accept"];
    let headers: Vec<_> = names.iter().map(|name| (name.to_string(), b"secret".to_vec())).collect();
    for (target, kept) in [("/x", 4), ("http://b.example/x", 1)] {
        let request = FetchRequest { headers: headers.clone(), ..ask(&format!("http://a.example/to?{target}")) };
        follow(&guard, &host.fetch, Verb::Get, request).await.unwrap();
        let last = server.asked().pop().unwrap();
        assert_eq!(last.head.matches(": secret").count(), kept, "{}", last.head);
    }
}
