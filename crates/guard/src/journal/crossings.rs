//! The one place that everything goes through which a guest learns from outside.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::player::Player;
use super::recorder::{Entry, Recorder};
use super::{Asked, ContentDigest, Contents, Crossed, Crossing, Divergence, End, Header, Lane, Place};
use crate::StopCause;

/// Whether a run is recorded, replayed or neither. Clones are of the same run.
#[derive(Clone, Default)]
pub struct Crossings(Mode);

#[derive(Clone, Default)]
enum Mode {
    /// Nothing is kept.
    #[default]
    Off,
    Recording(Arc<Recorder>),
    Replaying(Arc<Player>, Arc<AtomicU64>),
}

/// Where runs are recorded.
pub trait Journals: Send + Sync {
    /// Begins the journal of a run, before its guest starts. `contents` are what `header` refers to. `None`: this run is not
    /// recorded.
    ///
    /// # Errors
    /// When it cannot be begun. The run goes on without a journal, and its report says so.
    fn begin(&self, header: &Header, contents: &Contents) -> Result<Option<Box<dyn Sink>>, SinkError>;
}

/// The journal of one run: crossings, in the order in which they ended, and then its end. A run's own threads call it: it must
/// not wait for disks.
pub trait Sink: Send {
    /// # Errors
    /// When it takes no more: the journal ends here, and says so. The run goes on.
    fn take(&mut self, crossing: Crossing) -> Result<(), SinkError>;

    /// The run has ended. Gives the digest of the whole journal, which the audit log keeps.
    ///
    /// # Errors
    /// When it cannot be written. The journal is then one of a run that never ended.
    fn end(self: Box<Self>, end: &End) -> Result<ContentDigest, SinkError>;
}

/// Why a journal ends before its run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkError {
    #[error("the journal has reached its size limit")]
    Full,
    #[error("the journal cannot be written")]
    Io,
    #[error("something that was given to the guest has no form that could be recorded")]
    Unwritable,
}

impl Crossings {
    /// Keeps everything that crosses in `sink`.
    pub fn recording(sink: Box<dyn Sink>) -> Crossings {
        Crossings(Mode::Recording(Arc::new(Recorder::new(sink))))
    }

    /// Gives back what was recorded, and lets nothing happen.
    pub fn replaying(recorded: Vec<Crossing>) -> Crossings {
        Crossings(Mode::Replaying(Arc::new(Player::new(recorded)), Arc::default()))
    }

    pub fn is_replay(&self) -> bool {
        matches!(self.0, Mode::Replaying(..))
    }

    /// Whether anything is kept. What is costly to prepare is prepared for this alone.
    pub fn is_recording(&self) -> bool {
        matches!(&self.0, Mode::Recording(recorder) if !recorder.is_over())
    }

