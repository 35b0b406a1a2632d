//! `wasi:keyvalue` over the same actions as `bailiwick:host/kv`. A bucket is a store that the manifest names; keys have the
//! grammar of ours.
//!
//! | WASI | action |
//! |---|---|
//! | `store.open` | none: it looks whether the manifest names such a store |
//! | `bucket.get`, `bucket.exists`, `batch.get-many` | `get` of each key |
//! | `bucket.set`, `batch.set-many` | `set` of each key |
//! | `bucket.delete`, `batch.delete-many` | `delete` of each key |
//! | `bucket.list-keys` | `list` of the store, and of each prefix in it |
//! | `atomics.increment` | `get` and `set` |
//! | `cas.new` | `get`; what it saw is what `swap` compares with |
//! | `atomics.swap` | `get` and `set`; if it fails, `get` once more |
//!
//! A refusal is `access-denied`. Everything else is `other`, with a code as its text.

use std::vec;

use bailiwick_guard::{CallError, HandleSlot};
use bailiwick_host::kv::{MAX_KEY, MAX_LISTED};
use bailiwick_policy::Code;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

use self::generated::wasi::keyvalue::{atomics, batch, store};
use crate::component::error::trap;
use crate::ops;
use crate::run::{Door, RunState};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "wasi:keyvalue/imports",
        imports: {
            "wasi:keyvalue/store.open": trappable,
            "wasi:keyvalue/store.[drop]bucket": trappable,
            "wasi:keyvalue/atomics.[method]cas.current": trappable,
            "wasi:keyvalue/atomics.[drop]cas": trappable,
            default: async | trappable,
        },
        require_store_data_send: true,
        trappable_error_type: {
            "wasi:keyvalue/store.error" => super::Failure,
        },
        with: {
            "wasi:keyvalue/store.bucket": super::Bucket,
            "wasi:keyvalue/atomics.cas": super::Cas,
        },
    });
}

/// Most keys that one `list-keys` gives.
const PAGE: usize = 1000;
/// Most bytes of values that one `get-many` gives.
const MAX_MANY: usize = 8 << 20;

/// What `wasi:keyvalue` is linked with: the way out, and the guest's handles.
struct KeyValue<'a> {
    door: Door,
    table: &'a mut ResourceTable,
}

/// Names [`KeyValue`] for the linker.
struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = KeyValue<'a>;
}

/// A store's name, and no power over it.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Bucket {
    store: String,
}

/// A value that was seen, to be replaced if it is still there. No `Debug`: values belong in no log.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Cas {
    store: String,
    key: String,
    seen: Option<Vec<u8>>,
    // Bounds the values that a guest can make the host keep.
    slot: HandleSlot,
}

/// How a function ends badly.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings name it")]
pub enum Failure {
    Error(store::Error),
    Trap(wasmtime::Error),
}

pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, HasKeyValue>(linker, KeyValue::of)?;
    atomics::add_to_linker::<_, HasKeyValue>(linker, KeyValue::of)?;
    batch::add_to_linker::<_, HasKeyValue>(linker, KeyValue::of)
}

impl KeyValue<'_> {
    fn of(state: &mut RunState) -> KeyValue<'_> {
        KeyValue { door: state.door(), table: state.table() }
    }

    fn store(&self, bucket: &Resource<Bucket>) -> Result<String, Failure> {
        Ok(self.table.get(bucket)?.store.clone())
    }
}

impl store::Host for KeyValue<'_> {
    fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Failure> {
        if !self.door.host().kv.names(&identifier) {
            return Err(store::Error::NoSuchStore.into());
        }
        Ok(self.table.push(Bucket { store: identifier })?)
    }

    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<store::Error> {
        failure.into_error()
    }
}

impl store::HostBucket for KeyValue<'_> {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<Vec<u8>>, Failure> {
        Ok(ops::kv_get(&self.door, &self.store(&bucket)?, &key).await?)
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<(), Failure> {
        Ok(ops::kv_set(&self.door, &self.store(&bucket)?, &key, value, None).await?)
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Failure> {
        ops::kv_delete(&self.door, &self.store(&bucket)?, &key).await?;
        Ok(())
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Failure> {
        Ok(ops::kv_get(&self.door, &self.store(&bucket)?, &key).await?.is_some())
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Result<store::KeyResponse, Failure> {
        let store = self.store(&bucket)?;
        if cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_KEY) {
            return Err(CallError::Limit(Code::ArgumentBytes).into());
        }
        let mut walk = Walk::after(cursor.as_deref());
        let mut keys = Vec::new();
        while let Some(key) = walk.next(&self.door, &store).await? {
            keys.push(key);
            if keys.len() >= PAGE {
                return Ok(store::KeyResponse { cursor: keys.last().cloned(), keys });
            }
        }
        Ok(store::KeyResponse { keys, cursor: None })
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KeyValue<'_> {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Result<i64, Failure> {
        Ok(ops::kv_increment(&self.door, &self.store(&bucket)?, &key, delta).await?)
    }

    async fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> wasmtime::Result<Result<(), atomics::CasError>> {
        match self.try_swap(cas, value).await {
            Ok(None) => Ok(Ok(())),
            Ok(Some(again)) => Ok(Err(atomics::CasError::CasFailed(again))),
            Err(failure) => Ok(Err(atomics::CasError::StoreError(failure.into_error()?))),
        }
    }
}

impl atomics::HostCas for KeyValue<'_> {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Resource<Cas>, Failure> {
        let store = self.store(&bucket)?;
        let slot = self.door.guard().meter().open_handle();
        let slot = slot.map_err(|_| CallError::Limit(Code::OpenHandles))?;
        let seen = ops::kv_get(&self.door, &store, &key).await?;
        Ok(self.table.push(Cas { store, key, seen, slot })?)
    }

    fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.table.get(&cas)?.seen.clone())
    }

    fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl KeyValue<'_> {
    /// Swaps, or gives a handle with what is there instead.
    async fn try_swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Result<Option<Resource<Cas>>, Failure> {
        let Cas { store, key, seen, slot } = self.table.delete(cas)?;
        if ops::kv_swap(&self.door, &store, &key, seen, Some(value)).await? {
            return Ok(None);
        }
        let seen = ops::kv_get(&self.door, &store, &key).await?;
        Ok(Some(self.table.push(Cas { store, key, seen, slot })?))
    }
}

