//! The fields of one table: which are known, which come with a later version, and their values by type.

use std::num::NonZeroU64;
use std::time::Duration;

use super::diagnostic::{DiagnosticCode, Report};
use super::quantity::{self, QuantityError};
use super::tree::{Entry, Node, Place, Value};
use crate::text::Printable;

/// What a table may hold.
pub(super) struct Schema {
    /// For messages: `a rule`, `[limits]`.
    pub(super) what: &'static str,
    /// One that ends with `*` stands for all names that begin so; its reader checks them.
    pub(super) known: &'static [&'static str],
    /// Fields of later versions: refused, but not as unknown.
    pub(super) later: &'static [&'static str],
}

impl Schema {
    fn knows(&self, key: &str) -> bool {
        self.known.iter().any(|name| match name.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => *name == key,
        })
    }
}

/// A table whose keys were checked.
pub(super) struct Fields<'a> {
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// A table whose keys were checked elsewhere.
    pub(super) fn of(entries: &'a [Entry]) -> Fields<'a> {
        Fields { entries }
    }

    /// Reports every key that is unknown, not supported yet, or there twice.
    pub(super) fn check(entries: &'a [Entry], schema: &Schema, report: &mut Report) -> Fields<'a> {
        let mut seen = std::collections::HashSet::new();
        for entry in entries {
            if report.is_full() {
                break;
            }
            let key = entry.key.as_str();
            let shown = Printable(key);
            if !seen.insert(key) {
                report.error(DiagnosticCode::DuplicateField, &entry.place, format!("`{shown}` is defined twice"));
            }
            if schema.knows(key) {
                continue;
            }
            if schema.later.contains(&key) {
                let message = format!("`{shown}` is not supported yet by this version; remove it");
                report.error(DiagnosticCode::NotSupported, &entry.place, message);
                continue;
            }
            let message = format!("`{shown}` is not a field of {}", schema.what);
            let help = match nearest(key, schema.known) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("its fields are {}", list(schema.known)),
            };
            report.error_with(DiagnosticCode::UnknownField, &entry.place, message, help);
        }
        Fields { entries }
    }

    /// A table whose keys are names that its reader checks.
    pub(super) fn unchecked(entries: &'a [Entry]) -> Fields<'a> {
        Fields { entries }
    }

    /// The fields whose names begin so.
    pub(super) fn starting_with(&self, prefix: &str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.key.starts_with(prefix))
    }

    /// The field's key and value, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn text(&self, key: &str, report: &mut Report) -> Option<(&'a str, &'a Place)> {
        let entry = self.get(key)?;
        Some((as_text(&entry.node, key, report)?, &entry.node.place))
    }

    pub(super) fn boolean(&self, key: &str, report: &mut Report) -> Option<bool> {
        match self.get(key)?.node {
            Node { value: Value::Boolean(value), .. } => Some(value),
            ref node => wrong_type(node, key, "`true` or `false`", report),
        }
    }

    pub(super) fn list(&self, key: &str, report: &mut Report) -> Option<&'a [Node]> {
        match &self.get(key)?.node {
            Node { value: Value::List(items), .. } => Some(items),
            node => wrong_type(node, key, "a list", report),
        }
    }

    /// The strings of a list, each with its place; items of other types are reported.
    pub(super) fn texts(&self, key: &str, report: &mut Report) -> Option<Vec<(&'a str, &'a Place)>> {
        let items = self.list(key, report)?;
        let items = items.iter().filter_map(|item| Some((as_text(item, key, report)?, &item.place)));
        Some(items.collect())
    }

    pub(super) fn table(&self, key: &str, report: &mut Report) -> Option<&'a [Entry]> {
        match &self.get(key)?.node {
            Node { value: Value::Table(entries), .. } => Some(entries),
            node => wrong_type(node, key, "a table", report),
        }
    }

    pub(super) fn count(&self, key: &str, report: &mut Report) -> Option<NonZeroU64> {
        self.quantity(key, report, "an integer", |_| None, quantity::count)
    }

    pub(super) fn size(&self, key: &str, report: &mut Report) -> Option<NonZeroU64> {
        let expected = "a size such as `\"2MiB\"`";
        self.quantity(key, report, expected, |text| Some(quantity::size(text)), quantity::count)
    }

    pub(super) fn duration(&self, key: &str, report: &mut Report) -> Option<Duration> {
        let expected = "a duration such as `\"30s\"`";
        self.quantity(key, report, expected, |text| Some(quantity::duration(text)), quantity::seconds)
    }

    fn quantity<T>(
        &self,
        key: &str,
        report: &mut Report,
        expected: &str,
        from_text: impl Fn(&str) -> Option<Result<T, QuantityError>>,
        from_integer: impl Fn(Option<u64>) -> Result<T, QuantityError>,
    ) -> Option<T> {
        let node = &self.get(key)?.node;
        let read = match &node.value {
            Value::Text(text) => from_text(text),
            Value::Integer(value) => Some(from_integer(*value)),
            _ => None,
        };
        match read {
            None => wrong_type(node, key, expected, report),
            Some(Ok(value)) => Some(value),
            Some(Err(error)) => {
                report.error(DiagnosticCode::BadQuantity, &node.place, format!("`{key}`: {error}"));
                None
            }
        }
    }
}

pub(super) fn wrong_type<T>(node: &Node, key: &str, expected: &str, report: &mut Report) -> Option<T> {
    let message = format!("`{}` takes {expected}, not {}", Printable(key), node.value.sort());
    report.error(DiagnosticCode::WrongType, &node.place, message);
    None
}

/// `` `a`, `b`, `c` ``.
pub(super) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > 40 {
        return None;
    }
    let scored = known.iter().map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

fn as_text<'a>(node: &'a Node, key: &str, report: &mut Report) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => wrong_type(node, key, "a string", report),
    }
}
