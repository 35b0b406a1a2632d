//! Every finding that a manifest can have, with the text that it points at.

use std::collections::HashSet;

use bailiwick_policy::{Backing, Diagnostic, DiagnosticCode, Manifest, Severity, Writes};

use DiagnosticCode::*;

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nmounts = { m = \"./m\" }\n";

/// A text that follows `HEAD`, the finding, the text that it points at, and part of its message or help.
const CASES: &[(&str, DiagnosticCode, &str, &str)] = &[
    ("x = ", Syntax, "", ""),
    ("[[allow]\n", Syntax, "", ""),
    ("id = \"n\"", DuplicateField, "id", "`id` is defined twice"),
    ("[limits]\nfuel = 1\nfuel = 2", DuplicateField, "fuel", "`fuel` is defined twice"),
    ("[mounts]\nn = \"x\"", DuplicateField, "mounts", "`mounts` is defined twice"),
    ("agent = [\"bot\"]", UnknownField, "agent", "did you mean `agents`?"),
    ("frobnicate = 1", UnknownField, "frobnicate", "its fields are `schema`"),
    ("[limits]\nfule = 1", UnknownField, "fule", "did you mean `fuel`?"),
    ("[[deny]]\nid = \"d\"\nfile = \"m/x\"\nacitons = []", UnknownField, "acitons", "did you mean `actions`?"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nlimits = { reponse = 1 }",
        UnknownField,
        "reponse",
        "did you mean `response`?",
    ),
    (
        "[monitor]\ncall_spike = 3.0",
        NotSupported,
        "monitor",
        "`monitor` is not supported yet by this version; remove it",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\napprove = { need = 1 }",
        NotSupported,
        "approve",
        "`approve` is not supported yet",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = \"a b\"",
        BadSecret,
        "\"a b\"",
        "is not a secret's name",
    ),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = []", BadSecret, "[]", "names 1 to 8 secrets"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { name = \"s\", header = \"Host\" }",
        BadHeader,
        "\"Host\"",
        "not a header",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { name = \"s\", header = \"host\" }",
        BadHeader,
        "\"host\"",
        "set by the host",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { name = \"s\", query = \"\" }",
        BadSecret,
        "\"\"",
        "visible characters",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { name = \"s\", query = \"k\", body = \"t\" }",
        BadSecret,
        "{ name = \"s\", query = \"k\", body = \"t\" }",
        "one place",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { header = \"x-key\" }",
        MissingField,
        "{ header = \"x-key\" }",
        "add its `name`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = { name = \"s\", plaintext = true }",
        BadSecret,
        "{ name = \"s\", plaintext = true }",
        "says nothing",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\nsecret = [\"s\", \"t\"]",
        BadSecret,
        "\"t\"",
        "the same place",
    ),
    ("[[allow]]\nid = \"a\"\nfetch = \"http://a.example/x\"\nsecret = \"s\"", BadSecret, "\"s\"", "plaintext = true"),
    (
        "[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"read\"]\nsecret = \"s\"",
        MisplacedField,
        "secret",
        "second rule for `secret`",
    ),
    ("[[allow]]\nid = \"a\"\nsecret = \"s\"\nactions = [\"use\"]", MisplacedField, "actions", "can only be used"),
    ("[[allow]]\nid = \"a\"\nrun = \"other\"", NotSupported, "run", "`run` is not supported yet"),
    ("[[allow]]\nid = \"a\"\nkv = \"s/**\"\nactions = [\"get\"]", NoStore, "\"s/**\"", "`[stores]`: s = \"private\""),
    (
        "[stores]\ncache = \"private\"\n[[deny]]\nid = \"a\"\nkv = \"cahce/x\"",
        NoStore,
        "\"cahce/x\"",
        "the store `cache`?",
    ),
    ("[stores]\ns = \"common\"", BadStore, "\"common\"", "\"private\""),
    ("[stores]\ns = true", WrongType, "true", "\"private\" or \"shared\""),
    ("[stores]\n\"S s\" = \"shared\"", BadName, "\"S s\"", "is not a name for `stores`"),
    (
        "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\nkv = \"s/**\"",
        MissingField,
        "[[allow]]",
        "names its `actions`",
    ),
    (
        "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\nkv = \"s/**\"\nactions = [\"delete\"]",
        Broad,
        "[[allow]]",
        "the shared store `s`",
    ),
    (
        "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\nkv = \"s/x\"\nactions = [\"read\"]",
        BadAction,
        "\"read\"",
        "there are `get`, `set`, `delete`, `list`",
    ),
    (
        "[stores]\ns = \"shared\"\n[[allow]]\nid = \"a\"\nkv = \"s/x\"\ntables = { a = [\"get\"] }",
        MisplacedField,
        "tables",
        "belongs to rules for `sql`",
    ),
    ("[[allow]]\nid = \"a\"\nsql = \"ledger\"", NoDatabase, "\"ledger\"", "`[databases]`: ledger = \"sqlite:./…\""),
    (
        "[databases]\nledger = \"sqlite:./l.db\"\n[[deny]]\nid = \"a\"\nsql = \"leger\"",
        NoDatabase,
        "\"leger\"",
        "did you mean the database `ledger`?",
    ),
    ("[databases]\nl = \"./l.db\"", BadDatabase, "\"./l.db\"", "write `sqlite:`"),
    ("[databases]\nl = \"sqlite:\"", BadDatabase, "\"sqlite:\"", "write `sqlite:`"),
    ("[databases]\nl = \"sqlite::memory:\"", BadDatabase, "\"sqlite::memory:\"", "is no path of a file"),
    ("[databases]\nl = \"sqlite:l.db?mode=rw\"", BadDatabase, "\"sqlite:l.db?mode=rw\"", "is no path of a file"),
    ("[databases]\nl = \"mysql://host/l\"", BadDatabase, "\"mysql://host/l\"", "is not a place of a database"),
    (
        "[databases]\nl = \"postgres://host/l\"",
        BadDatabase,
        "\"postgres://host/l\"",
        "not the name of a PostgreSQL database",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { t = { insert = [\"id\"] } }",
        BadColumn,
        "[\"id\"]",
        "is about whole rows",
    ),
    ("[databases]\nl = 1", WrongType, "1", "a place such as"),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"",
        MissingField,
        "[[allow]]",
        "names its `tables`",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l/t\"\nactions = [\"select\"]",
        BadResource,
        "\"l/t\"",
        "tables stand in `tables`",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\nactions = [\"select\"]",
        MisplacedField,
        "actions",
        "which say it in `tables`",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { Users = [\"select\"] }",
        BadResource,
        "Users",
        "tables are written in lower case",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { t = [\"selct\"] }",
        BadAction,
        "\"selct\"",
        "did you mean `select`?",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { t = [] }",
        BadAction,
        "[]",
        "`t` has no actions",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = {}",
        BadAction,
        "{}",
        "`tables` is empty",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = [\"t\"]",
        WrongType,
        "[\"t\"]",
        "a table such as",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { \"*\" = [\"select\"] }",
        Broad,
        "\"*\"",
        "every table of `l`",
    ),
    (
        "[databases]\nl = \"sqlite:l.db\"\n[[allow]]\nid = \"a\"\nsql = \"l\"\ntables = { t = [\"select\"], u = [\"select\"] }\n[[deny]]\nid = \"d\"\nsql = \"l\"\ntables = { u = [\"select\"] }",
        Impossible,
        "u",
        "rule `a`, as far as it is about `l/u`, can never allow anything",
    ),
    ("description = 1", WrongType, "1", "`description` takes a string, not an integer"),
    ("description = 1.5", WrongType, "1.5", "not a float"),
    ("limits = []", WrongType, "[]", "`limits` takes a table, not a list"),
    ("allow = { id = \"a\" }", WrongType, "{ id = \"a\" }", "`allow` takes a list, not a table"),
    ("allow = [1]", WrongType, "1", "`allow` takes tables"),
    ("[limits]\nfuel = \"many\"", WrongType, "\"many\"", "`fuel` takes an integer, not a string"),
    ("[limits]\nmemory = true", WrongType, "true", "`memory` takes a size such as `\"2MiB\"`, not a boolean"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nprivate = \"yes\"",
        WrongType,
        "\"yes\"",
        "`true` or `false`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = [\"https://a.example\"]",
        WrongType,
        "[\"https://a.example\"]",
        "`fetch` takes a string",
    ),
    ("[[allow]]\nfetch = \"https://a.example\"", MissingField, "[[allow]]", "the rule has no `id`"),
    ("[[allow]]\nid = \"a\"", MissingField, "[[allow]]", "does not say what it is about"),
    ("[[allow]]\nid = \"a\"\nfile = \"m/x\"", MissingField, "[[allow]]", "names its `actions`"),
    ("[[allow]]\nid = \"a\"\ncrypto = \"r/k\"", MissingField, "[[allow]]", "names its `actions`"),
    (
        "[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"read\"]\nredirects = true",
        MisplacedField,
        "redirects",
        "belong to rules for `fetch`",
    ),
    (
        "[[deny]]\nid = \"a\"\nfetch = \"https://a.example\"\nquery = {}",
        MisplacedField,
        "query",
        "denies whatever the query",
    ),
    (
        "[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"read\"]\nquery = {}",
        MisplacedField,
        "query",
        "belongs to rules for `fetch`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nquery = { \"\" = { max = 1 } }",
        BadName,
        "\"\"",
        "not the name of a parameter",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nquery = \"x\"",
        WrongType,
        "\"x\"",
        "`query` takes a table",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://*.a.example/**\"\nprivate = true",
        MisplacedField,
        "private",
        "name one host or address",
    ),
    (
        "[[deny]]\nid = \"a\"\nfetch = \"https://a.example\"\nlimits = {}",
        MisplacedField,
        "limits",
        "a deny rule has none",
    ),
    (
        "[[allow]]\nid = \"a\"\nfile = \"m/x\"\nmethods = [\"GET\"]\nactions = [\"read\"]",
        MisplacedField,
        "methods",
        "has `actions`, not `methods`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nactions = [\"get\"]",
        MisplacedField,
        "actions",
        "has `methods`, not `actions`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nfile = \"m/x\"",
        MisplacedField,
        "file",
        "write a second rule",
    ),
    ("[tools]\ns = \"npx\"", WrongType, "\"npx\"", "a table with a `command`"),
    ("[tools.s]\ncwd = \"x\"", MissingField, "s", "has no `command` and no `url`"),
    ("[tools.s]\ncommand = [\"a\"]\nurl = \"https://a.example\"", MisplacedField, "s", "more than one of"),
    (
        "[tools.s]\ncommand = [\"a\"]\nprivate = true",
        MisplacedField,
        "private",
        "does not belong to a tool server with",
    ),
    (
        "[tools.s]\nurl = \"https://a.example\"\nenv = []",
        MisplacedField,
        "env",
        "does not belong to a tool server with",
    ),
    (
        "[tools.s]\nembedded = true\ncwd = \"x\"",
        MisplacedField,
        "cwd",
        "does not belong to a tool server with `embedded`",
    ),
    ("[tools.s]\nembedded = false", WrongType, "s", "is `true` or not there"),
    ("[tools.s]\nurl = \"http://a.example/mcp\"", BadResource, "\"http://a.example/mcp\"", "reached over `https://`"),
    ("[tools.s]\nurl = \"https://u:p@a.example/\"", BadResource, "\"https://u:p@a.example/\"", "`url`: "),
    ("[tools.s]\nurl = \"https://a.example/../b\"", BadResource, "\"https://a.example/../b\"", "`url`: "),
    ("[tools.s]\nurl = \"https://a.example//\"", BadResource, "\"https://a.example//\"", "`url`: "),
    ("[tools.s]\nurl = \"https://a.example/\"\nprivate = 1", WrongType, "1", "`true` or `false`"),
    ("[tools.s]\ncommand = \"npx\"", WrongType, "\"npx\"", "`command` takes a list"),
    ("[tools.s]\ncommand = []", BadCommand, "[]", "its first word is the program"),
    ("[tools.s]\ncommand = [\"\"]", BadCommand, "\"\"", "name is empty"),
    ("[tools.s]\ncommand = [\"a\", \"b\\u200bc\"]", BadCommand, "\"b\\u200bc\"", "b\\u{200b}c"),
    ("[tools.s]\ncommand = [\"a\"]\nenv = [\"A=b\"]", BadName, "\"A=b\"", "values are not written"),
    ("[tools.s]\ncommand = [\"a\"]\ncwd = \"\"", BadName, "\"\"", "the path of a folder"),
    ("[tools.s]\ncommand = [\"a\"]\nargs = []", UnknownField, "args", "its fields are `command`"),
    ("[tools.\"S t\"]\ncommand = [\"a\"]", BadName, "\"S t\"", "not a name for `tools`"),
    ("[[allow]]\nid = \"a\"\ntool = \"s/t\"", NoToolServer, "\"s/t\"", "add `[tools.s]`"),
    (
        "[[allow]]\nid = \"a\"\ntool = \"calender/t\"\n[tools.calendar]\ncommand = [\"a\"]",
        NoToolServer,
        "\"calender/t\"",
        "did you mean the tool server `calendar`?",
    ),
    ("[[allow]]\nid = \"a\"\ntool = \"s\"\n[tools.s]\ncommand = [\"a\"]", BadResource, "\"s\"", "exactly one segment"),
    (
        "[[allow]]\nid = \"a\"\ntool = \"s/t\"\nactions = [\"call\"]\n[tools.s]\ncommand = [\"a\"]",
        MisplacedField,
        "actions",
        "can only be called",
    ),
    (
        "[[allow]]\nid = \"a\"\ntool = \"s/t\"\nheaders = []\n[tools.s]\ncommand = [\"a\"]",
        MisplacedField,
        "headers",
        "belong to rules for `fetch`",
    ),
    (
        "[[deny]]\nid = \"a\"\ntool = \"s/t\"\nargs = {}\n[tools.s]\ncommand = [\"a\"]",
        MisplacedField,
        "args",
        "whatever the arguments",
    ),
    (
        "[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"read\"]\nargs = {}",
        MisplacedField,
        "args",
        "belongs to rules for `tool`",
    ),
    ("[[allow]]\nid = \"a\"\nargs = { n = 1 }\ntool = \"s/t\"", WrongType, "1", "a table such as"),
    (
        "[[allow]]\nid = \"a\"\nargs = { n = { mex = 1 } }\ntool = \"s/t\"",
        UnknownField,
        "mex",
        "its fields are `equals`",
    ),
    ("[[allow]]\nid = \"a\"\nargs = { n = { max = -1 } }\ntool = \"s/t\"", BadQuantity, "-1", "from 0 to 2^53"),
    ("[[allow]]\nid = \"a\"\nargs = { n = { in = [] } }\ntool = \"s/t\"", BadCondition, "", "one of nothing"),
    ("[[allow]]\nid = \"a\"\nargs = { n = { in = [1.5] } }\ntool = \"s/t\"", WrongType, "1.5", "or a boolean"),
    ("[[allow]]\nid = \"a\"\nargs = { n = { min = 2, max = 1 } }\ntool = \"s/t\"", BadCondition, "", "from 2 to 1"),
    ("[[allow]]\nid = \"a\"\nargs = { n = { optional = true } }\ntool = \"s/t\"", BadCondition, "", "says nothing"),
    (
        "[[allow]]\nid = \"a\"\nargs = { n = { min_length = 3, max_length = 2 } }\ntool = \"s/t\"",
        BadCondition,
        "",
        "of length 3",
    ),
    ("[[allow]]\nid = \"a\"\nargs = { n = { prefix = \"\" } }\ntool = \"s/t\"", BadCondition, "\"\"", "every string"),
    (
        "[[allow]]\nid = \"a\"\nargs = { n = { pattern = \"a)|(b\" } }\ntool = \"s/t\"",
        BadCondition,
        "\"a)|(b\"",
        "unopened group",
    ),
    ("[[allow]]\nid = \"a\"\nargs = { n = { type = \"int\" } }\ntool = \"s/t\"", BadCondition, "\"int\"", "`integer`"),
    ("[[allow]]\nid = \"a\"\nargs = { n = { type = 1 } }\ntool = \"s/t\"", WrongType, "1", "`type` takes a string"),
    ("[[allow]]\nid = \"a\"\nargs = { \"a..b\" = {} }\ntool = \"s/t\"", BadName, "\"a..b\"", "with dots between them"),
    (
        "[[allow]]\nid = \"a\"\nargs = { a.b = { max = 1 } }\ntool = \"s/t\"",
        UnknownField,
        "b",
        "a condition on an argument",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"a.example\"\nmethods = [\"POST\"]\nbody = {}",
        BadCondition,
        "{}",
        "`body` is empty",
    ),
    ("[[allow]]\nid = \"a\"\nfetch = \"a.example\"\nbody = { n = {} }", BadCondition, "body", "has no body"),
    ("[[allow]]\nid = \"a\"\ntool = \"s/t\"\nbody = { n = {} }", MisplacedField, "body", "rules for `fetch`"),
    ("[[allow]]\nid = \"a\"\nfetch = \"a.example\"\nargs = { n = {} }", MisplacedField, "args", "rules for `tool`"),
    ("[[deny]]\nid = \"a\"\nfetch = \"a.example\"\nbody = { n = {} }", MisplacedField, "body", "whatever the body"),
    ("[[allow]]\nid = \"a\"\nargs = { \"\" = {} }\ntool = \"s/t\"", BadName, "\"\"", "not the name of an argument"),
    ("[[deny]]\nid = \"A b\"\nfile = \"m/x\"", BadName, "\"A b\"", "`A b` is not an id"),
    ("ceiling = \"\"", BadName, "\"\"", "`ceiling` takes the name"),
    ("ceiling = \"a\u{202e}b\"", BadName, "\"a\u{202e}b\"", "the path of `ceiling` has an invisible"),
    ("ceiling = \"a\\u001bb\"", BadName, "\"a\\u001bb\"", "character: `a\\u{1b}b`"),
    (
        "ceiling = \"../org/Gr\u{f6}\u{df}e 1.toml\u{a0}\"",
        BadName,
        "\"../org/Gr\u{f6}\u{df}e 1.toml\u{a0}\"",
        "take it out",
    ),
    ("[[deny]]\nid = \"d\"\nfile = \"m/x\"\n[[deny]]\nid = \"d\"\nfile = \"m/y\"", DuplicateId, "\"d\"", "on line 6"),
    (
        "[[allow]]\nid = \"d\"\nfile = \"m/x\"\nactions = [\"read\"]\n[[deny]]\nid = \"d\"\nfile = \"m/y\"",
        DuplicateId,
        "\"d\"",
        "unique over `allow` and `deny`",
    ),
    ("[limits]\nfuel = 0", BadQuantity, "0", "zero does not mean unlimited"),
    ("[limits]\nmemory = \"0MiB\"", BadQuantity, "\"0MiB\"", "zero does not mean unlimited"),
    ("[limits]\ntimeout = \"0s\"", BadQuantity, "\"0s\"", "zero does not mean unlimited"),
    ("[limits]\noutput = 0", BadQuantity, "0", "zero does not mean unlimited"),
    ("[limits]\nhost_calls = 0", BadQuantity, "0", "zero does not mean unlimited"),
    ("[limits]\ndisk = \"0B\"", BadQuantity, "\"0B\"", "zero does not mean unlimited"),
    ("[limits]\nfiles = 0", BadQuantity, "0", "zero does not mean unlimited"),
    ("[limits]\nfuel = -1", BadQuantity, "-1", "negative or too large"),
    ("[limits]\ntimeout = \"30\"", BadQuantity, "\"30\"", "`\"30s\"`"),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nlimits = { response = 0 }", BadQuantity, "0", "zero"),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nlimits = { request = 0 }", BadQuantity, "0", "zero"),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nlimits = { timeout = 0 }", BadQuantity, "0", "zero"),
    ("[[deny]]\nid = \"d\"\nfetch = \"https://*.com/**\"", BadResource, "\"https://*.com/**\"", "public suffix"),
    ("[[deny]]\nid = \"d\"\nfetch = \"https://*/**\"", BadResource, "\"https://*/**\"", "must be named"),
    (
        "[[deny]]\nid = \"d\"\nfetch = \"ftp://a.example/x\"",
        BadResource,
        "\"ftp://a.example/x\"",
        "only https and http",
    ),
    (
        "[[deny]]\nid = \"d\"\nfetch = \"https://a.example/x/\"",
        BadResource,
        "\"https://a.example/x/\"",
        "empty segment",
    ),
    ("[[deny]]\nid = \"d\"\nfetch = \"https://a.example//\"", BadResource, "\"https://a.example//\"", "empty segment"),
    ("[[deny]]\nid = \"d\"\nfile = \"m/../x\"", BadResource, "\"m/../x\"", "`..`"),
    ("[[deny]]\nid = \"d\"\ncrypto = \"ring\"", BadResource, "\"ring\"", "exactly one segment"),
    ("[[allow]]\nid = \"d\"\ncrypto = \"-\"\nactions = [\"sign\"]", BadResource, "\"-\"", "take `-`"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nmethods = [\"post\"]",
        BadAction,
        "\"post\"",
        "did you mean `POST`?",
    ),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nmethods = []", BadAction, "[]", "is empty"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nmethods = [\"GET\", \"GET\"]",
        BadAction,
        "\"GET\"",
        "listed twice",
    ),
    ("[[allow]]\nid = \"a\"\nfile = \"m/x\"\nactions = [\"exec\"]", BadAction, "\"exec\"", "there are `read`"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nheaders = [\"Accept\"]",
        BadHeader,
        "\"Accept\"",
        "lower case",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nheaders = [\"host\"]",
        BadHeader,
        "\"host\"",
        "set by the host",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example\"\nheaders = [\"*\"]",
        BadHeader,
        "\"*\"",
        "not a header's name",
    ),
    ("[[allow]]\nid = \"a\"\nfile = \"n/x\"\nactions = [\"read\"]", NoMount, "\"n/x\"", "`[mounts]`: n = "),
    // Warnings.
    ("[[deny]]\nid = \"a\"\nfile = \"M/x\"", NoMount, "\"M/x\"", "there is no mount `M`"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n[[deny]]\nid = \"d\"\nfetch = \"https://a.example/*\"",
        Impossible,
        "[[allow]]",
        "can never allow",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/*\"\n[[allow]]\nid = \"b\"\nfetch = \"https://a.example/x\"\nprivate = true",
        Shadowed,
        "[[allow]]",
        "before `a`",
    ),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/x\"\n[[allow]]\nid = \"b\"\nfetch = \"https://a.example/*\"",
        Shadowed,
        "[[allow]]",
        "`b` has the same terms",
    ),
    ("[[allow]]\nid = \"a\"\nfetch = \"https://*.a.example/**\"", Broad, "[[allow]]", "every host below `a.example`"),
    (
        "[[allow]]\nid = \"a\"\nfetch = \"https://a.example/**\"\nmethods = [\"POST\"]",
        Broad,
        "[[allow]]",
        "methods that change",
    ),
    ("[[allow]]\nid = \"a\"\nfile = \"m/**\"\nactions = [\"delete\"]", Broad, "[[allow]]", "deleting everything"),
    (
        "[[deny]]\nid = \"d\"\nfetch = \"https://a.example/admin/**\"",
        DenyLeavesParent,
        "[[deny]]",
        "add a deny rule for `a.example/admin`",
    ),
];

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
    for (tail, code, pointed, words) in CASES {
        let text = format!("{HEAD}{tail}");
        let found = findings(&text);
        let of_code: Vec<_> = found.iter().filter(|finding| finding.code == *code).collect();
        let finding = of_code.iter().find(|finding| says(finding, words));
        let finding = finding.unwrap_or_else(|| panic!("{text}\nhas no {code} with {words:?}: {found:#?}"));
        if !pointed.is_empty() {
            assert_eq!(&text[finding.span.clone()], *pointed, "{text}\n{finding:#?}");
        }
    }
    for (text, code, words) in WHOLE {
        let found = findings(text);
        assert!(found.iter().any(|finding| finding.code == *code && says(finding, words)), "{text}\n{found:#?}");
    }
}

#[test]
fn every_sort_of_finding_has_a_case() {
    let tested: HashSet<_> = CASES.iter().map(|case| case.1).chain(WHOLE.iter().map(|case| case.1)).collect();
    // `NoFolder` is found by who looks at the disk; `BadMount` and `SecretReach` have tests of their own.
    let elsewhere = [TooLarge, TooDeep, TooManyRules, More, NoFolder, BadMount, SecretReach];
    for code in DiagnosticCode::ALL {
        assert!(tested.contains(code) || elsewhere.contains(code), "{code} has no case");
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
fn a_deny_rule_for_an_unknown_mount_is_only_doubtful() {
    let manifest = Manifest::parse(&format!("{HEAD}[[deny]]\nid = \"a\"\nfile = \"n/x\""), "m.toml").unwrap();
    assert_eq!(manifest.warnings().iter().map(|finding| finding.code).collect::<Vec<_>>(), [NoMount]);
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
