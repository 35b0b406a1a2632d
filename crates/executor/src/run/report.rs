//! What an orchestrator gets back from a run.

use std::time::Duration;

use bailiwick_guard::CallRecord;
use serde::Serialize;
use serde_json::Value;

use super::Stop;

/// The whole account of one run. Serialises to the object that `bailiwick run --json` prints.
///
/// Output is bounded by the run's `output` limit. Bytes that are not UTF-8 are replaced in the serialised form only.
#[derive(Debug, Serialize)]
pub struct Report {
    /// UUIDv7; also in every audit entry of the run.
    pub run_id: String,
    pub stop: Stop,
    /// The guest's result, `null` when it gave none.
    pub result: Option<Value>,
    #[serde(serialize_with = "lossy")]
    pub stdout: Vec<u8>,
    #[serde(serialize_with = "lossy")]
    pub stderr: Vec<u8>,
    pub usage: Usage,
    /// The first 10,000 calls; `usage.host_calls` counts them all.
    pub calls: Vec<CallRecord>,
    pub anomalies: Vec<Anomaly>,
}

/// What the run used.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel used. Exact when the guest finished or ran out of it. After a trap or an interruption the engine has lost
    /// what came since the last 10,000,000: it is a lower bound.
    pub fuel: u64,
    #[serde(rename = "wall_ms", serialize_with = "millis")]
    pub wall: Duration,
    /// Processor time of the guest and of host functions on its thread; never lost, unlike fuel.
    #[serde(rename = "cpu_ms", serialize_with = "millis")]
    pub cpu: Duration,
    /// Most bytes that memories and tables had together.
    pub peak_memory_bytes: u64,
    pub host_calls: u64,
    pub output_bytes: u64,
    pub disk_bytes: u64,
}

impl Usage {
    /// What came on top of an earlier count. The peak is no sum: it is the one so far.
    pub(crate) fn since(&self, earlier: &Usage) -> Usage {
        Usage {
            fuel: self.fuel.saturating_sub(earlier.fuel),
            wall: self.wall.saturating_sub(earlier.wall),
            cpu: self.cpu.saturating_sub(earlier.cpu),
            peak_memory_bytes: self.peak_memory_bytes,
            host_calls: self.host_calls.saturating_sub(earlier.host_calls),
            output_bytes: self.output_bytes.saturating_sub(earlier.output_bytes),
            disk_bytes: self.disk_bytes.saturating_sub(earlier.disk_bytes),
        }
    }
}

/// Something about the run that its operator should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Anomaly {
    /// The end of the run could not be written to the audit log.
    AuditIncomplete,
}

fn lossy<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}
