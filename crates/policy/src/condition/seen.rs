//! Values as conditions see them, and how they are found.

use serde_json::{Map, Value};

use crate::decimal::Decimal;
use crate::document::{self, Node};

/// There is a member that others may take for the one that is looked for.
pub(super) struct Alike;

/// The value at a path. On the way no object may have a member that a lenient reader takes for the next one: many compare names
/// without regard to case, and some take a name with dots for a path.
pub(super) fn find<'a>(members: Members<'a>, path: &str) -> Result<Option<Seen<'a>>, Alike> {
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
pub(super) enum Seen<'a> {
    Null,
    Boolean(bool),
    Number(Decimal),
    /// A number that cannot be compared exactly. It is there, and no test holds of it.
    Unreadable,
    Text(&'a str),
    List(usize),
    Object(Members<'a>),
}

#[derive(Clone, Copy)]
pub(super) enum Members<'a> {
    Map(&'a Map<String, Value>),
    Document(&'a document::Members),
}

impl<'a> Members<'a> {
    fn get(self, name: &str) -> Option<Seen<'a>> {
        match self {
            Members::Map(map) => map.get(name).map(Seen::of_value),
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
    pub(super) fn of_value(value: &'a Value) -> Seen<'a> {
        match value {
            Value::Null => Seen::Null,
            Value::Bool(boolean) => Seen::Boolean(*boolean),
            // What is sent is this text.
            Value::Number(number) => Seen::of_number(&number.to_string()),
            Value::String(text) => Seen::Text(text),
            Value::Array(items) => Seen::List(items.len()),
            Value::Object(members) => Seen::Object(Members::Map(members)),
        }
    }

    /// A number as it is written.
    pub(super) fn of_number(text: &str) -> Seen<'a> {
        Decimal::parse(text).map_or(Seen::Unreadable, Seen::Number)
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
    pub(super) fn length(self) -> Option<u64> {
        let length = match self {
            Seen::Text(text) => text.chars().count(),
            Seen::List(items) => items,
            Seen::Null | Seen::Boolean(_) | Seen::Number(_) | Seen::Unreadable | Seen::Object(_) => return None,
        };
        u64::try_from(length).ok()
    }
}
