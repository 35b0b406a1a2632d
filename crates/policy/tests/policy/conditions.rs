//! What conditions mean: the table of the reference, bodies against attacks, and everything against a slow model.

use std::sync::Arc;

use bailiwick_policy::{Arguments, Code, Grant, Manifest, Request};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::world::{authority, grant, manifest};

/// The reference page, in the book.
const PAGE: &str = include_str!("../../../../docs/src/reference/manifest.md");

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\ntools.s.command = [\"s\"]\n";

type Fields = &'static [(&'static str, &'static str)];

fn on_body(conditions: &str) -> String {
    format!("{HEAD}[[allow]]\nid = \"a\"\nfetch = \"a.example/x\"\nmethods = [\"POST\"]\nbody = {conditions}\n")
}

fn on_arguments(conditions: &str) -> String {
    format!("{HEAD}[[allow]]\nid = \"a\"\ntool = \"s/t\"\nargs = {conditions}\n")
}

fn request(call: &str) -> Request {
    Request::parse(call).unwrap()
}

fn post(body: &[u8], headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    request("fetch POST https://a.example/x").with_arguments(Arguments::of_body(headers, Bytes::copy_from_slice(body)))
}

/// What both kinds of rules say, which must be the same.
fn decide(conditions: &str, given: &str) -> Code {
    let body = grant(&on_body(conditions)).decide(&request(&format!("fetch POST https://a.example/x {given}"))).code();
    let arguments = grant(&on_arguments(conditions)).decide(&request(&format!("tool call s/t {given}"))).code();
    assert_eq!(body, arguments, "{conditions} {given}");
    body
}

#[test]
fn the_table_of_the_reference_is_true() {
    let mut rows = 0;
    for line in PAGE.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let [condition, _, holds, fails] = cells.as_slice() else { continue };
        let quoted = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
        let Some(condition) = quoted(condition).filter(|text| text.contains("= {")) else { continue };
        let conditions = format!("{{ {condition} }}");
        assert_eq!(decide(&conditions, &quoted(holds).unwrap()), Code::Allowed, "{line}");
        assert_eq!(decide(&conditions, &quoted(fails).unwrap()), Code::ManifestArgument, "{line}");
        rows += 1;
    }
    assert_eq!(rows, 13, "rows of the table");
}

