//! Secrets: the value goes where the rule says and nowhere else, and never comes back. What arrived is seen at a server.

use std::sync::{Arc, Mutex};

use bailiwick_guard::{CallError, Guard};
use bailiwick_host::fetch::*;
use bailiwick_host::files::Mounts;
use bailiwick_host::secrets::{SecretSource, SourceError, UseSecret};
use bailiwick_host::{Host, Services};
use bailiwick_policy::{Code, SecretName};
use rustls::RootCertStore;
use zeroize::Zeroizing;

use crate::fetch::{allow, ask};
use crate::secrets_answers::{forms_are_gone, reflecting};
use crate::support::{Asked, Names, Network, Server, code, guard, public, recorded, reply};

/// What must be seen at the server, and nowhere else.
pub const CANARY: &str = "cAnArY-7f3/9+\"x&y z";

/// Secrets that a test can change while a run is under way.
#[derive(Clone)]
pub struct Held(Arc<Mutex<Vec<(&'static str, &'static str)>>>);

impl SecretSource for Held {
    fn secret(&self, name: &SecretName) -> Result<Option<Zeroizing<Vec<u8>>>, SourceError> {
        let held = self.0.lock().unwrap();
        let found = held.iter().find(|(known, _)| *known == name.as_str());
        match found {
            Some((_, "unreachable")) => Err(SourceError),
            found => Ok(found.map(|(_, value)| Zeroizing::new(value.as_bytes().to_vec()))),
        }
    }
}

pub fn held(secrets: &[(&'static str, &'static str)]) -> Held {
    Held(Arc::new(Mutex::new(secrets.to_vec())))
}

pub fn host(network: &Network, names: &Names, secrets: impl SecretSource) -> Host {
    let services = Services::builder().resolver(names.clone()).dialer(network.clone());
    services.with_roots(RootCertStore::empty()).secrets(secrets).build().host(Mounts::default())
}

/// A rule for an origin whose requests may carry `bank` in that place.
pub fn carrying(origin: &str, place: &str, terms: &str) -> String {
    allow(origin, &format!("secret = {{ name = \"bank\", {place}, plaintext = true }}\n{terms}"))
}

pub async fn placeholder(guard: &Guard, host: &Host, name: &str) -> Result<String, CallError> {
    guard.call(&*host.secrets, UseSecret { name: SecretName::parse(name).unwrap() }).await
}

pub async fn send_with(
    guard: &Guard,
    host: &Host,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<FetchResponse, CallError> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let request = FetchRequest { headers, body: body.to_owned().into(), ..ask(url) };
    let verb = if body.is_empty() { Verb::Get } else { Verb::Post };
    follow(guard, &host.fetch, verb, request).await
}

pub fn arrived(server: &Server) -> String {
    let text = |asked: &Asked| format!("{}{}", asked.head, String::from_utf8_lossy(&asked.body));
    server.asked().iter().map(text).collect()
}

/// Nothing of what the run gives back or records has the value.
pub fn is_clean(guard: &Guard, response: &FetchResponse) {
    let shown = format!("{response:?} {:?} {:?}", guard.records(), recorded(guard));
    let headers: Vec<String> =
        response.headers.iter().map(|(n, v)| format!("{n}{}", String::from_utf8_lossy(v))).collect();
    for text in [shown, headers.concat(), String::from_utf8_lossy(&response.body).into_owned()] {
        // Placeholders are hexadecimal: by chance they have `7f3`, too, but nothing of what follows it.
        let part = ["7f3/", "7f3\\", "7f3%"].iter().any(|part| text.contains(part));
        assert!(!text.contains(CANARY) && !part, "{text}");
    }
}

fn ok() -> Arc<Server> {
    Server::new(|_| reply("200 OK", "", "fine"))
}

