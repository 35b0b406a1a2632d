//! A token's `authorization_details`: they grant as scopes do, and what they demand no scope loosens.

use std::sync::Arc;

use bailiwick_policy::{Authority, Code, Decision, Detail, Grant, Request, ScopeSet};
use serde_json::{Value, json};

use crate::world::{authority, manifest};

const MANIFEST: &str = r#"
schema = 1
id = "m"
agents = ["bot"]
tools.bank.command = ["bank"]
[[allow]]
id = "bank"
tool = "bank/**"
[[allow]]
id = "web"
fetch = "https://*.shop.example/**"
methods = ["GET", "POST"]
"#;

const ALL: &str = "tool:call:bank/* fetch:get,post:*.shop.example/**";

fn detail(kind: &str, action: &str, location: &str, args: Value) -> Detail {
    let mut value = json!({"type": "bailiwick", "kind": kind, "actions": [action], "locations": [location]});
    if let (Value::Object(args), Some(members)) = (args, value.as_object_mut()) {
        members.insert("args".to_owned(), args.into());
    }
    Detail::parse(value.as_object().unwrap()).unwrap()
}

fn transfer(args: Value) -> Detail {
    detail("tool", "call", "bank/transfer", args)
}

fn grant(token: &str, registry: &str, details: &[Detail]) -> Grant {
    let authority = Authority { details: details.to_vec(), ..authority(token, registry, None) };
    Grant::new(manifest(MANIFEST), None, authority)
}

fn code(grant: &Grant, call: &str) -> Code {
    let request = Request::parse(call).unwrap();
    let verdict = grant.decide(&request);
    assert_eq!(grant.explain(&request).verdict(), &verdict);
    verdict.code()
}

#[test]
fn they_grant_exactly_as_scopes_do() {
    let requests = [
        "tool call bank/transfer",
        "tool call bank/balance",
        "fetch GET https://a.shop.example/x",
        "fetch POST https://a.shop.example/x",
        "fetch GET https://a.shop.example/x/y",
        "fetch GET https://b.shop.example/x",
    ];
    for (scope, detail) in [
        ("tool:call:bank/transfer", transfer(json!(null))),
        ("tool:call:bank/*", detail("tool", "call", "bank/*", json!(null))),
        ("fetch:get:a.shop.example/x", detail("fetch", "get", "https://a.shop.example/x", json!(null))),
        ("fetch:post:*.shop.example/**", detail("fetch", "post", "*.shop.example/**", json!(null))),
    ] {
        let (by_scope, by_detail) = (grant(scope, ALL, &[]), grant("", ALL, &[detail]));
        for request in requests {
            assert_eq!(code(&by_scope, request), code(&by_detail, request), "{scope} {request}");
        }
        assert_eq!(by_scope.scopes(), by_detail.scopes(), "{scope}");
    }
}

#[test]
fn other_sources_narrow_them() {
    let details = [transfer(json!(null)), detail("crypto", "hash", "-", json!(null))];
    let call = "tool call bank/transfer";
    assert_eq!(code(&grant("", "fetch:get:a.example/x", &details), call), Code::RegistryCapability);
    assert_eq!(code(&grant("", "crypto:hash:-", &details), "crypto hash"), Code::ManifestNoRule);
    let task = Some(ScopeSet::parse_strict("tool:call:bank/balance").unwrap());
    let restricted = Authority { details: details.to_vec(), task, ..authority("", ALL, None) };
    assert_eq!(code(&Grant::new(manifest(MANIFEST), None, restricted), call), Code::TaskRestriction);
    let parent = Arc::new(grant("tool:call:bank/balance", ALL, &[]));
    assert_eq!(code(&grant("", ALL, &details).within(parent), call), Code::TokenScope);
}

