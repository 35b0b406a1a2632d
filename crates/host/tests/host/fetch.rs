//! Requests, what goes out with them, and where they may go. Every dial is observed.

use std::net::IpAddr;
use std::sync::Arc;

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::fetch::*;
use bailiwick_host::files::Mounts;
use bailiwick_host::{Host, Services};
use bailiwick_policy::{Code, FetchTarget};
use bytes::Bytes;

use crate::support::{Names, Network, Server, Step, certify, certify_for, code, guard, public, recorded, reply};

/// A rule for everything below an origin.
pub fn allow(origin: &str, terms: &str) -> String {
    let id = origin.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!(
        "[[allow]]\nid = \"r{id}\"\nfetch = \"{origin}/**\"\n\
         methods = [\"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\"]\n{terms}\n"
    )
}

pub fn ask(url: &str) -> FetchRequest {
    FetchRequest::new(FetchTarget::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")))
}

pub async fn get(guard: &Guard, host: &Host, url: &str) -> Result<FetchResponse, CallError> {
    follow(guard, &host.fetch, Verb::Get, ask(url)).await
}

fn ok() -> Arc<Server> {
    Server::new(|_| reply("200 OK", "x-here: yes\r\n", "hello"))
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_decided() {
    let server = Server::new(|_| reply("201 Created", "content-type: text/plain\r\n", "made"));
    let network = Network::tcp(&server).await;
    let guard = guard(&allow("http://a.example:8080", ""));
    let host = network.host(&public("a.example"));
    let mut request = ask("http://a.example:8080/v1/things?tag=x");
    request.headers = vec![("Content-Type".into(), b"text/csv".to_vec()), ("content-length".into(), b"4".to_vec())];
    request.body = Bytes::from("a,b\n");
    let response = follow(&guard, &host.fetch, Verb::Post, request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (201, &b"made"[..]));
    assert!(response.headers.contains(&("content-type".into(), b"text/plain".to_vec())));
    let asked = server.asked().remove(0);
    let mut lines: Vec<&str> = asked.head.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "POST /v1/things?tag=x HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: gzip, deflate, br, zstd",
            "content-length: 4",
            "content-type: text/csv",
            "host: a.example:8080",
            "user-agent: bailiwick",
        ]
    );
    assert_eq!(asked.body, b"a,b\n");
    assert_eq!(recorded(&guard), ["fetch.post http://a.example:8080/v1/things?… allow"]);
    assert_eq!(network.dials(), ["93.184.215.14:8080"]);
}

#[tokio::test]
async fn every_method_is_its_own_action() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let host = network.host(&public("a.example"));
    for verb in Verb::ALL {
        let only = format!(
            "[[allow]]\nid = \"r\"\nfetch = \"http://a.example/x\"\nmethods = [{:?}]\n",
            verb.action().as_str().to_uppercase()
        );
        let guard = guard(&only);
        for other in Verb::ALL {
            let result = send(&guard, &host.fetch, other, ask("http://a.example/x")).await;
            if other == verb {
                assert!(matches!(result, Ok(Answer::Response(_))), "{verb:?}: {result:?}");
            } else {
                assert_eq!(code(result), Code::ManifestNoRule, "{verb:?} {other:?}");
            }
        }
        assert_eq!(Verb::parse(&verb.action().as_str().to_uppercase()), Some(verb));
    }
    let methods: Vec<String> = server.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    for text in ["get", "TRACE", "CONNECT", ""] {
        assert_eq!(Verb::parse(text), None);
    }
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_roots_trust() {
    for (protocols, expected) in
        [(&["http/1.1"][..], "hello"), (&["h2", "http/1.1"][..], "HTTP/2.0 https://a.example/x")]
    {
        let tls = certify("a.example", protocols);
        let server = Server::with_tls(Some(tls.acceptor), |_| reply("200 OK", "", "hello"));
        let network = Network::tcp(&server).await;
        let guard = guard(&(allow("https://a.example", "") + &allow("https://b.example", "")));
        let names = public("a.example b.example");
        let host = network.services_with(&names, tls.roots).host(Mounts::default());
        assert_eq!(get(&guard, &host, "https://a.example/x").await.unwrap().body, expected);
        assert_eq!(code(get(&guard, &host, "https://b.example/x").await), Code::TlsFailed, "the wrong name");
        let strangers = network.services_with(&names, certify("a.example", &[]).roots).host(Mounts::default());
        assert_eq!(code(get(&guard, &strangers, "https://a.example/x").await), Code::TlsFailed, "the wrong issuer");
        assert_eq!(network.dials(), ["93.184.215.14:443"; 3]);
    }
    let plain = ok();
    let network = Network::tcp(&plain).await;
    let guard = guard(&allow("https://a.example", ""));
    assert_eq!(code(get(&guard, &network.host(&public("a.example")), "https://a.example/x").await), Code::TlsFailed);
    assert!(plain.asked().is_empty(), "nothing is sent in the clear");
}

