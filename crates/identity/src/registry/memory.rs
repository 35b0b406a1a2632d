//! A registrar that lives and dies with the process: for embedders who keep the registry elsewhere, and for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::agent::{Agent, Change, Reason, Status};
use super::document::RegistryDocument;
use super::registrar::Registrar;
use super::revocation::{Basis, EndRun, Revocable, Revocation, Watched, Withdrawal, Withdrawn};
use super::roll::{AgentRegistry, MissingKeys, RegistryError};
use crate::agent::{AgentId, Subject};

/// Keeps a registry in memory. Clones share it.
///
/// It has no clock and no thread: a run whose key serves no longer ends with the first change after that.
#[derive(Clone, Default)]
pub struct MemoryRegistrar {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    registry: AgentRegistry,
    revocations: Vec<Revocation>,
    runs: BTreeMap<u64, (Basis, EndRun)>,
    next: u64,
    /// The latest second that anybody told.
    latest: u64,
}

impl MemoryRegistrar {
    /// With the agents and the revoked keys of `registry`, and nothing else revoked.
    pub fn new(registry: AgentRegistry) -> MemoryRegistrar {
        MemoryRegistrar { kept: Arc::new(Mutex::new(Kept { registry, ..Kept::default() })) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change of what is kept is one statement, so that a panic elsewhere leaves it whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and ends the runs that have lost their basis.
    fn change_kept<T>(&self, now: u64, change: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept();
        kept.latest = kept.latest.max(now);
        let changed = change(&mut kept);
        let ended = kept.ended();
        drop(kept);
        for (end, withdrawal) in ended {
            end(withdrawal);
        }
        changed
    }
}

impl Kept {
    fn withdrawn(&self, basis: &Basis, now: u64) -> Option<Withdrawal> {
        let of_agent = basis.agent.as_ref().and_then(|(id, epoch)| match self.registry.get(id) {
            Some(agent) if agent.epoch == *epoch && agent.status == Status::Active => None,
            Some(agent) => Some(Withdrawal { what: Withdrawn::Agent(agent.status), reason: agent.reason.clone() }),
            None => Some(Withdrawal { what: Withdrawn::Agent(Status::Revoked), reason: None }),
        });
        let revoked = || {
            basis.revocables().find_map(|what| {
                let entry = self.revocations.iter().find(|entry| entry.what == what)?;
                Some(Withdrawal { what: basis.lost(&what)?, reason: entry.reason.clone() })
            })
        };
        let over = || {
            let agent = basis.agent.as_ref().and_then(|(id, _)| self.registry.get(id));
            let what = basis.key_ends(agent.map(|agent| &*agent.keys).unwrap_or_default(), now).err()?;
            Some(Withdrawal { what, reason: None })
        };
        of_agent.or_else(revoked).or_else(over)
    }

    fn revoke(&mut self, revocation: Revocation) {
        if let Revocable::Key(key) = &revocation.what {
            self.registry.revoke_key(*key);
        }
        if !self.revocations.iter().any(|entry| entry.what == revocation.what) {
            self.revocations.push(revocation);
        }
    }

    fn ended(&mut self) -> Vec<(EndRun, Withdrawal)> {
        let lost: Vec<_> = self
            .runs
            .iter()
            .filter_map(|(run, (basis, _))| Some((*run, self.withdrawn(basis, self.latest)?)))
            .collect();
        lost.into_iter().filter_map(|(run, withdrawal)| Some((self.runs.remove(&run)?.1, withdrawal))).collect()
    }
}

impl Registrar for MemoryRegistrar {
    fn agents(&self) -> Result<Vec<Agent>, RegistryError> {
        Ok(self.kept().registry.iter().cloned().collect())
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, RegistryError> {
        Ok(self.kept().registry.get(id).cloned())
    }

    fn find(&self, issuer: &str, subject: &Subject) -> Result<Option<Agent>, RegistryError> {
        Ok(self.kept().registry.find(issuer, subject).cloned())
    }

    fn register(&self, agent: Agent) -> Result<(), RegistryError> {
        self.change_kept(0, |kept| kept.registry.register(agent))
    }

    fn import(
        &self,
        document: RegistryDocument,
        missing: MissingKeys,
        now: u64,
    ) -> Result<Vec<AgentId>, Vec<RegistryError>> {
        self.change_kept(now, |kept| {
            let revocations = document.revocations.clone();
            let ids = kept.registry.import(document, missing, now)?;
            // The oldest first: lists have the latest first.
            revocations.into_iter().rev().for_each(|revocation| kept.revoke(revocation));
            Ok(ids)
        })
    }

    fn change(&self, id: &AgentId, change: Change, now: u64) -> Result<Agent, RegistryError> {
        self.change_kept(now, |kept| kept.registry.change(id, change, now).cloned())
    }

    fn count_injection(&self, id: &AgentId) -> Result<(), RegistryError> {
        if let Some(agent) = self.kept().registry.get_mut(id) {
            agent.injections = agent.injections.saturating_add(1);
        }
        Ok(())
    }

    fn revoke(&self, what: Revocable, reason: Option<Reason>, now: u64) -> Result<(), RegistryError> {
        self.change_kept(now, |kept| kept.revoke(Revocation { what, reason, at: now }));
        Ok(())
    }

    fn revocations(&self) -> Result<Vec<Revocation>, RegistryError> {
        Ok(self.kept().revocations.iter().rev().cloned().collect())
    }

    fn withdrawn(&self, basis: &Basis, now: u64) -> Result<Option<Withdrawal>, RegistryError> {
        Ok(self.kept().withdrawn(basis, now))
    }

    fn watch(&self, basis: Basis, end: EndRun) -> Result<Watched, RegistryError> {
        let run = self.change_kept(0, |kept| {
            let run = kept.next;
            kept.next = run.saturating_add(1);
            kept.runs.insert(run, (basis, end));
            run
        });
        let kept = Arc::clone(&self.kept);
        Ok(Watched::new(move || _ = kept.lock().unwrap_or_else(PoisonError::into_inner).runs.remove(&run)))
    }
}

impl std::fmt::Debug for MemoryRegistrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryRegistrar").finish_non_exhaustive()
    }
}
