//! From who is asking to what they may do at most: token, registry entry and manifest brought together.

use bailiwick_policy::{Authority, Code, Kind, Manifest, Principal, ScopeSet};
use uuid::{NoContext, Timestamp, Uuid};

use crate::actor::ActorChain;
use crate::agent::{AgentId, Subject};
use crate::issuer::TrustedIssuer;
use crate::jti::JtiHash;
use crate::local::LocalIssuer;
use crate::registry::{
    Agent, Basis, KeyProblem, Registrar, RegistryError, Rotation, Status, TaskId, Withdrawal, Withdrawn,
};
use crate::thumbprint::Thumbprint;
use crate::token::Token;

/// What a run is asked for under: a manifest, perhaps a task, and what that narrows the run to.
///
/// Defaults:
/// - no task, and no restriction beyond token, registry and manifest;
/// - the keys of agents are rotated every 24 h, with a grace of 1 h.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    manifest: &'a Manifest,
    task: Option<TaskId>,
    restriction: Option<ScopeSet>,
    rotation: Rotation,
}

/// The authority of one run, and where it comes from.
#[derive(Clone, Debug)]
pub struct Authorization {
    authority: Authority,
    provenance: Provenance,
    actors: ActorChain,
    sensitive_until: Option<u64>,
    valid_until: u64,
    basis: Basis,
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
    #[error("the agent `{agent}` is {status}{}", because(.reason.as_deref()))]
    Inactive { agent: AgentId, status: Status, reason: Option<String> },
    #[error("{0}")]
    Withdrawn(Withdrawal),
    #[error(
        "the newest key of the agent `{agent}` is {} old, and {} are allowed; `bailiwick agent rotate-key {agent} --key FILE` registers another one",
        span(*.age), span(*.limit)
    )]
    KeyOverdue { agent: AgentId, age: u64, limit: u64 },
    #[error("the agent `{agent}` has registered keys, and the token is bound to none of them")]
    KeyUnbound { agent: AgentId },
    #[error("the token is bound to the key `{key}`, which is not one of the agent `{agent}`")]
    KeyUnknown { agent: AgentId, key: Thumbprint },
    #[error("the token is bound to the key `{key}` of the agent `{agent}`, which does not serve now")]
    KeyNotLive { agent: AgentId, key: Thumbprint },
    #[error(
        "the token grants `{scope}`, which the capabilities of the agent `{agent}` do not contain: it is refused whole"
    )]
    PrivilegeInjection { agent: AgentId, scope: String },
    #[error("the manifest `{manifest}` is not for the agent `{agent}`; its `agents` must list it")]
    NotInManifest { agent: AgentId, manifest: String },
    /// Our own failure: nobody was judged.
    #[error("the registry cannot be asked: {0}")]
    Registry(String),
}

/// Brings a verified token, the registry, the revocations, the manifest's list of agents and the task together. `now` is
/// in seconds since the Unix epoch.
///
/// # Errors
/// When no agent is registered for the token's issuer and subject, it is not active, or not one of the manifest's; when
/// token, task or key were revoked; when the agent has keys, and none of them that serves now is the token's; when the
/// token grants more than the registry declares, by its scopes or its details, which is privilege injection, counted and
/// never narrowed silently.
pub fn authorize(
    token: &Token,
    registrar: &dyn Registrar,
    asked: &Asked<'_>,
    now: u64,
) -> Result<Authorization, AuthorizeError> {
    let (entry, basis) = find(token, registrar, asked.task.clone(), now)?;
    let authority = Authority { task: asked.restriction.clone(), ..authority(&entry, token) };
    check_contained(&entry, &authority).inspect_err(|_| {
        // Refused in any case; that it could not be counted changes nothing about that.
        let _ = registrar.count_injection(&entry.id);
    })?;
    check_manifest(&entry.id, asked.manifest)?;
    let key_expires = check_key(&entry, token, asked.rotation, now)?;
    Ok(Authorization {
        authority,
        provenance: if token.is_local() { Provenance::LocalIssuer } else { Provenance::Issuer },
        actors: token.actors().clone(),
        sensitive_until: token.sensitive_until(),
        valid_until: key_expires.map_or(token.valid_until(), |expires| expires.min(token.valid_until())),
        basis,
    })
}

