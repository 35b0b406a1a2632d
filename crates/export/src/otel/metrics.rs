//! Metrics: how many calls, and how long calls and runs took, over what was exported.

use std::collections::BTreeMap;

use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Entry, EntryBody, Intent};
use bailiwick_policy::Decision;
use serde_json::{Value, json};

use super::attribute::text;
use super::{nanos, resource, scope};

/// What was counted says nothing about the time before: each export is a delta.
const DELTA: u8 = 1;

/// Different data points of a metric, at most. An agent that invents words must not grow us.
const MAX_POINTS: usize = 2_048;

/// Seconds that a call may take, as the semantic conventions have them, and those of a run.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Fuel of a run.
const FUEL: [f64; 8] = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11];

/// Counts entries.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    began: BTreeMap<String, Timestamp>,
    calls: BTreeMap<Vec<(&'static str, String)>, u64>,
    call_seconds: BTreeMap<Vec<(&'static str, String)>, Histogram>,
    run_seconds: BTreeMap<Vec<(&'static str, String)>, Histogram>,
    run_fuel: BTreeMap<Vec<(&'static str, String)>, Histogram>,
}

#[derive(Clone, Debug)]
struct Histogram {
    bounds: &'static [f64],
    buckets: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Metrics {
    /// Takes note of an entry. `intent` is what an outcome is the outcome of, and when that was recorded.
    pub fn follow(&mut self, entry: &Entry, intent: Option<&(Timestamp, Intent)>) {
        let Some(context) = &entry.context else { return };
        self.first = Some(self.first.map_or(entry.at, |first| first.min(entry.at)));
        self.last = Some(self.last.map_or(entry.at, |last| last.max(entry.at)));
        match &entry.body {
            EntryBody::RunStarted { .. } if self.began.len() < MAX_POINTS => {
                self.began.insert(context.run.clone(), entry.at);
            }
            EntryBody::Intent(intent) if intent.decision != Decision::Allow => self.count(intent, "none"),
            EntryBody::Outcome { outcome, .. } => {
                let Some((began, intent)) = intent else { return };
                self.count(intent, outcome);
                let point = vec![("bailiwick.action", intent.action.clone())];
                record(&mut self.call_seconds, point, &SECONDS, seconds(*began, entry.at));
            }
            EntryBody::RunEnded { stop, fuel, .. } => {
                let point = vec![("bailiwick.stop", stop.clone())];
                if let Some(began) = self.began.remove(&context.run) {
                    record(&mut self.run_seconds, point.clone(), &SECONDS, seconds(began, entry.at));
                }
                if let Some(fuel) = fuel {
                    record(&mut self.run_fuel, point, &FUEL, *fuel as f64);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, intent: &Intent, outcome: &str) {
        let kind = intent.action.split('.').next().unwrap_or_default();
        let point = vec![
            ("bailiwick.kind", kind.to_owned()),
            ("bailiwick.action", intent.action.clone()),
            ("bailiwick.decision", intent.decision.as_str().to_owned()),
            ("bailiwick.outcome", outcome.to_owned()),
        ];
        if self.calls.len() < MAX_POINTS || self.calls.contains_key(&point) {
            let count = self.calls.entry(point).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// An `ExportMetricsServiceRequest`, which is for `/v1/metrics`; `None` when nothing was counted.
    pub fn request(&self) -> Option<Value> {
        let times = (nanos(self.first?), nanos(self.last?));
        let mut metrics = Vec::new();
        if !self.calls.is_empty() {
            let points: Vec<_> = self.calls.iter().map(|(point, count)| sum_point(&times, point, *count)).collect();
            metrics.push(json!({
                "name": "bailiwick.calls", "unit": "{call}", "description": "Calls of guests by what was decided and how they ended",
                "sum": { "aggregationTemporality": DELTA, "isMonotonic": true, "dataPoints": points },
            }));
        }
        for (name, unit, description, histograms) in [
            ("bailiwick.call.duration", "s", "Time from a call's intent to its outcome", &self.call_seconds),
            ("bailiwick.run.duration", "s", "Time from a run's beginning to its end", &self.run_seconds),
            ("bailiwick.run.fuel", "{unit}", "Fuel that a run used", &self.run_fuel),
        ] {
            if histograms.is_empty() {
                continue;
            }
            let points: Vec<_> = histograms.iter().map(|(point, histogram)| histogram.point(&times, point)).collect();
            metrics.push(json!({
                "name": name, "unit": unit, "description": description,
                "histogram": { "aggregationTemporality": DELTA, "dataPoints": points },
            }));
        }
        let scopes = json!([{ "scope": scope(), "metrics": metrics }]);
        (!metrics.is_empty())
            .then(|| json!({ "resourceMetrics": [{ "resource": resource(), "scopeMetrics": scopes }] }))
    }
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, buckets: vec![0; bounds.len().saturating_add(1)], count: 0, sum: 0.0 }
    }

    fn record(&mut self, value: f64) {
        // A bound belongs to the bucket below it.
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum += value;
    }

    fn point(&self, (first, last): &(String, String), point: &[(&'static str, String)]) -> Value {
        // Counts are numbers here: receivers that take both take these everywhere.
        json!({
            "startTimeUnixNano": first, "timeUnixNano": last, "attributes": attributes(point),
            "count": self.count, "sum": self.sum, "bucketCounts": self.buckets, "explicitBounds": self.bounds,
        })
    }
}

fn record(
    histograms: &mut BTreeMap<Vec<(&'static str, String)>, Histogram>,
    point: Vec<(&'static str, String)>,
    bounds: &'static [f64],
    value: f64,
) {
    if histograms.len() < MAX_POINTS || histograms.contains_key(&point) {
        histograms.entry(point).or_insert_with(|| Histogram::new(bounds)).record(value);
    }
}

fn sum_point((first, last): &(String, String), point: &[(&'static str, String)], count: u64) -> Value {
    json!({
        "startTimeUnixNano": first, "timeUnixNano": last, "attributes": attributes(point), "asInt": count.to_string(),
    })
}

fn attributes(point: &[(&'static str, String)]) -> Vec<Value> {
    point.iter().map(|(key, value)| text(key, value)).collect()
}

fn seconds(began: Timestamp, ended: Timestamp) -> f64 {
    ended.0.saturating_sub(began.0) as f64 / 1000.0
}
