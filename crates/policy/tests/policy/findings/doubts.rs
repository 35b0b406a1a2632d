//! What is well formed and yet not meant: rules that never hold, cover each other, or give much.

use bailiwick_policy::DiagnosticCode::*;

use super::Cases;

pub(super) const CASES: &[Cases] = &[
    (
        "",
        &[
            (
                "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\nkv = \"s/**\"\nactions = [\"delete\"]",
                Broad,
                "[[allow]]",
                "the shared store `s`",
            ),
            (
                "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { \"*\" = [\"select\"] }",
                Broad,
                r#""*""#,
                "every table of `l`",
            ),
            (
                "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { t = [\"select\"], u = [\"select\"] }\n[[deny]]\nid = \"d\"\nsql = \"l\"\ntables = { u = [\"select\"] }",
                Impossible,
                "u",
                "rule `a`, as far as it is about `l/u`, can never allow anything",
            ),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\n",
        &[
            ("file = \"n/x\"\nactions = [\"read\"]", NoMount, r#""n/x""#, "`[mounts]`: n = "),
            (
                "fetch = \"https://a.example/*\"\n[[allow]]\nid = \"b\"\nfetch = \"https://a.example/x\"\nprivate = true",
                Shadowed,
                "[[allow]]",
                "before `a`",
            ),
            (r#"fetch = "https://*.a.example/**""#, Broad, "[[allow]]", "every host below `a.example`"),
            ("fetch = \"https://a.example/**\"\nmethods = [\"POST\"]", Broad, "[[allow]]", "methods that change"),
            ("file = \"m/**\"\nactions = [\"delete\"]", Broad, "[[allow]]", "deleting everything"),
        ],
    ),
    (
        "[[deny]]\n",
        &[
            ("id = \"a\"\nfile = \"M/x\"", NoMount, r#""M/x""#, "there is no mount `M`"),
            (
                "id = \"d\"\nfetch = \"https://a.example/admin/**\"",
                DenyLeavesParent,
                "[[deny]]",
                "add a deny rule for `a.example/admin`",
            ),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n",
        &[
            ("[[deny]]\nid = \"d\"\nfetch = \"https://a.example/*\"", Impossible, "[[allow]]", "can never allow"),
            ("[[allow]]\nid = \"b\"\nfetch = \"https://a.example/*\"", Shadowed, "[[allow]]", "`b` has the same terms"),
        ],
    ),
];
