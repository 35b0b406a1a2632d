//! What something took of the run's budgets and memory, which a replay takes as well without doing it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::forms::{join, split};
use super::{Crossed, Place, Unwritable};
use crate::Meter;

/// What a run had used when something had just ended. Kept whole and numbered: of things that were under way together
/// nobody can tell whose part is which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Toll {
    /// Later ones have greater numbers.
    pub(crate) number: u64,
    pub(crate) disk: u64,
    pub(crate) files: u64,
    /// Bytes of memory that the host keeps for the run.
    pub(crate) kept: u64,
    /// Most bytes of memory at any one time, the guest's own as well.
    pub(crate) peak: u64,
}

/// A value with its toll; reading it takes the toll.
pub(super) struct Tolled<T> {
    pub(super) value: T,
    toll: Toll,
}

impl<T> Tolled<T> {
    pub(super) fn now(value: T, meter: &Arc<Meter>) -> Tolled<T> {
        Tolled { value, toll: meter.toll() }
    }
}

impl<T: Crossed> Crossed for Tolled<T> {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        join(self.value.write()?, &self.toll)
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Tolled<T>> {
        let (value, toll) = split(bytes)?;
        let value = T::read(value, place)?;
        place.meter.follow(&toll);
        Some(Tolled { value, toll })
    }
}
