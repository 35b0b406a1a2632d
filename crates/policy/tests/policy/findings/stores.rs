//! Databases and key-value stores, and rules about them.

use bailiwick_policy::DiagnosticCode::*;

use super::Cases;

pub(super) const CASES: &[Cases] = &[
    (
        "",
        &[
            (
                "[[allow]]\nid = \"a\"\nkv = \"s/**\"\nactions = [\"get\"]",
                NoStore,
                r#""s/**""#,
                r#"`[stores]`: s = "private""#,
            ),
            (
                "[[allow]]\nid = \"a\"\nsql = \"ledger\"",
                NoDatabase,
                r#""ledger""#,
                r#"`[databases]`: ledger = "sqlite:./…""#,
            ),
        ],
    ),
    (
        "[stores]\n",
        &[
            (
                "cache = \"private\"\n[[deny]]\nid = \"a\"\nkv = \"cahce/x\"",
                NoStore,
                r#""cahce/x""#,
                "the store `cache`?",
            ),
            (r#"s = "common""#, BadStore, r#""common""#, r#""private""#),
            ("s = true", WrongType, "true", r#""private" or "shared""#),
            (r#""S s" = "shared""#, BadName, r#""S s""#, "is not a name for `stores`"),
        ],
    ),
    (
        "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\n",
        &[
            (r#"kv = "s/**""#, MissingField, "[[allow]]", "names its `actions`"),
            ("kv = \"s/x\"\nactions = [\"read\"]", BadAction, r#""read""#, "there are `get`, `set`, `delete`, `list`"),
            ("kv = \"s/x\"\ntables = { a = [\"get\"] }", MisplacedField, "tables", "belongs to rules for `sql`"),
        ],
    ),
    (
        "[databases]\n",
        &[
            (
                "ledger = \"sqlite:./l.db\"\n[[deny]]\nid = \"a\"\nsql = \"leger\"",
                NoDatabase,
                r#""leger""#,
                "did you mean the database `ledger`?",
            ),
            (r#"l = "./l.db""#, BadDatabase, r#""./l.db""#, "write `sqlite:`"),
            (r#"l = "sqlite:""#, BadDatabase, r#""sqlite:""#, "write `sqlite:`"),
            (r#"l = "sqlite::memory:""#, BadDatabase, r#""sqlite::memory:""#, "is no path of a file"),
            (r#"l = "sqlite:l.db?mode=rw""#, BadDatabase, r#""sqlite:l.db?mode=rw""#, "is no path of a file"),
            (r#"l = "mysql://host/l""#, BadDatabase, r#""mysql://host/l""#, "is not a place of a database"),
            (
                r#"l = "postgres://host/l""#,
                BadDatabase,
                r#""postgres://host/l""#,
                "not the name of a PostgreSQL database",
            ),
            ("l = 1", WrongType, "1", "a place such as"),
            (
                "l = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"",
                MissingField,
                "[[allow]]",
                "names its `tables`",
            ),
            (
                "l = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l/t\"\nactions = [\"select\"]",
                BadResource,
                r#""l/t""#,
                "tables stand in `tables`",
            ),
        ],
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\n",
        &[
            (r#"tables = { t = { insert = ["id"] } }"#, BadColumn, r#"["id"]"#, "is about whole rows"),
            (r#"actions = ["select"]"#, MisplacedField, "actions", "which say it in `tables`"),
            (r#"tables = { Users = ["select"] }"#, BadResource, "Users", "tables are written in lower case"),
            (r#"tables = { t = ["selct"] }"#, BadAction, r#""selct""#, "did you mean `select`?"),
            ("tables = { t = [] }", BadAction, "[]", "`t` has no actions"),
            ("tables = {}", BadAction, "{}", "`tables` is empty"),
            (r#"tables = ["t"]"#, WrongType, r#"["t"]"#, "a table such as"),
        ],
    ),
];
