//! `bailiwick tool …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum ToolVerb {
    /// Start the servers, and list their tools beside what was accepted
    List(ToolListArguments),
    /// Accept a server's tools as it describes them now; others cannot be called
    Accept(ToolAcceptArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ToolListArguments {
    /// The manifest that names the servers
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) manifest: PathBuf,
    /// One server; without it, all
    #[arg(long)]
    pub(crate) server: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Accept a server's tools as it describes them now; others cannot be called.
///
/// What would be accepted is shown in full. On a terminal you are asked; elsewhere, say by `--digest` what you have seen.
#[derive(Debug, Args)]
pub(crate) struct ToolAcceptArguments {
    /// The manifest that names the server
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) manifest: PathBuf,
    /// The server
    pub(crate) server: String,
    /// One tool of it; without it, all
    pub(crate) tool: Option<String>,
    /// Accept without being asked if the tools are those that `tool list` or `tool accept` showed with this digest
    #[arg(long, value_name = "SHA-256")]
    pub(crate) digest: Option<String>,
}
