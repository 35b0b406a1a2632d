//! What the host keeps sealed at rest: secrets, and keys of the key store.
//!
//! A [`Vault`] seals with a [`MasterKey`], which comes from a file, from text that the embedder hands over, or from the
//! kernel's key ring. Each record has a key of its own, so that neither nonces nor counts of messages are a concern, and
//! is bound to its purpose and its name: a sealed record that was moved to another name does not open.

mod master;
mod record;

pub use master::{MasterKey, MasterKeyError};
pub use record::{Vault, VaultError};
