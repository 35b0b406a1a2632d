//! `bailiwick:host/kv`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::kv::Host;
use crate::ops;

impl Host for HostView<'_> {
    async fn get(&mut self, store: String, key: String) -> Result<Option<Vec<u8>>, CallError> {
        ops::kv_get(&self.door, &store, &key).await
    }

    async fn set(&mut self, store: String, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), CallError> {
        ops::kv_set(&self.door, &store, &key, value, ttl_ms).await
    }

    async fn delete(&mut self, store: String, key: String) -> Result<bool, CallError> {
        ops::kv_delete(&self.door, &store, &key).await
    }

    async fn list(
        &mut self,
        store: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<String>, CallError> {
        ops::kv_list(&self.door, &store, &prefix, after.as_deref(), limit).await
    }

    async fn increment(&mut self, store: String, key: String, by: i64) -> Result<i64, CallError> {
        ops::kv_increment(&self.door, &store, &key, by).await
    }

    async fn swap(
        &mut self,
        store: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Result<bool, CallError> {
        ops::kv_swap(&self.door, &store, &key, expected, value).await
    }
}
