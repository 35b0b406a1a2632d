//! What is typed about secrets. Never a value: what is typed as an argument is in the shell's history and the list of processes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum SecretVerb {
    /// Keep a secret, sealed
    Set(SecretSetArguments),
    /// List the secrets' names
    List(SecretListArguments),
    /// Forget a secret
    Delete(SecretDeleteArguments),
}

/// Keep a secret, sealed, in place of the one of that name.
///
/// The value comes from a file, from standard input, or from a terminal, where it is asked for and not shown. One line break
/// at its end is not part of it. It is never printed again.
#[derive(Debug, Args)]
pub(crate) struct SecretSetArguments {
    /// Its name in manifests, such as `bank-token`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Read the value from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) from_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretListArguments {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretDeleteArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
