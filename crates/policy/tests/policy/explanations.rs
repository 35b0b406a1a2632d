//! What people read when a call is refused, word for word.

use std::sync::Arc;

use bailiwick_policy::{Grant, Manifest, Request};

use crate::world::authority;

const TEXT: &str = r#"schema = 1
id = "expense-bot"
agents = ["bot"]

[[allow]]
id = "pay"
fetch = "https://api.bank.example/v1/payments"
methods = ["POST"]

[[allow]]
id = "invoices"
file = "invoices/**"
actions = ["read"]

[[deny]]
id = "no-admin"
fetch = "https://*.bank.example/v1/admin"

[mounts]
invoices = "./invoices"
"#;

fn explain(token: &str, registry: &str, task: Option<&str>, request: &str) -> String {
    let manifest = Arc::new(Manifest::parse(TEXT, "policies/expense-bot.toml").unwrap());
    let grant = Grant::new(manifest, None, authority(token, registry, task));
    grant.explain(&Request::parse(request).unwrap()).to_string()
}

const BANK: &str = "fetch:get,post:*.bank.example/** file:read:invoices/**";

#[track_caller]
fn check(actual: String, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap();
    assert_eq!(actual, expected, "\n{actual}\n");
}

#[test]
fn a_token_without_the_scope() {
    let token = "fetch:get:api.bank.example/** file:read:invoices/**";
    check(
        explain(token, BANK, None, "fetch POST https://api.bank.example/v1/payments"),
        "
denied: fetch POST https://api.bank.example/v1/payments                                    [deny.token.scope]
  manifest  allow  rule `pay`, policies/expense-bot.toml:5
  token     deny   no scope covers it; nearest `fetch:get:api.bank.example/**`: action `post` is missing
  registry  allow  agent `bot`, capability `fetch:get,post:*.bank.example/**`
  task      allow  (no restriction)
  help: the issuer must add scope `fetch:post:api.bank.example/v1/payments`",
    );
}