#[tokio::test]
async fn the_value_arrives_in_each_place_as_the_place_wants() {
    for (place, expected) in [
        ("header = \"authorization\"", format!("authorization: Bearer {CANARY}\r\n")),
        ("header = \"x-api-key\"", format!("x-api-key: {CANARY}\r\n")),
        ("query = \"key\"", "GET /x?a=1&key=cAnArY-7f3%2F9%2B%22x%26y%20z HTTP/1.1".to_owned()),
        ("body = \"token\"", "{\"n\": 1, \"token\": \"cAnArY-7f3/9+\\\"x&y z\"}".to_owned()),
    ] {
        let server = ok();
        let network = Network::tcp(&server).await;
        let guard = guard(&carrying("http://a.example", place, ""));
        let host = host(&network, &public("a.example"), held(&[("bank", CANARY)]));
        let mark = placeholder(&guard, &host, "bank").await.unwrap();
        assert_eq!(placeholder(&guard, &host, "bank").await.unwrap(), mark);
        let url = "http://a.example/x";
        let response = match place.split(' ').next().unwrap() {
            "query" => send_with(&guard, &host, &format!("{url}?a=1&key={mark}"), &[], "").await,
            "body" => {
                send_with(
                    &guard,
                    &host,
                    url,
                    &[("content-type", "application/json")],
                    &format!("{{\"n\": 1, \"token\": \"{mark}\"}}"),
                )
                .await
            }
            _ if place.contains("x-api") => send_with(&guard, &host, url, &[("X-Api-Key", &mark)], "").await,
            _ => send_with(&guard, &host, url, &[("authorization", &format!("Bearer {mark}"))], "").await,
        };
        is_clean(&guard, &response.unwrap());
        let arrived = arrived(&server);
        assert!(arrived.contains(&expected) && !arrived.contains("bailiwick-secret"), "{place}: {arrived}");
        let length =
            server.asked()[0].head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        assert_eq!(length.unwrap_or(0usize), server.asked()[0].body.len());
        assert!(recorded(&guard)[0].starts_with("secret.use bank allow"), "{:?}", recorded(&guard));
    }
}

#[tokio::test]
async fn anywhere_else_it_is_refused_and_nothing_is_sent() {
    let places = ["header = \"authorization\"", "query = \"key\"", "body = \"token\""];
    type Sent = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let asked: [Sent; 12] = [
        ("http://a.example/MARK", &[], ""),
        ("http://a.example/x?other=MARK", &[], ""),
        ("http://a.example/x?key=xMARK", &[], ""),
        ("http://a.example/x?key=MARK&more=MARK", &[], ""),
        ("http://a.example/x", &[("accept", "MARK")], ""),
        ("http://a.example/x", &[("authorization", "MARK MARK")], ""),
        ("http://a.example/x", &[("authorization", "MARK"), ("user-agent", "MARK")], ""),
        ("http://a.example/x", &[], "{\"other\": \"MARK\"}"),
        ("http://a.example/x", &[], "{\"token\": \"x MARK\"}"),
        ("http://a.example/x", &[], "{\"a\": {\"token\": \"MARK\"}}"),
        ("http://a.example/x", &[], "token=MARK"),
        ("http://b.example/x?key=MARK", &[("authorization", "MARK")], "{\"token\": \"MARK\"}"),
    ];
    let server = ok();
    let network = Network::tcp(&server).await;
    for place in places {
        let rules =
            carrying("http://a.example", place, "") + &allow("http://b.example", "headers = [\"authorization\"]");
        let guard = guard(&rules);
        let host = host(&network, &public("a.example b.example"), held(&[("bank", CANARY)]));
        let mark = placeholder(&guard, &host, "bank").await.unwrap();
        for (url, headers, body) in asked {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.replace("MARK", &mark))).collect();
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (url, body) = (url.replace("MARK", &mark), body.replace("MARK", &mark));
            let refused = send_with(&guard, &host, &url, &headers, &body).await;
            assert_eq!(code(refused), Code::SecretPlace, "{place}: {url} {headers:?} {body}");
        }
        assert!(recorded(&guard).iter().skip(1).all(|line| line.ends_with("deny.secret.place")));
    }
    assert_eq!((server.connections(), network.dials().len()), (0, 0));
}

