//! What a manifest says when it is read.

use bailiwick_policy::DiagnosticCode::*;
use bailiwick_policy::{Backing, Diagnostic, DiagnosticCode, Manifest, Writes};

/// How a manifest may begin.
pub(crate) const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nmounts = { m = \"./m\" }\n";

#[test]
fn a_whole_manifest_is_read() {
    let text = r#"
schema = 1
id = "expense-bot"
agents = ["expense-bot", "bot_2"]
description = "Reads invoices."
ceiling = "org.toml"

[limits]
fuel = 20_000_000
memory = "64MiB"
timeout = 5
output = 1024
host_calls = 10
disk = "1KiB"

[[allow]]
id = "invoices-read"
fetch = "https://api.invoices.example/v1/**"
methods = ["GET", "HEAD"]
limits = { response = "2MiB" }

[[allow]]
id = "root"
fetch = "https://api.invoices.example/"

[[allow]]
id = "sign-expenses"
crypto = "expenses/**"
actions = ["sign", "verify"]

[[allow]]
id = "invoice-files"
file = "invoices/Jahr 2026/für Ü/**"
actions = ["read", "list"]

[[deny]]
id = "no-admin"
fetch = "https://api.invoices.example/v1/admin"

[mounts]
invoices = "./data/invoices"
"#;
    let manifest = Manifest::parse(text, "policies/expense-bot.toml").unwrap();
    assert_eq!((manifest.id(), manifest.origin()), ("expense-bot", "policies/expense-bot.toml"));
    assert_eq!(manifest.agents(), ["expense-bot", "bot_2"]);
    assert_eq!(manifest.description(), Some("Reads invoices."));
    assert_eq!(manifest.ceiling(), Some("org.toml"));
    let mounts: Vec<_> = manifest.mounts().iter().map(|mount| (mount.name(), mount.folder())).collect();
    assert_eq!(mounts, [("invoices", Some("./data/invoices"))]);
    assert_eq!(
        manifest.scopes().to_string(),
        "fetch:get,head:api.invoices.example/v1/** fetch:get,head:api.invoices.example \
         crypto:sign,verify:expenses/* file:read,list:invoices/Jahr%202026/f%C3%BCr%20%C3%9C/**"
    );
    assert_eq!(manifest.rule("root").unwrap().location(), "policies/expense-bot.toml:22");
    assert_eq!(manifest.rule("no-admin").unwrap().location(), "policies/expense-bot.toml:36");
    assert_eq!(manifest.rules().count(), 5);
    assert_eq!(manifest.warnings(), []);
}

#[test]
fn json_is_the_same_manifest() {
    let toml = format!("{HEAD}[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"read\"]\n[limits]\nfuel = 7\n");
    let json = r#" {"schema": 1, "id": "m", "agents": ["bot"], "mounts": {"m": "./m"}, "limits": {"fuel": 7},
        "allow": [{"id": "a", "file": "m/x", "actions": ["read"]}]}"#;
    let (toml, json) = (Manifest::parse(&toml, "m.toml").unwrap(), Manifest::parse(json, "m.json").unwrap());
    assert_eq!((toml.id(), toml.limits(), toml.scopes()), (json.id(), json.limits(), json.scopes()));
    assert_eq!(json.rule("a").unwrap().location(), "m.json#allow[0]");
    assert_ne!(toml.digest(), json.digest());
}

#[test]
fn https_is_what_a_pattern_without_a_scheme_means() {
    let scopes = |fetch: &str| {
        let text = format!("{HEAD}[[allow]]\nid = \"a\"\nfetch = \"{fetch}\"\nmethods = [\"GET\"]");
        Manifest::parse(&text, "m.toml").unwrap().scopes().to_string()
    };
    assert_eq!(scopes("a.example/x"), "fetch:get:a.example/x");
    assert_eq!(scopes("https://a.example:443/x"), "fetch:get:a.example/x");
    assert_eq!(scopes("http://a.example/x"), "fetch:get:http://a.example/x");
    assert_eq!(scopes("https://a.example/"), "fetch:get:a.example");
    assert_eq!(scopes("http://a.example:8080/"), "fetch:get:http://a.example:8080");
}

