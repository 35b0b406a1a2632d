//! What a guest learns without a call: time, randomness, and what is ready when. From outside and kept in the run's journal,
//! or given back from there.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bailiwick_guard::journal::{Asked, Crossed, Crossings, Lane, Place};
use bailiwick_guard::{Meter, StopCause};

use super::Outside;

/// The senses of one run.
pub(crate) struct Told {
    outside: Arc<dyn Outside>,
    crossings: Crossings,
    meter: Arc<Meter>,
    /// In a replay: what is looked at now was not ready when the recorded run looked.
    held: AtomicBool,
}

impl Told {
    pub(crate) fn new(outside: Arc<dyn Outside>, crossings: Crossings, meter: Arc<Meter>) -> Told {
        Told { outside, crossings, meter, held: AtomicBool::new(false) }
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.crossings.is_replay()
    }

    /// Wall-clock time since the Unix epoch.
    ///
    /// # Errors
    /// As for all of them, when a replay asks for what was not recorded.
    pub(crate) fn wall(&self) -> Result<Duration, StopCause> {
        self.crossings.give(Lane::Wall, || Asked::NOTHING, &self.place(), || self.outside.wall())
    }

    /// Time since the run began; never goes back.
    pub(crate) fn steady(&self) -> Result<Duration, StopCause> {
        self.crossings.give(Lane::Steady, || Asked::NOTHING, &self.place(), || self.outside.monotonic())
    }

    /// So many random bytes fit for keys.
    pub(crate) fn random(&self, len: usize) -> Result<Vec<u8>, StopCause> {
        let given = self.crossings.give(
            Lane::Random,
            || Asked::of(&[&len.to_le_bytes()]),
            &self.place(),
            || {
                let mut bytes = vec![0; len];
                self.outside.random(&mut bytes);
                bytes
            },
        )?;
        // A journal that somebody wrote may give fewer than the guest makes room for.
        if given.len() == len { Ok(given) } else { Err(StopCause::Diverged) }
    }

    /// Waits for `time`; in a replay, only whether the recorded run came to the end of it is waited for.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), StopCause> {
        let asked = || Asked::of(&[b"sleep", &time.as_nanos().to_le_bytes()]);
        self.ready(asked, tokio::time::sleep(time)).await
    }

    /// Something that becomes ready some time: what it gives then. In a replay it is what it gave.
    pub(crate) async fn ready<T: Crossed>(
        &self,
        asked: impl FnOnce() -> Asked,
        live: impl Future<Output = T>,
    ) -> Result<T, StopCause> {
        self.crossings.give_when_ready(Lane::Ready, asked, &self.place(), live).await
    }

    /// What is there now.
    pub(crate) fn now<T: Crossed>(
        &self,
        asked: impl FnOnce() -> Asked,
        live: impl FnOnce() -> T,
    ) -> Result<T, StopCause> {
        self.crossings.give(Lane::Ready, asked, &self.place(), live)
    }

    /// Does `work`, for `time` at most; `None` when that was too short. In a replay, time is what it was: `work` is asked for
    /// what it gives all the same, because it began then as well.
    pub(crate) async fn within<T>(
        &self,
        time: Duration,
        asked: impl FnOnce() -> Asked,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, StopCause> {
        let mut work = pin!(work);
        if self.is_replay() {
            let given = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            if !self.ready(asked, pending()).await? {
                return Ok(None);
            }
            return match given {
                Poll::Ready(given) => Ok(Some(given)),
                Poll::Pending => Ok(Some(work.await)),
            };
        }
        let mut done = None;
        let in_time = async {
            done = tokio::time::timeout(time, work).await.ok();
            done.is_some()
        };
        self.ready(asked, in_time).await?;
        Ok(done)
    }

    /// Memory or a table could not grow for the `number`th time that it was asked.
    pub(crate) fn refused(&self, number: u64) {
        self.crossings.record(Lane::Growth, || Asked::NOTHING, &number);
    }

    /// The number of the next growth that was refused in the recorded run; `None` when none was, or this is no replay.
    pub(crate) fn next_refused(&self) -> Option<u64> {
        if self.crossings.left(Lane::Growth) == 0 {
            return None;
        }
        self.crossings.recorded(Lane::Growth, || Asked::NOTHING, &self.place())?.ok()
    }

    /// The pieces of a session, one after the other; `None` after the last one that was recorded.
    pub(crate) fn next_piece(&self) -> Option<String> {
        if self.crossings.left(Lane::Piece) == 0 {
            return None;
        }
        self.crossings.recorded(Lane::Piece, || Asked::NOTHING, &self.place())?.ok()
    }

    /// A session was given this piece.
    pub(crate) fn piece(&self, source: &str) {
        self.crossings.record(Lane::Piece, || Asked::NOTHING, &source.to_owned());
    }

    /// From now on, what is looked at was not ready; see [`Told::until_shown`].
    pub(crate) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// Never comes back while a replay looks at what was not ready in the recorded run. What has something to show asks this
    /// before it shows it.
    pub(crate) async fn until_shown(&self) {
        if self.held.load(Ordering::Relaxed) {
            pending().await
        }
    }

    fn place(&self) -> Place<'_> {
        Place { meter: &self.meter, crossings: &self.crossings }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("crossings", &self.crossings).finish_non_exhaustive()
    }
}
