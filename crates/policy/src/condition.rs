//! What a rule demands of a call's arguments.

use std::cmp::Ordering;
use std::fmt;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};

use crate::argument::Arguments;
use crate::code::Code;
use crate::decimal::Decimal;
use crate::document::{self, Node, Unreadable};
use crate::request::Passed;
use crate::text::{Printable, is_hidden};

/// What all of a rule's conditions together demand. Without conditions everything holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) part: Part,
    pub(crate) list: Vec<Condition>,
}

/// Which part of a call they are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    Arguments,
    Body,
}

/// What one argument must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Its name, or the names that lead to it, with dots between them.
    pub(crate) argument: String,
    /// It may be left out.
    pub(crate) optional: bool,
    pub(crate) tests: Vec<Test>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// It is one of these.
    In(Vec<Literal>),
    Min(u64),
    Max(u64),
    /// Characters of a string, items of a list.
    MinLength(u64),
    MaxLength(u64),
    /// A string that starts so.
    Prefix(String),
    /// A string that is matched from beginning to end.
    Pattern(Expression),
    Type(Type),
    /// A number that can be added up: from 0, with at most six digits after the point.
    Amount,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Integer(u64),
    Boolean(bool),
}

/// The types of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
    Null,
}

/// A regular expression, compiled, that whole texts match. Linear in the length of both.
#[derive(Debug)]
pub(crate) struct Expression {
    text: String,
    whole: Regex,
}

/// The first condition that does not hold, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch<'a> {
    part: Part,
    why: Why<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Why<'a> {
    Unreadable(Unreadable),
    Missing(&'a str),
    /// There is one whose name differs in case alone, or has dots where the path has.
    Alike(&'a str),
    Failed(&'a str, &'a Test),
}

/// Integers up to this are compared exactly with every number that JSON can write.
pub(crate) const MAX_BOUND: u64 = 1 << 53;
/// Longest path to an argument, in bytes.
const MAX_PATH: usize = 256;
/// Most names of a path.
const MAX_NAMES: usize = 8;
/// Longest regular expression, in bytes.
pub(crate) const MAX_EXPRESSION: usize = 1024;
/// Longest string that a regular expression is tried on, in bytes; a longer one does not match.
const MAX_MATCHED: usize = 8 << 10;
/// Most bytes of a compiled expression, which bounds the work for each byte of a string.
const MAX_COMPILED: usize = 64 << 10;

impl Part {
    /// The field of a rule that holds the conditions.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Part::Arguments => "args",
            Part::Body => "body",
        }
    }
}

impl Conditions {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// As it is written, each with its arguments in the order in which they are checked.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.list.iter().map(|condition| (condition.argument.clone(), condition.to_json())).collect())
    }

    /// Whether what is passed is as demanded; if not, the first condition that fails.
    pub(crate) fn check(&self, passed: &Passed) -> Result<(), Mismatch<'_>> {
        match passed {
            Passed::Arguments(arguments) if !self.is_empty() => {
                self.check_given(arguments).map_err(|why| Mismatch { part: self.part, why })
            }
            // Nothing with columns has arguments.
            Passed::Columns(_) if !self.is_empty() => {
                self.check_given(&Arguments::default()).map_err(|why| Mismatch { part: self.part, why })
            }
            Passed::Arguments(_) | Passed::Columns(_) | Passed::Anything => Ok(()),
        }
    }

    /// The argument as an amount, in millionths, of a call that is accepted.
    pub(crate) fn amount(&self, argument: &str, passed: &Passed) -> Option<u64> {
        let Passed::Arguments(arguments) = passed else { return Some(0) };
        match find(self.members(arguments).ok()?, argument).ok()?? {
            Seen::Number(number) => number.amount(),
            _ => None,
        }
    }

    fn check_given(&self, arguments: &Arguments) -> Result<(), Why<'_>> {
        let members = self.members(arguments).map_err(Why::Unreadable)?;
        self.list.iter().try_for_each(|condition| condition.check(members))
    }

    fn members<'a>(&self, arguments: &'a Arguments) -> Result<Members<'a>, Unreadable> {
        match self.part {
            Part::Arguments => Ok(Members::Map(arguments.members())),
            Part::Body => arguments.body().map(Members::Document),
        }
    }
}

