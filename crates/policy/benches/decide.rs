//! One decision against grants of growing size. The floor to compare with is the smallest grant.

#![expect(clippy::expect_used, reason = "a bench without its grant has nothing to measure")]

use std::fmt::Write as _;
use std::sync::Arc;

use bailiwick_policy::{Authority, Decision, Grant, Manifest, Principal, Request, ScopeSet};
use divan::{Bencher, black_box};

const RULES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// Half the rules are about one host, half about many; the last of each is asked for.
fn grant(rules: usize) -> Grant {
    let mut text = "schema = 1\nid = \"bench\"\nagents = [\"bot\"]\n".to_owned();
    for number in 0..rules {
        let host = if number % 2 == 0 { "api.example.com".to_owned() } else { format!("h{number}.example.com") };
        let _ =
            write!(text, "[[allow]]\nid = \"r{number}\"\nfetch = \"https://{host}/v1/items-{number}/*/lines/**\"\n");
    }
    let _ = write!(text, "[[deny]]\nid = \"no\"\nfetch = \"https://api.example.com/v1/*/admin/**\"\n");
    let manifest = Arc::new(Manifest::parse(&text, "bench.toml").expect("the manifest is valid"));
    let scopes = ScopeSet::parse_token("fetch:get,post:*.example.com/v1/**").expect("the scope is valid");
    let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: "bot".into() };
    Grant::new(manifest, None, Authority { principal, token: scopes.clone(), registry: scopes, task: None })
}

fn request(text: &str) -> Request {
    Request::parse(text).expect("the request is valid")
}

#[divan::bench(args = RULES)]
fn allow(bencher: Bencher<'_, '_>, rules: usize) {
    let grant = grant(rules);
    let request = request(&format!("fetch GET https://api.example.com/v1/items-{}/7/lines/3", rules - 2));
    assert_eq!(grant.decide(&request).decision(), Decision::Allow);
    bencher.bench_local(|| grant.decide(black_box(&request)));
}

#[divan::bench(args = RULES)]
fn no_rule(bencher: Bencher<'_, '_>, rules: usize) {
    let grant = grant(rules);
    let request = request("fetch GET https://api.example.com/v1/nothing/7");
    assert_eq!(grant.decide(&request).decision(), Decision::Deny);
    bencher.bench_local(|| grant.decide(black_box(&request)));
}

#[divan::bench(args = RULES)]
fn deny_rule(bencher: Bencher<'_, '_>, rules: usize) {
    let grant = grant(rules);
    let request = request("fetch GET https://api.example.com/v1/items-0/admin/x");
    assert_eq!(grant.decide(&request).decision(), Decision::Deny);
    bencher.bench_local(|| grant.decide(black_box(&request)));
}

#[divan::bench]
fn parse_request(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| Request::parse(black_box("fetch GET https://api.example.com/v1/items-8/7/lines/3")));
}