#[tokio::test]
async fn a_certificate_counts_in_its_time_only() {
    for (years, good) in [(1975..4096, true), (1975..2020, false), (4000..4096, false)] {
        let tls = certify_for("a.example", &["http/1.1"], years.clone());
        let server = Server::with_tls(Some(tls.acceptor), |_| reply("200 OK", "", "hello"));
        let network = Network::tcp(&server).await;
        let guard = guard(&allow("https://a.example", ""));
        let host = network.services_with(&public("a.example"), tls.roots).host(Mounts::default());
        match get(&guard, &host, "https://a.example/x").await {
            Ok(answer) => assert!(good && answer.body == "hello", "{years:?}"),
            Err(error) => assert!(!good && error.code() == Code::TlsFailed, "{years:?}: {error}"),
        }
        assert_eq!(server.asked().len(), usize::from(good), "nothing is sent before the certificate is checked");
    }
}

/// One bad answer spoils a name, whatever the others are and wherever it stands.
#[tokio::test]
async fn a_name_with_an_address_that_is_not_public_is_refused() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let guard = guard(&format!("[limits]\nhost_calls = 1000\n{}", allow("http://a.example", "")));
    for answer in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "168.63.129.16",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.1.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:808:808::80ff:fffe",
        "2001:db8::1",
        "fec0::1",
        "fe80::5efe:808:808",
        "2002:808:808::5efe:7f00:1",
        "100.100.100.200",
        "100.96.0.96",
        "192.0.0.192",
        "fd00:ec2::254",
        "93.184.215.14 127.0.0.1",
        "127.0.0.1 93.184.215.14",
        "2606:4700::1111 93.184.215.14 ::1",
    ] {
        let host = network.host(&Names::default().then("a.example", answer));
        assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::PrivateAddress, "{answer}");
        let told = guard.records().pop().unwrap().explanation.unwrap();
        let addresses = answer.split(' ').map(|address| address.parse::<IpAddr>().unwrap());
        let is_named = addresses.into_iter().any(|address| told.contains(&format!("the host's address {address}")));
        assert!(is_named, "{answer}: {told}");
    }
    assert_eq!(network.dials(), [] as [&str; 0], "nothing was dialled");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_rule_that_says_private_reaches_private_addresses_only() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let guard =
        guard(&(allow("http://a.example", "private = true") + &allow("http://169.254.169.254", "private = true")));
    for answer in ["127.0.0.1", "10.0.0.1", "fd00::1", "93.184.215.14 192.168.0.1"] {
        let host = network.host(&Names::default().then("a.example", answer));
        assert_eq!(get(&guard, &host, "http://a.example/x").await.unwrap().status, 200, "{answer}");
    }
    let dialled = network.dials().len();
    for answer in [
        "169.254.169.254",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "::ffff:169.254.169.254",
    ] {
        let host = network.host(&Names::default().then("a.example", answer));
        assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::PrivateAddress, "{answer}");
    }
    assert_eq!(network.dials().len(), dialled);
    let host = network.host(&Names::default());
    assert_eq!(get(&guard, &host, "http://169.254.169.254/x").await.unwrap().status, 200, "the rule names it");
    assert_eq!(network.dials().last().unwrap(), "169.254.169.254:80");
}