impl Condition {
    fn to_json(&self) -> Value {
        let mut members = Map::new();
        for test in &self.tests {
            let (name, value) = match test {
                Test::In(literals) => ("in", literals.iter().map(Literal::to_json).collect()),
                Test::Min(bound) => ("min", json!(bound)),
                Test::Max(bound) => ("max", json!(bound)),
                Test::MinLength(least) => ("min_length", json!(least)),
                Test::MaxLength(most) => ("max_length", json!(most)),
                Test::Prefix(prefix) => ("prefix", json!(prefix)),
                Test::Pattern(expression) => ("pattern", json!(expression.text)),
                Test::Type(kind) => ("type", json!(kind.as_str())),
                Test::Amount => ("amount", json!(true)),
            };
            members.insert(name.to_owned(), value);
        }
        if self.optional {
            members.insert("optional".to_owned(), json!(true));
        }
        Value::Object(members)
    }

    /// The first test that a text of a URL fails, where what is written as a number or a boolean may be meant as one.
    pub(crate) fn failed_by_text(&self, text: &str) -> Option<&Test> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        let number = if plain { Decimal::parse(text).map(Seen::Number) } else { None };
        let boolean = text.parse().ok().map(Seen::Boolean);
        let readings = [Some(Seen::Text(text)), number, boolean];
        self.tests.iter().find(|test| !readings.iter().flatten().any(|seen| test.holds(*seen)))
    }

    /// The first test that a text fails.
    pub(crate) fn failed_by(&self, text: &str) -> Option<&Test> {
        self.tests.iter().find(|test| !test.holds(Seen::Text(text)))
    }

    fn check(&self, members: Members<'_>) -> Result<(), Why<'_>> {
        match find(members, &self.argument).map_err(|Alike| Why::Alike(&self.argument))? {
            None if self.optional => Ok(()),
            None => Err(Why::Missing(&self.argument)),
            Some(value) => match self.tests.iter().find(|test| !test.holds(value)) {
                Some(test) => Err(Why::Failed(&self.argument, test)),
                None => Ok(()),
            },
        }
    }
}

/// Whether a text names an argument, or leads to one: names of at least one character, with dots between them.
pub(crate) fn is_argument(path: &str) -> bool {
    path.len() <= MAX_PATH
        && !path.chars().any(is_hidden)
        && path.split('.').all(|name| !name.is_empty())
        && path.split('.').count() <= MAX_NAMES
}

/// There is a member that others may take for the one that is looked for.
struct Alike;

/// The value at a path. On the way no object may have a member that a lenient reader takes for the next one: many compare names
/// without regard to case, and some take a name with dots for a path.
fn find<'a>(members: Members<'a>, path: &str) -> Result<Option<Seen<'a>>, Alike> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let confused = |other: &str| other != name && (is_alike(other, name) || (rest.is_some() && is_alike(other, path)));
    if members.any_name(confused) {
        return Err(Alike);
    }
    match (members.get(name), rest) {
        (Some(Seen::Object(inner)), Some(rest)) => find(inner, rest),
        (Some(_), Some(_)) => Ok(None),
        (found, _) => Ok(found),
    }
}

/// Whether two names are the same to who does not look at case.
fn is_alike(a: &str, b: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = char> {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
    }
    a.eq_ignore_ascii_case(b) || folded(a).eq(folded(b))
}

/// A value as conditions see it, whoever read it.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(&'a str),
    List(usize),
    Object(Members<'a>),
}

#[derive(Clone, Copy)]
enum Members<'a> {
    Map(&'a Map<String, Value>),
    Document(&'a document::Members),
}

impl<'a> Members<'a> {
    fn get(self, name: &str) -> Option<Seen<'a>> {
        match self {
            Members::Map(map) => map.get(name).and_then(Seen::of_value),
            Members::Document(members) => members.get(name).map(Seen::of_node),
        }
    }

    fn any_name(self, mut is: impl FnMut(&str) -> bool) -> bool {
        match self {
            Members::Map(map) => map.keys().any(|name| is(name)),
            Members::Document(members) => members.keys().any(|name| is(name)),
        }
    }
}