    /// The number of a handle that is opened now; 0 when nobody asks for it.
    pub fn next_handle(&self) -> u64 {
        match &self.0 {
            Mode::Off => 0,
            Mode::Recording(recorder) => recorder.next_handle(),
            Mode::Replaying(_, handles) => handles.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    /// Something is asked for now; what it gives is owed. In a replay it is here.
    pub(crate) fn enter(&self, lane: Lane, asked: impl FnOnce() -> Asked) -> Entry {
        match &self.0 {
            Mode::Off => Entry::Off,
            Mode::Recording(recorder) if recorder.is_over() => Entry::Off,
            Mode::Recording(recorder) => Entry::Owed(recorder.owe(lane, asked())),
            Mode::Replaying(player, _) => match player.give(lane, asked()) {
                Ok(given) => Entry::of(given),
                Err(_) => Entry::Strayed,
            },
        }
    }

    /// Reads what was given when something was recorded.
    ///
    /// # Errors
    /// [`StopCause::Diverged`] when it is not what was written.
    pub(crate) fn read<T: Crossed>(&self, lane: Lane, given: &[u8], place: &Place<'_>) -> Result<T, StopCause> {
        T::read(given, place).ok_or_else(|| self.stray(lane))
    }

    /// The replay is not what was recorded: it ends.
    pub(crate) fn stray(&self, lane: Lane) -> StopCause {
        if let Mode::Replaying(player, _) = &self.0 {
            player.diverge(lane);
        }
        StopCause::Diverged
    }

    /// The same, at the place of what should have been asked for first.
    pub(crate) fn stray_at(&self, lane: Lane, place: u64) -> StopCause {
        if let Mode::Replaying(player, _) = &self.0 {
            player.diverge_at(lane, usize::try_from(place).unwrap_or(usize::MAX));
        }
        StopCause::Diverged
    }

    /// How many of a lane were recorded so far; in a replay, how many of those that were recorded first have been given.
    pub(crate) fn settled(&self, lane: Lane) -> u64 {
        match &self.0 {
            Mode::Off => 0,
            Mode::Recording(recorder) => recorder.settled(lane),
            Mode::Replaying(player, _) => player.settled(lane),
        }
    }

    /// Something that is there at once: `live` makes it, unless this is a replay.
    ///
    /// # Errors
    /// [`StopCause::Diverged`] when a replay asks for what was not recorded.
    pub fn give<T: Crossed>(
        &self,
        lane: Lane,
        asked: impl FnOnce() -> Asked,
        place: &Place<'_>,
        live: impl FnOnce() -> T,
    ) -> Result<T, StopCause> {
        match &self.0 {
            Mode::Off => Ok(live()),
            Mode::Recording(recorder) => {
                let given = live();
                recorder.take(lane, asked(), &given);
                Ok(given)
            }
            Mode::Replaying(player, _) => play(player, lane, asked(), place),
        }
    }

    /// Something that has to be waited for: `live` makes it, unless this is a replay. The future may be dropped: what was given
    /// up is on record, and in a replay stays pending until it is given up there.
    ///
    /// # Errors
    /// As [`Crossings::give`].
    pub async fn give_when_ready<T: Crossed>(
        &self,
        lane: Lane,
        asked: impl FnOnce() -> Asked,
        place: &Place<'_>,
        live: impl Future<Output = T>,
    ) -> Result<T, StopCause> {
        match &self.0 {
            Mode::Off => Ok(live.await),
            Mode::Recording(_) | Mode::Replaying(..) => match self.enter(lane, asked) {
                Entry::Off => Ok(live.await),
                Entry::Owed(owed) => {
                    let given = live.await;
                    owed.pay(&given);
                    Ok(given)
                }
                Entry::GivenUp => pending().await,
                Entry::Given(given) => self.read(lane, &given, place),
                Entry::Strayed => Err(StopCause::Diverged),
            },
        }
    }

    /// Keeps something that has happened. Nothing is done unless this is a recording.
    pub fn record<T: Crossed>(&self, lane: Lane, asked: impl FnOnce() -> Asked, given: &T) {
        if let Mode::Recording(recorder) = &self.0 {
            recorder.take(lane, asked(), given);
        }
    }

    /// What was recorded. `None` unless this is a replay.
    pub fn recorded<T: Crossed>(
        &self,
        lane: Lane,
        asked: impl FnOnce() -> Asked,
        place: &Place<'_>,
    ) -> Option<Result<T, StopCause>> {
        match &self.0 {
            Mode::Off | Mode::Recording(_) => None,
            Mode::Replaying(player, _) => Some(play(player, lane, asked(), place)),
        }
    }

    /// Why the journal is not a whole one, if it is not.
    pub fn cut(&self) -> Option<SinkError> {
        match &self.0 {
            Mode::Off | Mode::Replaying(..) => None,
            Mode::Recording(recorder) => recorder.cut(),
        }
    }

    /// Writes how the run ended, with the reason why the journal is not a whole one, if it is not. Gives the digest of the
    /// journal, once; `None` unless this is a recording. What comes later is not kept.
    ///
    /// # Errors
    /// When the end cannot be written.
    pub fn end(&self, end: End) -> Option<Result<ContentDigest, SinkError>> {
        match &self.0 {
            Mode::Off | Mode::Replaying(..) => None,
            Mode::Recording(recorder) => recorder.end(end),
        }
    }

    /// Where the replay first asked for what was not recorded.
    pub fn divergence(&self) -> Option<Divergence> {
        match &self.0 {
            Mode::Off | Mode::Recording(_) => None,
            Mode::Replaying(player, _) => player.divergence(),
        }
    }

    /// How many of a lane were recorded and nobody has asked for in this replay.
    pub fn left(&self, lane: Lane) -> usize {
        match &self.0 {
            Mode::Off | Mode::Recording(_) => 0,
            Mode::Replaying(player, _) => player.left(lane),
        }
    }
}

fn play<T: Crossed>(player: &Player, lane: Lane, asked: Asked, place: &Place<'_>) -> Result<T, StopCause> {
    let given = player.give(lane, asked).map_err(|_| StopCause::Diverged)?;
    let given = if let Entry::Given(given) = Entry::of(given) { Some(given) } else { None };
    given.and_then(|given| T::read(&given, place)).ok_or_else(|| {
        player.diverge(lane);
        StopCause::Diverged
    })
}

impl std::fmt::Debug for Crossings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Mode::Off => "Crossings::Off",
            Mode::Recording(_) => "Crossings::Recording",
            Mode::Replaying(..) => "Crossings::Replaying",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bailiwick_policy::Limits;

    use super::*;
    use crate::{Life, Meter, SystemClock, Timestamp};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Crossing>>>);

    impl Sink for Kept {
        fn take(&mut self, crossing: Crossing) -> Result<(), SinkError> {
            let mut kept = self.0.lock().unwrap();
            if kept.len() == 4 {
                return Err(SinkError::Full);
            }
            kept.push(crossing);
            Ok(())
        }

