//! Key-value stores.

use std::time::Duration;

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::kv::{
    ClaimKey, DeleteKey, GetKey, Increment, ListKeys, MAX_KEY, MAX_LISTED, MAX_VALUE, RemoveIf, SetKey, SwapKey,
};
use bailiwick_policy::{ActionName, Code, Kind, KvKey};

use crate::run::Door;

/// The value of a key.
pub(crate) async fn kv_get(door: &Door, store: &str, key: &str) -> Result<Option<Vec<u8>>, CallError> {
    let key = parse_key(door, ActionName::Get, store, key)?;
    door.guard().call(&door.host().kv, GetKey { key }).await
}

/// Sets a value of at most [`MAX_VALUE`] bytes. A time to live of nothing is no time.
pub(crate) async fn kv_set(
    door: &Door,
    store: &str,
    key: &str,
    value: Vec<u8>,
    ttl_ms: Option<u64>,
) -> Result<(), CallError> {
    let key = parse_key(door, ActionName::Set, store, key)?;
    check_values(&[&value])?;
    if ttl_ms == Some(0) {
        return Err(CallError::Failed(Code::MalformedArgument));
    }
    door.guard().call(&door.host().kv, SetKey { key, value, ttl: ttl_ms.map(Duration::from_millis) }).await
}

/// Removes a key, and says whether there was one.
pub(crate) async fn kv_delete(door: &Door, store: &str, key: &str) -> Result<bool, CallError> {
    let key = parse_key(door, ActionName::Delete, store, key)?;
    door.guard().call(&door.host().kv, DeleteKey { key }).await
}

/// What is directly below a prefix, which may end with a slash; the empty one is the store.
pub(crate) async fn kv_list(
    door: &Door,
    store: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, CallError> {
    let prefix = match prefix.strip_suffix('/').unwrap_or(prefix) {
        "" if prefix.is_empty() => parse(door, ActionName::List, store.to_owned())?,
        prefix => parse_key(door, ActionName::List, store, prefix)?,
    };
    let after = match after {
        None => None,
        Some(name) => {
            let (name, more) = name.strip_suffix('/').map_or((name, false), |name| (name, true));
            Some((parse_key(door, ActionName::List, store, name)?, more))
        }
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(MAX_LISTED);
    door.guard().call(&door.host().kv, ListKeys { prefix, after, limit }).await
}

/// Adds to a number.
pub(crate) async fn kv_increment(door: &Door, store: &str, key: &str, by: i64) -> Result<i64, CallError> {
    let key = parse_key(door, ActionName::Set, store, key)?;
    let right = door.guard().call(&door.host().kv, ClaimKey { key }).await?;
    door.guard().call(&door.host().kv, Increment { right, by }).await
}

/// Sets or removes a value if the present one is as expected, and says whether it was.
pub(crate) async fn kv_swap(
    door: &Door,
    store: &str,
    key: &str,
    expected: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
) -> Result<bool, CallError> {
    let action = if value.is_some() { ActionName::Set } else { ActionName::Delete };
    let key = parse_key(door, action, store, key)?;
    check_values(&[expected.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default()])?;
    let right = door.guard().call(&door.host().kv, ClaimKey { key }).await?;
    match value {
        Some(value) => door.guard().call(&door.host().kv, SwapKey { right, expected, value }).await,
        None => door.guard().call(&door.host().kv, RemoveIf { right, expected }).await,
    }
}

fn check_values(values: &[&[u8]]) -> Result<(), CallError> {
    let fits = values.iter().all(|value| value.len() <= MAX_VALUE);
    if fits { Ok(()) } else { Err(CallError::Limit(Code::ArgumentBytes)) }
}

/// The key that the text says, or a recorded refusal of doing `action` to it.
fn parse_key(door: &Door, action: ActionName, store: &str, key: &str) -> Result<KvKey, CallError> {
    if key.len() > MAX_KEY {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    // A store's name with a slash would move the boundary between store and key.
    if store.contains('/') {
        return Err(refuse(door, action, &format!("{store}/{key}"), Code::Malformed));
    }
    parse(door, action, format!("{store}/{key}"))
}

fn parse(door: &Door, action: ActionName, text: String) -> Result<KvKey, CallError> {
    KvKey::parse(&text).map_err(|error| refuse(door, action, &text, error.code()))
}

fn refuse(door: &Door, action: ActionName, resource: &str, code: Code) -> CallError {
    door.refuse(Attempt { kind: Kind::Kv, action, resource, code })
}
