//! Open handles: each has a number, by which a replay knows it again.

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use super::toll::Tolled;
use super::{Crossed, Crossings, Entry, Fingerprint, Lane, Place, Unwritable};
use crate::{HandleSlot, HostError, Meter, StopCause};

/// What an open file, directory or body has of its run: a place among the open handles, a number, the budgets that it is
/// bounded by, and the journal that its work is kept in.
pub struct Handle {
    number: u64,
    meter: Arc<Meter>,
    crossings: Crossings,
    _slot: HandleSlot,
}

impl Handle {
    /// Takes a place among the run's open handles.
    ///
    /// # Errors
    /// `limit.open_handles` when there is none left.
    pub fn open(place: &Place<'_>) -> Result<Handle, HostError> {
        let slot = place.meter.open_handle()?;
        let (meter, crossings) = (Arc::clone(place.meter), place.crossings.clone());
        Ok(Handle { number: crossings.next_handle(), meter, crossings, _slot: slot })
    }

    /// The run's budgets.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Does one operation on what is open, `live`, and keeps what it gave; in a replay, gives what was kept, and `live` is
    /// dropped unused. `print` adds the operation's name and its arguments.
    ///
    /// What is asked is settled when this is called. The future may be dropped: an operation that was given up is given up in
    /// a replay as well, where the future stays pending.
    ///
    /// # Errors
    /// Those of `live`; [`StopCause::Diverged`] in a replay that asks for what was not recorded.
    pub fn work<T: Crossed, P, F>(&self, print: P, live: F) -> impl Future<Output = Result<T, HostError>> + use<T, P, F>
    where
        P: FnOnce(&mut Fingerprint),
        F: Future<Output = Result<T, HostError>>,
    {
        let asked = || {
            let mut all = Fingerprint::new();
            all.number(self.number);
            print(&mut all);
            all.asked()
        };
        let entry = self.crossings.enter(Lane::Handle, asked);
        let shared = (!matches!(entry, Entry::Off)).then(|| (Arc::clone(&self.meter), self.crossings.clone()));
        async move {
            let Some((meter, crossings)) = shared else { return live.await };
            match entry {
                Entry::Off => live.await,
                Entry::Owed(owed) => {
                    let done = Tolled::now(live.await, &meter);
                    owed.pay(&done);
                    done.value
                }
                Entry::GivenUp => pending().await,
                Entry::Given(given) => {
                    drop(live);
                    let place = Place { meter: &meter, crossings: &crossings };
                    let done = crossings.read::<Tolled<Result<T, HostError>>>(Lane::Handle, &given, &place)?;
                    if let Err(HostError::Stopped(cause)) = done.value {
                        meter.stop(cause);
                    }
                    done.value
                }
                Entry::Strayed => Err(StopCause::Diverged.into()),
            }
        }
    }
}

/// By its number.
impl Crossed for Handle {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        self.number.write()
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Handle> {
        let (meter, crossings) = (Arc::clone(place.meter), place.crossings.clone());
        // INVARIANT: it had its place in the recorded run, and so it has it now.
        Some(Handle { number: u64::read(bytes, place)?, _slot: meter.reopen_handle(), meter, crossings })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("number", &self.number).finish_non_exhaustive()
    }
}
