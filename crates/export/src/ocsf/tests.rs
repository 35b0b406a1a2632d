use serde_json::Value;

use super::*;

const AT: &str = "2026-11-23T07:09:01.572Z";

fn entry(own: &str) -> Entry {
    let context = r#"{"run":"01a2073c-98c0-71fc-a73f-61b2a372d2f7","agent":"bot","issuer":"local","subject":"s"}"#;
    let line = format!(r#"{{"seq":7,"at":"{AT}","context":{context},{own},"hash":"ab"}}"#);
    Entry::parse(line.as_bytes()).unwrap()
}

fn intent(decision: &str, more: &str) -> Entry {
    entry(&format!(
        r#""type":"intent","call":2,"action":"fetch.post","resource":"https://a.example/x","decision":"{decision}"{more}"#
    ))
}

/// Class, activity, status, and of a call what was done about it.
fn shape(event: &Value) -> (u64, u64, &str, Option<&str>) {
    let number = |name: &str| event[name].as_u64().unwrap();
    assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
    assert_eq!(number("class_uid") / 1000, number("category_uid"));
    (number("class_uid"), number("activity_id"), event["status"].as_str().unwrap(), event["disposition"].as_str())
}

fn shapes(events: &[Value]) -> Vec<(u64, u64, &str, Option<&str>)> {
    events.iter().map(shape).collect()
}

#[test]
fn a_refused_call_is_blocked_and_one_that_a_rule_denied_is_a_finding() {
    let missed = events(&intent("deny", r#","code":"deny.manifest.no_rule""#), None);
    assert_eq!(shapes(&missed), [(6003, 1, "Failure", Some("Blocked"))]);
    let denied = events(&intent("deny", r#","code":"deny.manifest.rule","rule":"no-x","location":"p.toml:3""#), None);
    assert_eq!(shapes(&denied), [(6003, 1, "Failure", Some("Blocked")), (2004, 1, "New", None)]);
    assert_eq!(denied[0]["authorizations"][0]["policy"]["name"], "no-x");
    assert_eq!(denied[1]["evidences"][0]["api"]["operation"], "fetch.post");
    let ambiguous = events(&intent("deny", r#","code":"deny.request.ambiguous""#), None);
    assert_eq!(ambiguous.len(), 2);
}

#[test]
fn an_allowed_call_is_told_once_by_its_outcome() {
    let begun = intent("allow", r#","code":"allow","rule":"post""#);
    assert!(events(&begun, None).is_empty());
    let EntryBody::Intent(call) = &begun.body else { panic!("{begun:?}") };
    let intended = (Timestamp(begun.at.0 - 25), call.clone());
    let outcome = |own: &str| events(&entry(&format!(r#""type":"outcome","call":2,{own}"#)), Some(&intended));
    let done = outcome(r#""outcome":"done""#);
    assert_eq!(shapes(&done), [(6003, 1, "Success", Some("Allowed"))]);
    assert_eq!((done[0]["duration"].as_u64(), done[0]["end_time"].as_u64()), (Some(25), Some(begun.at.0)));
    assert_eq!(done[0]["trace"]["uid"], "01a2073c98c071fca73f61b2a372d2f7");
    let denied = outcome(r#""outcome":"denied","code":"deny.fetch.private_address""#);
    assert_eq!(shapes(&denied), [(6003, 1, "Failure", Some("Blocked")), (2004, 1, "New", None)]);
    assert_eq!(shapes(&outcome(r#""outcome":"failed","code":"failed.dns""#)), [(6003, 1, "Failure", Some("Allowed"))]);
    assert_eq!(shapes(&outcome(r#""outcome":"abandoned""#)), [(6003, 1, "Unknown", Some("Allowed"))]);
    assert_eq!(shape(&unfinished(&begun, call)), (6003, 1, "Unknown", Some("Allowed")));
}

#[test]
fn what_is_no_call_has_its_own_class() {
    for (own, expected) in [
        (r#""type":"run_started""#, vec![(3003, 1, "Success", None)]),
        (r#""type":"run_ended","stop":"finished","calls":1"#, vec![(3003, 99, "Success", None)]),
        (r#""type":"run_ended","stop":"revoked","calls":1"#, vec![(3003, 99, "Failure", None), (2004, 1, "New", None)]),
        (
            r#""type":"authentication","issuer":"i","agent":"","jti":"","code":"deny.token.signature""#,
            vec![(3002, 1, "Failure", None)],
        ),
        (
            r#""type":"administration","act":"key.delete","target":"k","by":"uid 0""#,
            vec![(6003, 4, "Success", Some("Allowed"))],
        ),
        (
            r#""type":"administration","act":"agent.suspend","target":"k","by":"uid 0","failed":"x""#,
            vec![(6003, 3, "Failure", Some("Blocked"))],
        ),
        (r#""type":"recovered","bytes":3"#, vec![(2004, 1, "New", None)]),
        (r#""type":"of a later version""#, vec![]),
    ] {
        assert_eq!(shapes(&events(&entry(own), None)), expected, "{own}");
    }
}
