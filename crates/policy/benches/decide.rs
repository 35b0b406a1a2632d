//! One decision against grants of growing size; the floor is the same question to a grant of ten rules.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a bench takes the time, and without its grant has nothing to measure"
)]

#[path = "../../../benches/floor.rs"]
mod floor;

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use bailiwick_policy::{Authority, Decision, Grant, Manifest, Principal, Request, ScopeSet};

const RULES: [usize; 3] = [100, 1_000, 10_000];

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
    Grant::new(
        manifest,
        None,
        Authority { principal, token: scopes.clone(), details: Vec::new(), registry: scopes, task: None },
    )
}

fn request(text: &str) -> Request {
    Request::parse(text).expect("the request is valid")
}

fn main() {
    let few = grant(10);
    for rules in RULES {
        let many = grant(rules);
        for (what, decision, few_call, many_call) in [
            (
                "allow",
                Decision::Allow,
                "fetch GET https://api.example.com/v1/items-8/7/lines/3".to_owned(),
                format!("fetch GET https://api.example.com/v1/items-{}/7/lines/3", rules - 2),
            ),
            ("no rule", Decision::Deny, nothing(), nothing()),
            ("deny rule", Decision::Deny, admin(), admin()),
        ] {
            let (few_call, many_call) = (request(&few_call), request(&many_call));
            assert_eq!((few.decide(&few_call).decision(), many.decide(&many_call).decision()), (decision, decision));
            floor::compare(
                &format!("decide, {what}, {rules} rules against 10"),
                || drop(black_box(many.decide(black_box(&many_call)))),
                || drop(black_box(few.decide(black_box(&few_call)))),
            );
        }
    }
}

fn nothing() -> String {
    "fetch GET https://api.example.com/v1/nothing/7".to_owned()
}

fn admin() -> String {
    "fetch GET https://api.example.com/v1/items-0/admin/x".to_owned()
}
