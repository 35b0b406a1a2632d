//! What is typed about policies.

use std::path::PathBuf;

use bailiwick::Language;
use clap::{Args, Subcommand, ValueHint};

use super::language;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// Show every error and warning in manifests
    Check(PolicyCheckArguments),
    /// Say whether a call would be allowed, layer by layer
    Explain(PolicyExplainArguments),
    /// Print what to tell a model that writes code for runs under a manifest
    Prompt(PolicyPromptArguments),
}

/// Print what to tell a model that writes code for runs under a manifest.
///
/// What the code may call, with examples, and what holds it: Markdown for a system prompt. Nothing that the manifest does
/// not allow is in it.
#[derive(Debug, Args)]
pub(crate) struct PolicyPromptArguments {
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub(crate) manifest: PathBuf,
    /// The language that the model writes
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = language())]
    pub(crate) language: Language,
    /// The agent that the model is
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCheckArguments {
    /// Manifests, TOML or JSON
    #[arg(value_name = "MANIFEST", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) manifests: Vec<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say whether a call would be allowed, layer by layer.
///
/// Exits with 0 when it would be allowed and with 6 when it would be denied.
#[derive(Debug, Args)]
pub(crate) struct PolicyExplainArguments {
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub(crate) manifest: PathBuf,
    /// The call, such as 'fetch POST https://api.example/v1/payments' or 'file read /invoices/a.csv'
    #[arg(value_name = "CALL")]
    pub(crate) call: String,
    /// The scopes of the agent's token [default: what the manifest allows]
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<String>,
    /// The agent that asks [default: the first that the manifest lists]
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// The agent's capabilities in the registry [default: what the manifest allows]
    #[arg(long, value_name = "SCOPES")]
    pub(crate) registry: Option<String>,
    /// The task's restriction [default: none]
    #[arg(long, value_name = "SCOPES")]
    pub(crate) restrict: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
