//! Agents and revocations.

use std::collections::BTreeSet;

use bailiwick_identity::{
    Agent, AgentId, AgentRegistry, Basis, Change, EndRun, MissingKeys, Reason, Registrar, RegistryDocument,
    RegistryError, Revocable, Revocation, Subject, Watched, Withdrawal,
};
use rusqlite::Connection;

use crate::error::StoreError;
use crate::rows::{self, Standing};
use crate::store::Store;

impl Registrar for Store {
    fn agents(&self) -> Result<Vec<Agent>, RegistryError> {
        self.read(|connection| Ok(rows::agents(connection)?))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, RegistryError> {
        self.read(|connection| Ok(rows::agent_by_id(connection, id)?))
    }

    fn find(&self, issuer: &str, subject: &Subject) -> Result<Option<Agent>, RegistryError> {
        self.read(|connection| Ok(rows::agent_by_subject(connection, issuer, subject)?))
    }

    fn register(&self, agent: Agent) -> Result<(), RegistryError> {
        self.write(move |connection| {
            registry(connection)?.register(agent.clone())?;
            Ok(rows::insert(connection, [&agent])?)
        })
    }

    fn import(
        &self,
        document: RegistryDocument,
        missing: MissingKeys,
        now: u64,
    ) -> Result<Vec<AgentId>, Vec<RegistryError>> {
        let imported = self.write(move |connection| {
            let mut registry = registry(connection)?;
            let revocations = document.revocations.clone();
            let ids = registry.import(document, missing, now).map_err(Several)?;
            let changed: Vec<&Agent> = ids.iter().filter_map(|id| registry.get(id)).collect();
            rows::replace(connection, &changed)?;
            rows::next_epoch(connection)?;
            // The oldest first: lists have the latest first.
            for entry in revocations.iter().rev() {
                rows::revoke(connection, &entry.what, entry.reason.as_ref(), entry.at)?;
            }
            Ok(ids)
        });
        imported.map_err(|Several(errors)| errors)
    }

    fn change(&self, id: &AgentId, change: Change, now: u64) -> Result<Agent, RegistryError> {
        let id = id.clone();
        self.write(move |connection| {
            let mut registry = registry(connection)?;
            let changed = registry.change(&id, change, now)?;
            rows::replace(connection, &[changed])?;
            rows::next_epoch(connection)?;
            Ok(changed.clone())
        })
    }

    fn count_injection(&self, id: &AgentId) -> Result<(), RegistryError> {
        let id = id.clone();
        self.write(move |connection| {
            let sql = "UPDATE agents SET injections = injections + 1 WHERE id = ?1";
            connection.execute(sql, [id.as_str()]).map_err(StoreError::from)?;
            Ok(())
        })
    }

    fn revoke(&self, what: Revocable, reason: Option<Reason>, now: u64) -> Result<(), RegistryError> {
        self.write(move |connection| Ok(rows::revoke(connection, &what, reason.as_ref(), now)?))
    }

    fn revocations(&self) -> Result<Vec<Revocation>, RegistryError> {
        self.read(|connection| Ok(rows::revocations(connection)?))
    }

    fn withdrawn(&self, basis: &Basis, now: u64) -> Result<Option<Withdrawal>, RegistryError> {
        Ok(match self.standing(basis, now)? {
            Standing::Gone(withdrawal) => Some(withdrawal),
            Standing::Good(_) => None,
        })
    }

    fn watch(&self, basis: Basis, end: EndRun) -> Result<Watched, RegistryError> {
        let (run, watched) = self.watch_runs().add(basis.clone(), end)?;
        // After it is watched, so that nothing falls between.
        let standing = self.standing(&basis, self.now())?;
        self.watch_runs().settle(run, standing);
        Ok(watched)
    }
}

impl Store {
    fn standing(&self, basis: &Basis, now: u64) -> Result<Standing, StoreError> {
        self.read(|connection| rows::standing(connection, basis, now))
    }
}

/// The whole registry: what is to change is judged against all of it.
fn registry(connection: &Connection) -> Result<AgentRegistry, StoreError> {
    let revocations = rows::revocations(connection)?;
    let keys: BTreeSet<_> = revocations
        .into_iter()
        .filter_map(|entry| match entry.what {
            Revocable::Key(key) => Some(key),
            Revocable::Token(_) | Revocable::Task(_) => None,
        })
        .collect();
    Ok(AgentRegistry::restore(rows::agents(connection)?, keys))
}

/// Everything that is wrong with an import.
struct Several(Vec<RegistryError>);

impl From<StoreError> for Several {
    fn from(error: StoreError) -> Several {
        Several(vec![error.into()])
    }
}
