//! Refusals of a whole database, where no table can be named.

use bailiwick_policy::{Code, Grant, Manifest, Request};

use crate::world::{authority, manifest};

const TEXT: &str = r#"schema = 1
id = "m"
agents = ["bot"]

[[allow]]
id = "books"
sql = "ledger"
tables = { expenses = ["select", "insert"] }

[databases]
ledger = "sqlite:./ledger.db"
"#;

const BOOKS: &str = "sql:select,insert:ledger/expenses";

fn grant(token: &str, registry: &str, task: Option<&str>) -> Grant {
    Grant::new(manifest(TEXT), None, authority(token, registry, task))
}

fn code(token: &str, registry: &str, task: Option<&str>) -> Code {
    let grant = grant(token, registry, task);
    let code = grant.refuse_database("ledger").code();
    assert_eq!(grant.explain_database("ledger", "x").verdict().code(), code);
    code
}

#[test]
fn the_first_source_without_any_right_is_named() {
    let other = "sql:select:other/expenses kv:get:ledger/expenses";
    assert_eq!(code(other, other, Some(other)), Code::TokenScope);
    assert_eq!(code("sql:select:ledger/x", other, Some(other)), Code::RegistryCapability);
    assert_eq!(code("sql:select:ledger/*", BOOKS, Some(other)), Code::TaskRestriction);
    assert_eq!(grant(other, other, None).refuse_database("other").code(), Code::ManifestNoRule);
    // Each has a right, and together they have none: as for any table of the first.
    assert_eq!(code("sql:select:ledger/a", "sql:select:ledger/b", None), Code::RegistryCapability);
    assert_eq!(code("sql:delete:ledger/*", "sql:delete:ledger/*", None), Code::ManifestNoRule);
    assert_eq!(code(BOOKS, BOOKS, Some("sql:update:ledger/expenses")), Code::TaskRestriction);
}

#[test]
fn a_token_made_from_the_manifest_is_not_blamed() {
    assert_eq!(grant(BOOKS, BOOKS, None).refuse_database("other").code(), Code::ManifestNoRule);
}

#[test]
fn ceilings_agents_and_parents_count() {
    let parsed = |text: String| manifest(&text);
    let bounded = || parsed(TEXT.replacen("[[allow]]", "ceiling = \"c.toml\"\n\n[[allow]]", 1));
    let open = |ceiling| Grant::new(bounded(), ceiling, authority("sql:select:ledger/**", BOOKS, None));
    assert_eq!(open(None).refuse_database("ledger").code(), Code::CeilingNoRule);
    let other = parsed(TEXT.replace("ledger", "other"));
    assert_eq!(open(Some(other)).refuse_database("ledger").code(), Code::CeilingNoRule);
    let strangers = parsed(TEXT.replace("\"bot\"", "\"stranger\""));
    assert_eq!(open(Some(strangers.clone())).refuse_database("ledger").code(), Code::CeilingAgent);
    let grant = Grant::new(strangers, None, authority("sql:select:ledger/**", BOOKS, None));
    assert_eq!(grant.refuse_database("ledger").code(), Code::ManifestAgent);
    let text = grant.explain_database("ledger", "x").to_string();
    assert!(text.contains("agents = [\"stranger\", \"bot\"]"), "{text}");
    let parent = self::grant(BOOKS, "", None);
    let child = self::grant("sql:select:ledger/**", BOOKS, None).within(parent.into());
    assert_eq!(child.refuse_database("ledger").code(), Code::RegistryCapability);
    let text = child.explain_database("ledger", "x").to_string();
    assert!(text.contains("help: for the run that started this one: the registry entry of agent `bot`"), "{text}");
}

