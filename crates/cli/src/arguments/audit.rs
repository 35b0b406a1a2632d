//! What is typed about audit logs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Show the last entries, and follow those that come
    Tail(AuditTailArguments),
    /// Show the entries for which all terms hold, such as `agent=report-bot decision=deny since=1h`
    Query(AuditQueryArguments),
    /// Give entries to other systems: as JSON lines, as OCSF events, as OpenTelemetry traces and metrics
    Export(AuditExportArguments),
    /// Verify logs: that nothing was changed, removed, moved, cut off or written anew
    Verify(AuditVerifyArguments),
    /// Print the public key that this installation's logs are signed with
    Key,
    /// Prove that an entry, or every entry of a run, is in a signed log
    Prove(AuditProveArguments),
    /// Check such a proof, with nothing but the key
    VerifyProof(AuditVerifyProofArguments),
}

const TERMS: &str = "\
Terms are `name=value`; all of them must hold. Names: act, action, agent, code, decision, issuer, kind, outcome, resource, \
rule, run, since, stop, task, type, until. In a value `*` stands for any text; quote one that has blanks. `since` and `until` \
take how long ago, such as `90s`, `15m`, `1h` or `7d`, or a time as `2026-11-23T07:09:01Z`.";

/// Which entries of which log.
#[derive(Debug, Args)]
pub(crate) struct EntriesArguments {
    /// What must hold for an entry, such as `agent=report-bot decision=deny since=1h`; by default, nothing
    #[arg(value_name = "QUERY")]
    pub(crate) query: Vec<String>,
    /// The log's file; by default, every log of this installation
    #[arg(long, value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = TERMS)]
pub(crate) struct AuditQueryArguments {
    #[command(flatten)]
    pub(crate) entries: EntriesArguments,
    /// The entries themselves on standard output, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = TERMS)]
pub(crate) struct AuditTailArguments {
    #[command(flatten)]
    pub(crate) entries: EntriesArguments,
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) lines: u16,
    /// Go on with the entries that are written from now on, until interrupted or until nobody reads them
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// The entries themselves on standard output, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What entries become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// The entries as they are in the log
    Jsonl,
    /// Events of the Open Cybersecurity Schema Framework 1.8.0, one a line
    Ocsf,
    /// Traces and metrics of OpenTelemetry, requests of OTLP in JSON, one a line
    Otel,
}

#[derive(Debug, Args)]
#[command(after_help = TERMS)]
pub(crate) struct AuditExportArguments {
    #[command(flatten)]
    pub(crate) entries: EntriesArguments,
    /// The format
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// A new file, in place of standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "endpoint")]
    pub(crate) out: Option<PathBuf>,
    /// Send them to this OTLP/HTTP receiver, such as `http://localhost:4318`; for the format `otel`
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) endpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArguments {
    /// The log's file, with its folder beside it; by default, every log of this installation
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub(crate) log: Option<PathBuf>,
    /// The key that signed it, as `audit key` prints it, or a file that holds it; by default, this installation's
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// A checkpoint of the log that was kept elsewhere: shows whether the log was rolled back or forked since
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "log")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditProveArguments {
    /// The run's id, or the entry's `seq`
    #[arg(value_name = "RUN|ENTRY")]
    pub(crate) what: String,
    /// The log's file; by default `audit/log.jsonl` of this installation, and for a run each of its logs
    #[arg(long, value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub(crate) log: Option<PathBuf>,
    /// The key that signed the log, as `audit key` prints it, or a file that holds it; by default, this installation's
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerifyProofArguments {
    /// The proof
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) proof: PathBuf,
    /// The key that signed the log, as `audit key` prints it, or a file that holds it; by default, this installation's
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}
