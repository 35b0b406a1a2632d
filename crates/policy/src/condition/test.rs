//! What one value must be.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Value, json};

use super::expression::Expression;
use super::seen::Seen;
use crate::text::Printable;

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

impl Test {
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        self.holds(Seen::of_value(value))
    }

    pub(super) fn holds(&self, value: Seen<'_>) -> bool {
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
