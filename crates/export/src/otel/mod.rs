//! OpenTelemetry: a span for each run and each call, and metrics, as requests of OTLP in its JSON encoding.
//!
//! Identifiers are functions of the run, so that exporting twice gives the same spans, and exporting a part gives a part of the
//! same trace. The trace is the run's id, or the caller's when the run was started with a W3C `traceparent`.

mod attribute;
mod metrics;
mod traces;

use bailiwick_guard::TraceContext;
use bailiwick_guard::audit::Context;
use serde_json::{Value, json};

pub use self::metrics::Metrics;
pub use self::traces::Traces;

use self::attribute::text;

/// The trace that a run belongs to, in 32 characters of hex.
pub fn trace_id(context: &Context) -> String {
    TraceContext::of_run(&context.run, context.trace.as_ref()).trace_id()
}

/// The span of a run, or of one of its calls, in 16 characters of hex.
pub fn span_id(run: &str, call: Option<u64>) -> String {
    match call {
        None => TraceContext::of_run(run, None).span_id(),
        Some(call) => TraceContext::of_call(run, call, None).span_id(),
    }
}

fn resource() -> Value {
    json!({ "attributes": [text("service.name", "bailiwick"), text("service.version", env!("CARGO_PKG_VERSION"))] })
}

fn scope() -> Value {
    json!({ "name": "bailiwick.audit", "version": env!("CARGO_PKG_VERSION") })
}

/// Nanoseconds as OTLP writes them in JSON: 64 bits are a text.
fn nanos(at: bailiwick_guard::Timestamp) -> String {
    u128::from(at.0).saturating_mul(1_000_000).to_string()
}

#[cfg(test)]
mod tests;
