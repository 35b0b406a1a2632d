//! Rules about tools, and what they demand of arguments.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{
    Arguments, Code, Decision, DiagnosticCode, Grant, Manifest, Request, Terms, ToolProgram, ToolServer, ToolSource,
};

use crate::world::{authority, grant, manifest};

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\ntools.calendar.command = [\"calendar\"]\n";

fn decide(rules: &str, call: &str) -> Code {
    grant(&format!("{HEAD}{rules}")).decide(&Request::parse(call).unwrap()).code()
}

fn rule(args: &str) -> String {
    format!("[[allow]]\nid = \"a\"\ntool = \"calendar/create\"\nargs = {args}\n")
}

fn call(arguments: &str) -> String {
    format!("tool call calendar/create {arguments}")
}

#[test]
fn a_rule_covers_its_tool_and_no_other() {
    let one = "[[allow]]\nid = \"a\"\ntool = \"calendar/create\"\n";
    assert_eq!(decide(one, "tool call calendar/create"), Code::Allowed);
    assert_eq!(decide(one, "tool call calendar/delete"), Code::ManifestNoRule);
    assert_eq!(decide(one, "tool call calendars/create"), Code::ManifestNoRule);
    let all = "[[allow]]\nid = \"a\"\ntool = \"calendar/**\"\n[[deny]]\nid = \"d\"\ntool = \"calendar/delete\"\n";
    assert_eq!(decide(all, "tool call calendar/create {\"anything\": [1]}"), Code::Allowed);
    assert_eq!(decide(all, "tool call calendar/delete"), Code::ManifestRule);
    assert_eq!(manifest(&format!("{HEAD}{all}")).scopes().to_string(), "tool:call:calendar/*");
}

#[test]
fn each_condition_changes_the_verdict() {
    for (args, holds, fails) in [
        ("{ title = { max_length = 3 } }", r#"{"title": "abc"}"#, r#"{"title": "abcd"}"#),
        ("{ n = { max = 5 } }", r#"{"n": 5}"#, r#"{"n": 6}"#),
        ("{ n = { min = 5 } }", r#"{"n": 5}"#, r#"{"n": 4}"#),
        ("{ n = { min = 2, max = 4 } }", r#"{"n": 3}"#, r#"{"n": 1}"#),
        ("{ c = { in = [\"EUR\", 7, true] } }", r#"{"c": 7}"#, r#"{"c": "USD"}"#),
        ("{ c = { equals = \"EUR\" } }", r#"{"c": "EUR"}"#, r#"{"c": "eur"}"#),
        ("{ c = {} }", r#"{"c": null}"#, "{}"),
        ("{ c = { equals = false, optional = true } }", "{}", r#"{"c": true}"#),
        ("{ a = { max = 1 }, b = { max = 1 } }", r#"{"a": 1, "b": 1}"#, r#"{"a": 1, "b": 2}"#),
        ("{ n = { max = 5 } }", r#"{"n": 1, "other": "anything"}"#, r#"{"other": 1}"#),
        // Of a member that is there twice the last one counts, and it is what is sent.
        ("{ n = { max = 5 } }", r#"{"n": 9, "n": 1}"#, r#"{"n": 1, "n": 9}"#),
    ] {
        assert_eq!(decide(&rule(args), &call(holds)), Code::Allowed, "{args} {holds}");
        assert_eq!(decide(&rule(args), &call(fails)), Code::ManifestArgument, "{args} {fails}");
    }
    assert_eq!(decide(&rule("{ n = { max = 5 } }"), "tool call calendar/create"), Code::ManifestArgument);
}

#[test]
fn a_later_rule_may_accept_what_an_earlier_one_does_not() {
    let rules = format!(
        "{}[[allow]]\nid = \"b\"\ntool = \"calendar/create\"\nargs = {{ n = {{ equals = 7 }} }}\n[[allow]]\nid = \"c\"\n\
         tool = \"calendar/*\"\nargs = {{ n = {{ equals = 8 }} }}\n",
        rule("{ n = { max = 5 } }")
    );
    let grant = grant(&format!("{HEAD}{rules}"));
    assert_eq!(grant.manifest().warnings(), []);
    for (n, by) in [(5, Some("a")), (7, Some("b")), (8, Some("c")), (6, None)] {
        let verdict = grant.decide(&Request::parse(&call(&format!("{{\"n\": {n}}}"))).unwrap());
        match by {
            Some(id) => assert_eq!((verdict.code(), verdict.rule().unwrap().id()), (Code::Allowed, id)),
            None => assert_eq!((verdict.code(), verdict.rule().unwrap().id()), (Code::ManifestArgument, "a")),
        }
    }
}

#[test]
fn a_ceiling_demands_too_and_a_token_is_blamed_first() {
    let inner = format!("ceiling = \"c.toml\"\n{HEAD}{}", rule("{ n = { max = 9 } }"));
    let outer = format!("{}{}", HEAD.replace("agents = [\"bot\"]\n", ""), rule("{ n = { max = 5 } }"));
    let outer = Arc::new(Manifest::parse(&outer, "c.toml").unwrap());
    let scope = "tool:call:calendar/create";
    let decide = |token: &str, n: u64| {
        let grant = Grant::new(manifest(&inner), Some(Arc::clone(&outer)), authority(token, scope, None));
        grant.decide(&Request::parse(&call(&format!("{{\"n\": {n}}}"))).unwrap()).code()
    };
    assert_eq!(decide(scope, 5), Code::Allowed);
    assert_eq!(decide(scope, 6), Code::CeilingArgument);
    assert_eq!(decide(scope, 10), Code::ManifestArgument);
    assert_eq!(decide("tool:call:other/x", 10), Code::TokenScope);
}

#[test]
fn a_deny_rule_does_not_look_at_arguments() {
    let rules = format!("{}[[deny]]\nid = \"d\"\ntool = \"calendar/create\"\n", rule("{ n = { max = 5 } }"));
    for n in [1, 9] {
        assert_eq!(decide(&rules, &call(&format!("{{\"n\": {n}}}"))), Code::ManifestRule);
    }
}

#[test]
fn whether_a_tool_can_be_called_at_all() {
    let rules = format!("{}[[deny]]\nid = \"d\"\ntool = \"calendar/delete\"\n", rule("{ n = { max = 5 } }"));
    let grant = grant(&format!("{HEAD}{rules}"));
    for (tool, callable) in [("create", true), ("delete", false), ("other", false)] {
        let request = Request::parse(&format!("tool call calendar/{tool}")).unwrap();
        assert_eq!(grant.allows_some(&request), callable, "{tool}");
        assert_eq!(grant.decide(&request).decision(), Decision::Deny, "no arguments are not any arguments");
    }
}

#[test]
fn terms_and_servers_arrive() {
    let text = format!(
        "{HEAD}[[allow]]\nid = \"a\"\ntool = \"calendar/create\"\nlimits = {{ response = 9, request = 8, timeout = 7 }}\n\
         [tools.files]\ncommand = [\"npx\", \"-y\", \"x\"]\nenv = [\"PATH\", \"HOME\"]\ncwd = \"./srv\"\ntimeout = \"5s\"\n"
    );
    let grant = grant(&text);
    let verdict = grant.decide(&Request::parse("tool call calendar/create").unwrap());
    let expected = Terms {
        response: NonZeroU64::new(9),
        request: NonZeroU64::new(8),
        timeout: Some(Duration::from_secs(7)),
        ..Terms::default()
    };
    assert_eq!(verdict.terms(), &expected);
    let [calendar, files] = grant.manifest().tools() else { panic!("two servers") };
    let program = |server: &ToolServer| match server.source() {
        ToolSource::Program(program) => program.clone(),
        other => panic!("{other:?}"),
    };
    let plain = ToolProgram { command: vec!["calendar".to_owned()], env: vec![], cwd: None };
    assert_eq!((calendar.name(), program(calendar), calendar.timeout()), ("calendar", plain, None));
    let files = (program(files), files.timeout());
    assert_eq!((files.0.command.len(), files.0.env), (3, vec!["PATH".to_owned(), "HOME".to_owned()]));
    assert_eq!((files.0.cwd.as_deref(), files.1), (Some("./srv"), Some(Duration::from_secs(5))));
}

#[test]
fn a_server_is_a_program_or_a_url_or_embedded() {
    let source = |fields: &str| manifest(&format!("{HEAD}[tools.s]\n{fields}\n")).tools()[1].source().clone();
    let http = |url: &str, private| ToolSource::Http { url: url.parse().unwrap(), private };
    assert_eq!(source("url = \"https://a.example/mcp/\""), http("https://a.example/mcp/", false));
    assert_eq!(source("url = \"http://127.0.0.1:3000\"\nprivate = true"), http("http://127.0.0.1:3000/", true));
    assert_eq!(source("embedded = true\ntimeout = \"1s\""), ToolSource::Embedded);
}

#[test]
fn explanations_say_which_argument() {
    let rules = rule("{ title = { max_length = 3 } }");
    let grant = grant(&format!("{HEAD}{rules}"));
    let explain = |call: &str| grant.explain(&Request::parse(call).unwrap()).to_string();
    let text = explain(&call(r#"{"title": "hunter2"}"#));
    for part in [
        "denied: tool call calendar/create  ",
        "[deny.manifest.argument]",
        "manifest  deny   rule `a`, m.toml:5: argument `title` is not a string or list of length 3 or less\n",
        "help: call it with other arguments, or change `args` of rule `a` at m.toml:5",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(explain("tool call calendar/create").contains("argument `title` is missing"));
    let text = explain("tool call other/x");
    assert!(text.contains("\n    tool = \"other/x\"\n") && text.contains("[tools.other]"), "{text}");
}

#[test]
fn the_lines_to_add_are_accepted() {
    let text = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n";
    let request = Request::parse("tool call other/x").unwrap();
    let help = grant(text).explain(&request).help().unwrap().to_owned();
    let lines = help.replace("add to m.toml:\n", "").replace("and the server:\n", "");
    let fixed = format!("{text}{lines}");
    assert_eq!(grant(&fixed).decide(&request).code(), Code::Allowed, "{fixed}");
}

#[test]
fn a_deny_rule_for_an_unknown_server_is_only_doubtful() {
    let manifest = Manifest::parse(&format!("{HEAD}[[deny]]\nid = \"a\"\ntool = \"x/y\""), "m.toml").unwrap();
    let codes: Vec<_> = manifest.warnings().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [DiagnosticCode::NoToolServer]);
}

#[test]
fn a_rule_without_conditions_shadows_and_one_with_them_does_not() {
    let warnings = |first: &str, second: &str| {
        let text = format!(
            "{HEAD}[[allow]]\nid = \"a\"\ntool = \"calendar/x\"\n{first}\n[[allow]]\nid = \"b\"\ntool = \"calendar/x\"\n{second}\n"
        );
        manifest(&text).warnings().iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let args = "args = { n = { max = 1 } }";
    assert_eq!(warnings("", ""), [DiagnosticCode::Shadowed]);
    assert_eq!(warnings("", args), [DiagnosticCode::Shadowed]);
    assert_eq!(warnings(args, ""), []);
    assert_eq!(warnings(args, "args = { n = { min = 9 } }"), []);
}

#[test]
fn arguments_are_a_json_object() {
    for text in ["tool call calendar/create []", "tool call calendar/create x", "tool call calendar/create {} {}"] {
        assert_eq!(Request::parse(text).map_err(|error| error.code()), Err(Code::Malformed), "{text}");
    }
    let request = Request::parse("tool call calendar/create {\"a\": 1}").unwrap();
    assert_eq!(request.to_string(), "tool call calendar/create");
    let plain = Request::parse("tool call calendar/create").unwrap();
    assert_eq!(plain.with_arguments(Arguments::parse("{\"a\": 1}").unwrap()), request);
}
