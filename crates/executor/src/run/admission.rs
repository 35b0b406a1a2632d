//! Who may run next: a bounded number of runs at a time, a bounded queue behind them, fair between agents.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Waiting runs per running one; beyond that the answer is "busy".
const QUEUE_PER_SLOT: u32 = 8;

/// The door to the pool of running guests.
#[derive(Clone)]
pub(crate) struct Admission {
    shared: Arc<Mutex<State>>,
}

/// A place among the running; dropping it lets the next one in.
pub(crate) struct Ticket {
    /// `None` once the place was given on.
    shared: Option<Arc<Mutex<State>>>,
}

/// Too many runs are waiting already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("busy: {running} runs are under way and {waiting} are waiting; try again later")]
pub struct Busy {
    pub running: u32,
    pub waiting: u32,
}

struct State {
    free: u32,
    slots: u32,
    waiting: u32,
    /// One first-in-first-out queue per agent; none is empty.
    queues: BTreeMap<String, VecDeque<oneshot::Sender<Ticket>>>,
    /// The agents with a queue, in the order of their turns.
    turns: VecDeque<String>,
}

impl Admission {
    pub(crate) fn new(slots: NonZeroU32) -> Admission {
        let slots = slots.get();
        let state = State { free: slots, slots, waiting: 0, queues: BTreeMap::new(), turns: VecDeque::new() };
        Admission { shared: Arc::new(Mutex::new(state)) }
    }

    /// Waits for a place. Agents take turns, so that one that asks for a thousand runs delays another by one.
    pub(crate) async fn admit(&self, agent: &str) -> Result<Ticket, Busy> {
        let turn = {
            let mut state = lock(&self.shared);
            if state.free > 0 {
                state.free -= 1;
                return Ok(Ticket { shared: Some(Arc::clone(&self.shared)) });
            }
            if state.waiting >= state.slots.saturating_mul(QUEUE_PER_SLOT) {
                return Err(Busy { running: state.slots, waiting: state.waiting });
            }
            state.enqueue(agent)
        };
        // The sender is dropped unsent only together with the state itself.
        turn.await.map_err(|_| Busy { running: 0, waiting: 0 })
    }
}

impl State {
    fn enqueue(&mut self, agent: &str) -> oneshot::Receiver<Ticket> {
        let (sender, receiver) = oneshot::channel();
        self.waiting = self.waiting.saturating_add(1);
        match self.queues.get_mut(agent) {
            Some(queue) => queue.push_back(sender),
            None => {
                self.queues.insert(agent.to_owned(), VecDeque::from([sender]));
                self.turns.push_back(agent.to_owned());
            }
        }
        receiver
    }

    fn next(&mut self) -> Option<oneshot::Sender<Ticket>> {
        let agent = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&agent)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&agent);
        } else {
            self.turns.push_back(agent);
        }
        self.waiting = self.waiting.saturating_sub(1);
        next
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        loop {
            let next = {
                let mut state = lock(&shared);
                let next = state.next();
                if next.is_none() {
                    state.free = state.free.saturating_add(1);
                }
                next
            };
            let Some(waiter) = next else { return };
            match waiter.send(Ticket { shared: Some(Arc::clone(&shared)) }) {
                Ok(()) => return,
                // The waiter gave up: the next one gets the place, and this ticket must not give it on, too.
                Err(mut ticket) => ticket.shared = None,
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn agents_take_turns() {
        let admission = Admission::new(NonZeroU32::MIN);
        let running = admission.admit("greedy").await.unwrap();
        let mut greedy: Vec<_> = (0..3).map(|_| Box::pin(admission.admit("greedy"))).collect();
        for waiting in &mut greedy {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        let mut modest = Box::pin(admission.admit("modest"));
        assert!(modest.as_mut().now_or_never().is_none());

        drop(running);
        let first = greedy[0].as_mut().now_or_never().expect("the first in line").unwrap();
        drop(first);
        let second = modest.as_mut().now_or_never().expect("then the other agent").unwrap();
        assert!(greedy[1].as_mut().now_or_never().is_none());
        drop(second);
        assert!(greedy[1].as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_who_gives_up_is_passed_over() {
        let admission = Admission::new(NonZeroU32::MIN);
        let running = admission.admit("a").await.unwrap();
        let mut waiting: Vec<_> = (0..QUEUE_PER_SLOT).map(|_| Box::pin(admission.admit("a"))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        assert_eq!(admission.admit("b").await.err(), Some(Busy { running: 1, waiting: QUEUE_PER_SLOT }));
        let mut last = waiting.pop().unwrap();
        drop(waiting);
        drop(running);
        let ticket = last.as_mut().now_or_never().expect("those before it gave up").unwrap();
        drop(ticket);
        admission.admit("b").await.expect("a slot is free again");
    }
}
