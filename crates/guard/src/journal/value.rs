//! What crosses, as bytes and back.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Crossings;
use crate::Meter;

/// Something that can cross: written when it is recorded, read when it is replayed.
pub trait Crossed: Sized {
    /// # Errors
    /// When it has no such form; the journal is not a whole one then.
    fn write(&self) -> Result<Vec<u8>, Unwritable>;

    /// What [`Crossed::write`] wrote; `None` for anything else. A handle is made again at `place`, and gives what was recorded.
    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Self>;
}

/// Where something that crossed is made again.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Where a handle takes its place among the open ones.
    pub meter: &'a Arc<Meter>,
    /// What a handle asks for what it gives.
    pub crossings: &'a Crossings,
}

/// It cannot be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was given to the guest cannot be written to a journal")]
pub struct Unwritable;

/// # Errors
/// When `value` must describe itself.
pub fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, Unwritable> {
    postcard::to_allocvec(value).map_err(|_| Unwritable)
}

/// What [`write()`] wrote, and nothing after it.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        Ok(_) | Err(_) => None,
    }
}

/// Implements [`Crossed`] for types that `serde` can write without describing themselves (no `serde_json::Value`, no
/// untagged or skipped members).
#[macro_export]
macro_rules! crossed_by_serde {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::journal::Crossed for $type {
            fn write(&self) -> Result<Vec<u8>, $crate::journal::Unwritable> {
                $crate::journal::by_serde::write(self)
            }

            fn read(bytes: &[u8], _: &$crate::journal::Place<'_>) -> Option<$type> {
                $crate::journal::by_serde::read(bytes)
            }
        }
    )+};
}

crossed_by_serde!((), bool, u8, i64, u64, String, std::time::Duration);
