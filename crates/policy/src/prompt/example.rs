//! Short pieces of code that a run may execute as they stand, but for the names that stand for others.

use std::fmt::Write as _;

use super::{Dialect, Grant, Kind, Scope, fetch, sample};
use crate::columns::Within;
use crate::condition::Condition;
use crate::kind::ActionName;
use crate::pattern::{Authority, Piece};
use crate::text::is_hidden;

/// How values come in and go out.
pub(super) fn values(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Python => {
            "\n## Values\n\n\
             `input` holds the run's input (JSON; `None` when there is none) and `args` a list of strings. `print` writes output. \
             Set `result`, or end with an expression, to return a value; it must be JSON.\n\n\
             ```python\nresult = {\"given\": input}\n```\n"
        }
        Dialect::JavaScript => {
            "\n## Values\n\n\
             `input` holds the run's input (JSON; `null` when there is none) and `args` a list of strings. `console.log` writes \
             output. Set `result`, or end with an expression, to return a value; it must be JSON. `await` works everywhere.\n\n\
             ```javascript\nresult = { given: input };\n```\n"
        }
    }
}

/// What code sees when a call is refused.
pub(super) fn refusal(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Python => {
            "It raises `PermissionError`, whose `.code` says why, such as `deny.manifest.no_rule`. What is not there raises \
             `FileNotFoundError`, `ConnectionError` or another `OSError`; too much at once raises `bailiwick.LimitError`.\n"
        }
        Dialect::JavaScript => {
            "It throws an error with the name `NotAllowedError`, whose `.code` says why, such as `deny.manifest.no_rule`. What \
             fails otherwise has a name such as `NotFoundError`, and too much at once is a `QuotaExceededError`.\n"
        }
    }
}

/// One block of code for the things of a kind: the first of each action.
pub(super) fn section(dialect: Dialect, kind: Kind, grants: &[&Grant<'_>]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for action in kind.actions() {
        let granting = |grant: &&&Grant<'_>| grant.scope.actions().any(|own| own == *action);
        // Folders are listed rather by their own name than by that of something below.
        let exact = |grant: &&&Grant<'_>| !grant.scope.pattern().tail && granting(grant);
        let folder = grants.iter().find(exact).filter(|_| *action == ActionName::List);
        let Some(grant) = folder.or_else(|| grants.iter().find(granting)) else { continue };
        lines.extend(one(dialect, *action, grant));
    }
    if lines.is_empty() {
        return String::new();
    }
    let (name, imports) = match (dialect, kind) {
        (Dialect::JavaScript, _) => ("javascript", ""),
        (Dialect::Python, Kind::File) => ("python", "import os\nfrom pathlib import Path\n\n"),
        (Dialect::Python, Kind::Fetch) if lines.iter().any(|line| line.contains("bailiwick.")) => {
            ("python", "import bailiwick\nimport requests\n\n")
        }
        (Dialect::Python, Kind::Fetch) => ("python", "import requests\n\n"),
        (Dialect::Python, Kind::Crypto) => ("python", "from bailiwick import crypto\n\n"),
        (Dialect::Python, Kind::Tool) => ("python", ""),
        (Dialect::Python, _) => ("python", "import bailiwick\n\n"),
    };
    let imports = match kind {
        Kind::File if !lines.iter().any(|line| line.contains("os.")) => imports.trim_start_matches("import os\n"),
        Kind::File if !lines.iter().any(|line| line.contains("Path(")) => "import os\n\n",
        _ => imports,
    };
    let mut text = format!("\n```{name}\n{}", if dialect == Dialect::Python { imports } else { "" });
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text += "```\n";
    if kind == Kind::Fetch {
        text += &fetch::with_secret(dialect, grants);
    }
    text
}

