//! Recorded runs, run again: the same guest, the same glue, and nothing behind it.

use bailiwick_policy::Grant;

use super::{Executor, Inner};
use crate::Guest;
use crate::replay::{self, Calls, HeaderError, Likeness, Recorded, Replayed};
use crate::run::{Again, Begun, RunError, Stop, Usage};

/// A recorded run was not run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It lies in the record.
    #[error(transparent)]
    Record(#[from] HeaderError),
    /// It lies in us.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Executor {
    /// Runs a recorded run again, from its record alone: whatever the guest asks for, it is given what it was given then. It
    /// cannot cause an effect: there are no mounts, keys, connections, databases or tools behind it, and nothing is written
    /// to the audit log. It takes a place among the runs like any other, and as long as its guest computes.
    ///
    /// `compare`: another grant, which is asked about every call, too. What it would decide differently is in
    /// [`Replayed::differences`]; the replay itself goes on with what was decided then.
    ///
    /// # Errors
    /// [`ReplayError`] when the record is not whole enough to begin, or when we failed. That the replay came to something else
    /// is no error.
    pub async fn replay(&self, recorded: Recorded, compare: Option<Grant>) -> Result<Replayed, ReplayError> {
        let (guest, grant) = (recorded.guest()?, recorded.grant()?);
        let input = recorded.input()?;
        let inner = &self.inner;
        Ok(inner.panics.catch(inner.replay(recorded, guest, grant, input, compare)).await?)
    }
}

impl Inner {
    async fn replay(
        &self,
        recorded: Recorded,
        guest: Guest,
        grant: Grant,
        input: String,
        compare: Option<Grant>,
    ) -> Result<Replayed, RunError> {
        let place = self.admission.admit(&grant.principal().agent).await?;
        let is_other_engine = recorded.header.engine != replay::engine(self.wasm.engine().fingerprint());
        let (is_session, calls) = (recorded.header.is_session, Calls::of(&recorded.crossings));
        let Recorded { header, crossings, end, .. } = recorded;
        let again = Again { header, guest, grant, input, crossings, compare, end: end.as_ref() };
        let mut begun = Begun::again(again, place, &self.services)?;
        let mut usage = Usage::default();
        let mut came = match self.prepare(&mut begun, &mut usage).await? {
            Err(stop) => begun.came(stop, usage),
            Ok((station, runnable)) if is_session => match self.open(begun, station, &runnable, usage).await? {
                Ok(session) => session.replay().await?,
                Err((begun, stop, usage)) => begun.came(stop, usage),
            },
            Ok((station, runnable)) => {
                let stop = self.execute(&begun, station, &runnable, &mut usage).await?;
                begun.came(stop, usage)
            }
        };
        let likeness = replay::likeness(end.as_ref(), &calls, &came);
        if let (Likeness::UpTo(_), Stop::Diverged) = (&likeness, &came.report.stop) {
            // The record is over, and nobody knows how the guest would have gone on.
            came.report.stop = Stop::Cancelled;
        }
        Ok(Replayed { likeness, report: came.report, differences: came.differences, is_other_engine })
    }
}
