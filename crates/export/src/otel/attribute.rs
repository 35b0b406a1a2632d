//! Attributes of spans, data points and resources.

use serde_json::{Value, json};

pub(super) fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

pub(super) fn number(key: &str, value: u64) -> Value {
    // Signed by the standard, and a text because it has 64 bits.
    json!({ "key": key, "value": { "intValue": value.min(i64::MAX.unsigned_abs()).to_string() } })
}

/// Those that have a value.
pub(super) fn texts<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<Value> {
    pairs.into_iter().filter_map(|(key, value)| Some(text(key, value.filter(|value| !value.is_empty())?))).collect()
}