#[test]
fn a_manifest_without_a_rule() {
    check(
        explain(BANK, BANK, None, "fetch GET https://api.bank.example/v1/payments/7?x=1"),
        "
denied: fetch GET https://api.bank.example/v1/payments/7?…                                 [deny.manifest.no_rule]
  manifest  deny   no rule covers it; nearest rule `pay`, policies/expense-bot.toml:5: action `get` is missing, the path is too long
  token     allow  scope `fetch:get,post:*.bank.example/**`
  registry  allow  agent `bot`, capability `fetch:get,post:*.bank.example/**`
  task      allow  (no restriction)
  help: add to policies/expense-bot.toml:

    [[allow]]
    id = \"fetch-get-api-bank-example\"
    fetch = \"https://api.bank.example/v1/payments/7\"
    methods = [\"GET\"]",
    );
}

#[test]
fn a_path_in_no_mount() {
    check(
        explain("file:read:etc/*", "file:read:etc/*", None, "file read /etc/passwd"),
        "
denied: file read /etc/passwd                                                              [deny.manifest.no_rule]
  manifest  deny   no rule covers it; nearest rule `invoices`, policies/expense-bot.toml:10: `etc` is not `invoices`
  token     allow  scope `file:read:etc/*`
  registry  allow  agent `bot`, capability `file:read:etc/*`
  task      allow  (no restriction)
  help: add to policies/expense-bot.toml:

    [[allow]]
    id = \"file-read-etc\"
    file = \"etc/passwd\"
    actions = [\"read\"]

    and under `[mounts]` the folder it stands for:

    etc = \"./…\"",
    );
}

#[test]
fn a_deny_rule() {
    check(
        explain(BANK, BANK, Some("file:read:invoices/a"), "fetch GET https://api.bank.example/v1/admin"),
        "
denied: fetch GET https://api.bank.example/v1/admin                                        [deny.manifest.rule]
  manifest  deny   rule `no-admin`, policies/expense-bot.toml:15, a deny rule
  token     allow  scope `fetch:get,post:*.bank.example/**`
  registry  allow  agent `bot`, capability `fetch:get,post:*.bank.example/**`
  task      deny   no scope is about `fetch`
  help: a deny always wins: narrow or remove rule `no-admin` at policies/expense-bot.toml:15",
    );
}

#[test]
fn registry_task_and_allowed() {
    let read = "file read /invoices/2026/a.csv";
    let denied = explain(BANK, "", None, read);
    assert!(denied.contains("registry  deny   agent `bot`, no capability is about `file`"), "{denied}");
    assert!(
        denied.ends_with("help: the registry entry of agent `bot` must add capability `file:read:invoices/2026/a.csv`")
    );
    let denied = explain(BANK, BANK, Some("file:read:invoices/2026"), read);
    assert!(denied.contains("nearest `file:read:invoices/2026`: the path is too long"), "{denied}");
    assert!(denied.ends_with("help: the task's restriction must add scope `file:read:invoices/2026/a.csv`"));
    let allowed = explain(BANK, BANK, Some(BANK), read);
    assert!(
        allowed.starts_with("allowed: file read /invoices/2026/a.csv  ") && allowed.contains("[allow]\n"),
        "{allowed}"
    );
    assert!(!allowed.contains("help:"));
}

#[test]
fn untrusted_text_cannot_disguise_itself() {
    let denied = explain(BANK, BANK, None, "file read /invoices/a\u{202e}b/\u{200b}");
    assert!(!denied.contains(['\u{202e}', '\u{200b}']), "{denied}");
    assert!(denied.contains("allowed: file read /invoices/a\\u{202e}b/\\u{200b}"), "{denied}");
    let denied = explain(BANK, BANK, None, "file read /in\u{202e}voices\u{e0041}/x");
    assert!(denied.contains("\"in\\u202Evoices\\U000E0041\" = \"./…\""), "{denied}");
    assert!(!denied.contains(['\u{202e}', '\u{e0041}']), "{denied}");
}

#[test]
fn agents_and_ceilings() {
    let manifest = |text: &str, origin: &str| Arc::new(Manifest::parse(text, origin).unwrap());
    let request = Request::parse("file read /m/x").unwrap();
    let scopes = || authority("file:read:m/*", "file:read:m/*", None);
    let allow = "[[allow]]\nid = \"a\"\nfile = \"m/*\"\nactions = [\"read\"]\n[mounts]\nm = \".\"\n";
    let other = manifest(&format!("schema = 1\nid = \"m\"\nagents = [\"other\"]\n{allow}"), "m.toml");
    let explanation = Grant::new(other, None, scopes()).explain(&request);
    assert_eq!(explanation.layers()[0].detail, "agent `bot` is not among the `agents` of m.toml");
    assert_eq!(explanation.help(), Some("write in m.toml:\n\nagents = [\"other\", \"bot\"]"));
    let under =
        || manifest(&format!("schema = 1\nid = \"m\"\nagents = [\"bot\"]\nceiling = \"org.toml\"\n{allow}"), "m.toml");
    let explanation = Grant::new(under(), None, scopes()).explain(&request);
    assert_eq!(
        explanation.layers()[1].detail,
        "`org.toml` is missing or has a ceiling itself, so nothing is within it"
    );
    let org = manifest("schema = 1\nid = \"org\"\n", "org.toml");
    let explanation = Grant::new(under(), Some(org), scopes()).explain(&request);
    assert_eq!(explanation.layers()[1].detail, "no rule is about `file`");
    assert!(
        explanation.help().unwrap().starts_with("add to org.toml:\n\n[[allow]]\nid = \"file-read-m\"\nfile = \"m/x\"")
    );
    let org = manifest(&format!("schema = 1\nid = \"org\"\nagents = [\"x\"]\n{allow}"), "org.toml");
    let explanation = Grant::new(under(), Some(org), scopes()).explain(&request);
    assert_eq!(explanation.help(), Some("write in org.toml:\n\nagents = [\"x\", \"bot\"]"));
}

#[test]
fn what_no_line_can_grant() {
    let all = "file:list:m secret:use:k";
    let list = explain(all, all, None, "file list /");
    assert!(list.contains("[deny.token.scope]"), "{list}");
    assert!(list.ends_with("help: the directory that holds the mounts is in no grant; name a mount"), "{list}");
    let secret = explain(all, all, None, "secret use k");
    assert!(secret.ends_with("whose requests need it:\n\n    secret = \"k\""), "{secret}");
}
