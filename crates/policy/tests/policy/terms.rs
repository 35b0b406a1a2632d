//! Every field of a manifest changes something: a term, a limit or a verdict.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{Code, DEFAULT_HEADERS, Decision, DiagnosticCode, Grant, Manifest, Request, Terms};

use crate::world::{authority, grant, manifest};

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nmounts = { m = \"./m\" }\n";

fn terms(field: &str) -> Terms {
    let grant = grant(&format!("{HEAD}[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n{field}\n"));
    let verdict = grant.decide(&Request::parse("fetch GET https://a.example/x").unwrap());
    assert_eq!(verdict.decision(), Decision::Allow);
    verdict.terms().clone()
}

#[test]
fn terms_are_strict_unless_written() {
    let usual = terms("");
    assert!(!usual.private && !usual.redirects && !usual.trace && !usual.sensitive);
    assert_eq!(usual.headers, DEFAULT_HEADERS);
    assert_eq!((usual.response, usual.request, usual.timeout), (None, None, None));
}

#[test]
fn every_term_arrives_in_the_verdict() {
    let usual = terms("");
    for (field, expected) in [
        ("private = true", Terms { private: true, ..usual.clone() }),
        ("redirects = true", Terms { redirects: true, ..usual.clone() }),
        ("trace = true", Terms { trace: true, ..usual.clone() }),
        ("sensitive = true", Terms { sensitive: true, ..usual.clone() }),
        ("headers = []", Terms { headers: vec![], ..usual.clone() }),
        (
            "headers = [\"x-b\", \"authorization\", \"x-b\"]",
            Terms { headers: vec!["authorization".into(), "x-b".into()], ..usual.clone() },
        ),
        ("limits = { response = \"2MiB\" }", Terms { response: NonZeroU64::new(2 << 20), ..usual.clone() }),
        ("limits = { request = 512 }", Terms { request: NonZeroU64::new(512), ..usual.clone() }),
        ("limits = { timeout = \"1500ms\" }", Terms { timeout: Some(Duration::from_millis(1500)), ..usual.clone() }),
    ] {
        assert_eq!(terms(field), expected, "{field}");
    }
}

/// Calls of every kind can be sensitive, and nothing but an allow rule says so.
#[test]
fn what_is_sensitive() {
    for (rule, request) in [
        ("file = \"m/x\"\nactions = [\"read\"]", "file read /m/x"),
        ("crypto = \"r/k\"\nactions = [\"sign\"]", "crypto sign r/k"),
        ("tool = \"calendar/create\"", "tool call calendar/create"),
    ] {
        let text = format!("{HEAD}[tools.calendar]\ncommand = [\"npx\"]\n[[allow]]\nid = \"a\"\n{rule}\n");
        let sensitive = |text: &str| grant(text).decide(&Request::parse(request).unwrap()).terms().sensitive;
        assert!(!sensitive(&text), "{rule}");
        assert!(sensitive(&format!("{text}sensitive = true\n")), "{rule}");
        let denied = format!("{text}[[deny]]\nid = \"d\"\n{rule}\nsensitive = true\n");
        let findings = Manifest::parse(&denied, "m.toml").unwrap_err();
        assert!(findings.iter().any(|finding| finding.code == DiagnosticCode::MisplacedField), "{findings:?}");
    }
}

/// One sensitive rule among those that allow a call makes it sensitive, wherever it stands, and is named.
#[test]
fn any_rule_makes_a_call_sensitive() {
    const TOOLS: &str = "tools.bank.command = [\"bank\"]\n";
    let rule = |id: &str, text: &str| format!("[[allow]]\nid = \"{id}\"\n{text}\n");
    let wide = rule("wide", "fetch = \"https://*.example.com/**\"\nmethods = [\"GET\", \"POST\"]");
    let pay = rule("pay", "fetch = \"https://bank.example.com/pay\"\nmethods = [\"POST\"]\nsensitive = true");
    let any = rule("any", "tool = \"bank/**\"");
    let large = rule("large", "tool = \"bank/pay\"\nargs = { amount = { min = 500 } }\nsensitive = true");
    let larger = rule("larger", "tool = \"bank/pay\"\nargs = { amount = { min = 50 } }\nsensitive = true");
    let rules = [&wide, &pay, &any, &large, &larger];
    for order in [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [0, 2, 4, 3, 1]] {
        let text: String = order.iter().map(|at| rules[*at].as_str()).collect();
        let grant = grant(&format!("{HEAD}{TOOLS}{text}"));
        for (request, by) in [
            ("fetch POST https://bank.example.com/pay", Some(["pay"].as_slice())),
            ("fetch GET https://bank.example.com/pay", None),
            ("fetch POST https://bank.example.com/pay/x", None),
            ("fetch POST https://shop.example.com/pay", None),
            ("tool call bank/pay {\"amount\": 500}", Some(&["large", "larger"])),
            ("tool call bank/pay {\"amount\": 50}", Some(&["larger"])),
            ("tool call bank/pay {\"amount\": 49}", None),
            ("tool call bank/pay", None),
        ] {
            let verdict = grant.decide(&Request::parse(request).unwrap());
            assert_eq!(verdict.decision(), Decision::Allow, "{request}");
            assert_eq!(verdict.terms().sensitive, by.is_some(), "{request} {order:?}");
            let named = verdict.sensitive().map(|rule| rule.id());
            assert_eq!(named.is_some(), by.is_some(), "{request} {order:?}");
            assert!(named.is_none_or(|id| by.unwrap_or_default().contains(&id)), "{request} {order:?}: {named:?}");
        }
    }
    let head = format!("{HEAD}{TOOLS}");
    let shadowed = |text: &str| {
        let manifest = Manifest::parse(&format!("{head}{text}"), "m.toml").unwrap();
        manifest.warnings().iter().any(|warning| warning.code == DiagnosticCode::Shadowed)
    };
    assert!(!shadowed(&format!("{wide}{pay}")), "the second rule has something to say");
    assert!(shadowed(&format!("{wide}{}", pay.replace("sensitive = true", ""))));
}

/// What a ceiling calls sensitive is so below it, and what a run that started another one may only do with a fresh token,
/// the other one may not do without.
#[test]
fn who_is_above_makes_calls_sensitive_too() {
    let rules = |sensitive: &str| {
        format!(
            "[[allow]]\nid = \"all\"\nfile = \"m/**\"\nactions = [\"read\", \"delete\"]\n\
             [[allow]]\nid = \"delete\"\nfile = \"m/**\"\nactions = [\"delete\"]\n{sensitive}"
        )
    };
    let plain = manifest(&format!("ceiling = \"org.toml\"\n{HEAD}{}", rules("")));
    let org = "schema = 1\nid = \"org\"\nmounts = { m = \"./m\" }\n";
    let over = manifest(&format!("{org}{}", rules("sensitive = true")));
    let scopes = plain.scopes().to_string();
    let request = |text: &str| Request::parse(text).unwrap();
    let below = Grant::new(plain, Some(over), authority(&scopes, &scopes, None));
    let started =
        grant(&format!("{HEAD}{}", rules(""))).within(Arc::new(grant(&format!("{HEAD}{}", rules("sensitive = true")))));
    for grant in [below, started] {
        let verdict = grant.decide(&request("file delete /m/x"));
        assert!(verdict.terms().sensitive);
        assert_eq!((verdict.rule().unwrap().id(), verdict.sensitive().unwrap().id()), ("all", "delete"));
        assert!(!grant.decide(&request("file read /m/x")).terms().sensitive);
    }
}

#[test]
fn methods_and_actions_change_the_verdict() {
    let code = |rule: &str, request: &str| {
        let grant = grant(&format!("{HEAD}[[allow]]\nid = \"a\"\n{rule}\n"));
        grant.decide(&Request::parse(request).unwrap()).code()
    };
    let fetch = "fetch = \"https://a.example/x\"";
    assert_eq!(code(fetch, "fetch HEAD https://a.example/x"), Code::Allowed);
    assert_eq!(code(fetch, "fetch POST https://a.example/x"), Code::ManifestNoRule);
    assert_eq!(code(&format!("{fetch}\nmethods = [\"POST\"]"), "fetch POST https://a.example/x"), Code::Allowed);
    assert_eq!(code(&format!("{fetch}\nmethods = [\"POST\"]"), "fetch GET https://a.example/x"), Code::ManifestNoRule);
    let file = "file = \"m/x\"\nactions = [\"read\"]";
    assert_eq!(code(file, "file read /m/x"), Code::Allowed);
    assert_eq!(code(file, "file write /m/x"), Code::ManifestNoRule);
    let crypto = "crypto = \"-\"\nactions = [\"hash\"]";
    assert_eq!(code(crypto, "crypto hash"), Code::Allowed);
    assert_eq!(code(crypto, "crypto random"), Code::ManifestNoRule);
}

#[test]
fn a_deny_rule_without_actions_denies_them_all() {
    let text = |deny: &str| {
        format!(
            "{HEAD}[[allow]]\nid = \"f\"\nfetch = \"https://a.example/*\"\nmethods = [\"GET\", \"POST\"]\n\
             [[allow]]\nid = \"c\"\ncrypto = \"-\"\nactions = [\"hash\", \"random\"]\n\
             [[allow]]\nid = \"k\"\ncrypto = \"r/*\"\nactions = [\"sign\"]\n[[deny]]\nid = \"d\"\n{deny}\n"
        )
    };
    let code = |deny: &str, request: &str| grant(&text(deny)).decide(&Request::parse(request).unwrap()).code();
    for (deny, request, expected) in [
        ("fetch = \"https://a.example/x\"", "fetch GET https://a.example/x", Code::ManifestRule),
        ("fetch = \"https://a.example/x\"", "fetch POST https://a.example/x", Code::ManifestRule),
        ("fetch = \"https://a.example/x\"", "fetch POST https://a.example/%78", Code::ManifestRule),
        ("fetch = \"https://a.example/x\"", "fetch POST https://a.example/y", Code::Allowed),
        ("fetch = \"https://a.example/x\"\nmethods = [\"POST\"]", "fetch GET https://a.example/x", Code::Allowed),
        ("crypto = \"-\"", "crypto random", Code::ManifestRule),
        ("crypto = \"-\"", "crypto sign r/k", Code::Allowed),
        ("crypto = \"r/**\"", "crypto sign r/k", Code::ManifestRule),
        ("crypto = \"r/k\"\nactions = [\"verify\"]", "crypto sign r/k", Code::Allowed),
    ] {
        assert_eq!(code(deny, request), expected, "{deny} {request}");
    }
}

#[test]
fn every_limit_arrives_in_the_grant() {
    let limits = |text: &str| grant(&format!("{HEAD}[limits]\n{text}\n")).limits();
    let usual = limits("");
    assert_eq!(limits("fuel = 5").fuel().get(), 5);
    assert_eq!(limits("memory = \"1MiB\"").memory().get(), 1 << 20);
    assert_eq!(limits("timeout = \"2s\"").timeout(), Duration::from_secs(2));
    assert_eq!(limits("output = \"2KiB\"").output().get(), 2048);
    assert_eq!(limits("host_calls = 3").host_calls().get(), 3);
    assert_eq!(limits("disk = 9").disk().get(), 9);
    assert_eq!(limits("files = 7").files().get(), 7);
    assert_eq!(limits("disk = 9").fuel(), usual.fuel());
}

#[test]
fn a_ceiling_narrows_limits_and_terms() {
    let rule = |extra: &str| format!("[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n{extra}\n");
    let under = manifest(&format!(
        "ceiling = \"org.toml\"\n{HEAD}[limits]\nfuel = 5\ndisk = 100\n{}",
        rule(
            "private = true\nredirects = true\ntrace = true\nheaders = [\"accept\", \"cookie\"]\nlimits = { response = 10 }"
        )
    ));
    let over = manifest(&format!(
        "schema = 1\nid = \"org\"\n[limits]\nfuel = 50\ndisk = 10\n{}",
        rule("redirects = true\nsensitive = true\nlimits = { response = 20, timeout = 1 }")
    ));
    let scopes = under.scopes().to_string();
    let request = Request::parse("fetch GET https://a.example/x").unwrap();
    let grant = Grant::new(Arc::clone(&under), Some(over), authority(&scopes, &scopes, None));
    let verdict = grant.decide(&request);
    assert_eq!((verdict.decision(), verdict.rule().unwrap().location()), (Decision::Allow, "m.toml:9"));
    let expected = Terms {
        private: false,
        secrets: Vec::new(),
        redirects: true,
        trace: false,
        sensitive: true,
        headers: vec!["accept".into()],
        response: NonZeroU64::new(10),
        request: None,
        timeout: Some(Duration::from_secs(1)),
    };
    assert_eq!(verdict.terms(), &expected);
    assert_eq!((grant.limits().fuel().get(), grant.limits().disk().get()), (5, 10));
}
