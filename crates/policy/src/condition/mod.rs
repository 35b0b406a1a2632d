//! What a rule demands of a call's arguments.

mod expression;
mod seen;
mod test;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value, json};

use crate::argument::Arguments;
use crate::code::Code;
use crate::decimal::Decimal;
use crate::document::Unreadable;
use crate::request::Passed;
use crate::text::{Printable, is_hidden};
pub(crate) use expression::Expression;
use seen::{Alike, Members, Seen, find};
pub(crate) use test::{Literal, Test, Type};

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
    /// It is a number that nobody can compare with anything.
    Number(&'a str),
    Failed(&'a str, &'a Test),
}

/// Integers up to this are compared exactly with every number that JSON can write.
pub(crate) const MAX_BOUND: u64 = 1 << 53;
/// Longest path to an argument, in bytes.
const MAX_PATH: usize = 256;
/// Most names of a path.
const MAX_NAMES: usize = 8;

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
            Seen::Unreadable | Seen::Null | Seen::Boolean(_) | Seen::Text(_) | Seen::List(_) | Seen::Object(_) => None,
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
        self.check_value(find(members, &self.argument).map_err(|Alike| Why::Alike(&self.argument))?)
    }

    fn check_value(&self, found: Option<Seen<'_>>) -> Result<(), Why<'_>> {
        match found {
            None if self.optional => Ok(()),
            None => Err(Why::Missing(&self.argument)),
            // Also without a test: it is not what the rule's author had in mind.
            Some(Seen::Unreadable) => Err(Why::Number(&self.argument)),
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
            Why::Number(name) => {
                write!(f, "{what} `{}` is a number that cannot be read", Printable(name))
            }
            Why::Alike(name) => {
                write!(f, "another {what} may be taken for `{}`: their names are alike", Printable(name))
            }
            Why::Failed(name, test) => write!(f, "{what} `{}` {test}", Printable(name)),
        }
    }
}