impl<'a> Seen<'a> {
    fn of_value(value: &'a Value) -> Option<Seen<'a>> {
        Some(match value {
            Value::Null => Seen::Null,
            Value::Bool(boolean) => Seen::Boolean(*boolean),
            // What is sent is this text.
            Value::Number(number) => Seen::Number(Decimal::parse(&number.to_string())?),
            Value::String(text) => Seen::Text(text),
            Value::Array(items) => Seen::List(items.len()),
            Value::Object(members) => Seen::Object(Members::Map(members)),
        })
    }

    fn of_node(node: &'a Node) -> Seen<'a> {
        match node {
            Node::Null => Seen::Null,
            Node::Boolean(boolean) => Seen::Boolean(*boolean),
            Node::Number(number) => Seen::Number(*number),
            Node::Text(text) => Seen::Text(text),
            Node::List(items) => Seen::List(*items),
            Node::Object(members) => Seen::Object(Members::Document(members)),
        }
    }

    /// Characters of a string, items of a list.
    fn length(self) -> Option<u64> {
        let length = match self {
            Seen::Text(text) => text.chars().count(),
            Seen::List(items) => items,
            _ => return None,
        };
        u64::try_from(length).ok()
    }
}

impl Test {
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        Seen::of_value(value).is_some_and(|seen| self.holds(seen))
    }

    fn holds(&self, value: Seen<'_>) -> bool {
        match (self, value) {
            (Test::In(literals), value) => literals.iter().any(|literal| literal.is(value)),
            (Test::Min(bound), Seen::Number(number)) => number.compare(*bound).is_ge(),
            (Test::Max(bound), Seen::Number(number)) => number.compare(*bound).is_le(),
            (Test::MinLength(least), value) => value.length().is_some_and(|length| length >= *least),
            (Test::MaxLength(most), value) => value.length().is_some_and(|length| length <= *most),
            (Test::Prefix(prefix), Seen::Text(text)) => text.starts_with(prefix),
            (Test::Pattern(expression), Seen::Text(text)) => expression.matches(text),
            (Test::Type(kind), value) => kind.is(value),
            (Test::Amount, Seen::Number(number)) => number.amount().is_some(),
            _ => false,
        }
    }
}

impl Literal {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Literal::Text(text) => json!(text),
            Literal::Integer(integer) => json!(integer),
            Literal::Boolean(boolean) => json!(boolean),
        }
    }

    fn is(&self, value: Seen<'_>) -> bool {
        match (self, value) {
            (Literal::Text(literal), Seen::Text(text)) => literal == text,
            (Literal::Integer(literal), Seen::Number(number)) => number.compare(*literal) == Ordering::Equal,
            (Literal::Boolean(literal), Seen::Boolean(boolean)) => *literal == boolean,
            _ => false,
        }
    }
}

impl Type {
    pub(crate) const ALL: [Type; 7] =
        [Type::String, Type::Number, Type::Integer, Type::Boolean, Type::Array, Type::Object, Type::Null];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Number => "number",
            Type::Integer => "integer",
            Type::Boolean => "boolean",
            Type::Array => "array",
            Type::Object => "object",
            Type::Null => "null",
        }
    }

    fn is(self, value: Seen<'_>) -> bool {
        match (self, value) {
            (Type::Integer, Seen::Number(number)) => number.is_integer(),
            (Type::String, Seen::Text(_))
            | (Type::Number, Seen::Number(_))
            | (Type::Boolean, Seen::Boolean(_))
            | (Type::Array, Seen::List(_))
            | (Type::Object, Seen::Object(_))
            | (Type::Null, Seen::Null) => true,
            _ => false,
        }
    }
}