/// The agent that a verified token speaks for, when the registry has nothing against it: what [`authorize`] asks, but for
/// manifest and task. For those who only look: it authorises nothing, and counts nothing.
///
/// # Errors
/// As [`authorize`].
pub fn admit(
    token: &Token,
    registrar: &dyn Registrar,
    rotation: Rotation,
    now: u64,
) -> Result<AgentId, AuthorizeError> {
    let (entry, _) = find(token, registrar, None, now)?;
    check_contained(&entry, &authority(&entry, token))?;
    check_key(&entry, token, rotation, now)?;
    Ok(entry.id)
}

/// Authority for a run that the person at the terminal starts as `agent`, where the host's configuration allows it.
///
/// Token and registry entry grant exactly what the manifest's allow rules grant. It lasts for an hour from `now`, in
/// seconds since the Unix epoch. The agent need not be registered.
///
/// # Errors
/// When the manifest's `agents` does not list the agent; when one of that id is registered, and not active; or when the
/// task was ended.
pub fn as_local(
    agent: &AgentId,
    registrar: &dyn Registrar,
    asked: &Asked<'_>,
    now: u64,
) -> Result<Authorization, AuthorizeError> {
    check_manifest(agent, asked.manifest)?;
    let entry = registrar.agent(agent)?;
    if let Some(entry) = &entry {
        check_status(entry)?;
    }
    let scopes = asked.manifest.scopes();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, now, 0)).to_string();
    let basis = Basis {
        token: JtiHash::of(LocalIssuer::ISSUER, &id),
        agent: entry.map(|entry| (entry.id, entry.epoch)),
        key: None,
        task: asked.task.clone(),
    };
    check_basis(registrar, &basis, now)?;
    Ok(Authorization {
        authority: Authority {
            principal: Principal {
                issuer: LocalIssuer::ISSUER.to_owned(),
                subject: agent.to_string(),
                agent: agent.to_string(),
            },
            token: scopes.clone(),
            details: Vec::new(),
            registry: scopes,
            task: asked.restriction.clone(),
        },
        provenance: Provenance::Terminal,
        actors: ActorChain::default(),
        sensitive_until: Some(now.saturating_add(Token::SENSITIVE_AGE)),
        valid_until: now.saturating_add(TrustedIssuer::MAX_LIFETIME),
        basis,
    })
}

impl<'a> Asked<'a> {
    /// A run under `manifest`, with the defaults.
    pub fn new(manifest: &'a Manifest) -> Asked<'a> {
        Asked { manifest, task: None, restriction: None, rotation: Rotation::default() }
    }

    /// The task that the run belongs to. The run's authority ends with it.
    pub fn task(self, task: Option<TaskId>) -> Asked<'a> {
        Asked { task, ..self }
    }

    /// Narrows the run to these scopes.
    pub fn restriction(self, restriction: Option<ScopeSet>) -> Asked<'a> {
        Asked { restriction, ..self }
    }

    /// How often agents must get a new key.
    pub fn rotation(self, rotation: Rotation) -> Asked<'a> {
        Asked { rotation, ..self }
    }
}

impl Authorization {
    /// What the agent may do at most.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The same, to make a grant of it.
    pub fn into_authority(self) -> Authority {
        self.authority
    }

    /// Who vouches for the agent.
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
        self.basis.token
    }

    /// What the authority rests on: [`Registrar::watch`] says when a part of it is gone.
    pub fn basis(&self) -> &Basis {
        &self.basis
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
    /// The stable reason code; none for our own failure.
    pub fn code(&self) -> Option<Code> {
        Some(match self {
            AuthorizeError::UnknownAgent { .. } => Code::AgentUnknown,
            AuthorizeError::Inactive { status: Status::Revoked, .. } => Code::AgentRevoked,
            AuthorizeError::Inactive { .. } => Code::AgentSuspended,
            AuthorizeError::Withdrawn(withdrawal) => withdrawal.what.code(),
            AuthorizeError::KeyOverdue { .. } => Code::AgentKeyOverdue,
            AuthorizeError::KeyUnbound { .. } => Code::TokenNotBound,
            AuthorizeError::KeyUnknown { .. } => Code::AgentKeyUnknown,
            AuthorizeError::KeyNotLive { .. } => Code::AgentKeyExpired,
            AuthorizeError::PrivilegeInjection { .. } => Code::TokenPrivilegeInjection,
            AuthorizeError::NotInManifest { .. } => Code::ManifestAgent,
            AuthorizeError::Registry(_) => return None,
        })
    }
}

