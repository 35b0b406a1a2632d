//! What a call passes along besides its resource, and what a rule demands of it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Number, Value, json};

use crate::request::Passed;
use crate::resource::ResourceError;
use crate::text::Printable;

/// The arguments of a tool call: the members of one JSON object. Cheap to clone. Its `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Arguments(Arc<Map<String, Value>>);

/// What all of a rule's conditions together demand. Without conditions everything holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions(pub(crate) Vec<Condition>);

/// What one argument must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
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
    MaxLength(u64),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Integer(u64),
    Boolean(bool),
}

/// The first condition that does not hold, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch<'a> {
    argument: &'a str,
    /// `None` if the argument is missing.
    failed: Option<&'a Test>,
}

/// Integers up to this are compared exactly with every number that JSON can write.
pub(crate) const MAX_BOUND: u64 = 1 << 53;

impl Arguments {
    pub fn new(members: Map<String, Value>) -> Arguments {
        Arguments(Arc::new(members))
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`Code::Malformed`](crate::Code::Malformed) if it is none, or is nested more than 127 deep.
    pub fn parse(text: &str) -> Result<Arguments, ResourceError> {
        let members = serde_json::from_str(text);
        members.map(Arguments::new).map_err(|_| ResourceError::malformed("the arguments are not a JSON object"))
    }

    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl Conditions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is written, each with its arguments in the order in which they are checked.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.0.iter().map(|condition| (condition.argument.clone(), condition.to_json())).collect())
    }

    /// Whether what is passed is as demanded; if not, the first condition that fails.
    pub(crate) fn check(&self, passed: &Passed) -> Result<(), Mismatch<'_>> {
        match passed {
            Passed::Arguments(arguments) => self.0.iter().try_for_each(|condition| condition.check(arguments)),
            Passed::Anything => Ok(()),
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
                Test::MaxLength(most) => ("max_length", json!(most)),
            };
            members.insert(name.to_owned(), value);
        }
        if self.optional {
            members.insert("optional".to_owned(), json!(true));
        }
        Value::Object(members)
    }

    fn check(&self, arguments: &Arguments) -> Result<(), Mismatch<'_>> {
        let miss = |failed| Err(Mismatch { argument: &self.argument, failed });
        match arguments.0.get(&self.argument) {
            None if self.optional => Ok(()),
            None => miss(None),
            Some(value) => match self.tests.iter().find(|test| !test.holds(value)) {
                Some(test) => miss(Some(test)),
                None => Ok(()),
            },
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Test::In(literals), value) => literals.iter().any(|literal| literal.is(value)),
            (Test::Min(bound), Value::Number(number)) => compare(number, *bound).is_some_and(Ordering::is_ge),
            (Test::Max(bound), Value::Number(number)) => compare(number, *bound).is_some_and(Ordering::is_le),
            (Test::MaxLength(most), Value::String(text)) => text.chars().count() as u64 <= *most,
            (Test::MaxLength(most), Value::Array(items)) => items.len() as u64 <= *most,
            _ => false,
        }
    }
}

impl Literal {
    fn to_json(&self) -> Value {
        match self {
            Literal::Text(text) => json!(text),
            Literal::Integer(integer) => json!(integer),
            Literal::Boolean(boolean) => json!(boolean),
        }
    }

    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Literal::Text(literal), Value::String(text)) => literal == text,
            (Literal::Integer(literal), Value::Number(number)) => compare(number, *literal) == Some(Ordering::Equal),
            (Literal::Boolean(literal), Value::Bool(boolean)) => literal == boolean,
            _ => false,
        }
    }
}

/// A number of JSON against an integer of at most [`MAX_BOUND`]; exact.
fn compare(number: &Number, bound: u64) -> Option<Ordering> {
    if let Some(integer) = number.as_u64() {
        return Some(integer.cmp(&bound));
    }
    if number.is_i64() {
        // Not a `u64`, so negative.
        return Some(Ordering::Less);
    }
    number.as_f64()?.partial_cmp(&(bound as f64))
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arguments({})", self.0.len())
    }
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument `{}` ", Printable(self.argument))?;
        match self.failed {
            None => f.write_str("is missing"),
            Some(Test::In(literals)) => {
                let more = if literals.len() > 5 { ", …" } else { "" };
                let shown: Vec<String> = literals.iter().take(5).map(ToString::to_string).collect();
                write!(f, "is not among {}{more}", shown.join(", "))
            }
            Some(Test::Min(bound)) => write!(f, "is not a number of at least {bound}"),
            Some(Test::Max(bound)) => write!(f, "is not a number of at most {bound}"),
            Some(Test::MaxLength(most)) => write!(f, "is not a string or list of length {most} or less"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &str) -> Passed {
        Passed::Arguments(Arguments::parse(text).unwrap())
    }

    fn check(test: Test, value: &str) -> bool {
        let condition = Condition { argument: "a".into(), optional: false, tests: vec![test] };
        Conditions(vec![condition]).check(&passed(&format!("{{\"a\":{value}}}"))).is_ok()
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
            assert_eq!(check(Test::Max(5), value), at_most, "{value}");
        }
        for (value, at_least) in [("5", true), ("4", false), ("4.99", false), ("-5", false), ("1e300", true)] {
            assert_eq!(check(Test::Min(5), value), at_least, "{value}");
        }
    }

    #[test]
    fn lengths_count_characters_and_items() {
        for (value, fits) in [("\"ÄÖÜ\"", true), ("\"ÄÖÜx\"", false), ("[1,2,3]", true), ("[1,2,3,4]", false)] {
            assert_eq!(check(Test::MaxLength(3), value), fits, "{value}");
        }
        for value in ["1", "null", "{}"] {
            assert!(!check(Test::MaxLength(3), value), "{value}");
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
            assert_eq!(check(literals(), value), is_one, "{value}");
        }
    }

    #[test]
    fn an_argument_may_be_missing_only_if_it_is_optional() {
        let conditions =
            |optional| Conditions(vec![Condition { argument: "a".into(), optional, tests: vec![Test::Max(1)] }]);
        let none = passed("{}");
        assert_eq!(conditions(false).check(&none).unwrap_err().to_string(), "argument `a` is missing");
        assert_eq!(conditions(true).check(&none), Ok(()));
        let over = passed(r#"{"a":2}"#);
        assert!(conditions(true).check(&over).is_err());
        assert_eq!(Conditions::default().check(&over), Ok(()));
        assert_eq!(conditions(false).check(&Passed::Anything), Ok(()));
    }

    #[test]
    fn arguments_are_an_object_and_their_values_are_not_shown() {
        for text in ["", "[]", "1", "{} {}", "{", "null", &format!("{{\"a\":{}}}", "[".repeat(200))] {
            assert!(Arguments::parse(text).is_err(), "{text}");
        }
        let secret = Arguments::parse(r#"{"a":"hunter2"}"#).unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
