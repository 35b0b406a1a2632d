//! What is typed about the vault.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum VaultVerb {
    /// Seal all secrets and keys with another master key
    Rekey(VaultRekeyArguments),
}

/// Seal all secrets and keys with another master key.
///
/// A master key in the state folder is made anew, and the old one removed when nothing needs it any more. One in the environment
/// or the key ring is yours to change: put the new one before the old, run this, then take the old one out. After an interruption
/// everything can be opened, and the same command does the rest. End runs that are under way first: they know the old one alone.
#[derive(Debug, Args)]
pub(crate) struct VaultRekeyArguments {}