#[tokio::test]
async fn what_is_no_placeholder_of_the_run_is_text() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let guard = guard(&carrying("http://a.example", "header = \"authorization\"", ""));
    let names = public("a.example");
    let (one, two) =
        (host(&network, &names, held(&[("bank", CANARY)])), host(&network, &names, held(&[("bank", CANARY)])));
    let others = placeholder(&guard, &one, "bank").await.unwrap();
    let guessed = format!("bailiwick-secret-{}", "0".repeat(32));
    for text in [&others, &guessed, "bank", CANARY] {
        // Without a placeholder in it, the header is none that the guest may set.
        let refused = send_with(&guard, &two, "http://a.example/x", &[("authorization", text)], "").await;
        assert_eq!(code(refused), Code::RequestHeader, "{text}");
        let url = format!("http://a.example/x?key={}", text.replace(['"', ' ', '&', '/', '+'], "_"));
        send_with(&guard, &two, &url, &[], "").await.unwrap();
    }
    assert!(!arrived(&server).contains(CANARY));
    assert_ne!(placeholder(&guard, &two, "bank").await.unwrap(), others, "each run has its own");
}

#[tokio::test]
async fn two_secrets_have_two_places() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let secrets =
        "secret = [{ name = \"bank\", plaintext = true }, { name = \"api\", query = \"key\", plaintext = true }]";
    let guard = guard(&allow("http://a.example", secrets));
    let host = host(&network, &public("a.example"), held(&[("bank", CANARY), ("api", "second-value-of-two")]));
    let bank = placeholder(&guard, &host, "bank").await.unwrap();
    let api = placeholder(&guard, &host, "api").await.unwrap();
    let both = |header: &str, query: &str| (format!("Basic {header}"), format!("http://a.example/x?key={query}"));
    let (header, url) = both(&bank, &api);
    send_with(&guard, &host, &url, &[("authorization", &header)], "").await.unwrap();
    let sent = arrived(&server);
    assert!(
        sent.contains(&format!("authorization: Basic {CANARY}\r\n")) && sent.contains("?key=second-value-of-two "),
        "{sent}"
    );
    let (header, url) = both(&api, &bank);
    for (url, headers) in [
        (url.as_str(), vec![("authorization", header.as_str())]),
        ("http://a.example/x", vec![("authorization", header.as_str())]),
        (url.as_str(), vec![]),
    ] {
        assert_eq!(code(send_with(&guard, &host, url, &headers, "").await), Code::SecretPlace);
    }
    let mixed = format!("{bank} {api}");
    let refused = send_with(&guard, &host, "http://a.example/x", &[("authorization", &mixed)], "").await;
    assert_eq!((code(refused), server.asked().len()), (Code::SecretPlace, 1));
}

/// `/to?LOCATION` redirects there, and so does `/to?LOCATION&MORE`; everything else says `here`.
fn redirecting() -> Arc<Server> {
    Server::new(|asked: &Asked| match asked.head.split(' ').nth(1).unwrap().split_once('?') {
        Some(("/to", location)) => {
            let value = asked.head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none");
            let location =
                location.split('&').next().unwrap().replace("VALUE", &value.replace(['"', ' ', '&', '/', '+'], "_"));
            reply("307 Temporary Redirect", &format!("location: {location}\r\n"), "")
        }
        _ => reply("200 OK", "", "here"),
    })
}

