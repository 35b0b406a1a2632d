//! Values that the conditions of a rule accept, as code writes them.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::example::{is_name, quoted};
use crate::condition::{Condition, Literal, Test, Type};

/// Longest text or list that is made up.
const MAX_LENGTH: usize = 200;
/// What stands where nobody can say what belongs there.
const UNKNOWN: &str = "…";

/// The members that conditions speak of, each with a value that all of them accept as far as one is found. What may be left
/// out is, where none is.
pub(super) fn members(conditions: &[&Condition]) -> Map<String, Value> {
    let mut members = Map::new();
    for (path, tests, optional) in by_argument(conditions) {
        match candidates(&tests).into_iter().find(|value| conditions_accept(&tests, value)) {
            Some(value) => put(&mut members, path, value),
            None if optional => {}
            None => put(&mut members, path, json!(UNKNOWN)),
        }
    }
    members
}

/// The same of the parameters of a query, which are texts.
pub(super) fn parameters(conditions: &[&Condition]) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    for (name, tests, optional) in by_argument(conditions) {
        let about = || conditions.iter().filter(|condition| condition.argument == name);
        let fits = |text: &String| about().all(|condition| condition.failed_by_text(text).is_none());
        match candidates(&tests).iter().filter_map(text).find(fits) {
            Some(text) => parameters.push((name.to_owned(), text)),
            None if optional => {}
            None => parameters.push((name.to_owned(), UNKNOWN.to_owned())),
        }
    }
    parameters
}

/// A value as both languages write it, but for the words that each has for itself.
pub(super) fn literal(python: bool, value: &Value) -> String {
    match value {
        Value::Null if python => "None".to_owned(),
        Value::Bool(true) if python => "True".to_owned(),
        Value::Bool(false) if python => "False".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| literal(python, item)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members: Vec<(String, String)> =
                members.iter().map(|(name, value)| (name.clone(), literal(python, value))).collect();
            object(python, &members)
        }
    }
}

/// An object (of Python a dictionary) from names and the code of their values.
pub(super) fn object(python: bool, members: &[(String, String)]) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let quote = python || !members.iter().all(|(name, _)| is_name(name));
    let name = |name: &str| if quote { quoted(name) } else { name.to_owned() };
    let inner: Vec<String> = members.iter().map(|(own, value)| format!("{}: {value}", name(own))).collect();
    if python { format!("{{{}}}", inner.join(", ")) } else { format!("{{ {} }}", inner.join(", ")) }
}

/// Each argument once, with all that is demanded of it, and whether it may be left out.
fn by_argument<'a>(conditions: &[&'a Condition]) -> Vec<(&'a str, Vec<&'a Test>, bool)> {
    let mut found: Vec<(&str, Vec<&Test>, bool)> = Vec::new();
    for condition in conditions {
        match found.iter_mut().find(|(argument, ..)| *argument == condition.argument) {
            Some((_, tests, optional)) => {
                tests.extend(&condition.tests);
                *optional &= condition.optional;
            }
            None => found.push((&condition.argument, condition.tests.iter().collect(), condition.optional)),
        }
    }
    found
}

fn conditions_accept(tests: &[&Test], value: &Value) -> bool {
    tests.iter().all(|test| test.accepts(value))
}

/// Values that are worth a try, the likeliest first.
fn candidates(tests: &[&Test]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for test in tests {
        match test {
            Test::In(literals) => found.extend(literals.iter().map(Literal::to_json)),
            Test::Min(bound) | Test::Max(bound) => found.push(json!(bound)),
            Test::Prefix(prefix) => {
                found.push(json!(prefix));
                found.extend(padded(prefix, tests));
            }
            Test::Pattern(expression) => found.extend(matched(&expression.to_string()).map(Value::String)),
            Test::MinLength(_) | Test::MaxLength(_) | Test::Type(_) | Test::Amount => {}
        }
    }
    let kind = tests.iter().find_map(|test| match test {
        Test::Type(kind) => Some(*kind),
        _ => None,
    });
    found.extend(match kind {
        Some(Type::Number | Type::Integer) => vec![json!(1), json!(0)],
        Some(Type::Boolean) => vec![json!(true)],
        Some(Type::Null) => vec![Value::Null],
        Some(Type::Object) => vec![json!({})],
        Some(Type::Array) => vec![Value::Array(vec![json!(UNKNOWN); least(tests)])],
        Some(Type::String) | None => Vec::new(),
    });
    found.push(json!(UNKNOWN));
    found.extend(padded("", tests));
    found.extend([json!(""), json!(1)]);
    found
}

/// A text that begins so, and is as long as is demanded.
fn padded(prefix: &str, tests: &[&Test]) -> Option<Value> {
    let missing = least(tests).checked_sub(prefix.chars().count())?;
    Some(json!(format!("{prefix}{}", "x".repeat(missing))))
}

fn least(tests: &[&Test]) -> usize {
    let lengths = tests.iter().filter_map(|test| match test {
        Test::MinLength(least) => usize::try_from(*least).ok(),
        _ => None,
    });
    lengths.max().unwrap_or_default().min(MAX_LENGTH)
}

