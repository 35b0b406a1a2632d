//! The JSON form of a manifest: the same tree, with paths in place of spans. Duplicate members are kept, to be refused.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::diagnostic::{DiagnosticCode, Report};
use super::tree::{Entry, Node, Place, Value, is_too_deep, too_deep};
use crate::text::Printable;

/// Reads one JSON object.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Vec<Entry>> {
    let deep = Cell::new(false);
    let mut source = serde_json::Deserializer::from_str(text);
    let seed = Seed { depth: 0, path: "", whole: text.len(), deep: &deep };
    let read = seed.deserialize(&mut source).and_then(|node| source.end().map(|()| node));
    match read {
        Ok(Node { value: Value::Table(entries), .. }) => return Some(entries),
        Ok(node) => report.error(DiagnosticCode::Syntax, &node.place, "a manifest is one JSON object".into()),
        Err(_) if deep.get() => {
            too_deep(&Place::at(0..text.len()), report);
        }
        Err(error) => {
            let at = offset(text, error.line(), error.column());
            report.error(DiagnosticCode::Syntax, &Place::at(at..at), Printable(&error.to_string()).to_string());
        }
    }
    None
}

struct Seed<'a> {
    depth: usize,
    path: &'a str,
    whole: usize,
    deep: &'a Cell<bool>,
}

impl Seed<'_> {
    fn node(&self, value: Value) -> Node {
        Node { value, place: self.place(self.path) }
    }

    fn place(&self, path: &str) -> Place {
        Place { span: 0..self.whole, path: (!path.is_empty()).then(|| Arc::from(path)) }
    }

    fn below<'b>(&'b self, path: &'b str) -> Seed<'b> {
        Seed { depth: self.depth + 1, path, whole: self.whole, deep: self.deep }
    }

    fn enter<E: serde::de::Error>(&self) -> Result<(), E> {
        if is_too_deep(self.depth) {
            self.deep.set(true);
            return Err(E::custom("nested too deeply"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Node, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a manifest")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(self.node(Value::Boolean(value)))
    }

    fn visit_i64<E>(self, _negative: i64) -> Result<Node, E> {
        Ok(self.node(Value::Integer(None)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(self.node(Value::Integer(Some(value))))
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Node, E> {
        Ok(self.node(Value::Other("a float")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(self.node(Value::Text(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(self.node(Value::Other("null")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.enter()?;
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match items.next_element_seed(self.below(&path))? {
                Some(node) => list.push(node),
                None => return Ok(self.node(Value::List(list))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        self.enter()?;
        let mut entries = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            if key.len() > 256 {
                return Err(A::Error::custom("a member's name is longer than 256 bytes"));
            }
            let dot = if self.path.is_empty() { "" } else { "." };
            let path = format!("{}{dot}{}", self.path, Printable(&key));
            let node = members.next_value_seed(self.below(&path))?;
            entries.push(Entry { key, place: self.place(&path), node });
        }
        Ok(self.node(Value::Table(entries)))
    }
}

/// The byte at a line and column, both of which count from one.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary(before.saturating_add(column.saturating_sub(1)))
}