/// What stands behind a mount, and mistakes in it.
#[test]
fn a_mount_is_a_folder_memory_or_the_report() {
    let read = |mount: &str| {
        let text = format!("schema = 1\nid = \"m\"\nagents = [\"bot\"]\n[mounts]\nm = {mount}\n");
        Manifest::parse(&text, "m.toml").map(|manifest| manifest.mounts()[0].backing().clone())
    };
    let folder = |writes| Backing::Folder { path: "./m".into(), writes };
    for (mount, backing) in [
        ("\"./m\"", folder(Writes::Direct)),
        ("{ path = \"./m\" }", folder(Writes::Direct)),
        ("{ path = \"./m\", writes = \"direct\" }", folder(Writes::Direct)),
        ("{ path = \"./m\", writes = \"staged\" }", folder(Writes::Staged)),
        ("{ memory = true }", Backing::Memory),
        ("{ report = true }", Backing::Report),
    ] {
        assert_eq!(read(mount).unwrap(), backing, "{mount}");
    }
    for (mount, code, part) in [
        ("{}", BadMount, "must be one of"),
        ("{ writes = \"staged\" }", BadMount, "must be one of"),
        ("{ path = \"./m\", memory = true }", BadMount, "must be one of"),
        ("{ memory = true, report = true }", BadMount, "must be one of"),
        ("{ memory = false }", BadMount, "says nothing"),
        ("{ report = false }", BadMount, "says nothing"),
        ("{ memory = 1 }", WrongType, "`true` or `false`"),
        ("{ memory = true, writes = \"staged\" }", MisplacedField, "nobody else's"),
        ("{ path = \"./m\", writes = \"later\" }", BadMount, "`later` is not a way of writing"),
        ("{ path = \"./m\", writes = 1 }", WrongType, "a string"),
        ("{ path = 1 }", WrongType, "a string"),
        ("{ path = \"\" }", BadName, "the path of a folder"),
        ("{ path = \"a\\u202eb\" }", BadName, "invisible"),
        ("{ path = \"./m\", wirtes = \"staged\" }", UnknownField, "did you mean `writes`?"),
        ("1", WrongType, "the path of a folder, or a table"),
    ] {
        let found = read(mount).unwrap_err();
        let fits = |finding: &Diagnostic| {
            finding.code == code && format!("{} {:?}", finding.message, finding.help).contains(part)
        };
        assert!(found.iter().any(fits), "{mount}: {found:?}");
    }
}

#[test]
fn a_mount_is_changed_where_an_allow_rule_writes_or_deletes() {
    let rules = [("m/**", "read"), ("n/a/b", "write"), ("o", "delete"), ("m", "list"), ("q/x", "read\", \"write")];
    let mut text = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n".to_owned();
    for (number, (file, actions)) in rules.iter().enumerate() {
        text += &format!("[[allow]]\nid = \"a{number}\"\nfile = \"{file}\"\nactions = [\"{actions}\"]\n");
    }
    text += "[[allow]]\nid = \"f\"\nfetch = \"https://m.example/x\"\nmethods = [\"DELETE\"]\n";
    text += "[[deny]]\nid = \"d\"\nfile = \"p/**\"\nactions = [\"write\"]\n[mounts]\n";
    text += &["m", "n", "o", "p", "q"].map(|name| format!("{name} = \"./{name}\"\n")).concat();
    let manifest = Manifest::parse(&text, "m.toml").unwrap();
    let changed = ["m", "n", "o", "p", "q", "none", "m.example"].map(|mount| manifest.changes(mount));
    assert_eq!(changed, [false, true, true, false, true, false, false]);
}

/// A rule for requests with secrets is one rule, and grants their use beside the requests.
#[test]
fn a_secret_in_a_rule_is_granted_with_it() {
    let text = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsensitive = true\n\
                secret = [\"s\", { name = \"s\", query = \"k\" }, { name = \"t\", body = \"b\" }]\n\
                [[allow]]\nid = \"b\"\nfetch = \"https://*.example.org/**\"\nredirects = true\nsecret = \"s\"\n";
    let manifest = Manifest::parse(text, "m.toml").unwrap();
    assert_eq!(
        manifest.scopes().to_string(),
        "fetch:get,head:a.example/x secret:use:s secret:use:t fetch:get,head:*.example.org/**"
    );
    let ids: Vec<&str> = manifest.rules().map(|rule| rule.id()).collect();
    assert_eq!(ids, ["a", "b"]);
    let names: Vec<_> = manifest.secrets().into_iter().map(ToString::to_string).collect();
    assert_eq!(names, ["s", "t"]);
    let warned: Vec<_> = manifest.warnings().iter().map(|warning| warning.code).collect();
    assert_eq!(warned.iter().filter(|code| **code == DiagnosticCode::SecretReach).count(), 2, "{warned:?}");
    let places: Vec<_> = manifest.rule("a").unwrap().terms().secrets.iter().map(|s| s.place.to_string()).collect();
    assert_eq!(
        places,
        ["in the header `authorization`", "as the query parameter `k`", "as the member `b` of a JSON body"]
    );
}