/// A short text that a regular expression matches, as far as one is found without searching.
fn matched(expression: &str) -> Option<String> {
    let mut text = Vec::new();
    write(&regex_syntax::parse(expression).ok()?, &mut text)?;
    String::from_utf8(text).ok()
}

fn write(expression: &Hir, text: &mut Vec<u8>) -> Option<()> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            // Of "anything but …" the first is a control character.
            let has = |letter: &char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(letter));
            let letter = ['a', 'A', '1'].into_iter().find(has).or(class.ranges().first().map(|range| range.start()));
            text.extend_from_slice(letter?.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => text.push(class.ranges().first()?.start()),
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min {
                write(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, text)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, text))?,
        HirKind::Alternation(ways) => write(ways.first()?, text)?,
    }
    (text.len() <= MAX_LENGTH).then_some(())
}

/// The text that a URL has for a value, if it can have one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Puts a value where the path leads. What is there already stays.
fn put(members: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((name, rest)) = path.split_once('.') else {
        members.entry(path).or_insert(value);
        return;
    };
    let inner = members.entry(name).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Expression;

    fn on(argument: &str, tests: Vec<Test>) -> Condition {
        Condition { argument: argument.to_owned(), optional: false, tests }
    }

    fn pattern(text: &str) -> Test {
        Test::Pattern(Expression::new(text).unwrap())
    }

    fn every() -> Vec<Condition> {
        vec![
            on("any", Vec::new()),
            on("amount", vec![Test::Min(3), Test::Max(9), Test::Type(Type::Integer), Test::Amount]),
            on("code", vec![pattern("[A-Z]{2}[0-9]+(-x|-y)?"), Test::MaxLength(8)]),
            on("currency", vec![Test::In(vec![Literal::Text("EUR".into()), Literal::Text("USD".into())])]),
            on("day", vec![pattern(r"\d{4}-\d\d-\d\d")]),
            on("flags", vec![Test::Type(Type::Array), Test::MinLength(2)]),
            on("month", vec![Test::Prefix("2026-".into()), Test::MinLength(7), Test::MaxLength(7)]),
            on("no", vec![Test::Type(Type::Null)]),
            on("note", vec![Test::MinLength(5)]),
            on("payee.bank.code", vec![Test::Max(7)]),
            on("payee.name", vec![Test::MaxLength(4)]),
            on("payee", vec![Test::Type(Type::Object)]),
            on("sure", vec![Test::Type(Type::Boolean)]),
            on("word", vec![pattern("[^/]{3}")]),
        ]
    }

    #[test]
    fn what_is_made_up_is_accepted() {
        let conditions = every();
        let made = members(&conditions.iter().collect::<Vec<_>>());
        for condition in &conditions {
            let value = condition
                .argument
                .split('.')
                .try_fold(&Value::Object(made.clone()), |value, name| value.get(name))
                .cloned();
            let value = value.unwrap_or_else(|| panic!("no `{}` in {made:?}", condition.argument));
            assert!(condition.tests.iter().all(|test| test.accepts(&value)), "{} = {value}", condition.argument);
        }
        assert_eq!(made["payee"], json!({ "bank": { "code": 7 }, "name": "…" }));
        assert_eq!((&made["day"], &made["month"]), (&json!("1111-11-11"), &json!("2026-xx")));
    }

    #[test]
    fn parameters_of_a_query_are_texts() {
        let conditions = [
            on("page", vec![Test::Min(1), Test::Max(9)]),
            on("sort", vec![Test::In(vec![Literal::Boolean(true)])]),
            Condition { argument: "never".into(), optional: true, tests: vec![Test::Type(Type::Null)] },
        ];
        let made = parameters(&conditions.iter().collect::<Vec<_>>());
        assert_eq!(made, [("page".to_owned(), "1".to_owned()), ("sort".to_owned(), "true".to_owned())]);
    }

    #[test]
    fn a_ceiling_is_kept_to_as_well() {
        let (own, above) = (on("n", vec![Test::Max(100)]), on("n", vec![Test::Min(2), Test::Max(7)]));
        assert_eq!(members(&[&own, &above])["n"], json!(2));
    }

    #[test]
    fn what_cannot_be_made_up_is_said_to_be_missing() {
        let both = on("n", vec![pattern("a+"), pattern("a{2}b?"), Test::MinLength(9)]);
        assert_eq!(members(&[&both])["n"], json!(UNKNOWN));
        assert_eq!(matched("x{5000}"), None);
        assert_eq!(matched("(?i)ab|c").as_deref(), Some("aB"));
    }

    #[test]
    fn literals_are_those_of_the_language() {
        let value = json!({ "a": [null, true, 1], "b c": { "d": "x\"" } });
        assert_eq!(literal(true, &value), r#"{"a": [None, True, 1], "b c": {"d": "x\""}}"#);
        assert_eq!(literal(false, &value), r#"{ "a": [null, true, 1], "b c": { d: "x\"" } }"#);
    }
}
