//! Setting and removing, whatever is there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit, Timestamp};
use bailiwick_policy::{ActionName, Code, KvKey, Resource};

use super::entries::millis;
use super::{Kv, MAX_VALUE};

/// Sets a value of at most [`MAX_VALUE`] bytes. `Debug` leaves the value out: it belongs in no log.
#[derive(Clone)]
pub struct SetKey {
    pub key: KvKey,
    pub value: Vec<u8>,
    /// How long it is there; for ever without it.
    pub ttl: Option<Duration>,
}

/// Removes a key.
#[derive(Clone, Debug)]
pub struct DeleteKey {
    pub key: KvKey,
}

impl Action for SetKey {
    const NAME: ActionName = ActionName::Set;
    const EFFECT: Effect = Effect::World;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::Kv(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        let ttl = self.ttl.map(|ttl| ttl.as_nanos().to_le_bytes());
        print.text("set-key").bytes(&self.value).optional(ttl.as_ref().map(|ttl| &ttl[..]));
    }
}

impl Perform<SetKey> for Kv {
    async fn perform(&self, permit: Permit<'_, SetKey>) -> Result<(), HostError> {
        let (SetKey { key, value, ttl }, now) = (permit.action().clone(), permit.meter().now());
        check_value(&value)?;
        let (database, tenant) = self.tenant(&permit, &key)?;
        let (meter, expires) = (Arc::clone(permit.meter()), ttl.map(|ttl| end(now, ttl)));
        database.write(tenant, move |entries| entries.set(&key, &value, expires, now, &meter)).await
    }
}

impl Action for DeleteKey {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::World;
    /// Whether it was there.
    type Output = bool;

    fn resource(&self) -> Resource {
        Resource::Kv(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("delete-key");
    }
}

impl Perform<DeleteKey> for Kv {
    async fn perform(&self, permit: Permit<'_, DeleteKey>) -> Result<bool, HostError> {
        let (key, now) = (permit.action().key.clone(), permit.meter().now());
        let (database, tenant) = self.tenant(&permit, &key)?;
        database.write(tenant, move |entries| entries.delete(&key, now)).await
    }
}

pub(super) fn check_value(value: &[u8]) -> Result<(), HostError> {
    if value.len() > MAX_VALUE { Err(HostError::Limit(Code::ArgumentBytes)) } else { Ok(()) }
}

fn end(now: Timestamp, ttl: Duration) -> i64 {
    millis(now).saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}

impl fmt::Debug for SetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetKey").field("key", &self.key).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}