/// The active agent that a token speaks for, and what a run of it rests on, nothing of which was revoked.
fn find(
    token: &Token,
    registrar: &dyn Registrar,
    task: Option<TaskId>,
    now: u64,
) -> Result<(Agent, Basis), AuthorizeError> {
    let entry = registrar.find(token.issuer(), token.subject())?.ok_or_else(|| AuthorizeError::UnknownAgent {
        issuer: token.issuer().to_owned(),
        subject: token.subject().clone(),
    })?;
    check_status(&entry)?;
    let agent = Some((entry.id.clone(), entry.epoch));
    let basis = Basis { token: token.jti(), agent, key: token.bound_to(), task };
    check_basis(registrar, &basis, now)?;
    Ok((entry, basis))
}

fn authority(entry: &Agent, token: &Token) -> Authority {
    let scopes =
        if token.leaves_scopes_to_registry() { entry.capabilities.clone() } else { known(entry, token.scopes()) };
    Authority {
        principal: Principal {
            issuer: token.issuer().to_owned(),
            subject: token.subject().to_string(),
            agent: entry.id.to_string(),
        },
        token: scopes,
        details: token.details().to_vec(),
        registry: entry.capabilities.clone(),
        task: None,
    }
}

/// The token's scopes without those of embedders' kinds of which the registry says nothing about this agent: they are of
/// other systems, as unknown kinds are.
fn known(entry: &Agent, scopes: &ScopeSet) -> ScopeSet {
    let declared = |kind| entry.capabilities.iter().any(|scope| scope.kind() == kind);
    let ours = scopes.iter().filter(|scope| !matches!(scope.kind(), Kind::Custom(_)) || declared(scope.kind()));
    ours.cloned().collect()
}

fn check_contained(entry: &Agent, authority: &Authority) -> Result<(), AuthorizeError> {
    entry
        .capabilities
        .contains(&authority.token_scopes())
        .map_err(|scope| AuthorizeError::PrivilegeInjection { agent: entry.id.clone(), scope: scope.to_string() })
}

fn check_manifest(agent: &AgentId, manifest: &Manifest) -> Result<(), AuthorizeError> {
    if manifest.agents().iter().any(|listed| listed == agent.as_str()) {
        return Ok(());
    }
    Err(AuthorizeError::NotInManifest { agent: agent.clone(), manifest: manifest.id().to_owned() })
}

fn check_status(entry: &Agent) -> Result<(), AuthorizeError> {
    match entry.status {
        Status::Active => Ok(()),
        status => {
            let reason = entry.reason.as_ref().map(ToString::to_string);
            Err(AuthorizeError::Inactive { agent: entry.id.clone(), status, reason })
        }
    }
}

fn check_basis(registrar: &dyn Registrar, basis: &Basis, now: u64) -> Result<(), AuthorizeError> {
    match registrar.withdrawn(basis, now)? {
        // About a key that does not serve, `check_key` says more.
        None | Some(Withdrawal { what: Withdrawn::KeyOver, .. }) => Ok(()),
        Some(Withdrawal { what: Withdrawn::Unknown, .. }) => {
            Err(AuthorizeError::Registry("the store of revocations failed".to_owned()))
        }
        Some(withdrawal) => Err(AuthorizeError::Withdrawn(withdrawal)),
    }
}

fn check_key(entry: &Agent, token: &Token, rotation: Rotation, now: u64) -> Result<Option<u64>, AuthorizeError> {
    let agent = || entry.id.clone();
    entry.check_key(token.bound_to(), rotation, now).map_err(|problem| match problem {
        KeyProblem::Overdue { age, limit } => AuthorizeError::KeyOverdue { agent: agent(), age, limit },
        KeyProblem::Unbound => AuthorizeError::KeyUnbound { agent: agent() },
        KeyProblem::Unknown(key) => AuthorizeError::KeyUnknown { agent: agent(), key },
        KeyProblem::NotLive(key) => AuthorizeError::KeyNotLive { agent: agent(), key },
    })
}

/// Seconds for a person.
fn span(seconds: u64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200.. => format!("{} h", seconds / 3600),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl From<RegistryError> for AuthorizeError {
    fn from(error: RegistryError) -> AuthorizeError {
        AuthorizeError::Registry(error.to_string())
    }
}
