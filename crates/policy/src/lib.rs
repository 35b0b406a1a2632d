//! What is allowed. Pure: no I/O, no clock, no async.
//!
//! A [`Manifest`] is parsed from text, a [`Grant`] intersects it with what a token, the agent registry and the task
//! grant, and [`Grant::decide`] answers a [`Request`] with a [`Verdict`]: total, indexed, and with the reason.
//!
//! ```
//! # use std::sync::Arc;
//! # use bailiwick_policy::{Authority, Code, Decision, Grant, Manifest, Principal, Request, ScopeSet};
//! let text = r#"
//! schema = 1
//! id = "expense-bot"
//! agents = ["expense-bot"]
//! allow = [{ id = "orders", fetch = "https://api.example.com/v1/orders/**" }]
//! deny = [{ id = "no-drafts", fetch = "https://api.example.com/v1/orders/drafts" }]
//! "#;
//! let manifest = Arc::new(Manifest::parse(text, "bot.toml").expect("the manifest has no errors"));
//! let principal = Principal { issuer: "local".into(), subject: "ada".into(), agent: "expense-bot".into() };
//! let token = ScopeSet::parse_token("openid fetch:get:api.example.com/**")?;
//! let registry = ScopeSet::parse_strict("fetch:get,post:*.example.com/v1/**")?;
//! let grant = Grant::new(manifest, None, Authority { principal, token, details: vec![], registry, task: None });
//!
//! let verdict = grant.decide(&Request::parse("fetch GET https://api.example.com/v1/orders/7")?);
//! assert_eq!((verdict.decision(), verdict.code()), (Decision::Allow, Code::Allowed));
//! let verdict = grant.decide(&Request::parse("fetch GET https://api.example.com/v1/orders/%64rafts")?);
//! assert_eq!(verdict.rule().map(|rule| rule.location()), Some("bot.toml:6"));
//! let verdict = grant.decide(&Request::parse("fetch POST https://api.example.com/v1/orders/7")?);
//! assert_eq!(verdict.code(), Code::TokenScope);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actions;
mod address;
mod allowance;
mod argument;
mod code;
mod columns;
mod condition;
mod custom;
mod database;
mod decimal;
mod detail;
mod document;
mod explain;
mod fetch_target;
mod grant;
mod guest_path;
mod index;
mod kind;
mod limits;
mod manifest;
mod names;
mod nearest;
mod pattern;
mod principal;
mod prompt;
mod query;
mod request;
mod resource;
mod rule;
mod scope;
mod scope_set;
mod segment;
mod sources;
mod text;
mod verdict;
mod zone;

pub use address::{Host, Scheme};
pub use allowance::{Allowance, Amount, Calls, Charge, Rate, Sum, Window};
pub use argument::Arguments;
pub use code::Code;
pub use columns::Columns;
pub use custom::{CustomKind, CustomResource};
pub use detail::{Detail, DetailError};
pub use explain::{Explanation, LayerReport};
pub use fetch_target::{FetchTarget, MAX_URL};
pub use grant::{Authority, Grant};
pub use guest_path::{GuestPath, MAX_GUEST_PATH};
pub use kind::{ActionName, Kind};
pub use limits::Limits;
pub use manifest::{
    Backing, DatabasePlace, Diagnostic, DiagnosticCode, MAX_MANIFEST, Manifest, MountPoint, Severity, Sharing,
    ToolProgram, ToolServer, ToolSource, Writes,
};
pub use names::{KeyName, KvKey, ManifestId, SecretName, TableName, ToolName};
pub use pattern::PatternError;
pub use principal::Principal;
pub use prompt::{Dialect, prompt};
pub use request::Request;
pub use resource::{Resource, ResourceError};
pub use rule::{DEFAULT_HEADERS, Effect, Rule, SecretPlace, SecretUse, Terms, is_host_header};
pub use scope::{Scope, ScopeError};
pub use scope_set::{MAX_SCOPES, ScopeSet};
pub use sources::{GrantSources, ManifestSource, SourcesError};
pub use text::is_hidden;
pub use verdict::{Decision, Source, Verdict};
pub use zone::{Zone, zone};
