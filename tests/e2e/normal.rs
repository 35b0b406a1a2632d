//! What stays the same from run to run in a report and in an audit log.

use std::collections::BTreeMap;

use bailiwick_guard::audit::verify;
use serde_json::{Map, Value, json};

/// What a case's own run puts into texts: its folder and its ports.
pub(crate) struct Names {
    pub(crate) replaced: Vec<(String, String)>,
    pub(crate) masked: Vec<String>,
}

impl Names {
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (actual, name) in &self.replaced {
            text = text.replace(actual, name);
        }
        for member in &self.masked {
            text = mask(&text, member);
        }
        without_placeholders(&text)
    }

    pub(crate) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    let masked = self.masked.contains(name) && value.is_string();
                    (name.clone(), if masked { Value::from("…") } else { self.value(value) })
                })
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}

/// Placeholders of secrets, which are random.
fn without_placeholders(text: &str) -> String {
    let mut parts = text.split("bailiwick-secret-");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_random = part.get(..32).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let (name, rest) = if is_random { ("{{placeholder}}", &part[32..]) } else { ("bailiwick-secret-", part) };
        plain += name;
        plain += rest;
    }
    plain
}

/// The `"member":"value"` in JSON within `text` becomes `"member":"…"`.
fn mask(text: &str, member: &str) -> String {
    let opening = format!("\"{member}\":\"");
    let mut parts = text.split(&opening);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('"').map_or("", |(_, rest)| rest);
        masked += &format!("{opening}…\"{rest}");
    }
    masked
}

/// What `run --json` printed, as an expected file holds it.
///
/// # Errors
/// When it is not JSON.
pub(crate) fn report(text: &str, names: &Names) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("stdout is not JSON ({error}): {text}"))?;
    let mut report = names.value(&value);
    if let Some(message) = report.pointer_mut("/error/message")
        && let Some(text) = message.as_str()
    {
        *message = Value::from(without_times(text));
    }
    let Some(members) = report.as_object_mut() else { return Ok(report) };
    members.shift_remove("run_id");
    if let Some(identity) = members.get_mut("identity").and_then(Value::as_object_mut) {
        identity.shift_remove("jti_sha256");
    }
    // Everything in `usage` but the number of calls depends on the machine, or on the compiler.
    if let Some(Value::Object(usage)) = members.shift_remove("usage") {
        members.insert("host_calls".to_owned(), usage.get("host_calls").cloned().unwrap_or_default());
    }
    for call in members.get_mut("calls").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(call) = call.as_object_mut() {
            call.shift_remove("ms");
            call.shift_remove("location");
            // Has its own goldens, in `tests/transcripts` and in the crate that writes it.
            call.shift_remove("explanation");
        }
    }
    Ok(report)
}

/// Seconds since 1970, and how many have passed since, as messages about tokens have them.
fn without_times(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_digit());
    let text: String = words
        .map(|word| {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            if digits.len() == 10 { word.replace(digits, "{{time}}") } else { word.to_owned() }
        })
        .collect();
    let Some((before, after)) = text.split_once(" s ago") else { return text };
    format!("{}{{{{passed}}}} s ago{after}", before.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// An entry's own members as people read them; the log has them in the order of the alphabet.
const ORDER: [&str; 17] = [
    "rationale",
    "issuer",
    "agent",
    "actors",
    "act",
    "target",
    "reason",
    "by",
    "failed",
    "action",
    "resource",
    "decision",
    "code",
    "rule",
    "outcome",
    "stop",
    "calls",
];

/// An audit log, as an expected file holds it: intent and outcome of a call on one line.
///
/// # Errors
/// When the log does not verify, is torn, or an allowed call has no outcome.
pub(crate) fn audit(log: &[u8], names: &Names) -> Result<Value, String> {
    let summary = verify(log).map_err(|error| error.to_string())?;
    if let Some(fault) = summary.fault {
        return Err(format!("the audit log does not verify: {fault}"));
    }
    if summary.torn_bytes > 0 || !summary.dangling.is_empty() {
        return Err(format!(
            "the audit log is not whole: {} bytes torn, {:?} dangling",
            summary.torn_bytes, summary.dangling
        ));
    }
    let mut entries: Vec<Value> = Vec::new();
    let mut intents: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let entry: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let run = entry.get("context").map(|context| context["run"].to_string()).unwrap_or_default();
        let call = format!("{run} {}", entry.get("call").cloned().unwrap_or_default());
        let kind = entry.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut kept = Map::new();
        kept.insert("type".to_owned(), json!(if kind == "intent" { "call" } else { kind.as_str() }));
        if kind == "run_started" {
            for member in ["agent", "issuer", "task"] {
                if let Some(value) = entry["context"].get(member) {
                    kept.insert(member.to_owned(), value.clone());
                }
            }
        }
        let place = |name: &str| ORDER.iter().position(|other| *other == name).unwrap_or(ORDER.len());
        let mut members: Vec<(&String, &Value)> = entry.iter().collect();
        members.sort_by_key(|(name, _)| place(name));
        for (name, value) in members {
            let noise = ["seq", "prev", "at", "type", "hash", "context", "location", "jti", "call", "fuel", "journal"];
            if !noise.contains(&name.as_str()) {
                kept.insert(name.clone(), names.value(value));
            }
        }
        if kind == "outcome" {
            let at = *intents.get(&call).ok_or("an outcome comes before its intent")?;
            entries[at]["outcome"] = kept["outcome"].clone();
            if let Some(code) = kept.get("code") {
                entries[at]["outcome_code"] = code.clone();
            }
            continue;
        }
        if kind == "intent" && intents.insert(call, entries.len()).is_some() {
            return Err("two intents have the same number".to_owned());
        }
        entries.push(kept.into());
    }
    Ok(entries.into())
}

/// What holds between any report and its audit log.
///
/// # Errors
/// When a call is in one and not in the other, or is another one there.
pub(crate) fn agree(report: &Value, audit: &Value) -> Result<(), String> {
    let Some(calls) = report.get("calls").and_then(Value::as_array) else { return Ok(()) };
    let recorded: Vec<&Value> =
        audit.as_array().into_iter().flatten().filter(|entry| entry["type"] == "call").collect();
    if recorded.len() != calls.len() {
        return Err(format!("{} calls in the report, {} in the audit log", calls.len(), recorded.len()));
    }
    for (call, entry) in calls.iter().zip(recorded) {
        let code = if entry["outcome_code"].is_null() { &entry["code"] } else { &entry["outcome_code"] };
        let outcome = if entry["outcome"].is_null() { &Value::Null } else { &entry["outcome"] };
        let same = call["action"] == entry["action"]
            && call["resource"] == entry["resource"]
            && call["decision"] == entry["decision"]
            && call["code"] == *code
            && call["outcome"] == *outcome;
        if !same {
            return Err(format!("the report says {call}, the audit log {entry}"));
        }
    }
    Ok(())
}
