//! The form of a manifest: fields, types, names, quantities, and rules for files and keys.

use bailiwick_policy::DiagnosticCode::*;

use super::Cases;

pub(super) const CASES: &[Cases] = &[
    (
        "",
        &[
            ("x = ", Syntax, "", ""),
            ("[[allow]\n", Syntax, "", ""),
            (r#"id = "n""#, DuplicateField, "id", "`id` is defined twice"),
            ("[mounts]\nn = \"x\"", DuplicateField, "mounts", "`mounts` is defined twice"),
            (r#"agent = ["bot"]"#, UnknownField, "agent", "did you mean `agents`?"),
            ("frobnicate = 1", UnknownField, "frobnicate", "its fields are `schema`"),
            (
                "[monitor]\ncall_spike = 3.0",
                NotSupported,
                "monitor",
                "`monitor` is not supported yet by this version; remove it",
            ),
            ("description = 1", WrongType, "1", "`description` takes a string, not an integer"),
            ("description = 1.5", WrongType, "1.5", "not a float"),
            ("limits = []", WrongType, "[]", "`limits` takes a table, not a list"),
            (r#"allow = { id = "a" }"#, WrongType, r#"{ id = "a" }"#, "`allow` takes a list, not a table"),
            ("allow = [1]", WrongType, "1", "`allow` takes tables"),
            ("[[allow]]\nid = \"a\"", MissingField, "[[allow]]", "does not say what it is about"),
            ("[[deny]]\nid = \"A b\"\nfile = \"m/x\"", BadName, r#""A b""#, "`A b` is not an id"),
            (r#"ceiling = """#, BadName, r#""""#, "`ceiling` takes the name"),
            ("ceiling = \"a\u{202e}b\"", BadName, "\"a\u{202e}b\"", "the path of `ceiling` has an invisible"),
            ("ceiling = \"a\\u001bb\"", BadName, "\"a\\u001bb\"", "character: `a\\u{1b}b`"),
            (
                "ceiling = \"../org/Gr\u{f6}\u{df}e 1.toml\u{a0}\"",
                BadName,
                "\"../org/Gr\u{f6}\u{df}e 1.toml\u{a0}\"",
                "take it out",
            ),
            (
                "[[allow]]\nid = \"d\"\nfile = \"m/x\"\nactions = [\"read\"]\n[[deny]]\nid = \"d\"\nfile = \"m/y\"",
                DuplicateId,
                r#""d""#,
                "unique over `allow` and `deny`",
            ),
            ("[[allow]]\nid = \"d\"\ncrypto = \"-\"\nactions = [\"sign\"]", BadResource, r#""-""#, "take `-`"),
        ],
    ),
    (
        "[limits]\n",
        &[
            ("fuel = 1\nfuel = 2", DuplicateField, "fuel", "`fuel` is defined twice"),
            ("fule = 1", UnknownField, "fule", "did you mean `fuel`?"),
            (r#"fuel = "many""#, WrongType, r#""many""#, "`fuel` takes an integer, not a string"),
            ("memory = true", WrongType, "true", r#"`memory` takes a size such as `"2MiB"`, not a boolean"#),
            ("fuel = 0", BadQuantity, "0", "zero does not mean unlimited"),
            (r#"memory = "0MiB""#, BadQuantity, r#""0MiB""#, "zero does not mean unlimited"),
            (r#"timeout = "0s""#, BadQuantity, r#""0s""#, "zero does not mean unlimited"),
            ("output = 0", BadQuantity, "0", "zero does not mean unlimited"),
            ("host_calls = 0", BadQuantity, "0", "zero does not mean unlimited"),
            (r#"disk = "0B""#, BadQuantity, r#""0B""#, "zero does not mean unlimited"),
            ("files = 0", BadQuantity, "0", "zero does not mean unlimited"),
            ("fuel = -1", BadQuantity, "-1", "negative or too large"),
            (r#"timeout = "30""#, BadQuantity, r#""30""#, r#"`"30s"`"#),
        ],
    ),
    (
        "[[deny]]\nid = \"d\"\n",
        &[
            ("file = \"m/x\"\nacitons = []", UnknownField, "acitons", "did you mean `actions`?"),
            ("file = \"m/x\"\n[[deny]]\nid = \"d\"\nfile = \"m/y\"", DuplicateId, r#""d""#, "on line 6"),
            (r#"file = "m/../x""#, BadResource, r#""m/../x""#, "`..`"),
            (r#"crypto = "ring""#, BadResource, r#""ring""#, "exactly one segment"),
        ],
    ),
    (
        "[[allow]]\nid = \"a\"\n",
        &[
            (r#"run = "other""#, NotSupported, "run", "`run` is not supported yet"),
            (r#"file = "m/x""#, MissingField, "[[allow]]", "names its `actions`"),
            (r#"crypto = "r/k""#, MissingField, "[[allow]]", "names its `actions`"),
            (
                "file = \"m/x\"\nactions = [\"read\"]\nredirects = true",
                MisplacedField,
                "redirects",
                "belong to rules for `fetch`",
            ),
            (
                "file = \"m/x\"\nactions = [\"read\"]\nquery = {}",
                MisplacedField,
                "query",
                "belongs to rules for `fetch`",
            ),
            (
                "file = \"m/x\"\nmethods = [\"GET\"]\nactions = [\"read\"]",
                MisplacedField,
                "methods",
                "has `actions`, not `methods`",
            ),
            ("file = \"m/x\"\nactions = [\"exec\"]", BadAction, r#""exec""#, "there are `read`"),
        ],
    ),
];
