//! What is allowed: scopes, resources, manifests, and the grant that decides.

mod actions;
mod address;
mod code;
mod fetch_target;
mod guest_path;
mod kind;
mod limits;
mod names;
mod pattern;
mod principal;
mod request;
mod resource;
mod rule;
mod scope;
mod scope_set;
mod segment;
mod text;
mod verdict;

pub use address::{Host, Scheme};
pub use code::Code;
pub use fetch_target::{FetchTarget, MAX_URL};
pub use guest_path::{GuestPath, MAX_GUEST_PATH};
pub use kind::{ActionName, Kind};
pub use limits::Limits;
pub use names::{KeyName, KvKey, ManifestId, SecretName, TableName, ToolName};
pub use pattern::PatternError;
pub use principal::Principal;
pub use request::Request;
pub use resource::{Resource, ResourceError};
pub use rule::{DEFAULT_HEADERS, Effect, Rule, Terms};
pub use scope::{Scope, ScopeError};
pub use scope_set::{MAX_SCOPES, ScopeSet};
pub use verdict::{Decision, Source, Verdict};