impl Expression {
    /// # Errors
    /// What is wrong with it, in a line.
    pub(crate) fn new(text: &str) -> Result<Expression, String> {
        if text.len() > MAX_EXPRESSION {
            return Err(format!("it is longer than {MAX_EXPRESSION} bytes"));
        }
        let compile = |text: &str| {
            let built = RegexBuilder::new(text).size_limit(MAX_COMPILED).dfa_size_limit(1 << 20).nest_limit(50).build();
            built.map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
                error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            })
        };
        // By itself first: a `)` of its own must not end the group around it.
        compile(text)?;
        let whole = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Expression { text: text.to_owned(), whole })
    }

    fn matches(&self, text: &str) -> bool {
        text.len() <= MAX_MATCHED && self.whole.is_match(text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Mismatch<'_> {
    /// The reason of a refusal, where it is not in the arguments but in how they are passed.
    pub(crate) fn code(&self) -> Option<Code> {
        matches!(self.why, Why::Unreadable(_)).then_some(Code::RequestBody)
    }
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.part {
            Part::Arguments => "argument",
            Part::Body => "member",
        };
        match self.why {
            Why::Unreadable(why) => write!(f, "the conditions on the body cannot be checked: {why}"),
            Why::Missing(name) => write!(f, "{what} `{}` is missing", Printable(name)),
            Why::Alike(name) => {
                write!(f, "another {what} may be taken for `{}`: their names are alike", Printable(name))
            }
            Why::Failed(name, test) => write!(f, "{what} `{}` {test}", Printable(name)),
        }
    }
}