#[test]
fn the_explanation_has_layers_and_help() {
    let explained = |grant: Grant, database: &str| {
        grant.explain_database(database, &format!("sql.select {database}: SELECT …")).to_string()
    };
    assert_eq!(
        explained(grant("", BOOKS, None), "ledger"),
        "\
denied: sql.select ledger: SELECT …                                                        [deny.token.scope]
  manifest  allow  rule `books`, m.toml:5
  token     deny   no scope is about database `ledger`
  registry  allow  agent `bot`, `sql:select,insert:ledger/expenses`
  task      allow  (no restriction)
  help: the issuer must add scopes, such as `sql:select,insert:ledger/expenses`"
    );
    let text = explained(grant("sql:select:crm/x", "sql:select:crm/x", None), "crm");
    let help = "  help: add to m.toml, with the tables that the statement uses and what it does to each:

    [[allow]]
    id = \"sql-select-crm\"
    sql = \"crm\"
    tables = { \"…\" = [\"select\"] }

    and under `[databases]` its file:

    crm = \"sqlite:./…\"";
    assert!(text.contains("manifest  deny   no rule is about database `crm`") && text.ends_with(help), "{text}");
    let text = explained(grant("", "", None), "crm");
    assert!(text.contains("\n    before that, the registry entry of agent `bot` must"), "{text}");
    assert!(text.contains("\n    and add to m.toml"), "{text}");
    let text = explained(grant(BOOKS, BOOKS, None), "../ledger\u{202e}");
    assert!(text.contains("help: name a database as `[databases]` does") && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn the_lines_that_help_gives_are_a_manifest() {
    let text = grant("sql:select:crm/x", "sql:select:crm/x", None).explain_database("crm", "x");
    let help = text.help().unwrap_or_default().replace('…', "x");
    let block = &help[help.find("[[allow]]").unwrap()..help.find("\n\nand under").unwrap()];
    let text = TEXT.replace("[databases]\n", &format!("{block}\n\n[databases]\ncrm = \"sqlite:./x\"\n"));
    assert!(Manifest::parse(&text, "m.toml").is_ok(), "{text}");
}

const COLUMNS: &str = r#"
[[allow]]
id = "books"
sql = "ledger"
tables = { expenses = { select = ["id", "day"], update = ["day"], insert = true } }

[[allow]]
id = "more"
sql = "ledger"
tables = { expenses = { select = ["cents"] } }

[databases]
ledger = "sqlite:./ledger.db"
"#;

/// One rule must have every column that a call touches, and so must one of the ceiling's.
#[test]
fn columns_are_left_rule_by_rule() {
    let all = "sql:select,insert,update,delete:ledger/*";
    let head = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n";
    let bound = COLUMNS.replace("\"day\"], update", "\"note\"], update");
    let bound = manifest(&format!("schema = 1\nid = \"c\"\n{bound}"));
    let alone = Grant::new(manifest(&format!("{head}{COLUMNS}")), None, authority(all, all, None));
    let own = manifest(&format!("{head}ceiling = \"c.toml\"\n{COLUMNS}"));
    let bounded = Grant::new(own, Some(bound), authority(all, all, None));
    for (call, expected, within) in [
        ("sql select ledger/expenses", Code::Allowed, Code::Allowed),
        ("sql select ledger/expenses id", Code::Allowed, Code::Allowed),
        ("sql select ledger/expenses id,day", Code::Allowed, Code::CeilingColumn),
        ("sql select ledger/expenses cents", Code::Allowed, Code::Allowed),
        ("sql select ledger/expenses id,cents", Code::ManifestColumn, Code::ManifestColumn),
        ("sql select ledger/expenses *", Code::ManifestColumn, Code::ManifestColumn),
        ("sql select ledger/expenses note", Code::ManifestColumn, Code::ManifestColumn),
        ("sql update ledger/expenses day", Code::Allowed, Code::Allowed),
        ("sql update ledger/expenses id", Code::ManifestColumn, Code::ManifestColumn),
        ("sql insert ledger/expenses", Code::Allowed, Code::Allowed),
        ("sql delete ledger/expenses", Code::ManifestNoRule, Code::ManifestNoRule),
    ] {
        let request = Request::parse(call).unwrap();
        for (grant, expected) in [(&alone, expected), (&bounded, within)] {
            let explained = grant.explain(&request);
            assert_eq!((grant.decide(&request).code(), explained.verdict().code()), (expected, expected), "{call}");
            let names_it = !matches!(expected, Code::ManifestColumn | Code::CeilingColumn)
                || explained.to_string().contains("column")
                    && explained.help().is_some_and(|help| help.contains("rule"));
            assert!(names_it, "{explained}");
        }
    }
    let request = Request::parse("sql select ledger/expenses secret").unwrap();
    let explained = alone.explain(&request).to_string();
    assert!(explained.contains("column `secret` is not among its columns `day`, `id`"), "{explained}");
}

#[test]
fn columns_that_mean_nothing_are_errors() {
    for tables in [
        "{ t = {} }",
        "{ t = { select = [] } }",
        "{ t = { select = false } }",
        "{ t = { select = \"id\" } }",
        "{ t = { select = [\"id\", \"id\"] } }",
        "{ t = { select = [\"ID\"] } }",
        "{ t = { select = [\"*\"] } }",
        "{ t = { select = [\"a,b\"] } }",
        "{ t = { select = [\"\"] } }",
        "{ t = { select = [1] } }",
        "{ t = { insert = [\"id\"] } }",
        "{ t = { delete = [\"id\"] } }",
        "{ t = { slect = true } }",
        "{ T = { select = true } }",
    ] {
        let text = |effect: &str| {
            format!(
                "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n[[{effect}]]\nid = \"a\"\nsql = \"ledger\"\ntables = {tables}\n\
                 [databases]\nledger = \"sqlite:./l.db\"\n"
            )
        };
        assert!(Manifest::parse(&text("allow"), "m.toml").is_err(), "{tables}");
        assert!(Manifest::parse(&text("deny"), "m.toml").is_err(), "{tables}");
    }
    let named = |place: &str| {
        let text =
            TEXT.replace("sqlite:./ledger.db", place).replace("[\"select\", \"insert\"]", "{ select = [\"Id\"] }");
        Manifest::parse(&text, "m.toml").is_ok()
    };
    assert!(named("postgres:crm") && !named("sqlite:./ledger.db") && !named("postgres:") && !named("postgres://a/b"));
}
