//! Who is asking: access tokens become verified tokens, and those, with the agent registry, authority for one run.
//!
//! | step | from → to |
//! |---|---|
//! | [`RawToken::verify`] | text that somebody presented → [`Token`], against the configured [`TrustedIssuers`] |
//! | [`authorize`] | [`Token`], [`AgentRegistry`], manifest, task → [`Authorization`] |
//! | [`as_local`] | the person at the terminal and a manifest → [`Authorization`] |
//!
//! An unverified token has nothing to read, keys come from configuration only, and time is an argument. This crate
//! decides nothing about calls and opens no connection; it reads and writes only in the state folder that it is given.

mod agent;
mod authorize;
pub mod danger;
mod error;
mod issuer;
mod json;
mod jwks;
mod jws;
mod local;
mod registry;
mod state;
mod token;

pub use agent::{AgentId, AgentIdError, Subject};
pub use authorize::{Authorization, AuthorizeError, Provenance, as_local, authorize};
pub use error::{Part, TokenError};
pub use issuer::{IssuerError, TrustedIssuer, TrustedIssuers};
pub use jwks::{Jwks, JwksError, Key, Unfit};
pub use jws::{Algorithm, MAX_HEADER_BYTES, MAX_TOKEN_BYTES, verify_compact};
pub use local::{LocalIssuer, LocalIssuerError};
pub use registry::{Agent, AgentRegistry, EntryError, RegistryError, Status};
pub use state::StateError;
pub use token::{JtiHash, RawToken, Token};
