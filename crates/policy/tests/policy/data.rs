//! Rules for key-value stores and SQL databases.

use bailiwick_policy::{DatabasePlace, Decision, Manifest, Request, Sharing};

use crate::world::{grant, manifest};

const TEXT: &str = r#"
schema = 1
id = "m"
agents = ["bot"]

[[allow]]
id = "notes"
kv = "notes/**"
actions = ["get", "set"]

[[allow]]
id = "notes-list"
kv = "notes"
actions = ["list"]

[[allow]]
id = "ledger"
sql = "ledger"
tables = { expenses = ["select", "insert"], accounts = ["select"] }

[[deny]]
id = "no-keys"
kv = "notes/keys/*"

[[deny]]
id = "no-archive"
sql = "archive"

[[deny]]
id = "no-audit"
sql = "ledger"
tables = { audit = ["insert", "delete"] }

[stores]
notes = "private"
board = "shared"

[databases]
ledger = "sqlite:./data/ledger.db"
archive = "sqlite:/srv/archive.db"
"#;

fn rule(request: &str) -> (Decision, Option<String>) {
    let verdict = grant(TEXT).decide(&Request::parse(request).unwrap());
    (verdict.decision(), verdict.rule().map(|rule| rule.id().to_owned()))
}

#[test]
fn what_is_declared_is_there() {
    let manifest = manifest(TEXT);
    let stores: Vec<_> = manifest.stores().collect();
    assert_eq!(stores, [("board", Sharing::Shared), ("notes", Sharing::Private)]);
    let databases: Vec<_> = manifest.databases().collect();
    let sqlite = |path: &str| DatabasePlace::Sqlite(path.to_owned());
    assert_eq!(databases, [("archive", &sqlite("/srv/archive.db")), ("ledger", &sqlite("./data/ledger.db"))]);
    assert_eq!(manifest.warnings().len(), 0, "{:#?}", manifest.warnings());
}

#[test]
fn rules_for_stores_decide_by_segments() {
    let allowed = |id: &str| (Decision::Allow, Some(id.to_owned()));
    assert_eq!(rule("kv get notes/a"), allowed("notes"));
    assert_eq!(rule("kv set notes/a/b c"), allowed("notes"));
    assert_eq!(rule("kv list notes"), allowed("notes-list"));
    assert_eq!(rule("kv get notes/keys/x"), (Decision::Deny, Some("no-keys".into())));
    for refused in ["kv delete notes/a", "kv list notes/a", "kv get notes", "kv get note/a", "kv get board/a"] {
        assert_eq!(rule(refused), (Decision::Deny, None), "{refused}");
    }
}

#[test]
fn a_rule_for_tables_is_one_rule_with_a_scope_for_each() {
    let allowed = (Decision::Allow, Some("ledger".to_owned()));
    assert_eq!(rule("sql select ledger/expenses"), allowed);
    assert_eq!(rule("sql insert ledger/expenses"), allowed);
    assert_eq!(rule("sql select ledger/accounts"), allowed);
    assert_eq!(rule("sql insert ledger/accounts"), (Decision::Deny, None));
    assert_eq!(rule("sql delete ledger/expenses"), (Decision::Deny, None));
    assert_eq!(rule("sql select ledger/other"), (Decision::Deny, None));
    assert_eq!(rule("sql delete ledger/audit"), (Decision::Deny, Some("no-audit".into())));
    assert_eq!(rule("sql update archive/anything"), (Decision::Deny, Some("no-archive".into())));
    let manifest = manifest(TEXT);
    let ids: Vec<_> = manifest.rules().map(|rule| rule.id()).collect();
    assert_eq!(ids, ["notes", "notes-list", "ledger", "no-keys", "no-archive", "no-audit"]);
    assert_eq!(
        manifest.scopes().to_string(),
        "kv:get,set:notes/** kv:list:notes sql:select:ledger/accounts sql:select,insert:ledger/expenses"
    );
}

/// However a statement or a rule spells a table, one way to write it is left.
#[test]
fn tables_have_one_spelling() {
    assert!(Request::parse("sql select ledger/Expenses").is_err());
    assert!(bailiwick_policy::Scope::parse("sql:select:ledger/Expenses").is_err());
}

#[test]
fn a_denial_says_what_to_add() {
    let help = |request: &str| {
        let explanation = grant(TEXT).explain(&Request::parse(request).unwrap());
        explanation.help().unwrap_or_default().to_owned()
    };
    assert_eq!(
        help("sql update ledger/accounts"),
        "add to m.toml:\n\n[[allow]]\nid = \"sql-update-ledger\"\nsql = \"ledger\"\ntables = { accounts = [\"update\"] }"
    );
    for request in ["sql update ledger/accounts", "sql select crm/people", "kv delete notes/a b", "kv list other"] {
        let help = help(request);
        let (lines, tables) = match help.split_once("\n\nand under `") {
            Some((lines, rest)) => {
                let (table, line) = rest.split_once('`').unwrap();
                (lines, format!("{table}\n{}", line.split_once("\n\n").unwrap().1.replace('…', "x")))
            }
            None => (help.as_str(), String::new()),
        };
        let lines = lines.split_once("\n\n").unwrap().1;
        // The tables are there already for some; a manifest of its own has room for them all.
        let declared =
            if tables.is_empty() { "[stores]\nnotes = \"private\"\n[databases]\nledger = \"sqlite:l\"" } else { "" };
        let text = format!("schema = 1\nid = \"n\"\nagents = [\"bot\"]\n{lines}\n{tables}\n{declared}");
        Manifest::parse(&text, "n.toml").unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
        let verdict = grant(&text).decide(&Request::parse(request).unwrap());
        assert_eq!(verdict.decision(), Decision::Allow, "{text}");
    }
}
