//! What a journal says of a run besides what crossed: how it began, and how it ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContentDigest, SinkError};

/// How a run began. With the [`Contents`](super::Contents) that it refers to, everything that a replay starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// UUIDv7.
    pub run: String,
    /// Milliseconds since the Unix epoch.
    pub began: u64,
    /// What ran it, so that another engine can say that it is one: its version and what its compiled code depends on.
    pub engine: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The agent's own words. Never trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// The guest's bytes as they were handed in.
    pub guest: ContentDigest,
    /// What ran them, when they are source text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<RecordedScript>,
    /// The guest is given in pieces.
    #[serde(default)]
    pub is_session: bool,
    /// All that its grant was made of.
    pub grant: Value,
    /// The input as JSON text.
    pub input: ContentDigest,
    pub args: Vec<String>,
}

/// The interpreter of source text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedScript {
    pub language: String,
    /// SHA-256 of its component.
    pub interpreter: ContentDigest,
    /// What tracebacks call the text.
    pub name: String,
}

/// How a run ended. A replay is exact when it ends the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// As in the run's report: `kind`, and what belongs to it. What became of staged writes is no part of it.
    pub stop: Value,
    /// The run was stopped from outside, by time, revocation or cancellation, at a place that no replay can know.
    pub from_outside: bool,
    pub fuel: u64,
    /// Of memories and tables of the guest together, without files in memory.
    pub peak_memory_bytes: u64,
    pub host_calls: u64,
    pub output_bytes: u64,
    pub disk_bytes: u64,
    pub files_made: u64,
    pub wall_ms: u64,
    pub stdout_bytes: u64,
    pub stdout: ContentDigest,
    pub stderr_bytes: u64,
    pub stderr: ContentDigest,
    /// Of the result as JSON text, if there was one.
    pub result: Option<ContentDigest>,
    /// What crossed after this place is not in the journal, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<SinkError>,
}
