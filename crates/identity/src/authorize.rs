//! From who is asking to what they may do at most: token, registry entry and manifest brought together.

use bailiwick_policy::{Authority, Code, Manifest, Principal, ScopeSet};
use uuid::{NoContext, Timestamp, Uuid};

use crate::actor::ActorChain;
use crate::agent::{AgentId, Subject};
use crate::issuer::TrustedIssuer;
use crate::jti::JtiHash;
use crate::local::LocalIssuer;
use crate::registry::{AgentRegistry, Status};
use crate::token::Token;

/// The authority of one run, and where it comes from.
#[derive(Clone, Debug)]
pub struct Authorization {
    authority: Authority,
    provenance: Provenance,
    actors: ActorChain,
    sensitive_until: Option<u64>,
    valid_until: u64,
    jti: JtiHash,
}

/// Who vouches for the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// A configured issuer.
    Issuer,
    /// The issuer embedded in this installation.
    LocalIssuer,
    /// The person at the terminal: token and registry entry are derived from the manifest, which alone decides.
    Terminal,
}

/// A verified token that authorises nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    #[error(
        "no agent is registered for subject `{subject}` of issuer `{issuer}`; `bailiwick agent register` makes one"
    )]
    UnknownAgent { issuer: String, subject: Subject },
    #[error("the agent `{agent}` is {status}")]
    Inactive { agent: AgentId, status: Status },
    #[error(
        "the token grants `{scope}`, which the capabilities of the agent `{agent}` do not contain: it is refused whole"
    )]
    PrivilegeInjection { agent: AgentId, scope: String },
    #[error("the manifest `{manifest}` is not for the agent `{agent}`; its `agents` must list it")]
    NotInManifest { agent: AgentId, manifest: String },
    #[error(
        "the token narrows its scopes by `authorization_details` of type `bailiwick`, which this version does not enforce yet: it is refused whole"
    )]
    ConstraintsNotEnforced,
}

/// Brings a verified token, the registry, the manifest's list of agents and the task's restriction together.
///
/// # Errors
/// When no agent is registered for the token's issuer and subject, it is not active, or not one of the manifest's; or
/// when the token grants more than the registry declares, which is privilege injection and never narrowed silently; or
/// when it has conditions that nothing would keep.
pub fn authorize(
    token: &Token,
    registry: &AgentRegistry,
    manifest: &Manifest,
    task: Option<ScopeSet>,
) -> Result<Authorization, AuthorizeError> {
    let entry = registry.find(token.issuer(), token.subject()).ok_or_else(|| AuthorizeError::UnknownAgent {
        issuer: token.issuer().to_owned(),
        subject: token.subject().clone(),
    })?;
    let agent = &entry.id;
    if entry.status != Status::Active {
        return Err(AuthorizeError::Inactive { agent: agent.clone(), status: entry.status });
    }
    entry
        .capabilities
        .contains(token.scopes())
        .map_err(|scope| AuthorizeError::PrivilegeInjection { agent: agent.clone(), scope: scope.to_string() })?;
    check_manifest(agent, manifest)?;
    if !token.constraints().is_empty() {
        return Err(AuthorizeError::ConstraintsNotEnforced);
    }
    let scopes = if token.leaves_scopes_to_registry() { &entry.capabilities } else { token.scopes() };
    Ok(Authorization {
        authority: Authority {
            principal: Principal {
                issuer: token.issuer().to_owned(),
                subject: token.subject().to_string(),
                agent: agent.to_string(),
            },
            token: scopes.clone(),
            registry: entry.capabilities.clone(),
            task,
        },
        provenance: if token.is_local() { Provenance::LocalIssuer } else { Provenance::Issuer },
        actors: token.actors().clone(),
        sensitive_until: token.sensitive_until(),
        valid_until: token.valid_until(),
        jti: token.jti(),
    })
}

/// Authority for a run that the person at the terminal starts as `agent`, where the host's configuration allows it.
///
/// Token and registry entry grant exactly what the manifest's allow rules grant. It lasts for an hour from `now`, in
/// seconds since the Unix epoch.
///
/// # Errors
/// When the manifest's `agents` does not list the agent.
pub fn as_local(
    agent: &AgentId,
    manifest: &Manifest,
    task: Option<ScopeSet>,
    now: u64,
) -> Result<Authorization, AuthorizeError> {
    check_manifest(agent, manifest)?;
    let scopes = manifest.scopes();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, now, 0)).to_string();
    Ok(Authorization {
        authority: Authority {
            principal: Principal {
                issuer: LocalIssuer::ISSUER.to_owned(),
                subject: agent.to_string(),
                agent: agent.to_string(),
            },
            token: scopes.clone(),
            registry: scopes,
            task,
        },
        provenance: Provenance::Terminal,
        actors: ActorChain::default(),
        sensitive_until: Some(now.saturating_add(Token::SENSITIVE_AGE)),
        valid_until: now.saturating_add(TrustedIssuer::MAX_LIFETIME),
        jti: JtiHash::of(LocalIssuer::ISSUER, &id),
    })
}

impl Authorization {
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    pub fn into_authority(self) -> Authority {
        self.authority
    }

    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// Who acts for the principal, for records and display.
    pub fn actors(&self) -> &ActorChain {
        &self.actors
    }

    /// The last second since the Unix epoch at which it covers a sensitive action: 15 minutes after a token that is bound
    /// to a key was issued, and never with another token. The person at the terminal is there in place of a key: 15
    /// minutes from the start.
    pub fn sensitive_until(&self) -> Option<u64> {
        self.sensitive_until
    }

    /// The second since the Unix epoch at which the authority ends.
    pub fn valid_until(&self) -> u64 {
        self.valid_until
    }

    /// Names the token in records.
    pub fn jti(&self) -> JtiHash {
        self.jti
    }
}

impl Provenance {
    /// The word for reports and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Provenance::Issuer => "issuer",
            Provenance::LocalIssuer => "local-issuer",
            Provenance::Terminal => "terminal",
        }
    }
}

impl AuthorizeError {
    /// The stable reason code.
    pub fn code(&self) -> Code {
        match self {
            AuthorizeError::UnknownAgent { .. } => Code::AgentUnknown,
            AuthorizeError::Inactive { status: Status::Revoked, .. } => Code::AgentRevoked,
            AuthorizeError::Inactive { .. } => Code::AgentSuspended,
            AuthorizeError::PrivilegeInjection { .. } => Code::TokenPrivilegeInjection,
            AuthorizeError::NotInManifest { .. } => Code::ManifestAgent,
            AuthorizeError::ConstraintsNotEnforced => Code::TokenUnsupported,
        }
    }
}

fn check_manifest(agent: &AgentId, manifest: &Manifest) -> Result<(), AuthorizeError> {
    if manifest.agents().iter().any(|listed| listed == agent.as_str()) {
        return Ok(());
    }
    Err(AuthorizeError::NotInManifest { agent: agent.clone(), manifest: manifest.id().to_owned() })
}