/// What a value that fails it is.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::In(literals) => {
                let more = if literals.len() > 5 { ", …" } else { "" };
                let shown: Vec<String> = literals.iter().take(5).map(ToString::to_string).collect();
                write!(f, "is not among {}{more}", shown.join(", "))
            }
            Test::Min(bound) => write!(f, "is not a number of at least {bound}"),
            Test::Max(bound) => write!(f, "is not a number of at most {bound}"),
            Test::MinLength(least) => write!(f, "is not a string or list of length {least} or more"),
            Test::MaxLength(most) => write!(f, "is not a string or list of length {most} or less"),
            Test::Prefix(prefix) => write!(f, "is not a string that starts with `{}`", Printable(prefix)),
            Test::Pattern(expression) => write!(f, "is not a string that all of `{expression}` matches"),
            Test::Type(kind) => write!(f, "is not of type `{}`", kind.as_str()),
            Test::Amount => {
                f.write_str("is added up, and is not a number from 0 with at most six digits after the point")
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => write!(f, "`{}`", Printable(text)),
            Literal::Integer(integer) => write!(f, "`{integer}`"),
            Literal::Boolean(boolean) => write!(f, "`{boolean}`"),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.text).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn passed(text: &str) -> Passed {
        Passed::Arguments(Arguments::parse(text).unwrap())
    }

    fn body(text: &str) -> Passed {
        let headers = [("content-type", &b"application/json"[..])];
        Passed::Arguments(Arguments::of_body(headers, Bytes::copy_from_slice(text.as_bytes())))
    }

    fn on(part: Part, argument: &str, test: Test) -> Conditions {
        Conditions { part, list: vec![Condition { argument: argument.into(), optional: false, tests: vec![test] }] }
    }

    /// Both parts see the same.
    fn check(test: impl Fn() -> Test, value: &str) -> bool {
        let text = format!("{{\"a\":{value}}}");
        let seen = [
            on(Part::Arguments, "a", test()).check(&passed(&text)).is_ok(),
            on(Part::Body, "a", test()).check(&body(&text)).is_ok(),
        ];
        assert_eq!(seen[0], seen[1], "{value}");
        seen[0]
    }

    #[test]
    fn numbers_are_compared_exactly() {
        for (value, at_most) in [
            ("5", true),
            ("5.0", true),
            ("6", false),
            ("5.0000000001", false),
            ("-1", true),
            ("-1e300", true),
            ("1e300", false),
            ("18446744073709551615", false),
            ("99999999999999999999", false),
            ("\"5\"", false),
            ("null", false),
            ("true", false),
            ("[5]", false),
        ] {
            assert_eq!(check(|| Test::Max(5), value), at_most, "{value}");
        }
        for (value, at_least) in [("5", true), ("4", false), ("4.99", false), ("-5", false), ("1e300", true)] {
            assert_eq!(check(|| Test::Min(5), value), at_least, "{value}");
        }
        // A body goes out as it was written, and not as a float would have it.
        for (value, at_most) in [("5.00000000000000000001", false), ("1e400", false), ("-1e-400", true)] {
            assert_eq!(on(Part::Body, "a", Test::Max(5)).check(&body(&format!("{{\"a\":{value}}}"))).is_ok(), at_most);
        }
        assert!(on(Part::Body, "a", Test::Min(0)).check(&body(r#"{"a":-1e-400}"#)).is_err());
    }

    #[test]
    fn lengths_count_characters_and_items() {
        for (value, fits) in [("\"ÄÖÜ\"", true), ("\"ÄÖÜx\"", false), ("[1,2,3]", true), ("[1,2,3,4]", false)] {
            assert_eq!(check(|| Test::MaxLength(3), value), fits, "{value}");
        }
        for (value, fits) in [("\"ÄÖÜ\"", true), ("\"ÄÖ\"", false), ("[1,2,3]", true), ("[1,2]", false)] {
            assert_eq!(check(|| Test::MinLength(3), value), fits, "{value}");
        }
        for value in ["1", "null", "{}"] {
            assert!(!check(|| Test::MaxLength(3), value) && !check(|| Test::MinLength(0), value), "{value}");
        }
    }

    #[test]
    fn literals_are_equal_by_type_and_value() {
        let literals = || Test::In(vec![Literal::Text("EUR".into()), Literal::Integer(7), Literal::Boolean(false)]);
        for (value, is_one) in [
            ("\"EUR\"", true),
            ("\"eur\"", false),
            ("7", true),
            ("7.0", true),
            ("7.5", false),
            ("\"7\"", false),
            ("false", true),
            ("0", false),
            ("[\"EUR\"]", false),
        ] {
            assert_eq!(check(literals, value), is_one, "{value}");
        }
    }

    #[test]
    fn prefixes_are_of_strings() {
        for (value, starts) in
            [("\"DE12\"", true), ("\"DE\"", true), ("\"de12\"", false), ("[\"DE\"]", false), ("1", false)]
        {
            assert_eq!(check(|| Test::Prefix("DE".into()), value), starts, "{value}");
        }
    }

    #[test]
    fn patterns_match_whole_strings() {
        let cases = [
            ("a|b", "\"a\"", true),
            ("a|b", "\"ab\"", false),
            ("a|ab", "\"ab\"", true),
            ("[A-Z]{2}", "\"XY\"", true),
            ("[A-Z]{2}", "\"XYZ\"", false),
            ("[A-Z]{2}", "\"XY\\n\"", false),
            ("(?m)^a$", "\"x\\na\"", false),
            ("(?i)abc", "\"ABC\"", true),
            ("^a$", "\"a\"", true),
            (".*", "\"a\\nb\"", false),
            ("(?s).*", "\"a\\nb\"", true),
            ("", "\"\"", true),
            ("", "\"a\"", false),
            ("5", "5", false),
        ];
        for (pattern, value, matches) in cases {
            let test = || Test::Pattern(Expression::new(pattern).unwrap());
            assert_eq!(check(test, value), matches, "{pattern} {value}");
        }
        let long = |length: usize| {
            check(|| Test::Pattern(Expression::new("a*").unwrap()), &format!("\"{}\"", "a".repeat(length)))
        };
        assert!(long(MAX_MATCHED) && !long(MAX_MATCHED + 1));
    }

    #[test]
    fn patterns_cannot_escape_their_anchors_or_take_the_host_down() {
        for pattern in ["a)|(b", "(", "[", "(?P<n", "a{1000}{1000}", "\\w{9999}", "(?x)a #", "\\1", "(?=a)", "*"] {
            let why = Expression::new(pattern).expect_err(pattern);
            assert!(!why.is_empty() && !why.contains('\n'), "{pattern}: {why}");
        }
        assert!(Expression::new(&"(".repeat(200)).is_err());
        assert!(Expression::new(&"a".repeat(MAX_EXPRESSION + 1)).is_err());
    }

    #[test]
    fn types_are_those_of_json() {
        let values = [
            ("\"5\"", "string"),
            ("5", "number integer"),
            ("5.0", "number integer"),
            ("5.5", "number"),
            ("true", "boolean"),
            ("[]", "array"),
            ("{}", "object"),
            ("null", "null"),
        ];
        for (value, types) in values {
            for kind in Type::ALL {
                assert_eq!(
                    check(|| Test::Type(kind), value),
                    types.split(' ').any(|name| name == kind.as_str()),
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn an_argument_may_be_missing_only_if_it_is_optional() {
        let conditions = |optional| Conditions {
            part: Part::Arguments,
            list: vec![Condition { argument: "a".into(), optional, tests: vec![Test::Max(1)] }],
        };
        let none = passed("{}");
        assert_eq!(conditions(false).check(&none).unwrap_err().to_string(), "argument `a` is missing");
        assert_eq!(conditions(true).check(&none), Ok(()));
        let over = passed(r#"{"a":2}"#);
        assert!(conditions(true).check(&over).is_err());
        assert_eq!(Conditions::default().check(&over), Ok(()));
        assert_eq!(conditions(false).check(&Passed::Anything), Ok(()));
    }

    #[test]
    fn paths_lead_into_objects_and_nowhere_else() {
        for part in [Part::Arguments, Part::Body] {
            let given = |text: &str| if part == Part::Body { body(text) } else { passed(text) };
            let conditions = on(part, "payment.amount", Test::Max(5));
            let message = |text: &str| conditions.check(&given(text)).map_err(|mismatch| mismatch.to_string());
            assert_eq!(message(r#"{"payment":{"amount":5},"x":1}"#), Ok(()));
            assert!(message(r#"{"payment":{"amount":6}}"#).unwrap_err().contains("at most 5"));
            for missing in [r#"{"payment":5}"#, r#"{"payment":[{"amount":5}]}"#, r#"{"payment":{}}"#, "{}"] {
                assert!(message(missing).unwrap_err().contains("is missing"), "{missing}");
            }
            for alike in [
                r#"{"payment":{"amount":5},"Payment":{"amount":500}}"#,
                r#"{"payment":{"amount":5,"AMOUNT":500}}"#,
                r#"{"payment":{"amount":5},"payment.amount":500}"#,
                r#"{"Payment.Amount":500,"payment":{"amount":5}}"#,
            ] {
                assert!(message(alike).unwrap_err().contains("alike"), "{alike}");
            }
        }
    }

    #[test]
    fn names_that_others_read_alike_are_refused() {
        let conditions = || {
            let optional = Condition { argument: "kind".into(), optional: true, tests: vec![Test::Prefix("x".into())] };
            Conditions { part: Part::Body, list: vec![optional] }
        };
        assert_eq!(conditions().check(&body(r#"{"kinds":"y"}"#)), Ok(()));
        // The sign for kelvin is a `k` to who folds case.
        for text in [r#"{"Kind":"y"}"#, r#"{"KIND":"y"}"#, "{\"\u{212a}ind\":\"y\"}", r#"{"k\u0131nd":"y"}"#] {
            assert!(conditions().check(&body(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_fails_every_condition() {
        let conditions = Conditions {
            part: Part::Body,
            list: vec![Condition { argument: "a".into(), optional: true, tests: vec![Test::Max(1)] }],
        };
        for text in ["", "[]", "{\"a\":1", r#"{"a":1,"a":1}"#] {
            let mismatch = conditions.check(&body(text)).unwrap_err();
            assert_eq!(mismatch.code(), Some(Code::RequestBody), "{text}");
        }
        assert_eq!(conditions.check(&passed("{}")).unwrap_err().code(), Some(Code::RequestBody));
        assert_eq!(conditions.check(&body("{\"a\":2}")).unwrap_err().code(), None);
    }
}
