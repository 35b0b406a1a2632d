//! Changes that depend on what is there: two decisions, then one effect.
//!
//! Whoever learns whether a change was made learns something about the value that was there, so it takes the right to read
//! it, too. That right is a token: [`ClaimKey`] gives a [`KeyRight`], and the change spends it.

use std::sync::Arc;

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, KvKey, Resource};

use super::Kv;
use super::change::check_value;

/// Asks for the right to make a change depend on a key's value.
#[derive(Clone, Debug)]
pub struct ClaimKey {
    pub key: KvKey,
}

/// `get` of this key was decided and recorded. Spent by the change.
#[derive(Debug)]
pub struct KeyRight {
    key: KvKey,
}

/// Adds to a decimal number, which is 0 when there is no such key, and gives the sum. It keeps its time to live.
#[derive(Debug)]
pub struct Increment {
    pub right: KeyRight,
    pub by: i64,
}

/// Sets a value, without an end, if the present one is `expected`; `None` stands for no such key. No `Debug`: values belong
/// in no log.
pub struct SwapKey {
    pub right: KeyRight,
    pub expected: Option<Vec<u8>>,
    pub value: Vec<u8>,
}

/// Removes a key if its value is `expected`. No `Debug`, as for [`SwapKey`].
pub struct RemoveIf {
    pub right: KeyRight,
    pub expected: Option<Vec<u8>>,
}

impl KeyRight {
    /// The key that it is for.
    pub fn key(&self) -> &KvKey {
        &self.key
    }
}

impl Crossed for KeyRight {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        Ok(self.key.to_string().into_bytes())
    }

    fn read(bytes: &[u8], _: &Place<'_>) -> Option<KeyRight> {
        Some(KeyRight { key: KvKey::parse(std::str::from_utf8(bytes).ok()?).ok()? })
    }
}

impl Action for ClaimKey {
    const NAME: ActionName = ActionName::Get;
    const EFFECT: Effect = Effect::Read;
    type Output = KeyRight;

    fn resource(&self) -> Resource {
        Resource::Kv(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("claim-key");
    }
}

impl Perform<ClaimKey> for Kv {
    async fn perform(&self, permit: Permit<'_, ClaimKey>) -> Result<KeyRight, HostError> {
        Ok(KeyRight { key: permit.action().key.clone() })
    }
}

impl Action for Increment {
    const NAME: ActionName = ActionName::Set;
    const EFFECT: Effect = Effect::World;
    type Output = i64;

    fn resource(&self) -> Resource {
        Resource::Kv(self.right.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("increment").bytes(&self.by.to_le_bytes());
    }
}

impl Perform<Increment> for Kv {
    async fn perform(&self, permit: Permit<'_, Increment>) -> Result<i64, HostError> {
        let (key, by) = (permit.action().right.key.clone(), permit.action().by);
        let (database, tenant) = self.tenant(&permit, &key)?;
        let (meter, now) = (Arc::clone(permit.meter()), permit.meter().now());
        let increment = move |entries: &super::entries::Entries<'_>| {
            let (before, expires) = match entries.get(&key, now)? {
                Some(entry) => (number(&entry.value), entry.expires),
                None => (Some(0), None),
            };
            let sum = before.and_then(|before| before.checked_add(by)).ok_or(HostError::Failed(Code::NotNumber))?;
            entries.set(&key, sum.to_string().as_bytes(), expires, now, &meter)?;
            Ok(sum)
        };
        database.write(tenant, increment).await
    }
}

impl Action for SwapKey {
    const NAME: ActionName = ActionName::Set;
    const EFFECT: Effect = Effect::World;
    /// Whether it was swapped.
    type Output = bool;

    fn resource(&self) -> Resource {
        Resource::Kv(self.right.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("swap-key").optional(self.expected.as_deref()).bytes(&self.value);
    }
}

impl Perform<SwapKey> for Kv {
    async fn perform(&self, permit: Permit<'_, SwapKey>) -> Result<bool, HostError> {
        let SwapKey { right, expected, value } = permit.action();
        check_value(value)?;
        let (key, expected, value) = (right.key.clone(), expected.clone(), value.clone());
        let (database, tenant) = self.tenant(&permit, &key)?;
        let (meter, now) = (Arc::clone(permit.meter()), permit.meter().now());
        let swap = move |entries: &super::entries::Entries<'_>| {
            let same = entries.get(&key, now)?.map(|entry| entry.value) == expected;
            if same {
                entries.set(&key, &value, None, now, &meter)?;
            }
            Ok(same)
        };
        database.write(tenant, swap).await
    }
}

impl Action for RemoveIf {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::World;
    /// Whether the value was as expected, so that there is none now.
    type Output = bool;

    fn resource(&self) -> Resource {
        Resource::Kv(self.right.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("remove-if").optional(self.expected.as_deref());
    }
}

impl Perform<RemoveIf> for Kv {
    async fn perform(&self, permit: Permit<'_, RemoveIf>) -> Result<bool, HostError> {
        let RemoveIf { right, expected } = permit.action();
        let (key, expected, now) = (right.key.clone(), expected.clone(), permit.meter().now());
        let (database, tenant) = self.tenant(&permit, &key)?;
        let remove = move |entries: &super::entries::Entries<'_>| {
            let same = entries.get(&key, now)?.map(|entry| entry.value) == expected;
            if same {
                entries.delete(&key, now)?;
            }
            Ok(same)
        };
        database.write(tenant, remove).await
    }
}

/// A decimal number as `increment` writes it.
fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}
