//! What an orchestrator gets back from a run.

use std::time::Duration;

use bailiwick_guard::CallRecord;
use bailiwick_host::files::{LeftFile, Settled, Settlement};
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Stop;

/// Largest file whose content the serialised report has.
pub const MAX_REPORTED_FILE: usize = 1 << 20;
/// Most bytes of content of all files together in the serialised report.
pub const MAX_REPORTED: usize = 8 << 20;

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
    /// What the guest left in mounts with `report = true`, by path; empty for a piece of a session. Bounded by the run's
    /// memory. The serialised form has the content of files up to [`MAX_REPORTED_FILE`], [`MAX_REPORTED`] together.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "left_files")]
    pub files: Vec<LeftFile>,
    /// What became of staged writes, by mount; empty when the manifest has none, and for a piece of a session.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "settled")]
    pub staged: Vec<Settled>,
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
    /// Files and directories made.
    pub files_made: u64,
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
            files_made: self.files_made.saturating_sub(earlier.files_made),
        }
    }
}

/// Something about the run that its operator should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Anomaly {
    /// The end of the run could not be written to the audit log.
    AuditIncomplete,
    /// The run has no journal although it was to have one, or one without its end: it cannot be replayed whole.
    JournalIncomplete,
}

fn lossy<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

/// In the order of their paths, as long as there is room for their content; the others have `omitted`.
fn left_files<S: serde::Serializer>(files: &[LeftFile], serializer: S) -> Result<S::Ok, S::Error> {
    let mut room = MAX_REPORTED;
    serializer.collect_seq(files.iter().map(|file| {
        let len = file.content.len();
        let mut shown =
            json!({ "path": file.path, "size": len, "sha256": HEXLOWER.encode(&Sha256::digest(&file.content)) });
        let (key, value) = if len > MAX_REPORTED_FILE.min(room) {
            ("omitted", Value::Bool(true))
        } else {
            room = room.saturating_sub(len);
            match std::str::from_utf8(&file.content) {
                Ok(text) => ("text", text.into()),
                Err(_) => ("data", BASE64.encode(&file.content).into()),
            }
        };
        if let Some(members) = shown.as_object_mut() {
            members.insert(key.to_owned(), value);
        }
        shown
    }))
}

fn settled<S: serde::Serializer>(staged: &[Settled], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(staged.iter().map(|settled| {
        let (outcome, applied, code) = match settled.outcome {
            Settlement::Applied => ("applied", settled.changes, None),
            Settlement::Discarded => ("discarded", 0, None),
            Settlement::Refused(code) => ("refused", 0, Some(code)),
            Settlement::Partial(applied, code) => ("partial", applied, Some(code)),
        };
        json!({
            "mount": settled.mount,
            "outcome": outcome,
            "changes": settled.changes,
            "applied": applied,
            "code": code.map(|code| code.as_str()),
            "path": settled.stuck,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(files: &[(&str, Vec<u8>)]) -> Value {
        let file =
            |(path, content): &(&str, Vec<u8>)| LeftFile { path: (*path).to_owned(), content: content.clone().into() };
        let files: Vec<_> = files.iter().map(file).collect();
        left_files(&files, serde_json::value::Serializer).unwrap()
    }

    #[test]
    fn text_is_text_and_the_rest_is_base64() {
        let files = shown(&[("/out/a", b"text".to_vec()), ("/out/b", vec![0xff])]);
        assert_eq!((&files[0]["text"], &files[0]["size"]), (&json!("text"), &json!(4)));
        assert_eq!(files[1]["data"], "/w==");
        assert_eq!(files[1]["sha256"], "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89");
        assert!(files[1].get("text").is_none() && files[1].get("omitted").is_none());
    }

    #[test]
    fn content_over_the_caps_is_left_out_and_said_to_be() {
        let whole = vec![b'x'; MAX_REPORTED_FILE];
        let files = shown(&[("/out/a", vec![b'x'; MAX_REPORTED_FILE + 1]), ("/out/b", whole.clone())]);
        assert_eq!((&files[0]["omitted"], files[0].get("text")), (&json!(true), None));
        assert_eq!(files[1]["text"].as_str().map(str::len), Some(MAX_REPORTED_FILE));
        let many: Vec<_> = (0..10).map(|_| ("/out/a", whole.clone())).collect();
        let files = shown(&many);
        let omitted = files.as_array().unwrap().iter().filter(|file| file["omitted"] == true).count();
        assert_eq!(omitted, 10 - MAX_REPORTED / MAX_REPORTED_FILE);
    }
}
