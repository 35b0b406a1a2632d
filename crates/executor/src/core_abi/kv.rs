//! Key-value stores.

use super::arguments as a;
use super::operation::Kv;
use super::operations::{Answer, Asked, encode, serialise};
use crate::ops;

impl Asked<'_> {
    pub(super) async fn kv(self, operation: Kv) -> Answer {
        match operation {
            Kv::Get => {
                let a::Key { store, key, encoding } = self.parse()?;
                let value = ops::kv_get(self.door, &store, &key).await?;
                let value = value.map(|value| encode(value.into(), encoding)).transpose()?;
                serialise(&a::Found { value })
            }
            Kv::Set => {
                let a::SetKey { store, key, value, encoding, ttl_ms } = self.parse()?;
                let value = self.decode(value, encoding)?;
                ops::kv_set(self.door, &store, &key, value.into(), ttl_ms).await?;
                serialise(&a::Done {})
            }
            Kv::Delete => {
                let a::OneKey { store, key } = self.parse()?;
                serialise(&a::Deleted { deleted: ops::kv_delete(self.door, &store, &key).await? })
            }
            Kv::List => {
                let a::ListKeys { store, prefix, after, limit } = self.parse()?;
                let limit = limit.unwrap_or(u32::MAX);
                serialise(&a::Names { names: ops::kv_list(self.door, &store, &prefix, after.as_deref(), limit).await? })
            }
            Kv::Increment => {
                let a::Increment { store, key, by } = self.parse()?;
                serialise(&a::Sum { value: ops::kv_increment(self.door, &store, &key, by).await? })
            }
            Kv::Swap => {
                let a::Swap { store, key, expected, value, encoding } = self.parse()?;
                let expected = expected.map(|text| self.decode(text, encoding)).transpose()?.map(Into::into);
                let value = value.map(|text| self.decode(text, encoding)).transpose()?.map(Into::into);
                serialise(&a::Swapped { swapped: ops::kv_swap(self.door, &store, &key, expected, value).await? })
            }
        }
    }
}
