//! Rules for requests, and the secrets in them.

use bailiwick_policy::DiagnosticCode::*;

use super::Cases;

pub(super) const CASES: &[Cases] = &[
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\n",
        &[
            ("limits = { reponse = 1 }", UnknownField, "reponse", "did you mean `response`?"),
            ("approve = { need = 1 }", NotSupported, "approve", "`approve` is not supported yet"),
            (r#"private = "yes""#, WrongType, r#""yes""#, "`true` or `false`"),
            (r#"query = { "" = { max = 1 } }"#, BadName, r#""""#, "not the name of a parameter"),
            (r#"query = "x""#, WrongType, r#""x""#, "`query` takes a table"),
            (r#"actions = ["get"]"#, MisplacedField, "actions", "has `methods`, not `actions`"),
            (r#"file = "m/x""#, MisplacedField, "file", "write a second rule"),
            ("limits = { response = 0 }", BadQuantity, "0", "zero"),
            ("limits = { request = 0 }", BadQuantity, "0", "zero"),
            ("limits = { timeout = 0 }", BadQuantity, "0", "zero"),
            (r#"methods = ["post"]"#, BadAction, r#""post""#, "did you mean `POST`?"),
            ("methods = []", BadAction, "[]", "is empty"),
            (r#"methods = ["GET", "GET"]"#, BadAction, r#""GET""#, "listed twice"),
            (r#"headers = ["Accept"]"#, BadHeader, r#""Accept""#, "lower case"),
            (r#"headers = ["host"]"#, BadHeader, r#""host""#, "set by the host"),
            (r#"headers = ["*"]"#, BadHeader, r#""*""#, "not a header's name"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n",
        &[
            (r#"secret = "a b""#, BadSecret, r#""a b""#, "is not a secret's name"),
            ("secret = []", BadSecret, "[]", "names 1 to 8 secrets"),
            (r#"secret = { name = "s", header = "Host" }"#, BadHeader, r#""Host""#, "not a header"),
            (r#"secret = { name = "s", header = "host" }"#, BadHeader, r#""host""#, "set by the host"),
            (r#"secret = { name = "s", query = "" }"#, BadSecret, r#""""#, "visible characters"),
            (
                r#"secret = { name = "s", query = "k", body = "t" }"#,
                BadSecret,
                r#"{ name = "s", query = "k", body = "t" }"#,
                "one place",
            ),
            (r#"secret = { header = "x-key" }"#, MissingField, r#"{ header = "x-key" }"#, "add its `name`"),
            (
                r#"secret = { name = "s", plaintext = true }"#,
                BadSecret,
                r#"{ name = "s", plaintext = true }"#,
                "says nothing",
            ),
            (r#"secret = ["s", "t"]"#, BadSecret, r#""t""#, "the same place"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\n",
        &[
            ("fetch = \"http://a.example/x\"\nsecret = \"s\"", BadSecret, r#""s""#, "plaintext = true"),
            (
                "file = \"m/x\"\nactions = [\"read\"]\nsecret = \"s\"",
                MisplacedField,
                "secret",
                "second rule for `secret`",
            ),
            ("secret = \"s\"\nactions = [\"use\"]", MisplacedField, "actions", "can only be used"),
            (r#"fetch = ["https://a.example"]"#, WrongType, r#"["https://a.example"]"#, "`fetch` takes a string"),
            (
                "fetch = \"https://*.a.example/**\"\nprivate = true",
                MisplacedField,
                "private",
                "name one host or address",
            ),
        ],
    ),
    (
        "",
        &[
            ("[[allow]]\nfetch = \"https://a.example\"", MissingField, "[[allow]]", "the rule has no `id`"),
            (
                "[[deny]]\nid = \"a\"\nfetch = \"a.example\"\nbody = { n = {} }",
                MisplacedField,
                "body",
                "whatever the body",
            ),
        ],
    ),
    (
        "[[deny]]\nid = \"a\"\nfetch = \"https://a.example\"\n",
        &[
            ("query = {}", MisplacedField, "query", "denies whatever the query"),
            ("limits = {}", MisplacedField, "limits", "a deny rule has none"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"a.example\"\n",
        &[
            ("methods = [\"POST\"]\nbody = {}", BadCondition, "{}", "`body` is empty"),
            ("body = { n = {} }", BadCondition, "body", "has no body"),
        ],
    ),
    (
        "[[deny]]\nid = \"d\"\n",
        &[
            (r#"fetch = "https://*.com/**""#, BadResource, r#""https://*.com/**""#, "public suffix"),
            (r#"fetch = "https://*/**""#, BadResource, r#""https://*/**""#, "must be named"),
            (r#"fetch = "ftp://a.example/x""#, BadResource, r#""ftp://a.example/x""#, "only https and http"),
            (r#"fetch = "https://a.example/x/""#, BadResource, r#""https://a.example/x/""#, "empty segment"),
            (r#"fetch = "https://a.example//""#, BadResource, r#""https://a.example//""#, "empty segment"),
        ],
    ),
];