#[test]
fn a_body_that_readers_read_differently_is_refused() {
    let grant = grant(&on_body("{ amount = { max = 5000 } }"));
    const JSON: (&str, &str) = ("content-type", "application/json");
    let decide = |body: &[u8], headers: &[(&str, &str)]| grant.decide(&post(body, headers)).code();
    let good = br#"{"amount": 5000}"#;
    assert_eq!(decide(good, &[JSON]), Code::Allowed);
    assert_eq!(decide(good, &[("Content-Type", "application/vnd.x+json; charset=UTF-8")]), Code::Allowed);
    let refused: [(&[u8], Fields); 16] = [
        (b"", &[JSON]),
        (good, &[]),
        (good, &[("content-type", "text/plain")]),
        (good, &[("content-type", "application/json; charset=utf-16")]),
        (good, &[JSON, ("content-type", "application/x-www-form-urlencoded")]),
        (good, &[JSON, ("content-encoding", "deflate")]),
        (br#"{"amount": 1, "amount": 9999}"#, &[JSON]),
        (br#"{"amount": 9999, "amount": 1}"#, &[JSON]),
        (br#"{"amount": 1, "\u0061mount": 9999}"#, &[JSON]),
        (br#"{"amount": 1, "amount\u0000": 9999}"#, &[JSON]),
        (br#"{"amount": 1, "x": {"y": 1, "y": 2}}"#, &[JSON]),
        (br#"[{"amount": 1}]"#, &[JSON]),
        (br#"{"amount": 1} {"amount": 9999}"#, &[JSON]),
        (b"\xef\xbb\xbf{\"amount\": 1}", &[JSON]),
        (b"{\"amount\": 1, \"x\": \"\xff\"}", &[JSON]),
        (b"a=b&amount=1", &[JSON]),
    ];
    for (body, headers) in refused {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(decide(body, headers), Code::RequestBody, "{shown} {headers:?}");
    }
    for body in [
        &br#"{"amount": 5000.0000000000000000000001}"#[..],
        br#"{"amount": 5001}"#,
        br#"{"amount": 1e400}"#,
        br#"{"amount": "1"}"#,
        br#"{"amount": 1, "Amount": 9999}"#,
        br#"{"Amount": 1}"#,
        br"{}",
    ] {
        assert_eq!(decide(body, &[JSON]), Code::ManifestArgument, "{}", String::from_utf8_lossy(body));
    }
    // A request that says nothing of a body, as a stream does.
    assert_eq!(grant.decide(&request("fetch POST https://a.example/x")).code(), Code::RequestBody);
}

#[test]
fn a_later_rule_may_accept_a_body_and_explanations_say_which_member() {
    let text = format!(
        "{}[[allow]]\nid = \"b\"\nfetch = \"a.example/x\"\nmethods = [\"PUT\", \"POST\"]\nbody = {{ free = {{ equals = true }} }}\n",
        on_body("{ amount = { max = 5 } }")
    );
    let grant = grant(&text);
    assert_eq!(grant.manifest().warnings(), []);
    let by = |body: &str| {
        let verdict = grant.decide(&request(&format!("fetch POST https://a.example/x {body}")));
        (verdict.code(), verdict.rule().map(|rule| rule.id().to_owned()))
    };
    assert_eq!(by(r#"{"amount": 5}"#), (Code::Allowed, Some("a".into())));
    assert_eq!(by(r#"{"amount": 6, "free": true}"#), (Code::Allowed, Some("b".into())));
    assert_eq!(by(r#"{"amount": 6}"#), (Code::ManifestArgument, Some("a".into())));
    assert_eq!(by("x"), (Code::RequestBody, Some("a".into())));
    let explain = |body: &str| grant.explain(&request(&format!("fetch POST https://a.example/x {body}"))).to_string();
    let text = explain(r#"{"amount": 6, "note": "hunter2"}"#);
    assert!(text.contains("rule `a`, m.toml:5: member `amount` is not a number of at most 5\n"), "{text}");
    assert!(
        text.contains("call it with another body, or change `body` of rule `a`") && !text.contains("hunter2"),
        "{text}"
    );
    let text = explain("{'amount': 6}");
    assert!(
        text.contains("cannot be checked: it is not JSON") && text.contains("content-type: application/json"),
        "{text}"
    );
}

#[test]
fn a_ceiling_looks_at_the_body_too() {
    let outer = on_body("{ amount = { max = 5 } }").replace("agents = [\"bot\"]\n", "");
    let outer = Arc::new(Manifest::parse(&outer, "c.toml").unwrap());
    let plain = "[[allow]]\nid = \"a\"\nfetch = \"a.example/x\"\nmethods = [\"POST\"]\n";
    let inner = manifest(&format!("ceiling = \"c.toml\"\n{HEAD}{plain}"));
    let scope = "fetch:post:a.example/x";
    let grant = Grant::new(inner, Some(outer), authority(scope, scope, None));
    for (body, code) in
        [(r#"{"amount": 5}"#, Code::Allowed), (r#"{"amount": 6}"#, Code::CeilingArgument), ("", Code::RequestBody)]
    {
        assert_eq!(grant.decide(&request(&format!("fetch POST https://a.example/x {body}"))).code(), code, "{body}");
    }
}

#[test]
fn expressions_are_counted() {
    let rules = |count: usize| {
        let conditions: Vec<String> = (0..count).map(|n| format!("p{n} = {{ pattern = \"a\" }}")).collect();
        let rules = conditions.chunks(64).enumerate().map(|(n, conditions)| {
            format!("[[allow]]\nid = \"r{n}\"\ntool = \"s/t{n}\"\nargs = {{ {} }}\n", conditions.join(", "))
        });
        Manifest::parse(&format!("{HEAD}{}", rules.collect::<String>()), "m.toml")
    };
    assert!(rules(256).is_ok());
    let errors = rules(257).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].message.contains("at most 256 of `pattern`"), "{errors:?}");
}

/// A condition as a manifest writes it, and as the slow model reads it.
fn condition() -> impl Strategy<Value = Value> {
    let bound = 0..4_u64;
    prop_oneof![
        Just(json!({})),
        select(vec![json!("x"), json!("xy"), json!(1), json!(true)]).prop_map(|value| json!({ "equals": value })),
        prop::collection::vec(select(vec![json!("x"), json!(0), json!(2), json!(false)]), 1..3)
            .prop_map(|values| json!({ "in": values })),
        bound.clone().prop_map(|bound| json!({ "min": bound })),
        bound.clone().prop_map(|bound| json!({ "max": bound })),
        bound.clone().prop_map(|bound| json!({ "min_length": bound })),
        bound.prop_map(|bound| json!({ "max_length": bound })),
        Just(json!({ "prefix": "x" })),
        Just(json!({ "pattern": "x|xy*" })),
        select(vec!["string", "number", "integer", "boolean", "array", "object", "null"])
            .prop_map(|kind| json!({ "type": kind })),
    ]
}

/// A value, as it is written.
fn value() -> impl Strategy<Value = String> {
    select(
        r#""" "x" "xy" "xyy" "yx" 0 1 2 3 -0 -1 1.0 2.5 0.9999999999999999999 2.00000000000000000001 1e0 20e-1 1E2 true false null [] [1] [1,2,3] {} {"b":1} {"b":"x"}"#
            .split(' ')
            .collect::<Vec<_>>(),
    )
    .prop_map(str::to_owned)
}

/// What a number is worth in units of 10^-20, which all of the above are multiples of.
fn worth(text: &str) -> i128 {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().unwrap()),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    digits * 10_i128.pow(u32::try_from(20 + exponent - fraction.len() as i32).unwrap())
}

fn model(condition: &Value, given: Option<&str>) -> bool {
    let Some(text) = given else { return false };
    let value: Value = serde_json::from_str(text).unwrap();
    let number = value.is_number().then(|| worth(text));
    let unit = 10_i128.pow(20);
    let length = value.as_str().map(|text| text.chars().count()).or(value.as_array().map(Vec::len));
    let equal = |literal: &Value| match literal.as_u64() {
        Some(integer) => number == Some(i128::from(integer) * unit),
        None => *literal == value,
    };
    condition.as_object().unwrap().iter().all(|(name, limit)| match name.as_str() {
        "equals" => equal(limit),
        "in" => limit.as_array().unwrap().iter().any(equal),
        "min" => number.is_some_and(|number| number >= i128::from(limit.as_u64().unwrap()) * unit),
        "max" => number.is_some_and(|number| number <= i128::from(limit.as_u64().unwrap()) * unit),
        "min_length" => length.is_some_and(|length| length as u64 >= limit.as_u64().unwrap()),
        "max_length" => length.is_some_and(|length| length as u64 <= limit.as_u64().unwrap()),
        "prefix" => value.as_str().is_some_and(|text| text.starts_with('x')),
        "pattern" => value.as_str().is_some_and(|text| ["x", "xy", "xyy"].contains(&text)),
        "type" => match limit.as_str().unwrap() {
            "integer" => number.is_some_and(|number| number % unit == 0),
            "string" => value.is_string(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => value.is_null(),
        },
        other => panic!("{other}"),
    })
}

proptest! {
    #[test]
    fn conditions_on_bodies_are_what_the_model_says(
        conditions in prop::collection::vec((select(vec!["a", "b", "a.b"]), condition(), any::<bool>()), 1..4),
        a in prop::option::of(value()),
        b in prop::option::of(value()),
    ) {
        let mut members: Vec<(String, Value)> = Vec::new();
        for (name, condition, optional) in conditions {
            let mut condition = condition;
            if optional && condition.as_object().is_some_and(|members| !members.is_empty()) {
                condition["optional"] = json!(true);
            }
            if members.iter().all(|(other, _)| other != name) {
                members.push((name.to_owned(), condition));
            }
        }
        let rule = json!({
            "id": "a", "fetch": "a.example/x", "methods": ["POST"],
            "body": members.iter().cloned().collect::<serde_json::Map<_, _>>(),
        });
        let text = json!({ "schema": 1, "id": "m", "agents": ["bot"], "allow": [rule] }).to_string();
        let given: Vec<String> =
            [("a", &a), ("b", &b)].iter().filter_map(|(name, value)| Some(format!("{name:?}:{}", value.as_ref()?))).collect();
        let code = grant(&text).decide(&request(&format!("fetch POST https://a.example/x {{{}}}", given.join(",")))).code();
        let expected = members.iter().all(|(name, condition)| {
            let given = match name.as_str() {
                "a" => a.clone(),
                "b" => b.clone(),
                _ => a.as_deref().and_then(|a| Some(serde_json::from_str::<Value>(a).ok()?.get("b")?.to_string())),
            };
            let mut condition = condition.clone();
            let optional = condition.as_object_mut().unwrap().remove("optional").is_some();
            (optional && given.is_none()) || model(&condition, given.as_deref())
        });
        prop_assert_eq!(code == Code::Allowed, expected, "{} {:?}", text, given);
    }
}
