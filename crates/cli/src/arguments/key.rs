//! What is typed about keys.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Create a key
    Create(KeyCreateArguments),
    /// List the keys
    List(KeyListArguments),
    /// Print a key's public half
    Public(KeyPublicArguments),
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreateArguments {
    /// Ring and key, such as `release/2026`
    #[arg(value_name = "RING/KEY")]
    pub(crate) name: String,
    /// What it is for
    #[arg(long, value_name = "ALGORITHM", default_value = "ed25519")]
    pub(crate) algorithm: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeyListArguments {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyPublicArguments {
    /// Ring and key, such as `release/2026`
    #[arg(value_name = "RING/KEY")]
    pub(crate) name: String,
}
