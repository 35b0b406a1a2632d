//! A manifest's text as a tree of values with places, the same for TOML and JSON. Syntax errors do not stop it.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{DiagnosticCode, Report};
use super::json;
use crate::text::Printable;

/// Deepest nesting of tables and lists; the schema itself needs four.
const MAX_DEPTH: usize = 16;

/// Where a value stands: a span, and in JSON also a path such as `allow[3].fetch`.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) span: Range<usize>,
    pub(super) path: Option<Arc<str>>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    /// `None` if it is negative or does not fit.
    Integer(Option<u64>),
    Boolean(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Something that no field takes: a float, a date, `null`.
    Other(&'static str),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Place {
    pub(super) fn at(span: Range<usize>) -> Place {
        Place { span, path: None }
    }
}

impl Value {
    pub(super) fn sort(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(sort) => sort,
        }
    }
}

/// Reads the text, as JSON if it starts with `{`. Of TOML with syntax errors, the rest is still read.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Vec<Entry>> {
    if text.trim_start().starts_with('{') {
        return json::read(text, report);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = clip(error.span().unwrap_or(0..text.len()), text);
        let (code, message) = match error.message() {
            "duplicate key" => {
                let key = text.get(span.clone()).unwrap_or_default();
                (DiagnosticCode::DuplicateField, format!("`{}` is defined twice", Printable(key)))
            }
            message => (DiagnosticCode::Syntax, Printable(message).to_string()),
        };
        report.error(code, &Place::at(span), message);
    }
    Some(table(document.into_inner(), 0, text, report))
}

fn table(table: DeTable<'_>, depth: usize, text: &str, report: &mut Report) -> Vec<Entry> {
    let entries = table.into_iter().map(|(key, value)| {
        let place = Place::at(clip(key.span(), text));
        let span = clip(value.span(), text);
        let node = node(value.into_inner(), span, depth + 1, text, report);
        Entry { key: key.into_inner().into_owned(), place, node }
    });
    entries.collect()
}

fn node(value: DeValue<'_>, span: Range<usize>, depth: usize, text: &str, report: &mut Report) -> Node {
    let place = Place::at(span);
    let value = match value {
        DeValue::Table(_) | DeValue::Array(_) if is_too_deep(depth) => too_deep(&place, report),
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(integer) => Value::Integer(u64::from_str_radix(integer.as_str(), integer.radix()).ok()),
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(inner) => Value::Table(table(inner, depth, text, report)),
        DeValue::Array(items) => {
            let items = items.into_iter();
            let items = items.map(|item| {
                let span = clip(item.span(), text);
                node(item.into_inner(), span, depth + 1, text, report)
            });
            Value::List(items.collect())
        }
    };
    Node { value, place }
}

pub(super) fn is_too_deep(depth: usize) -> bool {
    depth > MAX_DEPTH
}

pub(super) fn too_deep(place: &Place, report: &mut Report) -> Value {
    report.error(DiagnosticCode::TooDeep, place, format!("tables and lists are nested more than {MAX_DEPTH} deep"));
    Value::Other("a value nested too deeply")
}

/// A span that lies within the text, on character boundaries.
fn clip(span: Range<usize>, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}
