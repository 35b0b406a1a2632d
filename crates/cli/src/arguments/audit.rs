//! What is typed about audit logs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Verify logs: that nothing was changed, removed, moved, cut off or written anew
    Verify(AuditVerifyArguments),
    /// Print the public key that this installation's logs are signed with
    Key,
    /// Prove that an entry, or every entry of a run, is in a signed log
    Prove(AuditProveArguments),
    /// Check such a proof, with nothing but the key
    VerifyProof(AuditVerifyProofArguments),
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
