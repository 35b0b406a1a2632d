//! What is recorded of a run, on its way to the journal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Asked, ContentDigest, Crossed, Crossing, End, Lane, Sink, SinkError, Unwritable};

/// What stands behind all that was given, and alone for what was given up.
pub(super) const GIVEN: u8 = 1;
const GIVEN_UP: u8 = 0;

/// Keeps what crosses for as long as the sink takes it.
pub(super) struct Recorder {
    recording: Mutex<Recording>,
    /// Nothing more is taken.
    is_over: AtomicBool,
    handles: AtomicU64,
    calls: AtomicU64,
}

struct Recording {
    /// Until the end is written.
    sink: Option<Box<dyn Sink>>,
    cut: Option<SinkError>,
}

/// What became of asking.
pub(crate) enum Entry {
    /// There is no journal.
    Off,
    /// A recording: it has to be told what was given.
    Owed(Owed),
    /// A replay: this was given, as [`Crossed`] writes it.
    Given(Vec<u8>),
    /// A replay: it was given up before anything was given.
    GivenUp,
    /// A replay in which nobody should have asked.
    Strayed,
}

/// Something was asked for, and the journal is to be told what was given. Dropped before, it was given up, and that is told.
#[must_use]
pub(crate) struct Owed {
    recorder: Arc<Recorder>,
    lane: Lane,
    asked: Asked,
    is_paid: bool,
}

impl Recorder {
    pub(super) fn new(sink: Box<dyn Sink>) -> Recorder {
        let recording = Mutex::new(Recording { sink: Some(sink), cut: None });
        let [handles, calls] = [AtomicU64::new(0), AtomicU64::new(0)];
        Recorder { recording, is_over: AtomicBool::new(false), handles, calls }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn next_handle(&self) -> u64 {
        self.handles.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn take<T: Crossed>(&self, lane: Lane, asked: Asked, given: &T) {
        if !self.is_over() {
            self.keep(lane, asked, given.write());
        }
    }

    pub(super) fn owe(self: &Arc<Recorder>, lane: Lane, asked: Asked) -> Owed {
        Owed { recorder: Arc::clone(self), lane, asked, is_paid: false }
    }

    /// How many calls were taken; nobody asks about other lanes.
    pub(super) fn settled(&self, lane: Lane) -> u64 {
        if lane == Lane::Call { self.calls.load(Ordering::Acquire) } else { 0 }
    }

    pub(super) fn cut(&self) -> Option<SinkError> {
        self.recording().cut
    }

    pub(super) fn end(&self, end: End) -> Option<Result<ContentDigest, SinkError>> {
        self.is_over.store(true, Ordering::Relaxed);
        let Recording { sink, cut } = &mut *self.recording();
        let (sink, cut) = (sink.take()?, *cut);
        Some(sink.end(&End { cut, ..end }))
    }

    fn keep(&self, lane: Lane, asked: Asked, written: Result<Vec<u8>, Unwritable>) {
        let written = written.map(|mut given| {
            given.push(GIVEN);
            given
        });
        self.add(lane, asked, written);
    }

    fn add(&self, lane: Lane, asked: Asked, written: Result<Vec<u8>, Unwritable>) {
        let mut recording = self.recording();
        if self.is_over() {
            return;
        }
        let Some(sink) = &mut recording.sink else { return };
        let taken = match written {
            Ok(given) => sink.take(Crossing { lane, asked, given }),
            Err(Unwritable) => Err(SinkError::Unwritable),
        };
        match taken {
            Ok(()) if lane == Lane::Call => _ = self.calls.fetch_add(1, Ordering::AcqRel),
            Ok(()) => {}
            Err(error) => {
                // INVARIANT: a journal has no gaps. What comes after something that is missing is not kept either.
                self.is_over.store(true, Ordering::Relaxed);
                recording.cut = Some(error);
            }
        }
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owed {
    pub(crate) fn pay<T: Crossed>(self, given: &T) {
        self.pay_written(given.write());
    }

    pub(crate) fn pay_written(mut self, given: Result<Vec<u8>, Unwritable>) {
        self.is_paid = true;
        self.recorder.keep(self.lane, self.asked, given);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if !self.is_paid {
            self.recorder.add(self.lane, self.asked, Ok(vec![GIVEN_UP]));
        }
    }
}

impl Entry {
    pub(super) fn of(mut given: Vec<u8>) -> Entry {
        match (given.pop(), given.is_empty()) {
            (Some(GIVEN), _) => Entry::Given(given),
            (Some(GIVEN_UP), true) => Entry::GivenUp,
            _ => Entry::Strayed,
        }
    }
}

impl Crossing {
    /// What was given, as [`Crossed`] wrote it; `None` for what was given up.
    pub fn plain(&self) -> Option<&[u8]> {
        match self.given.split_last()? {
            (&GIVEN, given) => Some(given),
            _ => None,
        }
    }
}
