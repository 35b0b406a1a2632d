//! The bodies of responses that a bare module reads in pieces.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ops::StreamedBody;

/// By number, which a module cannot use for another's: there is one table in a run.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    open: Mutex<Numbered>,
}

#[derive(Debug, Default)]
struct Numbered {
    last: u32,
    bodies: BTreeMap<u32, StreamedBody>,
}

impl Bodies {
    /// Keeps a body and gives its number.
    pub(super) fn keep(&self, body: StreamedBody) -> u32 {
        let mut open = self.open();
        // INVARIANT: a run makes fewer calls than there are numbers, and each makes one body at most.
        open.last = open.last.wrapping_add(1);
        let number = open.last;
        open.bodies.insert(number, body);
        number
    }

    /// Takes a body out; who reads on puts it back. One whose reading was cut off is gone with its connection.
    pub(super) fn take(&self, number: u32) -> Option<StreamedBody> {
        self.open().bodies.remove(&number)
    }

    pub(super) fn put_back(&self, number: u32, body: StreamedBody) {
        self.open().bodies.insert(number, body);
    }

    fn open(&self) -> MutexGuard<'_, Numbered> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