#[tokio::test]
async fn an_address_in_the_url_takes_the_same_path() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let host = network.host(&Names::default());
    for origin in
        ["http://127.0.0.1", "http://10.0.0.1:8080", "http://169.254.169.254", "http://[::1]", "http://[fd00::1]"]
    {
        let guard = guard(&allow(origin, ""));
        assert_eq!(code(get(&guard, &host, &format!("{origin}/x")).await), Code::PrivateAddress, "{origin}");
    }
    // A spelling that hides the address is not even a target.
    for url in ["http://[::ffff:127.0.0.1]/x", "http://0x7f.1/x", "http://2130706433/x", "http://127.1/x"] {
        assert!(FetchTarget::parse(url).is_err(), "{url}");
    }
    assert_eq!(network.dials(), [] as [&str; 0]);
    let guard = guard(&allow("http://[2606:4700::1111]:81", ""));
    get(&guard, &host, "http://[2606:4700::1111]:81/x").await.unwrap();
    assert_eq!(network.dials(), ["[2606:4700::1111]:81"]);
}

/// Through the default resolver and dialer, to a real listener.
#[tokio::test]
async fn the_default_services_reach_this_machine_only_when_told() {
    let server = ok();
    let port = server.listen().await.port();
    let host = Services::default().host(Mounts::default());
    for origin in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")] {
        let url = format!("{origin}/x");
        assert_eq!(code(get(&guard(&allow(&origin, "")), &host, &url).await), Code::PrivateAddress, "{origin}");
    }
    assert_eq!(server.connections(), 0);
    let origin = format!("http://127.0.0.1:{port}");
    let allowed = guard(&allow(&origin, "private = true"));
    assert_eq!(get(&allowed, &host, &format!("{origin}/x")).await.unwrap().body, "hello");
}

#[tokio::test]
async fn a_name_that_is_rebound_is_checked_again() {
    let server = Server::new(|_| {
        let mut steps = reply("200 OK", "connection: close\r\n", "hello");
        steps.push(Step::Close);
        steps
    });
    let network = Network::tcp(&server).await;
    let guard = guard(&allow("http://a.example", ""));
    let names = Names::default().then("a.example", "93.184.215.14").then("a.example", "127.0.0.1");
    let host = network.host(&names);
    assert_eq!(get(&guard, &host, "http://a.example/x").await.unwrap().status, 200);
    assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::PrivateAddress);
    assert_eq!(network.dials(), ["93.184.215.14:80"]);
}

#[tokio::test]
async fn connections_are_reused_inside_a_run_and_never_across_runs() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let services = network.services(&public("a.example b.example"));
    let guard = guard(&(allow("http://a.example", "") + &allow("http://b.example", "")));
    let (one, two) = (services.host(Mounts::default()), services.host(Mounts::default()));
    for _ in 0..3 {
        get(&guard, &one, "http://a.example/x").await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    get(&guard, &two, "http://a.example/x").await.unwrap();
    assert_eq!(server.connections(), 2);
    get(&guard, &one, "http://b.example/x").await.unwrap();
    assert_eq!(server.connections(), 3, "another host is another connection");
    drop(one);
    server.ended.notified().await;
    drop(two);
    server.ended.notified().await;
}

/// Two rules for one host: only one of them may reach private addresses.
#[tokio::test]
async fn a_connection_of_a_private_rule_serves_no_other() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let rules = "[[allow]]\nid = \"in\"\nfetch = \"http://a.example/in\"\nmethods = [\"GET\"]\nprivate = true\n\
         [[allow]]\nid = \"out\"\nfetch = \"http://a.example/out\"\nmethods = [\"GET\"]\n";
    let guard = guard(rules);
    let host = network.host(&Names::default().then("a.example", "10.0.0.1"));
    get(&guard, &host, "http://a.example/in").await.unwrap();
    assert_eq!(code(get(&guard, &host, "http://a.example/out").await), Code::PrivateAddress);
    assert_eq!(server.lines(), ["GET /in HTTP/1.1"]);
}

