//! Key-value stores.
//!
//! A store is named by a manifest, and private to an agent unless the manifest shares it. Whose an entry is stands in a
//! column of the database and is compared as a whole, so that no name of a key or store reaches another agent's.
//!
//! | action | scope action | effect |
//! |---|---|---|
//! | [`GetKey`] | `get` | reads a value |
//! | [`SetKey`] | `set` | sets a value, for ever or for a time |
//! | [`DeleteKey`] | `delete` | removes a key |
//! | [`ListKeys`] | `list` | names directly below a prefix |
//! | [`ClaimKey`], then [`Increment`] or [`SwapKey`] | `get`, then `set` | depends on the present value, which the answer tells about |
//! | [`ClaimKey`], then [`RemoveIf`] | `get`, then `delete` | the same |
//!
//! A store holds at most [`MAX_ENTRIES`] entries with [`MAX_STORE`] bytes of keys and values; beyond that, writing fails
//! with `limit.store_size`. What is written counts as disk bytes of the run. Each action is a transaction.

mod change;
mod conditional;
mod database;
mod entries;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_guard::{HostError, Permit};
use bailiwick_policy::{Code, KvKey, Manifest, Sharing};

pub use change::{DeleteKey, SetKey};
pub use conditional::{ClaimKey, Increment, KeyRight, RemoveIf, SwapKey};
pub use database::{KvDatabase, KvError};
pub use read::{GetKey, ListKeys};

use database::Tenant;

/// Most bytes in the text of a key, without its store.
pub const MAX_KEY: usize = 512;
/// Most bytes of a value.
pub const MAX_VALUE: usize = 1 << 20;
/// Most entries of a store.
pub const MAX_ENTRIES: u64 = 100_000;
/// Most bytes of all keys and values of a store.
pub const MAX_STORE: u64 = 64 << 20;
/// Most names that one [`ListKeys`] gives.
pub const MAX_LISTED: usize = 1000;

/// The key-value capability of one run.
///
/// Defaults: no stores.
#[derive(Clone, Debug, Default)]
pub struct Kv {
    database: Option<Arc<KvDatabase>>,
    stores: Arc<BTreeMap<String, Sharing>>,
}

impl Kv {
    /// The stores that `manifest` names, in `database`; without one every action fails with `failed.no_store`.
    pub(crate) fn new(database: Option<Arc<KvDatabase>>, manifest: &Manifest) -> Kv {
        let stores = manifest.stores().map(|(name, sharing)| (name.to_owned(), sharing));
        Kv { database, stores: Arc::new(stores.collect()) }
    }

    /// Whether the manifest names such a store. That says nothing about who may do what in it.
    pub fn names(&self, store: &str) -> bool {
        self.stores.contains_key(store)
    }

    /// Where the keys of that store are for whoever holds the permit.
    fn tenant<A: bailiwick_guard::Action>(
        &self,
        permit: &Permit<'_, A>,
        key: &KvKey,
    ) -> Result<(Arc<KvDatabase>, Tenant), HostError> {
        let none = HostError::Failed(Code::NoStore);
        let database = self.database.as_ref().ok_or(none)?;
        let owner = match self.stores.get(key.store()).ok_or(none)? {
            Sharing::Private => Some(permit.principal().agent.clone()),
            Sharing::Shared => None,
        };
        Ok((Arc::clone(database), Tenant { store: key.store().to_owned(), owner }))
    }
}