#[test]
fn what_they_demand_no_scope_loosens() {
    let most = transfer(json!({"amount": {"max": 5000}}));
    let (small, large) = (r#"tool call bank/transfer {"amount": 7}"#, r#"tool call bank/transfer {"amount": 5001}"#);
    for token in ["", "tool:call:bank/transfer", "tool:call:bank/*", ALL] {
        let grant = grant(token, ALL, std::slice::from_ref(&most));
        assert_eq!(code(&grant, small), Code::Allowed, "{token}");
        assert_eq!(code(&grant, large), Code::TokenArgument, "{token}");
        assert_eq!(code(&grant, "tool call bank/transfer"), Code::TokenArgument, "{token}");
    }
    let grant = grant("tool:call:bank/*", ALL, &[most]);
    assert_eq!(code(&grant, r#"tool call bank/balance {"amount": 5001}"#), Code::Allowed, "it is about one tool");
    let request = Request::parse("tool call bank/transfer").unwrap();
    assert!(grant.allows_some(&request), "with some arguments or other");
}

/// As with the rules of a manifest, one that accepts the call is enough.
#[test]
fn of_several_one_must_accept() {
    let euros = transfer(json!({"currency": {"equals": "EUR"}, "amount": {"max": 50}}));
    let dollars = transfer(json!({"currency": {"equals": "USD"}, "amount": {"max": 60}}));
    let rest = detail("tool", "call", "bank/*", json!({"currency": {"equals": "CHF"}}));
    let call = |currency: &str, amount: u32| {
        format!(r#"tool call bank/transfer {{"currency": "{currency}", "amount": {amount}}}"#)
    };
    for details in [[euros.clone(), dollars.clone(), rest.clone()], [rest, dollars, euros]] {
        let grant = grant("", ALL, &details);
        for (currency, amount, expected) in [
            ("EUR", 50, Code::Allowed),
            ("EUR", 51, Code::TokenArgument),
            ("USD", 60, Code::Allowed),
            ("CHF", 9000, Code::Allowed),
            ("GBP", 1, Code::TokenArgument),
        ] {
            assert_eq!(code(&grant, &call(currency, amount)), expected, "{currency} {amount}");
        }
    }
}

#[test]
fn the_explanation_names_the_detail_and_what_it_misses() {
    let grant = grant(
        "tool:call:bank/*",
        ALL,
        &[detail("fetch", "get", "a.shop.example/x", json!(null)), transfer(json!({"amount": {"max": 5000}}))],
    );
    let explain = |call: &str| grant.explain(&Request::parse(call).unwrap()).to_string();
    let refused = explain(r#"tool call bank/transfer {"amount": 5001}"#);
    assert!(refused.contains("[deny.token.argument]"), "{refused}");
    let detail = "token     deny   `authorization_details` 2, `tool:call:bank/transfer`: argument `amount` is not a number of at most 5000";
    assert!(refused.contains(detail), "{refused}");
    assert!(refused.contains("help: call it with other arguments"), "{refused}");
    let allowed = explain(r#"tool call bank/transfer {"amount": 1}"#);
    assert!(allowed.contains("token     allow  `authorization_details` 2, `tool:call:bank/transfer`"), "{allowed}");
    let by_scope = explain("tool call bank/balance");
    assert!(by_scope.contains("token     allow  scope `tool:call:bank/*`"), "{by_scope}");
    let nearest = explain("fetch GET https://a.shop.example/y");
    assert!(nearest.contains("no scope covers it; nearest `fetch:get:a.shop.example/x`"), "{nearest}");
}

#[test]
fn different_details_are_different_grants() {
    let grants = [
        grant("", ALL, &[]),
        grant("", ALL, &[transfer(json!(null))]),
        grant("", ALL, &[transfer(json!({"a": {"max": 1}}))]),
        grant("", ALL, &[transfer(json!({"a": {"max": 2}}))]),
        grant("", ALL, &[transfer(json!({"a": {"min": 1}}))]),
        grant("", ALL, &[transfer(json!({"a": {"max": 1, "optional": true}}))]),
        grant("", ALL, &[transfer(json!({"a": {"equals": "1"}}))]),
        grant("", ALL, &[transfer(json!({"a": {"equals": 1}}))]),
        grant("", ALL, &[transfer(json!(null)), transfer(json!(null))]),
    ];
    let digests: std::collections::HashSet<&str> = grants.iter().map(Grant::digest).collect();
    assert_eq!(digests.len(), grants.len());
    assert_eq!(grants[1].decide(&Request::parse("tool call bank/transfer").unwrap()).decision(), Decision::Allow);
}
