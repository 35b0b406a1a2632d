//! Every finding that a manifest can have, with the text that it points at.

mod doubts;
mod fetch;
mod form;
mod stores;
mod tools;

use std::collections::HashSet;

use bailiwick_policy::DiagnosticCode::*;
use bailiwick_policy::{Diagnostic, DiagnosticCode, Manifest, Severity};

use crate::manifests::HEAD;

/// What follows `HEAD`, and for each rest of the text the finding, the text that it points at, and part of its message or
/// help.
type Cases = (&'static str, &'static [(&'static str, DiagnosticCode, &'static str, &'static str)]);

const CASES: [&[Cases]; 5] = [form::CASES, fetch::CASES, stores::CASES, tools::CASES, doubts::CASES];

/// Whole texts, for what does not follow a good beginning.
const WHOLE: &[(&str, DiagnosticCode, &str)] = &[
    ("schema = 1\nid = \"m\"\n[[deny]]\nid = \"d\"\nfile = \"s\\uFEFF/x\"", NoMount, "`[mounts]`: \"s\\uFEFF\" = "),
    (
        "schema = 1\nid = \"m\"\n[mounts]\n\"a\\u001bb\" = []",
        WrongType,
        "`a\\u{1b}b` takes the path of a folder, or a table such as `{ memory = true }`, not a list",
    ),
    (
        "schema = 1\nid = \"m\"\n[[deny]]\nid = \"d\"\nfile = \"sales/x\"\n[mounts]\n\"sal\\u001bes\" = \"x\"",
        NoMount,
        "did you mean the mount `sal\\u{1b}es`?",
    ),
    ("schema = 2\nid = \"m\"", Schema, "`schema = 1` only"),
    ("schema = \"1\"\nid = \"m\"", Schema, "`schema = 1` only"),
    ("id = \"m\"", MissingField, "no `schema`"),
    ("schema = 1", MissingField, "no `id`"),
    ("", MissingField, "no `schema`"),
    ("schema = 1\nid = \"M m\"", BadName, "not a name for `id`"),
    ("schema = 1\nid = \"m\"\nagents = []", BadName, "nobody may run"),
    ("schema = 1\nid = \"m\"\nagents = [\"*\"]", BadName, "not a name for `agents`"),
    ("schema = 1\nid = \"m\"\n[mounts]\n\"a b\" = \"./x\"", BadName, "not a name for `mounts`"),
    ("schema = 1\nid = \"m\"\n[mounts]\na = \"\"", BadName, "the path of a folder"),
    ("schema = 1\nid = \"m\"\n[mounts]\na = \"./da\u{200b}ta\"", BadName, "the path of `a` has an invisible"),
    ("schema = 1\nid = \"m\"\n[mounts]\na = \"./x\\u0000\"", BadName, "character: `./x\\u{0}`"),
    ("schema = 1\nid = \"m\"\n[mounts]\na = \"./x\\n\"", BadName, "character: `./x\\u{a}`"),
    ("schema = 1\nid = \"m\"", NoAgents, "only serve as a ceiling"),
    ("{\"schema\":1,\"id\":\"m\",\"id\":\"n\"}", DuplicateField, "at `id`: `id` is defined twice"),
    ("{\"schema\":1,\"id\":\"m\",\"deny\":[{\"id\":\"d\",\"file\":\"m/..\"}]}", BadResource, "at `deny[0].file`: "),
    ("{\"schema\":1,\"id\":\"m\",\"approve\":null}", UnknownField, "at `approve`: "),
    ("{\"schema\":1,\"id\":\"m\",}", Syntax, "trailing comma"),
    ("{\"schema\":1,\"id\":\"m\"} x", Syntax, "trailing characters"),
    ("{\"schema\":-1,\"id\":\"m\"}", Schema, "`schema = 1` only"),
];

fn findings(text: &str) -> Vec<Diagnostic> {
    match Manifest::parse(text, "m.toml") {
        Ok(manifest) => {
            assert!(manifest.warnings().iter().all(|finding| finding.severity == Severity::Warning));
            manifest.warnings().to_vec()
        }
        Err(findings) => {
            assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
            findings
        }
    }
}

fn says(finding: &Diagnostic, words: &str) -> bool {
    finding.message.contains(words) || finding.help.as_ref().is_some_and(|help| help.contains(words))
}

#[test]
fn every_finding_points_at_its_text() {
    for (start, cases) in CASES.into_iter().flatten() {
        for (rest, code, pointed, words) in *cases {
            let text = format!("{HEAD}{start}{rest}");
            let found = findings(&text);
            let finding = found.iter().find(|finding| finding.code == *code && says(finding, words));
            let finding = finding.unwrap_or_else(|| panic!("{text}\nhas no {code} with {words:?}: {found:#?}"));
            if !pointed.is_empty() {
                assert_eq!(&text[finding.span.clone()], *pointed, "{text}\n{finding:#?}");
            }
        }
    }
    for (text, code, words) in WHOLE {
        let found = findings(text);
        assert!(found.iter().any(|finding| finding.code == *code && says(finding, words)), "{text}\n{found:#?}");
    }
}

#[test]
fn every_sort_of_finding_has_a_case() {
    let cases = CASES.into_iter().flatten().flat_map(|(_, cases)| *cases).map(|case| case.1);
    let tested: HashSet<_> = cases.chain(WHOLE.iter().map(|case| case.1)).collect();
    // `NoFolder` is found by who looks at the disk; `BadMount` and `SecretReach` have tests of their own.
    let elsewhere = [TooLarge, TooDeep, TooManyRules, More, NoFolder, BadMount, SecretReach];
    for code in DiagnosticCode::ALL {
        assert!(tested.contains(code) || elsewhere.contains(code), "{code} has no case");
    }
}

#[test]
fn every_error_is_found_at_once() {
    let text = "schema = 1\nid = \"m\"\nid = \"n\"\nagnets = [\"bot\"]\n[limits]\nfuel = 0\n[[allow]]\nfetch = \"https://*.com/\"\nmethods = [\"PSOT\"]\napprove = 1\n";
    let codes: Vec<_> = Manifest::parse(text, "m").unwrap_err().into_iter().map(|finding| finding.code).collect();
    for code in [DuplicateField, UnknownField, BadQuantity, MissingField, BadAction, BadResource, NotSupported] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    let errors = Manifest::parse(text, "m").unwrap_err().into_iter();
    let lines: Vec<_> = errors.filter(|finding| finding.severity == Severity::Error).map(|e| e.span.start).collect();
    assert!(lines.is_sorted());
}

#[test]
fn hostile_texts_are_bounded() {
    let only = |text: &str, code| {
        let found = findings(text);
        assert!(found.iter().any(|finding| finding.code == code), "{code}: {:#?}", found.first());
        assert!(found.len() <= 201);
    };
    only(&"#".repeat((1 << 20) + 1), TooLarge);
    only(&format!("{HEAD}x = {}1{}", "[".repeat(40), "]".repeat(40)), TooDeep);
    only(&format!("{HEAD}{}", "a.".repeat(40) + "b = 1"), TooDeep);
    only(&format!("{{\"x\":{}1{}}}", "[".repeat(40), "]".repeat(40)), TooDeep);
    only(&format!("{HEAD}x = {}", "[".repeat(100_000)), Syntax);
    only(&format!("{{\"x\":{}", "[".repeat(100_000)), TooDeep);
    only(&format!("{HEAD}allow = [{}]", "{},".repeat(100_001)), TooManyRules);
    only(&format!("{HEAD}allow = [{}]", "{},".repeat(1000)), More);
    let headers: String = (0..65).map(|n| format!("\"x-{n}\",")).collect();
    only(&format!("{HEAD}allow = [{{ id = \"a\", fetch = \"https://a.example\", headers = [{headers}] }}]"), BadHeader);
    only(&(0..1000).map(|n| format!("k{n} = 1\n")).collect::<String>(), More);
}

#[test]
fn many_warnings_hide_no_error() {
    let doubtful: String = (0..200).map(|n| format!("[[deny]]\nid = \"d{n}\"\nfile = \"gone/x\"\n")).collect();
    let found = Manifest::parse(&format!("{HEAD}{doubtful}"), "m.toml").expect("warnings only");
    assert_eq!(
        found.warnings().last().map(|finding| (finding.severity, finding.code)),
        Some((Severity::Warning, More))
    );
    let mistake = "[[deny]]\nid = \"z\"\nfile = \"m/x\"\nacitons = [\"read\"]\n";
    let found = findings(&format!("{HEAD}{doubtful}{mistake}"));
    assert_eq!(found.first().map(|finding| finding.code), Some(UnknownField));
    let shown: Vec<_> = found.iter().filter(|finding| finding.code == More).map(|finding| finding.severity).collect();
    assert_eq!(shown, [Severity::Warning], "one error is not \"more errors\"");
}

#[test]
fn a_deny_rule_for_an_unknown_mount_is_only_doubtful() {
    let manifest = Manifest::parse(&format!("{HEAD}[[deny]]\nid = \"a\"\nfile = \"n/x\""), "m.toml").unwrap();
    assert_eq!(manifest.warnings().iter().map(|finding| finding.code).collect::<Vec<_>>(), [NoMount]);
}

/// What later versions will read, and this one must not accept without enforcing it.
#[test]
fn later_fields_are_refused_and_nothing_else() {
    let text = r#"
schema = 1
id = "expense-bot"
agents = ["expense-bot"]

[[allow]]
id = "pay"
fetch = "https://api.bank.example/v1/payments"
methods = ["POST"]
secret = "bank-token"
body = { amount = { max = 5000 }, currency = { in = ["EUR"] } }
limits = { sum = { arg = "amount", max = 20000, per = "24h" } }
risk = "high"
approve = { when = { arg = "amount", over = 500 }, group = "finance", need = 2 }

[[decoy]]
id = "canary-table"
sql = "ledger"

[tools.calendar]
command = ["npx"]
sha256 = "00"
[monitor]
call_spike = 3.0
[egress]
secrets = "block"
"#;
    let findings = Manifest::parse(text, "m.toml").unwrap_err();
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.iter().all(|finding| finding.code == NotSupported), "{errors:#?}");
    let mut fields: Vec<_> = errors.iter().map(|finding| &text[finding.span.clone()]).collect();
    fields.sort_unstable();
    let expected = ["approve", "decoy", "egress", "monitor", "risk", "sha256"];
    assert_eq!(fields, expected);
}

/// Rules that cover each other in part are how manifests are written, and nothing to warn about.
#[test]
fn overlap_is_not_doubtful() {
    for tail in [
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nmethods = [\"GET\", \"POST\"]\n[[deny]]\nid = \"d\"\nfetch = \"https://a.example/x\"\nmethods = [\"POST\"]",
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n[[allow]]\nid = \"b\"\nfetch = \"https://a.example/x\"\nmethods = [\"GET\", \"POST\"]",
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nprivate = true\n[[allow]]\nid = \"b\"\nfetch = \"https://a.example/*\"",
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/**\"\n[[deny]]\nid = \"d\"\nfetch = \"https://a.example/x\"\n[[deny]]\nid = \"e\"\nfetch = \"https://a.example/x/**\"",
        "[[allow]]\nid = \"a\"\nfile = \"m/**\"\nactions = [\"read\", \"write\", \"list\"]\n[[allow]]\nid = \"b\"\nfile = \"m/old/**\"\nactions = [\"delete\"]",
    ] {
        let manifest = Manifest::parse(&format!("{HEAD}{tail}"), "m.toml").unwrap();
        assert_eq!(manifest.warnings(), [], "{tail}");
    }
}

/// The warnings about a manifest with these rules.
fn warned(rules: &str) -> Vec<String> {
    let text = format!("schema = 1\nid = \"m\"\nagents = [\"a\"]\n{rules}");
    let found = Manifest::parse(&text, "m.toml").unwrap();
    found.warnings().iter().map(|found| format!("{}: {} {:?}", found.code, found.message, found.help)).collect()
}

#[test]
fn a_secret_has_room_where_it_goes() {
    let rule = |more: &str| format!("[[allow]]\nid = \"r\"\nfetch = \"https://a.example/x\"\n{more}\n");
    let (query, body) = ("secret = { name = \"key\", query = \"k\" }", "secret = { name = \"key\", body = \"k\" }");
    for good in [
        query.to_owned(),
        format!("{query}\nquery = {{ k = {{}}, page = {{ optional = true }} }}"),
        format!("{query}\nquery = {{ k = {{ prefix = \"bailiwick-secret-\", optional = true }} }}"),
        format!("{body}\nmethods = [\"POST\"]"),
        format!("{body}\nmethods = [\"GET\", \"PUT\"]"),
        format!("{body}\nmethods = [\"POST\"]\nbody = {{ amount = {{ max = 5 }}, k = {{ type = \"string\" }} }}"),
        "secret = \"key\"\nquery = {}".to_owned(),
    ] {
        assert_eq!(warned(&rule(&good)), [] as [&str; 0], "{good}");
    }
    for (bad, why) in [
        (format!("{query}\nquery = {{}}"), "does not allow the parameter `k`"),
        (format!("{query}\nquery = {{ K = {{}} }}"), "add the parameter, as in `query = { k = {} }`"),
        (
            format!("{query}\nquery = {{ k = {{ max_length = 48 }} }}"),
            "in the parameter `k` is not a string or list of length 48",
        ),
        (format!("{query}\nquery = {{ k = {{ pattern = \"[a-z]+\" }} }}"), "in the parameter `k` is not a string"),
        (body.to_owned(), "its methods have no body"),
        (
            format!("{body}\nmethods = [\"POST\"]\nbody = {{ k = {{ type = \"integer\" }} }}"),
            "in the member `k` is not of type `integer`",
        ),
    ] {
        let found = warned(&rule(&bad));
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].starts_with("manifest.impossible_rule: rule `r` can never send secret `key`"), "{found:?}");
        assert!(found[0].contains(why), "{bad}: {found:?}");
    }
}

#[test]
fn deleting_everything_is_broad_in_folders_alone() {
    let rule = "[[allow]]\nid = \"r\"\nfile = \"t/**\"\nactions = [\"delete\"]\n[mounts]\nt = ";
    for own in ["{ memory = true }", "{ report = true }"] {
        assert_eq!(warned(&format!("{rule}{own}\n")), [] as [&str; 0], "{own}");
    }
    for folder in ["\"./t\"", "{ path = \"./t\", writes = \"staged\" }"] {
        let found = warned(&format!("{rule}{folder}\n"));
        assert!(found.len() == 1 && found[0].starts_with("manifest.broad_rule"), "{folder}: {found:?}");
    }
}

#[test]
fn a_sum_of_a_fetch_rule_is_one_of_its_body() {
    let text = "schema = 1\nid = \"m\"\nagents = [\"a\"]\n[[allow]]\nid = \"r\"\nfetch = \"https://a.example/x\"\n\
                limits = { sum = { arg = \"amount\", max = 5, per = \"run\" } }\n";
    let found = Manifest::parse(text, "m.toml").unwrap_err();
    let help = found.iter().find_map(|found| found.help.clone()).unwrap();
    assert!(help.starts_with("bound it, as in `body = { amount = { max = … } }`, and name `methods`"), "{help}");
}
