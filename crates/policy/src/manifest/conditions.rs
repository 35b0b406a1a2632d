//! `args = { title = { max_length = 200 } }`: what a rule demands of arguments.

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, wrong_type};
use super::tree::{Node, Value};
use crate::argument::{Condition, Conditions, Literal, MAX_BOUND, Test};
use crate::text::{Printable, is_hidden};

/// Most arguments that one rule has conditions on.
const MAX_CONDITIONS: usize = 64;
/// Most values of one `in`.
const MAX_LITERALS: usize = 1000;
/// Longest name of an argument, in bytes.
const MAX_NAME: usize = 256;

const CONDITION: Schema = Schema {
    what: "a condition on an argument",
    known: &["equals", "in", "min", "max", "max_length", "optional"],
    later: &["pattern", "min_length", "prefix", "type"],
};

/// The conditions of a rule's `args`; those with errors are left out, and the errors reported.
pub(super) fn read(fields: &Fields<'_>, report: &mut Report) -> Conditions {
    let entries = fields.table("args", report).unwrap_or_default();
    if let (true, Some(field)) = (entries.len() > MAX_CONDITIONS, fields.get("args")) {
        let message = format!("a rule has conditions on at most {MAX_CONDITIONS} arguments");
        report.error(DiagnosticCode::BadCondition, &field.node.place, message);
        return Conditions::default();
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for entry in entries {
        let shown = Printable(&entry.key);
        if entry.key.is_empty() || entry.key.len() > MAX_NAME || entry.key.chars().any(is_hidden) {
            let message = format!("`{shown}` is not the name of an argument");
            report.error(DiagnosticCode::BadName, &entry.place, message);
        }
        if conditions.iter().any(|condition| condition.argument == entry.key) {
            report.error(DiagnosticCode::DuplicateField, &entry.place, format!("`{shown}` is defined twice"));
        }
        conditions.extend(condition(&entry.key, &entry.node, report));
    }
    Conditions(conditions)
}

fn condition(argument: &str, node: &Node, report: &mut Report) -> Option<Condition> {
    let Value::Table(entries) = &node.value else {
        return wrong_type(node, argument, "a table such as `{ max_length = 200 }`", report);
    };
    let fields = Fields::check(entries, &CONDITION, report);
    let optional = fields.boolean("optional", report).unwrap_or(false);
    let mut tests = Vec::new();
    if let Some(entry) = fields.get("equals") {
        tests.extend(literal("equals", &entry.node, report).map(|literal| Test::In(vec![literal])));
    }
    if let Some(items) = fields.list("in", report) {
        let message = match items.len() {
            0 => Some("`in` is empty; no argument is one of nothing".to_owned()),
            count if count > MAX_LITERALS => Some(format!("`in` lists at most {MAX_LITERALS} values")),
            _ => None,
        };
        if let Some(message) = message {
            report.error(DiagnosticCode::BadCondition, &node.place, message);
        }
        tests.push(Test::In(items.iter().filter_map(|item| literal("in", item, report)).collect()));
    }
    let min = bound("min", &fields, report);
    let max = bound("max", &fields, report);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        report.error(DiagnosticCode::BadCondition, &node.place, format!("no number is from {min} to {max}"));
    }
    tests.extend(min.map(Test::Min));
    tests.extend(max.map(Test::Max));
    tests.extend(bound("max_length", &fields, report).map(Test::MaxLength));
    if optional && entries.len() == 1 {
        let message = format!("the condition on `{}` says nothing; remove it", Printable(argument));
        report.error(DiagnosticCode::BadCondition, &node.place, message);
    }
    Some(Condition { argument: argument.to_owned(), optional, tests })
}

fn literal(key: &str, node: &Node, report: &mut Report) -> Option<Literal> {
    match &node.value {
        Value::Text(text) => Some(Literal::Text(text.clone())),
        Value::Boolean(boolean) => Some(Literal::Boolean(*boolean)),
        Value::Integer(_) => integer(key, node, report).map(Literal::Integer),
        _ => wrong_type(node, key, "a string, an integer or a boolean", report),
    }
}

fn bound(key: &str, fields: &Fields<'_>, report: &mut Report) -> Option<u64> {
    integer(key, &fields.get(key)?.node, report)
}

fn integer(key: &str, node: &Node, report: &mut Report) -> Option<u64> {
    match node.value {
        Value::Integer(Some(integer)) if integer <= MAX_BOUND => Some(integer),
        Value::Integer(_) => {
            let message = format!("`{key}` takes an integer from 0 to 2^53");
            report.error(DiagnosticCode::BadQuantity, &node.place, message);
            None
        }
        _ => wrong_type(node, key, "an integer", report),
    }
}
