//! The registry of this installation, and what administrators do to it: on record.

use bailiwick_guard::audit::Administration;
use bailiwick_guard::{AuditError, AuditLog, SystemClock};
use bailiwick_identity::{Agent, AgentId, AgentKey, EntryError, Reason, Registrar, RegistryError};
use bailiwick_store::{Store, StoreError, StoreOptions};

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::terminal::{self, NOTE, Untrusted, WARN};
use crate::{identity, input, log};

/// Opens the store of the state folder, and makes both when they are not there.
///
/// # Errors
/// When it cannot be used: without it nobody can tell who may run.
pub(crate) fn open(host: &Configuration) -> Result<Store, Failure> {
    host.state.open()?;
    open_with(host, StoreOptions::default())
}

/// Opens it to take something away, which must not wait until permissions are right again.
fn open_to_tighten(host: &Configuration) -> Result<Store, Failure> {
    let refused = match open(host) {
        Ok(store) => return Ok(store),
        Err(refused) => refused,
    };
    let options = StoreOptions { despite_permissions: true, ..StoreOptions::default() };
    let Ok(store) = open_with(host, options) else { return Err(refused) };
    terminal::err(&format!("{WARN}warning{WARN:#}: {}; it is done all the same\n", refused.message()));
    Ok(store)
}

fn open_with(host: &Configuration, options: StoreOptions) -> Result<Store, Failure> {
    let (store, imported) = Store::open(host.state.path(), options).map_err(unusable)?;
    if let Some(imported) = imported {
        let backup = imported.backup.display().to_string();
        let agents = imported.agents;
        terminal::err(&format!(
            "{NOTE}note{NOTE:#}: the registry of an earlier version ({agents} agents) is now in `state.db`; the file is kept as `{}`\n",
            Untrusted(&backup)
        ));
    }
    Ok(store)
}

/// Opens the store when there is one, or something that belongs in it.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_existing(host: &Configuration) -> Result<Option<Store>, Failure> {
    let there = |name: &str| host.state.path().join(name).exists();
    let exists = host.state.open_existing()?.is_some() && (there("state.db") || there("agents.json"));
    if exists { open(host).map(Some) } else { Ok(None) }
}

/// One thing that an administrator does.
pub(crate) struct Act {
    /// Such as `agent.suspend`.
    pub(crate) name: &'static str,
    /// Whom or what it is done to.
    pub(crate) target: String,
    pub(crate) reason: Option<Reason>,
    /// Whether it gives nobody anything. Then it is done even if it cannot be recorded, and otherwise not.
    pub(crate) tightens: bool,
}

impl Act {
    /// Records the act, does it in the registry, and records if it failed.
    ///
    /// # Errors
    /// When it failed, or could not be recorded.
    pub(crate) fn perform<T>(
        &self,
        host: &Configuration,
        act: impl FnOnce(&Store) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let store = if self.tightens { open_to_tighten(host)? } else { open(host)? };
        self.carry_out(host, || act(&store))
    }

    /// The same for what is not done in the registry.
    ///
    /// # Errors
    /// When it failed, or could not be recorded.
    pub(crate) fn carry_out<T>(
        &self,
        host: &Configuration,
        act: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let log = log::open(host);
        let recorded = match &log {
            Ok(log) => self.record(log, None).map_err(Failure::internal),
            Err(failure) => Err(Failure::internal(failure.message())),
        };
        if !self.tightens {
            recorded?;
            return act().inspect_err(|failure| self.record_failure(log.as_ref().ok(), failure));
        }
        let done = act().inspect_err(|failure| self.record_failure(log.as_ref().ok(), failure))?;
        recorded.map_err(|failure| {
            let problem = failure.message();
            Failure::internal(format!("`{}` is in force, but could not be recorded: {problem}", self.name))
        })?;
        Ok(done)
    }

    fn record(&self, log: &AuditLog, failed: Option<String>) -> Result<(), AuditError> {
        let entry = Administration {
            act: self.name,
            target: self.target.clone(),
            reason: self.reason.as_ref().map(ToString::to_string),
            by: format!("uid {}", rustix::process::getuid().as_raw()),
            failed,
        };
        log.administration(entry, &SystemClock)?;
        identity::wait(log.flush()).unwrap_or_else(|failure| Err(AuditError::Unavailable(failure.message().into())))
    }

    fn record_failure(&self, log: Option<&AuditLog>, failure: &Failure) {
        if let Some(log) = log {
            // The failure itself is what is told.
            let _ = self.record(log, Some(failure.message().to_owned()));
        }
    }
}

/// Why something is done, as it was typed.
pub(crate) fn reason(text: Option<&str>) -> Result<Option<Reason>, Failure> {
    text.map(|text| Reason::parse(text).map_err(|error: EntryError| Failure::usage(format!("--reason: {error}"))))
        .transpose()
}

/// A public key in a file, which serves from now on.
pub(crate) fn key(path: &std::path::Path) -> Result<AgentKey, Failure> {
    let content = input::bytes(path, "the key", AgentKey::MAX_BYTES)?;
    let name = path.display().to_string();
    AgentKey::parse(&content, input::now())
        .map_err(|error| Failure::usage(format!("the key `{}`: {error}", Untrusted(&name))))
}

/// The agent with that id.
///
/// # Errors
/// When there is none, or nobody can tell.
pub(crate) fn agent(registrar: &dyn Registrar, id: &AgentId) -> Result<Agent, Failure> {
    registrar.agent(id).map_err(refused)?.ok_or_else(|| refused(RegistryError::Unknown(id.clone())))
}

/// Who asked for what the registry does not take made a mistake; a registry that fails is ours.
pub(crate) fn refused(error: RegistryError) -> Failure {
    match error {
        RegistryError::Unavailable(_) => Failure::internal(error),
        RegistryError::Unknown(_) => Failure::usage(error).help("`bailiwick agent list` shows those that are"),
        RegistryError::Exists(ref id) => {
            let help = format!(
                "to change what it may do: `bailiwick agent export {id} > FILE`, edit it, `bailiwick agent import FILE`"
            );
            Failure::usage(error).help(help)
        }
        _ => Failure::usage(error),
    }
}

pub(crate) fn unusable(error: StoreError) -> Failure {
    Failure::internal(error)
}
