//! A recorded run, given back.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Asked, Crossing, Lane};

/// Where a replay asked for something that was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub lane: Lane,
    /// The place in this lane of the first that had not been given: what was expected.
    pub place: usize,
    /// The lane had been given whole: the recorded run asked for nothing more, or was stopped here from outside.
    pub is_over: bool,
}

/// What was recorded, waiting to be asked for.
pub(super) struct Player {
    state: Mutex<State>,
}

/// What was given, and the how manieth of its lane it was.
type Given = (usize, Vec<u8>);

struct State {
    /// Each with its place in its lane.
    waiting: HashMap<(Lane, Asked), VecDeque<Given>>,
    lanes: HashMap<Lane, Progress>,
    divergence: Option<Divergence>,
}

/// How far a lane was given back.
#[derive(Default)]
struct Progress {
    recorded: usize,
    /// All before this place were.
    first: usize,
    /// Those behind it that were.
    beyond: BTreeSet<usize>,
}

impl Player {
    pub(super) fn new(recorded: Vec<Crossing>) -> Player {
        let mut waiting: HashMap<_, VecDeque<_>> = HashMap::new();
        let mut lanes: HashMap<_, Progress> = HashMap::new();
        for Crossing { lane, asked, given } in recorded {
            let progress = lanes.entry(lane).or_default();
            waiting.entry((lane, asked)).or_default().push_back((progress.recorded, given));
            progress.recorded += 1;
        }
        Player { state: Mutex::new(State { waiting, lanes, divergence: None }) }
    }

    /// What was given when this was asked for, the earliest that was not given back yet: calls that were under way together
    /// may end in another order than they did.
    pub(super) fn give(&self, lane: Lane, asked: Asked) -> Result<Vec<u8>, Divergence> {
        let mut state = self.state();
        let State { waiting, lanes, divergence } = &mut *state;
        let found = waiting.get_mut(&(lane, asked)).and_then(VecDeque::pop_front);
        let progress = lanes.entry(lane).or_default();
        match found {
            Some((place, given)) => {
                progress.give(place);
                Ok(given)
            }
            None => {
                let here = Divergence { lane, place: progress.first, is_over: progress.left() == 0 };
                // The first one is the one to tell of.
                divergence.get_or_insert(here);
                Err(here)
            }
        }
    }

    /// What was given last cannot be read: the journal is of another version, or damaged.
    pub(super) fn diverge(&self, lane: Lane) {
        let place = self.state().lanes.get(&lane).map(|progress| progress.first.saturating_sub(1)).unwrap_or_default();
        self.diverge_at(lane, place);
    }

    pub(super) fn diverge_at(&self, lane: Lane, place: usize) {
        self.state().divergence.get_or_insert(Divergence { lane, place, is_over: false });
    }

    pub(super) fn divergence(&self) -> Option<Divergence> {
        self.state().divergence
    }

    /// How many of a lane nobody has asked for.
    pub(super) fn left(&self, lane: Lane) -> usize {
        self.state().lanes.get(&lane).map(Progress::left).unwrap_or_default()
    }

    /// How many of a lane were given, up to the first that was not.
    pub(super) fn settled(&self, lane: Lane) -> u64 {
        let first = self.state().lanes.get(&lane).map(|progress| progress.first).unwrap_or_default();
        u64::try_from(first).unwrap_or(u64::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn give(&mut self, place: usize) {
        self.beyond.insert(place);
        while self.beyond.remove(&self.first) {
            self.first += 1;
        }
    }

    fn left(&self) -> usize {
        self.recorded.saturating_sub(self.first).saturating_sub(self.beyond.len())
    }
}
