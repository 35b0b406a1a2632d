//! `args = { title = { max_length = 200 } }`, and `body` and `query` alike: what a rule demands.

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, list, wrong_type};
use super::tree::{Node, Value};
use crate::condition::{Condition, Conditions, Expression, Literal, MAX_BOUND, Part, Test, Type, is_argument};
use crate::query::Query;
use crate::text::{Printable, is_hidden};

/// Most arguments that one rule has conditions on.
const MAX_CONDITIONS: usize = 64;
/// Most values of one `in`.
const MAX_LITERALS: usize = 1000;
/// Most regular expressions of one manifest: each takes up to 64 KiB when it is compiled.
pub(super) const MAX_PATTERNS: usize = 256;

const CONDITION: Schema = Schema {
    what: "a condition on an argument",
    known: &["equals", "in", "min", "max", "min_length", "max_length", "prefix", "pattern", "type", "optional"],
    later: &[],
};

/// The conditions of a rule's `args` or `body`; those with errors are left out, and the errors reported. `patterns` is how
/// many more regular expressions there may be.
pub(super) fn read(fields: &Fields<'_>, part: Part, patterns: &mut usize, report: &mut Report) -> Conditions {
    let key = part.field();
    let entries = fields.table(key, report).unwrap_or_default();
    if let (true, Some(field)) = (entries.len() > MAX_CONDITIONS, fields.get(key)) {
        let message = format!("a rule has conditions on at most {MAX_CONDITIONS} arguments");
        report.error(DiagnosticCode::BadCondition, &field.node.place, message);
        return Conditions::default();
    }
    if let (true, Some(field)) = (entries.is_empty() && part == Part::Body, fields.get(key)) {
        let message = "`body` is empty; name at least one member that the body must have".to_owned();
        report.error(DiagnosticCode::BadCondition, &field.node.place, message);
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for entry in entries {
        let shown = Printable(&entry.key);
        if !is_argument(&entry.key) {
            let message = format!("`{shown}` is not the name of an argument");
            let help =
                "write its name, or for one within others their names with dots between them, at most 8".to_owned();
            report.error_with(DiagnosticCode::BadName, &entry.place, message, help);
        }
        if conditions.iter().any(|condition| condition.argument == entry.key) {
            report.error(DiagnosticCode::DuplicateField, &entry.place, format!("`{shown}` is defined twice"));
        }
        let condition = condition(&entry.key, &entry.node, patterns, report);
        let alone = matches!(&entry.node.value, Value::Table(members) if members.len() == 1);
        if alone && condition.as_ref().is_some_and(|condition| condition.optional) {
            let message = format!("the condition on `{shown}` says nothing; remove it");
            report.error(DiagnosticCode::BadCondition, &entry.node.place, message);
        }
        conditions.extend(condition);
    }
    Conditions { part, list: conditions }
}

/// The parameters that a rule's `query` names, and what they must be; `None` if it has no such field.
pub(super) fn read_query(fields: &Fields<'_>, patterns: &mut usize, report: &mut Report) -> Option<Query> {
    let field = fields.get("query")?;
    let entries = fields.table("query", report)?;
    if entries.len() > MAX_CONDITIONS {
        let message = format!("a rule has conditions on at most {MAX_CONDITIONS} parameters of a query");
        report.error(DiagnosticCode::BadCondition, &field.node.place, message);
        return None;
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for entry in entries {
        let shown = Printable(&entry.key);
        if entry.key.is_empty() || entry.key.len() > 256 || entry.key.chars().any(is_hidden) {
            let message = format!("`{shown}` is not the name of a parameter");
            report.error(DiagnosticCode::BadName, &entry.place, message);
        }
        if conditions.iter().any(|condition| condition.argument == entry.key) {
            report.error(DiagnosticCode::DuplicateField, &entry.place, format!("`{shown}` is defined twice"));
        }
        conditions.extend(condition(&entry.key, &entry.node, patterns, report));
    }
    Some(Query(conditions))
}

fn condition(argument: &str, node: &Node, patterns: &mut usize, report: &mut Report) -> Option<Condition> {
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
    let least = bound("min_length", &fields, report);
    let most = bound("max_length", &fields, report);
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        let message = format!("nothing is of length {least} or more and of length {most} or less");
        report.error(DiagnosticCode::BadCondition, &node.place, message);
    }
    tests.extend(least.map(Test::MinLength));
    tests.extend(most.map(Test::MaxLength));
    if let Some((prefix, place)) = fields.text("prefix", report) {
        if prefix.is_empty() {
            let message = "`prefix` is empty; every string starts so. `type = \"string\"` says as much".to_owned();
            report.error(DiagnosticCode::BadCondition, place, message);
        }
        tests.push(Test::Prefix(prefix.to_owned()));
    }
    tests.extend(pattern(&fields, patterns, report).map(Test::Pattern));
    tests.extend(kind(&fields, report).map(Test::Type));
    Some(Condition { argument: argument.to_owned(), optional, tests })
}

fn pattern(fields: &Fields<'_>, patterns: &mut usize, report: &mut Report) -> Option<Expression> {
    let (text, place) = fields.text("pattern", report)?;
    let Some(left) = patterns.checked_sub(1) else {
        let message = format!("a manifest has at most {MAX_PATTERNS} of `pattern`");
        report.error(DiagnosticCode::BadCondition, place, message);
        return None;
    };
    *patterns = left;
    let expression = Expression::new(text);
    expression
        .map_err(|why| {
            let message = format!("`pattern` takes a regular expression: {}", Printable(&why));
            report.error(DiagnosticCode::BadCondition, place, message);
        })
        .ok()
}

fn kind(fields: &Fields<'_>, report: &mut Report) -> Option<Type> {
    let (text, place) = fields.text("type", report)?;
    let kind = Type::ALL.into_iter().find(|kind| kind.as_str() == text);
    if kind.is_none() {
        let message = format!("`{}` is not a type of JSON", Printable(text));
        let names: Vec<&str> = Type::ALL.iter().map(|kind| kind.as_str()).collect();
        report.error_with(DiagnosticCode::BadCondition, place, message, format!("there are {}", list(&names)));
    }
    kind
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