fn one(dialect: Dialect, action: ActionName, grant: &Grant<'_>) -> Option<String> {
    let python = dialect == Dialect::Python;
    let scope = &grant.scope;
    let name = exact(scope);
    let quoted_name = quoted(&name);
    let (store, rest) = name.split_once('/').unwrap_or((&name, ""));
    let (store, rest) = (quoted(store), quoted(rest));
    Some(match (scope.kind(), action) {
        (Kind::File, ActionName::Read) if python => format!("text = Path({quoted_name}).read_text()"),
        (Kind::File, ActionName::Write) if python => format!("Path({quoted_name}).write_text(\"…\")"),
        (Kind::File, ActionName::List) if python => format!("names = os.listdir({quoted_name})"),
        (Kind::File, ActionName::Delete) if python => format!("Path({quoted_name}).unlink()"),
        (Kind::File, ActionName::Read) => format!("const text = bailiwick.files.readText({quoted_name});"),
        (Kind::File, ActionName::Write) => format!("bailiwick.files.write({quoted_name}, \"…\");"),
        (Kind::File, ActionName::List) => {
            format!("const names = bailiwick.files.list({quoted_name}).map((entry) => entry.name);")
        }
        (Kind::File, ActionName::Delete) => format!("bailiwick.files.remove({quoted_name});"),

        (Kind::Fetch, action) => fetch::one(python, action, grant)?,

        (Kind::Kv, ActionName::Get) if python => format!("value = bailiwick.kv({store}).get_json({rest})"),
        (Kind::Kv, ActionName::Set) if python => format!("bailiwick.kv({store}).set_json({rest}, {{\"count\": 1}})"),
        (Kind::Kv, ActionName::List) if python => format!("keys = bailiwick.kv({store}).list()"),
        (Kind::Kv, ActionName::Get) => format!("const value = bailiwick.kv({store}).getJson({rest});"),
        (Kind::Kv, ActionName::Set) => format!("bailiwick.kv({store}).set({rest}, {{ count: 1 }});"),
        (Kind::Kv, ActionName::List) => format!("const keys = bailiwick.kv({store}).list();"),
        (Kind::Kv, ActionName::Delete) if python => format!("bailiwick.kv({store}).delete({rest})"),
        (Kind::Kv, ActionName::Delete) => format!("bailiwick.kv({store}).delete({rest});"),

        (Kind::Sql, action) => sql(python, action, &name, &store, &grant.columns)?,
        (Kind::Crypto, action) => crypto(python, action, &quoted_name)?,
        (Kind::Tool, _) => tool(python, grant, &name),
        (Kind::Custom(kind), action) => {
            let values = arguments(python, &grant.conditions);
            let call = format!("bailiwick.call(\"{}\", \"{action}\", {quoted_name}, {values})", kind.as_str());
            if python { format!("answer = {call}") } else { format!("const answer = await {call};") }
        }
        _ => return None,
    })
}

fn sql(python: bool, action: ActionName, name: &str, database: &str, columns: &Within) -> Option<String> {
    let columns: Vec<String> = match columns {
        Within::All => Vec::new(),
        Within::These(columns) => columns.iter().take(5).map(|column| identifier(column)).collect(),
    };
    let wanted = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    let changed = columns.first().map_or("name", String::as_str);
    let table = identifier(name.split_once('/')?.1);
    let statement = match action {
        ActionName::Select => format!("select {wanted} from {table} limit 10"),
        ActionName::Insert => format!("insert into {table} (name) values (?)"),
        ActionName::Update => format!("update {table} set {changed} = ? where id = ?"),
        ActionName::Delete => format!("delete from {table} where id = ?"),
        _ => return None,
    };
    let values = match action {
        ActionName::Select => "",
        ActionName::Insert => ", [\"value\"]",
        ActionName::Update => ", [\"value\", 1]",
        _ => ", [1]",
    };
    let call = format!("bailiwick.sql({database}).query({}{values})", quoted(&statement));
    Some(match (action, python) {
        (ActionName::Select, true) => format!("rows = {call}.dicts()"),
        (ActionName::Select, false) => format!("const rows = {call};"),
        (_, true) => call,
        (_, false) => format!("{call};"),
    })
}

fn crypto(python: bool, action: ActionName, key: &str) -> Option<String> {
    let call = match (action, python) {
        (ActionName::Hash, true) => "digest = crypto.hash(\"sha256\", b\"message\").hex()".to_owned(),
        (ActionName::Random, true) => "token = crypto.random(32)".to_owned(),
        (ActionName::Hmac, true) => format!("tag = crypto.hmac({key}, b\"message\")"),
        (ActionName::Sign, true) => format!("signature = crypto.sign({key}, b\"message\")"),
        (ActionName::Verify, true) => format!("good = crypto.verify({key}, b\"message\", signature)"),
        (ActionName::Encrypt, true) => format!("sealed = crypto.encrypt({key}, b\"message\")"),
        (ActionName::Decrypt, true) => format!("message = crypto.decrypt({key}, sealed)"),
        (ActionName::Derive, true) => format!("derived = crypto.derive({key}, info=b\"purpose\")"),
        (ActionName::Hash, false) => "const digest = await bailiwick.crypto.hash(\"sha256\", \"message\");".to_owned(),
        (ActionName::Random, false) => "const token = await bailiwick.crypto.randomBytes(32);".to_owned(),
        (ActionName::Hmac, false) => format!("const tag = await bailiwick.crypto.hmac({key}, \"message\");"),
        (ActionName::Sign, false) => format!("const signature = await bailiwick.crypto.sign({key}, \"message\");"),
        (ActionName::Verify, false) => {
            format!("const good = await bailiwick.crypto.verify({key}, \"message\", signature);")
        }
        (ActionName::Encrypt, false) => format!("const sealed = await bailiwick.crypto.encrypt({key}, \"message\");"),
        (ActionName::Decrypt, false) => format!("const opened = await bailiwick.crypto.decrypt({key}, sealed);"),
        (ActionName::Derive, false) => {
            format!("const derived = await bailiwick.crypto.derive({key}, {{ info: \"purpose\" }});")
        }
        _ => return None,
    };
    Some(call)
}

