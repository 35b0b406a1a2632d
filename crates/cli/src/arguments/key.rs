//! What is typed about keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Create a key
    Create(KeyCreateArguments),
    /// List the keys and their versions
    List(KeyListArguments),
    /// Print the public halves of a key's versions, as a JSON Web Key Set
    Public(KeyPublicArguments),
    /// Make the next version of a key; the older ones verify and decrypt on
    Rotate(KeyRotateArguments),
    /// Keep a key that was made elsewhere
    Import(KeyImportArguments),
    /// Remove a key, or an older version of it, for ever
    Delete(KeyDeleteArguments),
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
    /// As PEM instead
    #[arg(long)]
    pub(crate) pem: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyRotateArguments {
    /// Ring and key, such as `release/2026`
    #[arg(value_name = "RING/KEY")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeyImportArguments {
    /// Ring and key, such as `partners/acme`
    #[arg(value_name = "RING/KEY")]
    pub(crate) name: String,
    /// PKCS#8 or a public key in PEM or DER, or a JSON Web Key; with a symmetric --algorithm, the key's bytes. `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What it must be for
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) algorithm: Option<String>,
    /// As the next version of a key that is there
    #[arg(long)]
    pub(crate) next: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyDeleteArguments {
    /// Ring and key, such as `release/2025`
    #[arg(value_name = "RING/KEY")]
    pub(crate) name: String,
    /// This version alone, which is not the newest
    #[arg(long, value_name = "VERSION")]
    pub(crate) only: Option<u32>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
