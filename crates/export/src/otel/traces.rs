//! Spans: one for a run, and one below it for each of its calls.

use std::collections::BTreeMap;

use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Context, Entry, EntryBody, Intent};
use bailiwick_policy::Decision;
use serde_json::{Value, json};

use super::attribute::{number, text, texts};
use super::{nanos, resource, scope, span_id, trace_id};

/// Runs whose beginning is remembered, at most; of the others it is in their id.
const MAX_RUNS: usize = 65_536;

/// What `kind` and `status.code` are called in OTLP.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// Gathers spans from entries. A run's span is made at its end, a call's at its outcome or its refusal.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    spans: Vec<Value>,
    began: BTreeMap<String, Timestamp>,
}

impl Traces {
    /// Takes note of an entry. `intent` is what an outcome is the outcome of, and when that was recorded.
    pub fn follow(&mut self, entry: &Entry, intent: Option<&(Timestamp, Intent)>) {
        let Some(context) = &entry.context else { return };
        match &entry.body {
            EntryBody::RunStarted { .. } => {
                self.began.insert(context.run.clone(), entry.at);
                if self.began.len() > MAX_RUNS {
                    self.began.pop_first();
                }
            }
            EntryBody::Intent(intent) if intent.decision != Decision::Allow => {
                let error = Some(intent.code.as_str());
                self.spans.push(call(context, intent, entry.at, Some(entry.at), None, error));
            }
            EntryBody::Outcome { outcome, code, .. } => {
                let Some((began, intent)) = intent else { return };
                let error = (outcome != "done").then(|| code.as_deref().unwrap_or(outcome));
                self.spans.push(call(context, intent, *began, Some(entry.at), Some(outcome), error));
            }
            EntryBody::RunEnded { stop, calls, fuel, .. } => {
                let began = self.began.remove(&context.run).or_else(|| time_of(&context.run)).unwrap_or(entry.at);
                self.spans.push(run(context, began, entry.at, stop, *calls, *fuel));
            }
            _ => {}
        }
    }

    /// The span of a call that has no outcome. `at` is when it was intended, which is all that is known of its end.
    pub fn unfinished(&mut self, context: &Context, intent: &Intent, at: Timestamp) {
        self.spans.push(call(context, intent, at, None, Some("unfinished"), None));
    }

    /// Spans that are there to be taken.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The spans so far as an `ExportTraceServiceRequest`, which is for `/v1/traces`.
    pub fn take(&mut self) -> Value {
        let spans = std::mem::take(&mut self.spans);
        json!({ "resourceSpans": [{ "resource": resource(), "scopeSpans": [{ "scope": scope(), "spans": spans }] }] })
    }
}

fn run(context: &Context, began: Timestamp, ended: Timestamp, stop: &str, calls: u64, fuel: Option<u64>) -> Value {
    let mut attributes = about(context);
    attributes.extend(texts([
        ("bailiwick.issuer", Some(context.issuer.as_str())),
        ("bailiwick.subject", Some(&context.subject)),
        ("bailiwick.manifest.sha256", Some(&context.manifest)),
        ("bailiwick.module.sha256", Some(&context.module)),
        ("bailiwick.grant.sha256", Some(&context.grant)),
        ("bailiwick.stop", Some(stop)),
    ]));
    attributes.push(number("bailiwick.calls", calls));
    attributes.extend(fuel.map(|fuel| number("bailiwick.fuel", fuel)));
    let mut span = json!({
        "traceId": trace_id(context),
        "spanId": span_id(&context.run, None),
        "name": "bailiwick.run",
        "kind": INTERNAL,
        "startTimeUnixNano": nanos(began),
        "endTimeUnixNano": nanos(ended.max(began)),
        "attributes": attributes,
        "status": status((stop != "finished").then_some(stop)),
    });
    if let (Some(trace), Some(span)) = (&context.trace, span.as_object_mut()) {
        span.insert("parentSpanId".to_owned(), trace.span_id().into());
        span.insert("flags".to_owned(), u64::from(trace.flags()).into());
    }
    span
}

fn call(
    context: &Context,
    intent: &Intent,
    began: Timestamp,
    ended: Option<Timestamp>,
    outcome: Option<&str>,
    error: Option<&str>,
) -> Value {
    let kind = intent.action.split('.').next().unwrap_or_default();
    let mut attributes = about(context);
    attributes.push(number("bailiwick.call", intent.call));
    attributes.extend(texts([
        ("bailiwick.kind", Some(kind)),
        ("bailiwick.action", Some(intent.action.as_str())),
        ("bailiwick.resource", Some(&intent.resource)),
        ("bailiwick.decision", Some(intent.decision.as_str())),
        ("bailiwick.code", Some(error.unwrap_or(&intent.code))),
        ("bailiwick.rule", intent.rule.as_deref()),
        ("bailiwick.outcome", outcome),
        ("error.type", error),
    ]));
    json!({
        "traceId": trace_id(context),
        "spanId": span_id(&context.run, Some(intent.call)),
        "parentSpanId": span_id(&context.run, None),
        "name": intent.action,
        "kind": if matches!(kind, "fetch" | "sql" | "tool") { CLIENT } else { INTERNAL },
        "startTimeUnixNano": nanos(began),
        "endTimeUnixNano": nanos(ended.unwrap_or(began).max(began)),
        "attributes": attributes,
        "status": status(error),
    })
}

fn about(context: &Context) -> Vec<Value> {
    let mut attributes = vec![text("bailiwick.run.id", &context.run), text("bailiwick.agent", &context.agent)];
    attributes.extend(texts([("bailiwick.task", context.task.as_deref())]));
    attributes
}

/// Whoever instruments leaves a success unset; to call it one is the application's word.
fn status(error: Option<&str>) -> Value {
    match error {
        Some(error) => json!({ "code": ERROR, "message": error }),
        None => json!({}),
    }
}

/// A UUIDv7 begins with its time in milliseconds.
fn time_of(run: &str) -> Option<Timestamp> {
    let id: String = run.chars().filter(|c| *c != '-').collect();
    let is_v7 = id.len() == 32 && id.as_bytes().get(12) == Some(&b'7');
    let time = id.get(..12).filter(|_| is_v7)?;
    u64::from_str_radix(time, 16).ok().map(Timestamp)
}