#[tokio::test]
async fn a_redirect_takes_a_secret_along_on_its_origin_alone() {
    let server = redirecting();
    let network = Network::tcp(&server).await;
    let place = "header = \"authorization\"";
    let on = "redirects = true";
    let rules = carrying("http://a.example", place, on) + &carrying("http://b.example", place, on);
    let guard = guard(&rules);
    let host = host(&network, &public("a.example b.example"), held(&[("bank", CANARY)]));
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    let headers = [("authorization", mark.as_str())];
    send_with(&guard, &host, "http://a.example/to?/y", &headers, "").await.unwrap();
    let with = |asked: &Asked| asked.head.contains(CANARY);
    assert_eq!(server.asked().iter().map(with).collect::<Vec<_>>(), [true, true], "control");
    send_with(&guard, &host, "http://a.example/to?http://b.example/y", &headers, "").await.unwrap();
    assert_eq!(server.asked().iter().skip(2).map(with).collect::<Vec<_>>(), [true, false], "left behind");
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_body_and_no_location_with_it() {
    let server = redirecting();
    let network = Network::tcp(&server).await;
    let on = "redirects = true";
    let names = public("a.example b.example");
    let secrets = || held(&[("bank", CANARY)]);
    let rules =
        carrying("http://a.example", "body = \"token\"", on) + &carrying("http://b.example", "body = \"token\"", on);
    let (in_body, run) = (guard(&rules), host(&network, &names, secrets()));
    let mark = placeholder(&in_body, &run, "bank").await.unwrap();
    let body = format!("{{\"token\": \"{mark}\"}}");
    let refused = send_with(&in_body, &run, "http://a.example/to?http://b.example/y", &[], &body).await;
    assert_eq!(code(refused), Code::SecretPlace);
    assert!(recorded(&in_body).last().unwrap().ends_with("deny.secret.place"), "{:?}", recorded(&in_body));
    // A server that writes the value into the target: it is the placeholder there, which the next rule does not want.
    let rules = carrying("http://a.example", "header = \"authorization\"", on)
        + &carrying("http://b.example", "query = \"key\"", on);
    for value in [CANARY, "plain-canary-value"] {
        let (guard, run) = (guard(&rules), host(&network, &names, held(&[("bank", value)])));
        let mark = placeholder(&guard, &run, "bank").await.unwrap();
        let before = server.asked().len();
        let url = "http://a.example/to?http://b.example/y?key=VALUE";
        let result = send_with(&guard, &run, url, &[("authorization", &mark)], "").await;
        if value != CANARY {
            assert_eq!(code(result), Code::SecretPlace);
            assert_eq!(server.asked().len(), before + 1, "nothing went on");
        }
        assert!(!format!("{:?}", guard.records()).contains(value));
    }
}

#[tokio::test]
async fn a_server_that_was_told_a_secret_in_the_query_sends_nobody_elsewhere() {
    let server = redirecting();
    let network = Network::tcp(&server).await;
    let on = "redirects = true";
    let rules = carrying("http://a.example", "query = \"key\"", on) + &allow("http://b.example", "");
    let guard = guard(&rules);
    let host = host(&network, &public("a.example b.example"), held(&[("bank", CANARY)]));
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    // The value in a writing that nobody recognises, and nothing of it: where it goes is not the server's to say.
    let hidden: String = CANARY.bytes().rev().map(|byte| format!("{byte:o}-")).collect();
    for location in [format!("http://b.example/{hidden}"), "http://b.example/y".to_owned()] {
        let url = format!("http://a.example/to?{location}&key={mark}");
        let refused = send_with(&guard, &host, &url, &[], "").await;
        assert_eq!(code(refused), Code::SecretPlace, "{location}");
        assert!(recorded(&guard).last().unwrap().ends_with("deny.secret.place"), "{:?}", recorded(&guard));
    }
    assert!(server.asked().iter().all(|asked| asked.head.contains("host: a.example")), "{:?}", server.lines());
    let before = server.asked().len();
    let url = format!("http://a.example/to?/y&key={mark}");
    send_with(&guard, &host, &url, &[], "").await.unwrap();
    assert_eq!(server.asked().len(), before + 2, "on its own origin it may");
}

#[tokio::test]
async fn a_secret_that_goes_while_the_run_is_under_way() {
    let server = reflecting(|body| reply("200 OK", "", body));
    let network = Network::tcp(&server).await;
    let guard = guard(&carrying("http://a.example", "header = \"authorization\"", ""));
    let held = held(&[("bank", CANARY)]);
    let host = host(&network, &public("a.example"), held.clone());
    let mark = placeholder(&guard, &host, "bank").await.unwrap();
    let bearer = format!("Bearer {mark}");
    let headers = [("authorization", bearer.as_str())];
    send_with(&guard, &host, "http://a.example/x", &headers, "").await.unwrap();
    held.0.lock().unwrap().clear();
    let gone = send_with(&guard, &host, "http://a.example/x", &headers, "").await;
    assert_eq!((code(gone), server.asked().len()), (Code::NoSecret, 1));
    // What was sent before is still taken out of what comes back.
    let response = send_with(&guard, &host, "http://a.example/x", &[], "").await.unwrap();
    forms_are_gone(&response.body, &mark);
    held.0.lock().unwrap().push(("bank", "another value than before"));
    send_with(&guard, &host, "http://a.example/x", &headers, "").await.unwrap();
    assert!(arrived(&server).contains("Bearer another value than before"));
}

#[tokio::test]
async fn what_cannot_stand_in_its_place_is_not_sent() {
    let server = ok();
    let network = Network::tcp(&server).await;
    let secrets = held(&[
        ("lines", "one\r\nx-admin: yes"),
        ("accent", "válue-value-value"),
        ("short", "fifteen-letters"),
        ("broken", "unreachable"),
    ]);
    for (name, place, expected) in [
        ("lines", "header = \"authorization\"", Some(Code::SecretUnfit)),
        ("accent", "header = \"authorization\"", Some(Code::SecretUnfit)),
        ("lines", "body = \"token\"", None),
        ("lines", "query = \"key\"", None),
        ("accent", "query = \"key\"", None),
    ] {
        let guard = guard(&carrying("http://a.example", place, "").replace("\"bank\"", &format!("\"{name}\"")));
        let host = host(&network, &public("a.example"), secrets.clone());
        let mark = placeholder(&guard, &host, name).await.unwrap();
        let before = server.connections();
        let result = match place.split(' ').next().unwrap() {
            "header" => send_with(&guard, &host, "http://a.example/x", &[("authorization", &mark)], "").await,
            "query" => send_with(&guard, &host, &format!("http://a.example/x?key={mark}"), &[], "").await,
            _ => {
                let json = [("content-type", "application/json")];
                send_with(&guard, &host, "http://a.example/x", &json, &format!("{{\"token\":\"{mark}\"}}")).await
            }
        };
        assert_eq!(result.as_ref().err().map(|error| error.code()), expected, "{name} {place}");
        assert_eq!(server.connections() > before, expected.is_none(), "{name} {place}");
    }
    let sent = arrived(&server);
    assert!(sent.contains("\"one\\r\\nx-admin: yes\"") && sent.contains("key=one%0D%0Ax-admin%3A%20yes"), "{sent}");
    assert!(!sent.lines().any(|line| line.starts_with("x-admin")), "{sent}");
    for (name, expected) in [("short", Code::SecretUnfit), ("broken", Code::Internal), ("absent", Code::NoSecret)] {
        let guard = guard(&format!("[[allow]]\nid = \"s\"\nsecret = \"{name}\"\n"));
        let host = host(&network, &public("a.example"), secrets.clone());
        assert_eq!(code(placeholder(&guard, &host, name).await), expected);
    }
    let guard = guard("[[allow]]\nid = \"s\"\nsecret = \"bank\"\n");
    assert_eq!(code(placeholder(&guard, &network.host(&public("a.example")), "bank").await), Code::NoSecret);
}

#[tokio::test]
async fn each_right_is_needed() {
    let network = Network::refusing();
    let host = host(&network, &public("a.example"), |_: &SecretName| Some(Zeroizing::new(CANARY.as_bytes().to_vec())));
    let rule = carrying("http://a.example", "header = \"authorization\"", "");
    for (rules, expected) in [
        (allow("http://a.example", ""), Some(Code::ManifestNoRule)),
        (rule.clone() + "[[deny]]\nid = \"never\"\nsecret = \"bank\"\n", Some(Code::ManifestRule)),
        (rule.replace("\"bank\"", "\"bank2\""), Some(Code::ManifestNoRule)),
        (rule, None),
    ] {
        let guard = guard(&rules);
        let result = placeholder(&guard, &host, "bank").await;
        assert_eq!(result.err().map(|error| error.code()), expected, "{rules}");
    }
    assert!(!format!("{host:?}").contains(CANARY));
}
