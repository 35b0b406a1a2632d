//! `bailiwick audit export`

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bailiwick_export::ocsf;
use bailiwick_export::otel::{Metrics, Traces};
use bailiwick_guard::audit::EntryBody;
use bailiwick_host::Services;
use bailiwick_host::fetch::Collector;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::arguments::{AuditExportArguments, ExportFormat};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::launch;
use crate::recorded::{self, Logs, Record, Recorded};
use crate::terminal::{self, NOTE};

/// Spans in a request.
const SPANS: usize = 512;

/// Writes entries in the format of another system, or sends them to a collector.
pub(crate) fn run(arguments: &AuditExportArguments, host: &Configuration) -> Outcome {
    let query = recorded::query(&arguments.entries)?;
    let mut recorded = Recorded::whole(&Logs::of(&arguments.entries, host), query)?;
    let target = Target::of(arguments, host)?;
    let exported = match arguments.format {
        ExportFormat::Jsonl => lines(&mut recorded, target),
        ExportFormat::Ocsf => events(&mut recorded, target),
        ExportFormat::Otel => telemetry(&mut recorded, target),
    }?;
    recorded.end()?;
    if exported.unknown > 0 {
        terminal::err(&format!(
            "{NOTE}note{NOTE:#}: {} entries are of types that this version does not know, and are left out\n",
            exported.unknown
        ));
    }
    Ok(Exit::Success)
}

/// Where the export goes.
enum Target {
    Output { is_terminal: bool },
    File(BufWriter<File>),
    Collector { collector: Box<Collector>, runtime: Runtime },
}

#[derive(Default)]
struct Exported {
    /// Entries of types that a later version writes.
    unknown: u64,
}

impl Target {
    fn of(arguments: &AuditExportArguments, host: &Configuration) -> Result<Target, Failure> {
        if let Some(endpoint) = &arguments.endpoint {
            if arguments.format != ExportFormat::Otel {
                return Err(Failure::usage("--endpoint takes OpenTelemetry alone").help("add `--format otel`"));
            }
            let services = launch::network(Services::builder(), host)?.build();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
            let collector = Box::new(services.collector(endpoint).map_err(Failure::usage)?);
            return Ok(Target::Collector { collector, runtime });
        }
        match &arguments.out {
            Some(path) => create(path).map(Target::File),
            None => Ok(Target::Output { is_terminal: io::stdout().is_terminal() }),
        }
    }

    /// One line. `Ok(false)`: nobody reads them any more.
    fn line(&mut self, line: &str) -> Result<bool, Failure> {
        match self {
            Target::Output { is_terminal: true } => terminal::out_while_read(&(terminal::visible_json(line) + "\n")),
            Target::Output { is_terminal: false } => terminal::out_while_read(&format!("{line}\n")),
            Target::File(file) => writeln!(file, "{line}").map(|()| true).map_err(unwritten),
            Target::Collector { .. } => Ok(true),
        }
    }

    /// A request of OTLP, for that path of a collector.
    fn request(&mut self, path: &str, request: &Value) -> Result<bool, Failure> {
        let Target::Collector { collector, runtime } = self else { return self.line(&request.to_string()) };
        let answer = runtime.block_on(collector.post(path, request.to_string().into_bytes())).map_err(|error| {
            Failure::internal(error).help("what was sent before has arrived; the same spans can be sent again")
        })?;
        match rejected(&answer) {
            None => Ok(true),
            Some((count, why)) => Err(Failure::internal(format!(
                "the collector did not take {count} of them: `{}`",
                terminal::plain(&why)
            ))),
        }
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Target::File(file) => {
                let file = file.into_inner().map_err(|error| unwritten(error.into_error()))?;
                file.sync_all().map_err(unwritten)
            }
            _ => Ok(()),
        }
    }
}

/// The entries as they are in the log, so that their hashes can be checked.
fn lines(recorded: &mut Recorded, mut target: Target) -> Result<Exported, Failure> {
    while let Some(record) = recorded.next() {
        if !target.line(&String::from_utf8_lossy(&record.line))? {
            return Ok(Exported::default());
        }
    }
    target.end().map(|()| Exported::default())
}

fn events(recorded: &mut Recorded, mut target: Target) -> Result<Exported, Failure> {
    let mut exported = Exported::default();
    while let Some(record) = recorded.next() {
        exported.count(&record);
        for event in ocsf::events(&record.entry, record.intent.as_ref()) {
            if !target.line(&event.to_string())? {
                return Ok(exported);
            }
        }
    }
    for entry in recorded.unfinished() {
        if let EntryBody::Intent(intent) = &entry.body
            && !target.line(&ocsf::unfinished(&entry, intent).to_string())?
        {
            return Ok(exported);
        }
    }
    target.end().map(|()| exported)
}

fn telemetry(recorded: &mut Recorded, mut target: Target) -> Result<Exported, Failure> {
    let (mut traces, mut metrics, mut exported) = (Traces::default(), Metrics::default(), Exported::default());
    while let Some(record) = recorded.next() {
        exported.count(&record);
        traces.follow(&record.entry, record.intent.as_ref());
        metrics.follow(&record.entry, record.intent.as_ref());
        if traces.len() >= SPANS && !target.request("v1/traces", &traces.take())? {
            return Ok(exported);
        }
    }
    for entry in recorded.unfinished() {
        if let (EntryBody::Intent(intent), Some(context)) = (&entry.body, &entry.context) {
            traces.unfinished(context, intent, entry.at);
        }
    }
    if !traces.is_empty() && !target.request("v1/traces", &traces.take())? {
        return Ok(exported);
    }
    if let Some(request) = metrics.request() {
        target.request("v1/metrics", &request)?;
    }
    target.end().map(|()| exported)
}

impl Exported {
    fn count(&mut self, record: &Record) {
        if matches!(record.entry.body, EntryBody::Other { .. }) {
            self.unknown = self.unknown.saturating_add(1);
        }
    }
}

/// What a collector did not take of a request that it answered with success: how much, and why.
fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = ["rejectedSpans", "rejectedDataPoints"].into_iter().find_map(|name| {
        let count = partial.get(name)?;
        count.as_u64().or_else(|| count.as_str()?.parse().ok())
    })?;
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    (count > 0).then(|| (count, why.to_owned()))
}

/// A new file that its owner alone can read: resources can be anybody's business.
fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map(BufWriter::new).map_err(|error| {
        let failure = Failure::usage(format!("cannot make `{}`: {error}", path.display()));
        if error.kind() == io::ErrorKind::AlreadyExists {
            failure.help("name a file that is not there yet")
        } else {
            failure
        }
    })
}

fn unwritten(error: io::Error) -> Failure {
    Failure::internal(format!("the export cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_did_not_take_is_told() {
        let rejected = |answer: &str| rejected(answer.as_bytes());
        for taken in ["", "{}", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":{"rejectedSpans":"0"}}"#, "\u{8}"] {
            assert_eq!(rejected(taken), None, "{taken}");
        }
        let answer = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"full"}}"#;
        assert_eq!(rejected(answer), Some((2, "full".to_owned())));
        assert_eq!(rejected(r#"{"partialSuccess":{"rejectedDataPoints":3}}"#), Some((3, String::new())));
    }
}
