//! A recorded run, given back.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::{Asked, Crossing, Lane};

/// Where a replay asked for something that was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub lane: Lane,
    /// How many of this lane had been given before, so that it is also the place of what was expected.
    pub place: usize,
    /// The lane had been given whole: the recorded run asked for nothing more, or was stopped here from outside.
    pub is_over: bool,
}

/// What was recorded, waiting to be asked for.
pub(super) struct Player {
    state: Mutex<State>,
}

struct State {
    waiting: HashMap<(Lane, Asked), VecDeque<Vec<u8>>>,
    given: HashMap<Lane, usize>,
    left: HashMap<Lane, usize>,
    divergence: Option<Divergence>,
}

impl Player {
    pub(super) fn new(recorded: Vec<Crossing>) -> Player {
        let mut waiting: HashMap<_, VecDeque<_>> = HashMap::new();
        let mut left: HashMap<_, usize> = HashMap::new();
        for Crossing { lane, asked, given } in recorded {
            waiting.entry((lane, asked)).or_default().push_back(given);
            *left.entry(lane).or_default() += 1;
        }
        Player { state: Mutex::new(State { waiting, given: HashMap::new(), left, divergence: None }) }
    }

    /// What was given when this was asked for, the earliest that was not given back yet: calls that were under way together
    /// may end in another order than they did.
    pub(super) fn give(&self, lane: Lane, asked: Asked) -> Result<Vec<u8>, Divergence> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let found = state.waiting.get_mut(&(lane, asked)).and_then(VecDeque::pop_front);
        let (place, left) = (state.given.entry(lane).or_default(), state.left.entry(lane).or_default());
        match found {
            Some(given) => {
                (*place, *left) = (*place + 1, left.saturating_sub(1));
                Ok(given)
            }
            None => {
                let divergence = Divergence { lane, place: *place, is_over: *left == 0 };
                // The first one is the one to tell of.
                state.divergence.get_or_insert(divergence);
                Err(divergence)
            }
        }
    }

    /// What was given cannot be read: the journal is of another version, or damaged.
    pub(super) fn diverge(&self, lane: Lane) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let place = state.given.get(&lane).copied().unwrap_or_default().saturating_sub(1);
        state.divergence.get_or_insert(Divergence { lane, place, is_over: false });
    }

    pub(super) fn divergence(&self) -> Option<Divergence> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).divergence
    }

    /// How many of a lane nobody has asked for.
    pub(super) fn left(&self, lane: Lane) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).left.get(&lane).copied().unwrap_or_default()
    }
}
