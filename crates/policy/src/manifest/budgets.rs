//! `limits = { calls = "60/min", rate = "5/s", sum = { arg = "amount", max = 20000, per = "24h" } }` of an allow rule.

use std::num::NonZeroU64;

use super::diagnostic::{DiagnosticCode, Report};
use super::fields::{Fields, Schema, wrong_type};
use super::tree::{Node, Value};
use crate::allowance::{Allowance, Calls, MAX_SUM, Rate, Sum, Window};
use crate::condition::{Condition, Conditions, Literal, Part, Test};
use crate::decimal::UNIT;
use crate::text::Printable;

const SUM: Schema = Schema { what: "`sum`", known: &["arg", "max", "per"], later: &[] };

/// What one rule has, if it has any. A sum makes its argument an amount, which is one more condition.
pub(super) fn read(limits: &Fields<'_>, conditions: &mut Conditions, report: &mut Report) -> Option<Allowance> {
    let calls = limits.get("calls").and_then(|entry| calls(&entry.node, report));
    let rate = limits.get("rate").and_then(|entry| rate(&entry.node, report));
    let sum = limits.get("sum").and_then(|entry| sum(&entry.node, conditions, report));
    // The id of the manifest is the reader's to add.
    (calls.is_some() || rate.is_some() || sum.is_some()).then(|| Allowance {
        manifest: String::new(),
        calls,
        rate,
        sum,
    })
}

fn calls(node: &Node, report: &mut Report) -> Option<Calls> {
    match &node.value {
        Value::Integer(Some(max)) => {
            let calls = NonZeroU64::new(*max).map(|max| Calls { max, per: Window::Run });
            calls.or_else(|| bad_calls(node, report))
        }
        Value::Integer(None) => bad_calls(node, report),
        Value::Text(text) => match ratio(text) {
            Some((max, per)) => Some(Calls { max, per }),
            None => bad_calls(node, report),
        },
        _ => wrong_type(node, "calls", "a number of calls, or text such as `\"60/min\"`", report),
    }
}

fn bad_calls<T>(node: &Node, report: &mut Report) -> Option<T> {
    let message =
        "write `calls` as a number for each run, or as in `\"60/min\"` (`s`, `10s`, `min`, `h`, `24h`, at most `744h`)";
    report.error(DiagnosticCode::BadQuantity, &node.place, message.to_owned());
    None
}

fn rate(node: &Node, report: &mut Report) -> Option<Rate> {
    let Value::Text(text) = &node.value else {
        return wrong_type(node, "rate", "text such as `\"5/s\"`", report);
    };
    match ratio(text) {
        Some((calls, Window::Last(per))) => Some(Rate { calls, per }),
        _ => {
            let message = "write `rate` as in `\"5/s\"` (`s`, `10s`, `min`, `h`)".to_owned();
            report.error(DiagnosticCode::BadQuantity, &node.place, message);
            None
        }
    }
}

/// `60/min`.
fn ratio(text: &str) -> Option<(NonZeroU64, Window)> {
    let (number, window) = text.split_once('/')?;
    let number = if number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse().ok()? } else { return None };
    Some((number, Window::parse(window)?))
}

fn sum(node: &Node, conditions: &mut Conditions, report: &mut Report) -> Option<Sum> {
    let Value::Table(entries) = &node.value else {
        return wrong_type(node, "sum", "a table such as `{ arg = \"amount\", max = 20000, per = \"24h\" }`", report);
    };
    let fields = Fields::check(entries, &SUM, report);
    for key in SUM.known {
        if fields.get(key).is_none() {
            let message = format!("`sum` has no `{key}`");
            let help = "write it as in `sum = { arg = \"amount\", max = 20000, per = \"24h\" }`".to_owned();
            report.error_with(DiagnosticCode::MissingField, &node.place, message, help);
        }
    }
    let argument = fields.text("arg", report);
    let max = fields.count("max", report);
    let per = fields.text("per", report);
    let max = max.and_then(|max| {
        let millionths = (max.get() <= MAX_SUM).then(|| max.checked_mul(NonZeroU64::new(UNIT)?)).flatten();
        if let (None, Some(entry)) = (millionths, fields.get("max")) {
            let message = format!("`max` of `sum` is at most {MAX_SUM}");
            report.error(DiagnosticCode::BadQuantity, &entry.node.place, message);
        }
        millionths
    });
    let per = per.and_then(|(text, place)| {
        let window = Window::parse(text);
        if window.is_none() {
            let message = format!("`{}` is no time: write `run`, or as in `min`, `10min`, `24h`", Printable(text));
            report.error(DiagnosticCode::BadQuantity, place, message);
        }
        window
    });
    let (argument, place) = argument?;
    let part = conditions.part.field();
    let Some(condition) = conditions.list.iter_mut().find(|condition| condition.argument == argument) else {
        let message = format!("`sum` adds up `{}`, which has no condition", Printable(argument));
        let mut help = format!("bound it, as in `{part} = {{ {} = {{ max = … }} }}`", Printable(argument));
        if conditions.part == Part::Body && conditions.is_empty() {
            help += ", and name `methods` whose requests have a body";
        }
        report.error_with(DiagnosticCode::BadCondition, place, message, help);
        return None;
    };
    if condition.optional || !is_bounded(condition) {
        let message = format!("`sum` adds up `{}`, which need not be a number with a bound", Printable(argument));
        let help = "its condition must have `max`, `equals` or `in` with integers, and not be optional".to_owned();
        report.error_with(DiagnosticCode::BadCondition, place, message, help);
        return None;
    }
    condition.tests.push(Test::Amount);
    if let (Some(least), Some(max)) = (least(condition), max)
        && least.saturating_mul(UNIT) > max.get()
    {
        let message = format!("no call fits: `{}` is at least {least} in each", Printable(argument));
        let help = "raise `max` of `sum`, or lower what each call may be".to_owned();
        report.warning(DiagnosticCode::Impossible, &node.place, message, help);
    }
    Some(Sum { argument: argument.to_owned(), max: max?, per: per? })
}

fn is_bounded(condition: &Condition) -> bool {
    condition.tests.iter().any(|test| match test {
        Test::Max(_) => true,
        Test::In(literals) => literals.iter().all(|literal| matches!(literal, Literal::Integer(_))),
        _ => false,
    })
}

/// The least that the argument can be, as far as one of its tests says so.
fn least(condition: &Condition) -> Option<u64> {
    let of = |test: &Test| match test {
        Test::Min(least) => Some(*least),
        Test::In(literals) => literals
            .iter()
            .filter_map(|literal| match literal {
                Literal::Integer(integer) => Some(*integer),
                _ => None,
            })
            .min(),
        _ => None,
    };
    condition.tests.iter().filter_map(of).max()
}
