//! Tool servers, and rules with conditions on arguments.

use bailiwick_policy::DiagnosticCode::*;

use super::Cases;

pub(super) const CASES: &[Cases] = &[
    (
        "",
        &[
            ("[tools]\ns = \"npx\"", WrongType, r#""npx""#, "a table with a `command`"),
            ("[tools.\"S t\"]\ncommand = [\"a\"]", BadName, r#""S t""#, "not a name for `tools`"),
            (
                "[[deny]]\nid = \"a\"\ntool = \"s/t\"\nargs = {}\n[tools.s]\ncommand = [\"a\"]",
                MisplacedField,
                "args",
                "whatever the arguments",
            ),
        ],
    ),
    (
        "[tools.s]\n",
        &[
            (r#"cwd = "x""#, MissingField, "s", "has no `command` and no `url`"),
            ("command = [\"a\"]\nurl = \"https://a.example\"", MisplacedField, "s", "more than one of"),
            ("command = [\"a\"]\nprivate = true", MisplacedField, "private", "does not belong to a tool server with"),
            ("url = \"https://a.example\"\nenv = []", MisplacedField, "env", "does not belong to a tool server with"),
            ("embedded = true\ncwd = \"x\"", MisplacedField, "cwd", "does not belong to a tool server with `embedded`"),
            ("embedded = false", WrongType, "s", "is `true` or not there"),
            (r#"url = "http://a.example/mcp""#, BadResource, r#""http://a.example/mcp""#, "reached over `https://`"),
            (r#"url = "https://u:p@a.example/""#, BadResource, r#""https://u:p@a.example/""#, "`url`: "),
            (r#"url = "https://a.example/../b""#, BadResource, r#""https://a.example/../b""#, "`url`: "),
            (r#"url = "https://a.example//""#, BadResource, r#""https://a.example//""#, "`url`: "),
            ("url = \"https://a.example/\"\nprivate = 1", WrongType, "1", "`true` or `false`"),
            (r#"command = "npx""#, WrongType, r#""npx""#, "`command` takes a list"),
            ("command = []", BadCommand, "[]", "its first word is the program"),
            (r#"command = [""]"#, BadCommand, r#""""#, "name is empty"),
            ("command = [\"a\", \"b\\u200bc\"]", BadCommand, "\"b\\u200bc\"", "b\\u{200b}c"),
            ("command = [\"a\"]\nenv = [\"A=b\"]", BadName, r#""A=b""#, "values are not written"),
            ("command = [\"a\"]\ncwd = \"\"", BadName, r#""""#, "the path of a folder"),
            ("command = [\"a\"]\nargs = []", UnknownField, "args", "its fields are `command`"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\n",
        &[
            (r#"tool = "s/t""#, NoToolServer, r#""s/t""#, "add `[tools.s]`"),
            (
                "tool = \"calender/t\"\n[tools.calendar]\ncommand = [\"a\"]",
                NoToolServer,
                r#""calender/t""#,
                "did you mean the tool server `calendar`?",
            ),
            ("tool = \"s\"\n[tools.s]\ncommand = [\"a\"]", BadResource, r#""s""#, "exactly one segment"),
            ("file = \"m/x\"\nactions = [\"read\"]\nargs = {}", MisplacedField, "args", "belongs to rules for `tool`"),
            ("fetch = \"a.example\"\nargs = { n = {} }", MisplacedField, "args", "rules for `tool`"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\ntool = \"s/t\"\n",
        &[
            ("actions = [\"call\"]\n[tools.s]\ncommand = [\"a\"]", MisplacedField, "actions", "can only be called"),
            ("headers = []\n[tools.s]\ncommand = [\"a\"]", MisplacedField, "headers", "belong to rules for `fetch`"),
            ("args = { n = 1 }", WrongType, "1", "a table such as"),
            ("args = { n = { mex = 1 } }", UnknownField, "mex", "its fields are `equals`"),
            ("args = { n = { max = -1 } }", BadQuantity, "-1", "from 0 to 2^53"),
            ("args = { n = { in = [] } }", BadCondition, "", "one of nothing"),
            ("args = { n = { in = [1.5] } }", WrongType, "1.5", "or a boolean"),
            ("args = { n = { min = 2, max = 1 } }", BadCondition, "", "from 2 to 1"),
            ("args = { n = { optional = true } }", BadCondition, "", "says nothing"),
            ("args = { n = { min_length = 3, max_length = 2 } }", BadCondition, "", "of length 3"),
            (r#"args = { n = { prefix = "" } }"#, BadCondition, r#""""#, "every string"),
            (r#"args = { n = { pattern = "a)|(b" } }"#, BadCondition, r#""a)|(b""#, "unopened group"),
            (r#"args = { n = { type = "int" } }"#, BadCondition, r#""int""#, "`integer`"),
            ("args = { n = { type = 1 } }", WrongType, "1", "`type` takes a string"),
            (r#"args = { "a..b" = {} }"#, BadName, r#""a..b""#, "with dots between them"),
            ("args = { a.b = { max = 1 } }", UnknownField, "b", "a condition on an argument"),
            ("body = { n = {} }", MisplacedField, "body", "rules for `fetch`"),
            (r#"args = { "" = {} }"#, BadName, r#""""#, "not the name of an argument"),
        ],
    ),
];
