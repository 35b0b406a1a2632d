//! Key-value stores.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_policy::{ActionName, Code, Kind, KvKey};

use crate::run::Door;

/// The value of a key.
pub(crate) async fn kv_get(door: &Door, store: &str, key: &str) -> Result<Option<Vec<u8>>, CallError> {
    parse_key(door, ActionName::Get, store, key)?;
    Err(CallError::Failed(Code::Internal))
}

/// Sets a value.
pub(crate) async fn kv_set(
    door: &Door,
    store: &str,
    key: &str,
    _value: Vec<u8>,
    _ttl_ms: Option<u64>,
) -> Result<(), CallError> {
    parse_key(door, ActionName::Set, store, key)?;
    Err(CallError::Failed(Code::Internal))
}

/// Removes a key, and says whether there was one.
pub(crate) async fn kv_delete(door: &Door, store: &str, key: &str) -> Result<bool, CallError> {
    parse_key(door, ActionName::Delete, store, key)?;
    Err(CallError::Failed(Code::Internal))
}

/// What is directly below a prefix.
pub(crate) async fn kv_list(
    door: &Door,
    store: &str,
    prefix: &str,
    _after: Option<&str>,
    _limit: u32,
) -> Result<Vec<String>, CallError> {
    parse_key(door, ActionName::List, store, prefix)?;
    Err(CallError::Failed(Code::Internal))
}

/// Adds to a number.
pub(crate) async fn kv_increment(door: &Door, store: &str, key: &str, _by: i64) -> Result<i64, CallError> {
    parse_key(door, ActionName::Set, store, key)?;
    Err(CallError::Failed(Code::Internal))
}

/// Sets or removes a value if the present one is as expected.
pub(crate) async fn kv_swap(
    door: &Door,
    store: &str,
    key: &str,
    _expected: Option<Vec<u8>>,
    _value: Option<Vec<u8>>,
) -> Result<bool, CallError> {
    parse_key(door, ActionName::Set, store, key)?;
    Err(CallError::Failed(Code::Internal))
}

fn parse_key(door: &Door, action: ActionName, store: &str, key: &str) -> Result<KvKey, CallError> {
    let resource = format!("{store}/{key}");
    KvKey::parse(&resource)
        .map_err(|error| door.refuse(Attempt { kind: Kind::Kv, action, resource: &resource, code: error.code() }))
}