impl batch::Host for KeyValue<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Failure> {
        let store = self.store(&bucket)?;
        let (mut pairs, mut bytes) = (Vec::new(), 0_usize);
        for key in keys {
            let value = ops::kv_get(&self.door, &store, &key).await?;
            bytes = bytes.saturating_add(value.as_ref().map_or(0, Vec::len));
            if bytes > MAX_MANY {
                return Err(CallError::Limit(Code::ResponseBytes).into());
            }
            pairs.push((key, value));
        }
        Ok(pairs)
    }

    async fn set_many(&mut self, bucket: Resource<Bucket>, pairs: Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
        let store = self.store(&bucket)?;
        for (key, value) in pairs {
            ops::kv_set(&self.door, &store, &key, value, None).await?;
        }
        Ok(())
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<(), Failure> {
        let store = self.store(&bucket)?;
        for key in keys {
            ops::kv_delete(&self.door, &store, &key).await?;
        }
        Ok(())
    }
}

/// All keys of a store, level by level: each level is a `list` of its own, so that a rule about a prefix says nothing about
/// what is deeper.
struct Walk {
    levels: Vec<Level>,
}

struct Level {
    prefix: String,
    names: vec::IntoIter<String>,
    /// The last name that was listed; more may follow it.
    after: Option<String>,
    is_last_page: bool,
}

impl Walk {
    /// After the key `cursor`, which need not be there any more.
    fn after(cursor: Option<&str>) -> Walk {
        let level = |prefix: &str, after: Option<&str>| Level {
            prefix: prefix.to_owned(),
            names: Vec::new().into_iter(),
            after: after.map(str::to_owned),
            is_last_page: false,
        };
        let Some(cursor) = cursor else { return Walk { levels: vec![level("", None)] } };
        let mut levels = Vec::new();
        let mut prefix = "";
        for (at, _) in cursor.match_indices('/') {
            levels.push(level(prefix, cursor.get(..=at)));
            prefix = cursor.get(..at).unwrap_or_default();
        }
        levels.push(level(prefix, Some(cursor)));
        Walk { levels }
    }

    async fn next(&mut self, door: &Door, store: &str) -> Result<Option<String>, CallError> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            match level.names.next() {
                Some(name) => match name.strip_suffix('/') {
                    None => return Ok(Some(name)),
                    Some(below) => {
                        let prefix = below.to_owned();
                        let names = Vec::new().into_iter();
                        self.levels.push(Level { prefix, names, after: None, is_last_page: false });
                    }
                },
                None if level.is_last_page => drop(self.levels.pop()),
                None => {
                    let page = ops::kv_list(door, store, &level.prefix, level.after.as_deref(), u32::MAX).await?;
                    level.is_last_page = page.len() < MAX_LISTED;
                    level.after = page.last().cloned();
                    level.names = page.into_iter();
                }
            }
        }
    }
}

impl Failure {
    fn into_error(self) -> wasmtime::Result<store::Error> {
        match self {
            Failure::Error(error) => Ok(error),
            Failure::Trap(error) => Err(error),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        Failure::Error(match error {
            CallError::Denied(_) => store::Error::AccessDenied,
            CallError::Failed(Code::NoStore) => store::Error::NoSuchStore,
            CallError::Failed(code) | CallError::Limit(code) => store::Error::Other(code.as_str().to_owned()),
            CallError::Stopped(cause) => return Failure::Trap(trap(cause)),
        })
    }
}

/// A handle that the guest does not have, or one too many.
impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Failure {
        Failure::Trap(error.into())
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_guard::{Budget, StopCause};

    use super::*;

    #[test]
    fn programs_get_the_error_that_they_know() {
        let error = |from: CallError| Failure::from(from).into_error();
        assert!(matches!(error(CallError::Failed(Code::NoStore)), Ok(store::Error::NoSuchStore)));
        for (from, code) in [
            (CallError::Failed(Code::DatabaseBusy), "failed.database_busy"),
            (CallError::Limit(Code::StoreSize), "limit.store_size"),
        ] {
            assert!(matches!(error(from), Ok(store::Error::Other(text)) if text == code));
        }
        for cause in [StopCause::Revoked, StopCause::Budget(Budget::Disk)] {
            assert_eq!(error(CallError::Stopped(cause)).unwrap_err().downcast_ref(), Some(&cause));
        }
    }

    #[test]
    fn a_cursor_leads_back_to_every_level() {
        let levels = |cursor| {
            let walk = Walk::after(cursor);
            walk.levels.into_iter().map(|level| (level.prefix, level.after.unwrap_or_default())).collect::<Vec<_>>()
        };
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(prefix, after)| ((*prefix).to_owned(), (*after).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(levels(None), pairs(&[("", "")]));
        assert_eq!(levels(Some("a")), pairs(&[("", "a")]));
        assert_eq!(levels(Some("a/b/c")), pairs(&[("", "a/"), ("a", "a/b/"), ("a/b", "a/b/c")]));
    }
}