        fn end(self: Box<Self>, end: &End) -> Result<ContentDigest, SinkError> {
            Ok(ContentDigest::of(format!("{:?} {end:?}", self.0.lock().unwrap()).as_bytes()))
        }
    }

    fn meter() -> Arc<Meter> {
        Arc::new(Meter::new(&Limits::default(), Life::until(Timestamp(u64::MAX)), Arc::new(SystemClock)))
    }

    fn ask(crossings: &Crossings, lane: Lane, what: &str, live: u64) -> Result<u64, StopCause> {
        let (meter, asked) = (meter(), || Asked::of(&[what.as_bytes()]));
        crossings.give(lane, asked, &Place { meter: &meter, crossings }, || live)
    }

    #[test]
    fn what_was_recorded_is_given_again() {
        let kept = Kept::default();
        let recording = Crossings::recording(Box::new(kept.clone()));
        for (lane, what, live) in
            [(Lane::Wall, "", 1), (Lane::Call, "a", 2), (Lane::Call, "b", 3), (Lane::Call, "a", 4)]
        {
            assert_eq!(ask(&recording, lane, what, live), Ok(live));
        }
        let replay = Crossings::replaying(kept.0.lock().unwrap().clone());
        for (lane, what, given) in
            [(Lane::Call, "b", 3), (Lane::Call, "a", 2), (Lane::Wall, "", 1), (Lane::Call, "a", 4)]
        {
            assert_eq!(ask(&replay, lane, what, 99), Ok(given));
        }
        assert_eq!(replay.divergence(), None);
        assert_eq!(ask(&replay, Lane::Call, "a", 99), Err(StopCause::Diverged));
        assert_eq!(replay.divergence(), Some(Divergence { lane: Lane::Call, place: 3, is_over: true }));
    }

    #[test]
    fn what_was_not_asked_for_then_is_named() {
        let kept = Kept::default();
        let recording = Crossings::recording(Box::new(kept.clone()));
        ask(&recording, Lane::Call, "a", 1).unwrap();
        ask(&recording, Lane::Call, "b", 2).unwrap();
        let replay = Crossings::replaying(kept.0.lock().unwrap().clone());
        ask(&replay, Lane::Call, "a", 99).unwrap();
        assert_eq!(ask(&replay, Lane::Call, "c", 99), Err(StopCause::Diverged));
        assert_eq!(replay.divergence(), Some(Divergence { lane: Lane::Call, place: 1, is_over: false }));
        assert_eq!(replay.left(Lane::Call), 1);
    }

    #[test]
    fn a_full_journal_ends_and_the_run_does_not() {
        let kept = Kept::default();
        let recording = Crossings::recording(Box::new(kept.clone()));
        for live in 0..7 {
            assert_eq!(ask(&recording, Lane::Wall, "", live), Ok(live));
        }
        assert_eq!(kept.0.lock().unwrap().len(), 4);
        assert_eq!(recording.cut(), Some(SinkError::Full));
        assert!(!recording.is_recording());
    }

    #[test]
    fn the_end_is_written_once_and_says_where_the_journal_was_cut() {
        let end = End {
            stop: serde_json::json!({ "kind": "finished" }),
            from_outside: false,
            fuel: 1,
            peak_memory_bytes: 2,
            host_calls: 3,
            output_bytes: 4,
            disk_bytes: 5,
            files_made: 6,
            wall_ms: 7,
            stdout_bytes: 0,
            stdout: ContentDigest::of(b""),
            stderr_bytes: 0,
            stderr: ContentDigest::of(b""),
            result: None,
            cut: None,
        };
        let kept = Kept::default();
        let recording = Crossings::recording(Box::new(kept.clone()));
        for live in 0..5 {
            ask(&recording, Lane::Wall, "", live).unwrap();
        }
        let cut = End { cut: Some(SinkError::Full), ..end.clone() };
        let digest = Box::new(kept.clone()).end(&cut);
        assert_eq!(recording.end(end.clone()), Some(digest));
        assert_eq!((recording.end(end.clone()), recording.is_recording()), (None, false));
        ask(&recording, Lane::Wall, "", 9).unwrap();
        assert_eq!(kept.0.lock().unwrap().len(), 4);
        assert_eq!(Crossings::default().end(end), None);
    }

    #[test]
    fn what_cannot_be_read_is_a_divergence() {
        let asked = Asked::of(&[b"a"]);
        let replay = Crossings::replaying(vec![Crossing {
            lane: Lane::Call,
            asked,
            given: vec![1, 2, 3, super::super::recorder::GIVEN],
        }]);
        assert_eq!(ask(&replay, Lane::Call, "a", 99), Err(StopCause::Diverged));
        assert_eq!(replay.divergence(), Some(Divergence { lane: Lane::Call, place: 0, is_over: false }));
    }
}
