//! Reading values, and names.

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, KvKey, Resource};

use super::entries::Name;
use super::{Kv, MAX_LISTED};

/// Reads a value.
#[derive(Clone, Debug)]
pub struct GetKey {
    pub key: KvKey,
}

/// Lists the names directly below a prefix, in the order of their bytes. The store itself is a prefix.
#[derive(Clone, Debug)]
pub struct ListKeys {
    pub prefix: KvKey,
    /// The last name of the page before, and whether it stood for what is below it.
    pub after: Option<(KvKey, bool)>,
    /// At most [`MAX_LISTED`] are given.
    pub limit: usize,
}

impl Action for GetKey {
    const NAME: ActionName = ActionName::Get;
    const EFFECT: Effect = Effect::Read;
    type Output = Option<Vec<u8>>;

    fn resource(&self) -> Resource {
        Resource::Kv(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("get-key");
    }
}

impl Perform<GetKey> for Kv {
    async fn perform(&self, permit: Permit<'_, GetKey>) -> Result<Option<Vec<u8>>, HostError> {
        let (key, now) = (permit.action().key.clone(), permit.meter().now());
        let (database, tenant) = self.tenant(&permit, &key)?;
        database.read(tenant, move |entries| Ok(entries.get(&key, now)?.map(|entry| entry.value))).await
    }
}

impl Action for ListKeys {
    const NAME: ActionName = ActionName::List;
    const EFFECT: Effect = Effect::Read;
    /// Without the store; a name that ends with a slash has more below it.
    type Output = Vec<String>;

    fn resource(&self) -> Resource {
        Resource::Kv(self.prefix.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("list-keys").count(self.limit);
        if let Some((name, more)) = &self.after {
            print.text(&name.to_string()).number(u64::from(*more));
        }
    }
}

impl Perform<ListKeys> for Kv {
    async fn perform(&self, permit: Permit<'_, ListKeys>) -> Result<Vec<String>, HostError> {
        let (ListKeys { prefix, after, limit }, now) = (permit.action().clone(), permit.meter().now());
        let (database, tenant) = self.tenant(&permit, &prefix)?;
        let after = after.map(|(key, more)| Name::new(&key, more));
        let limit = limit.min(MAX_LISTED);
        database.read(tenant, move |entries| entries.list(&prefix, after.as_ref(), limit, now)).await
    }
}
