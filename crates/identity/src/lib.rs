//! Who is asking: access tokens become verified tokens, and those, with the agent registry, authority for one run.
//!
//! | step | from → to |
//! |---|---|
//! | [`RawToken::verify`] | text that somebody presented → [`Token`], against the configured [`TrustedIssuers`] |
//! | [`RawProof::verify`], [`RawToken::verify_presented`], [`UnspentToken::spend`] | a token and a proof of possession → [`Token`] |
//! | [`IssuerDirectory::issuers_for`] | a token's issuer → [`TrustedIssuers`] with its keys, which [`PublishedIssuer`]s fetch when [`KeyCache`] says so |
//! | [`inspect`] | a token → every check by name, passed, failed or not reached |
//! | [`Registrar`] | who keeps the [`AgentRegistry`] and the revocations; a port, as is [`ReplayStore`] |
//! | [`authorize`] | [`Token`], [`Registrar`], manifest, task → [`Authorization`] |
//! | [`as_local`] | the person at the terminal and a manifest → [`Authorization`] |
//!
//! An unverified token has nothing to read, keys come from the configuration or from where it says that they are, and
//! time is an argument. This crate decides nothing about calls. It connects only to fetch configured issuers' keys, and
//! reads and writes only in the state folder that it is given.

mod actor;
mod agent;
mod authorize;
mod challenge;
mod check;
mod claims;
pub mod danger;
mod details;
mod directory;
mod discovery;
mod dpop;
mod error;
mod https;
mod inspect;
mod issuer;
mod json;
mod jti;
mod jwks;
mod jws;
mod key_cache;
mod key_file;
mod local;
mod nonce;
mod profile;
mod proof_key;
mod published;
mod registry;
mod replay;
mod state;
mod target;
mod thumbprint;
mod token;
mod workload;

pub use actor::{Actor, ActorChain};
pub use agent::{AgentId, AgentIdError, Subject};
pub use authorize::{Asked, Authorization, AuthorizeError, Provenance, admit, as_local, authorize};
pub use challenge::Challenge;
pub use check::Check;
pub use details::DetailsError;
pub use directory::IssuerDirectory;
pub use discovery::{DiscoveryError, KeyUrl, max_age};
pub use dpop::{Proof, ProofError, ProofRequest, RawProof};
pub use error::{Part, TokenError};
pub use https::{AuthoritiesError, FetchError, FetchProblem, HttpsClient, Resolve};
pub use inspect::{Inspection, Outcome, inspect};
pub use issuer::{IssuerError, TrustedIssuer, TrustedIssuers};
pub use jti::JtiHash;
pub use jwks::{Jwks, JwksError, Key, Unfit};
pub use jws::{Algorithm, MAX_HEADER_BYTES, MAX_TOKEN_BYTES, verify_compact};
pub use key_cache::{Answer, KeyCache, Ticket};
pub use local::{LocalIssuer, LocalIssuerError};
pub use nonce::{Nonces, PeriodicNonces};
pub use profile::{Profile, Workload};
pub use proof_key::{ProofKey, ProofKeyError};
pub use published::{KeysError, PublishedIssuer, PublishedKeys, RememberedKeys};
pub use registry::{
    Agent, AgentKey, AgentRegistry, Basis, Change, ChangeError, DocumentError, EndRun, EntryError, EntryProblem,
    KeyAge, KeyError, KeyProblem, MemoryRegistrar, MissingKeys, Reason, Registrar, RegistryDocument, RegistryError,
    Revocable, Revocation, Rotation, Signal, SignalEvent, Status, TaskId, TaskIdError, Watched, Withdrawal, Withdrawn,
};
pub use replay::{MemoryReplayStore, ReplayError, ReplayStore};
pub use state::StateError;
pub use target::Target;
pub use thumbprint::Thumbprint;
pub use token::{RawToken, SignedFor, Token, UnspentToken};
pub use workload::{ServiceAccount, SpiffeId, TrustDomain};