#[tokio::test]
async fn headers_go_out_only_if_the_rule_names_them() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let host = network.host(&public("a.example"));
    let with = |name: &str, value: &str| {
        let headers = vec![(name.to_owned(), value.as_bytes().to_vec())];
        FetchRequest { headers, ..ask("http://a.example/x") }
    };
    let usual = guard(&allow("http://a.example", ""));
    for (name, value) in [
        ("authorization", "Bearer x"),
        ("Cookie", "a=b"),
        ("x-api-key", "k"),
        ("host", "b.example"),
        ("Host", "a.example"),
        ("connection", "x"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
        ("proxy-authorization", "x"),
        ("proxy-anything", "x"),
        ("content-length", "5"),
        ("keep-alive", "1"),
        ("trailer", "x"),
    ] {
        let refused = send(&usual, &host.fetch, Verb::Get, with(name, value)).await;
        assert_eq!(code(refused), Code::RequestHeader, "{name}");
        let told = usual.records().pop().unwrap().explanation.unwrap();
        let named = format!("the header `{}`", name.to_lowercase());
        assert!(
            told.starts_with("denied: fetch.get http://a.example/x  [deny.network.header]\n") && told.contains(&named)
        );
    }
    for (name, value) in [("accept", "a\r\nx: y"), ("accept", "a\nb"), ("acc ept", "x"), ("", "x"), ("accept", "\0")] {
        let refused = send(&usual, &host.fetch, Verb::Get, with(name, value)).await;
        assert_eq!(code(refused), Code::Malformed, "{name:?} {value:?}");
    }
    assert_eq!(network.dials(), [] as [&str; 0]);
    let named = guard(&allow("http://a.example", "headers = [\"authorization\"]"));
    send(&named, &host.fetch, Verb::Get, with("Authorization", "Bearer x")).await.unwrap();
    assert!(server.asked()[0].head.contains("authorization: Bearer x\r\n"));
}

#[tokio::test]
async fn each_failure_has_its_code() {
    let guard = guard(&(allow("http://a.example", "") + &allow("https://a.example", "")));
    let names = public("a.example");
    let silent = Network::tcp(&Server::new(|_| vec![Step::Close])).await;
    assert_eq!(code(get(&guard, &silent.host(&names), "http://a.example/x").await), Code::HttpFailed);
    let garbage = Network::tcp(&Server::new(|_| vec![Step::Send(b"SSH-2.0-x\r\n\r\n".to_vec()), Step::Close])).await;
    assert_eq!(code(get(&guard, &garbage.host(&names), "http://a.example/x").await), Code::HttpFailed);
    let torn =
        Server::new(|_| vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()), Step::Close]);
    let torn = Network::tcp(&torn).await;
    assert_eq!(code(get(&guard, &torn.host(&names), "http://a.example/x").await), Code::HttpFailed);
    let refusing = Network::refusing();
    assert_eq!(code(get(&guard, &refusing.host(&names), "http://a.example/x").await), Code::ConnectFailed);
    let unknown = refusing.host(&Names::default());
    assert_eq!(code(get(&guard, &unknown, "http://a.example/x").await), Code::DnsFailed);
    let empty = refusing.host(&Names::default().then("a.example", ""));
    assert_eq!(code(get(&guard, &empty, "https://a.example/x").await), Code::DnsFailed);
}

#[tokio::test]
async fn every_checked_address_is_tried_and_no_other() {
    let network = Network::refusing();
    let guard = guard(&allow("http://a.example", ""));
    let host = network.host(&Names::default().then("a.example", "2606:4700::1111 93.184.215.14 1.1.1.1"));
    assert_eq!(code(get(&guard, &host, "http://a.example/x").await), Code::ConnectFailed);
    assert_eq!(network.dials(), ["[2606:4700::1111]:80", "93.184.215.14:80", "1.1.1.1:80"]);
}

#[test]
fn what_is_shown_of_requests_and_responses_holds_no_secret() {
    let mut request = ask("https://a.example/x?token=hunter2");
    request.headers.push(("authorization".into(), b"hunter2".to_vec()));
    request.body = Bytes::from("hunter2");
    let response = FetchResponse {
        status: 200,
        headers: vec![("set-cookie".into(), b"hunter2".to_vec())],
        body: request.body.clone(),
    };
    let shown = format!("{request:?} {:?} {response:?}", Fetch::<Post>::new(request.clone()));
    assert!(!shown.contains("hunter2") && shown.contains("authorization"), "{shown}");
}
