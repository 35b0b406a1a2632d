//! Secrets that guests use and never see.
//!
//! A guest asks for a secret by name and gets a *placeholder*: a random text that means nothing outside its run. It writes
//! the placeholder where the value would stand, and the host puts the value in, in the requests, and only in the place,
//! that the deciding rule names. A placeholder that stands elsewhere in a request is refused. What a server says of a value
//! that it was sent is taken out of its answers.
//!
//! Where values come from is a [`SecretSource`]: the sealed files of a [`SecretStore`], or whatever the embedder has.

mod answer;
mod exchange;
mod placeholder;
mod scrub;
mod source;
mod store;

pub(crate) use answer::AnswerStream;
pub(crate) use exchange::Plan;
pub use placeholder::{PREFIX, Secrets, UseSecret};
pub use source::{SecretSource, SourceError};
pub use store::{SealedSecrets, SecretError, SecretInfo, SecretStore, check};

/// Fewest bytes of a secret, without white space around it. What an answer has of a value is replaced, and so a guest that has
/// its guesses echoed learns which of them is right: there must be too many.
pub const MIN_SECRET: usize = 16;
/// Most bytes of a secret.
pub const MAX_SECRET: usize = 8 << 10;