/// A tool with a name of its own is called; of a server with many, they are listed.
fn tool(python: bool, grant: &Grant<'_>, name: &str) -> String {
    let (server, tool) = name.split_once('/').unwrap_or((name, ""));
    let server = member("tools", server);
    if grant.scope.pattern().segments.first() == Some(&Piece::Any) {
        return if python {
            format!("print(dir({server}))  # then help(…) on one of them")
        } else {
            format!("console.log(Object.keys({server}));")
        };
    }
    let tool = member(&server, tool);
    let values = arguments(python, &grant.conditions);
    if python {
        format!("help({tool})  # what it does, and which arguments it takes\nanswer = {tool}({values})")
    } else {
        format!(
            "const {{ description, schema }} = {tool}; // what it does, and which arguments it takes\n\
             const answer = await {tool}({values});"
        )
    }
}

/// The arguments that a rule speaks of, with values that it accepts as far as they are found.
fn arguments(python: bool, conditions: &[&Condition]) -> String {
    let members = sample::members(conditions);
    let given: Vec<(String, String)> =
        members.iter().map(|(name, value)| (name.clone(), sample::literal(python, value))).collect();
    match python {
        true if given.is_empty() => "name=\"…\"".to_owned(),
        true if given.iter().all(|(name, _)| is_name(name)) => {
            given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
        }
        true => format!("**{}", sample::object(true, &given)),
        false if given.is_empty() => "{ name: \"…\" }".to_owned(),
        false => sample::object(false, &given),
    }
}

/// A member of an object, after a dot if its name can be written so.
fn member(object: &str, name: &str) -> String {
    if is_name(name) { format!("{object}.{name}") } else { format!("{object}[{}]", quoted(name)) }
}

/// Whether Python and JavaScript both take it for a name that is none of their words. What begins with `_` may be something else.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !WORDS.contains(&text)
}

/// Words of Python that cannot name an attribute or an argument. In JavaScript every word may follow a dot.
const WORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// A resource that the scope covers, as code names it.
pub(super) fn exact(scope: &Scope) -> String {
    let pattern = scope.pattern();
    let raw = scope.kind() != Kind::Fetch;
    let mut text = match &pattern.authority {
        Authority::Site(site) => {
            let site = site.to_string().replace("*.", "www.");
            if site.starts_with("http://") { site } else { format!("https://{site}") }
        }
        Authority::Name(name) if scope.kind() == Kind::File => format!("/{name}"),
        Authority::Name(name) => name.clone(),
    };
    for piece in &pattern.segments {
        text.push('/');
        match piece {
            Piece::Any => text.push_str("example"),
            Piece::Literal(literal) if raw => text.push_str(literal),
            literal => text.push_str(&literal.to_string()),
        }
    }
    if pattern.tail {
        text.push_str("/example");
    }
    text
}

/// A string literal that means the same in Python and in JavaScript.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Both languages read four digits, and Python reads no pairs: what lies beyond is left out.
            c if is_hidden(c) && u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if is_hidden(c) => quoted.push('?'),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A name as SQL writes it.
fn identifier(name: &str) -> String {
    let plain =
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Literal, Test};

    fn example(scope: &str) -> String {
        exact(&Scope::parse(scope).unwrap())
    }

    #[test]
    fn an_example_is_covered_by_its_scope() {
        assert_eq!(example("file:read:in/2026/*/**"), "/in/2026/example/example");
        assert_eq!(example("fetch:get:*.example.org:8443/a%20b/*"), "https://www.example.org:8443/a%20b/example");
        assert_eq!(example("fetch:get:http://example.org"), "http://example.org");
        assert_eq!(example("kv:get:state/**"), "state/example");
        assert_eq!(example("crypto:sign:release/2026"), "release/2026");
    }

    #[test]
    fn literals_hide_nothing() {
        assert_eq!(quoted("a\"b\\c\n\u{202e}\u{e0041}é"), "\"a\\\"b\\\\c\\u000a\\u202e?é\"");
        assert_eq!(identifier("a b\"c"), "\"a b\"\"c\"");
        assert_eq!(identifier("a_1"), "a_1");
    }

    #[test]
    fn arguments_are_those_of_the_rule() {
        let condition = |argument: &str, tests| Condition { argument: argument.to_owned(), optional: false, tests };
        let message = condition("message", vec![Test::MaxLength(9)]);
        let many = condition("a b", vec![Test::Min(3), Test::Max(4)]);
        let sure = condition("sure", vec![Test::In(vec![Literal::Boolean(true)])]);
        assert_eq!(arguments(true, &[&message, &sure, &message]), "message=\"…\", sure=True");
        assert_eq!(arguments(false, &[&message, &sure]), "{ message: \"…\", sure: true }");
        assert_eq!(arguments(true, &[&many]), "**{\"a b\": 3}");
        assert_eq!(arguments(false, &[&many]), "{ \"a b\": 3 }");
        assert_eq!(arguments(true, &[]), "name=\"…\"");
        assert_eq!(member("tools", "every"), "tools.every");
        assert_eq!(member("tools", "import"), "tools[\"import\"]");
        assert_eq!(member("tools", "create-event"), "tools[\"create-event\"]");
    }
}
