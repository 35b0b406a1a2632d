//! What rules let through in a time, of all runs of an agent together: reserved before the effect, settled after it.
//!
//! A call that a rule with budgets allows takes its part of each before there is a permit, all or nothing. What is taken
//! counts at once, so that calls under way cannot exceed a budget together. It is given back only when it is certain that
//! there was no effect; when nobody knows, because a deadline passed or the process died, it stays taken.

mod memory;
mod purse;
mod turn;
mod window;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bailiwick_policy::{Calls, Charge, Code, Window};

pub use memory::MemoryBudgets;
pub(crate) use purse::{Purse, is_limit};
pub use turn::{next_turn, then, wait};
pub use window::{Full, GRACE, Slice, admit};

use crate::Timestamp;

/// Where budgets are kept that outlast a run. [`MemoryBudgets`] keeps them for a process; a store keeps them for good.
pub trait Budgets: Send + Sync {
    /// Takes all that is demanded, or nothing. What was taken is as durable as what keeps it when this completes.
    ///
    /// An implementation finds `now` no earlier than any time that it was told about the same counter before: a clock that is
    /// set back frees nothing. Dropping the future may leave it all taken.
    fn reserve<'a>(&'a self, demands: &'a [Demand], now: Timestamp) -> Reserving<'a>;

    /// Says what became of a reservation. Does not wait, and cannot fail: what is not settled stays taken.
    fn settle(&self, taken: Vec<Taken>, end: Settlement);
}

/// What [`Budgets::reserve`] gives.
pub type Reserving<'a> = Pin<Box<dyn Future<Output = Result<Reservation, Refusal>> + Send + 'a>>;

/// One thing that is counted: a budget of a rule, for one agent.
///
/// Whatever a manifest says about the budget may change, and what was counted by then stays. A rule or manifest with another
/// id is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counter {
    pub agent: String,
    pub manifest: String,
    pub rule: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    Calls,
    /// The sum of this argument.
    Sum(String),
    /// When the next call's turn is.
    Rate,
}

/// What a call asks of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub counter: Counter,
    pub ask: Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// So much of what is left of `max` in any stretch of time of this length.
    Part { amount: u64, max: u64, window: Duration },
    /// A turn, this long after the one before it, if that is not later than `patience` from now.
    Turn { spacing: Duration, patience: Duration },
}

/// What was taken for one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    pub taken: Vec<Taken>,
    /// How long the call has to wait for its turn.
    pub wait: Duration,
}

/// A part of a budget, and the slice of time that it was booked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub counter: Counter,
    pub slice: u64,
    pub amount: u64,
}

/// What became of what was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The effect happened.
    Used,
    /// It certainly did not.
    Released,
}

/// Why nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of the demands, that one does not fit.
    #[error("a budget is used up")]
    Full { demand: usize, full: Full },
    /// Nobody can tell what is left, and so nothing is.
    #[error("the budgets cannot be read or written: {0}")]
    Unavailable(String),
}

impl Counter {
    fn of(charge: &Charge, what: What) -> Counter {
        Counter {
            agent: charge.agent().to_owned(),
            manifest: charge.rule().allowance().map(|allowance| allowance.manifest().to_owned()).unwrap_or_default(),
            rule: charge.rule().id().to_owned(),
            what,
        }
    }
}

impl What {
    /// `calls`, `rate`, or `sum:ARGUMENT`.
    pub fn parse(text: &str) -> Option<What> {
        match text {
            "calls" => Some(What::Calls),
            "rate" => Some(What::Rate),
            text => text.strip_prefix("sum:").map(|argument| What::Sum(argument.to_owned())),
        }
    }

    fn code(&self) -> Code {
        match self {
            What::Calls => Code::RuleCalls,
            What::Sum(_) => Code::RuleSum,
            What::Rate => Code::RuleRate,
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Calls => f.write_str("calls"),
            What::Sum(argument) => write!(f, "sum:{argument}"),
            What::Rate => f.write_str("rate"),
        }
    }
}

/// A run has no budgets of its own beyond this time.
const WHOLE_RUN: Duration = Duration::from_secs(u32::MAX as u64);

/// What a call asks of the budgets that outlast the run, and of those that end with it; each with its charge.
fn demands(charges: &[Charge], patience: Duration) -> [Vec<(usize, Demand)>; 2] {
    let [mut lasting, mut of_run] = [Vec::new(), Vec::new()];
    for (at, charge) in charges.iter().enumerate() {
        let Some(allowance) = charge.rule().allowance() else { continue };
        let mut part = |what, amount, max, per| {
            let (window, to) = match per {
                Window::Last(window) => (window, &mut lasting),
                Window::Run => (WHOLE_RUN, &mut of_run),
            };
            add(to, at, Demand { counter: Counter::of(charge, what), ask: Ask::Part { amount, max, window } });
        };
        if let Some(Calls { max, per }) = allowance.calls() {
            part(What::Calls, 1, max.get(), per);
        }
        if let Some(sum) = allowance.sum() {
            part(What::Sum(sum.argument().to_owned()), charge.amount(), sum.max().get(), sum.per());
        }
        if let Some(rate) = allowance.rate() {
            let ask = Ask::Turn { spacing: rate.spacing(), patience };
            add(&mut lasting, at, Demand { counter: Counter::of(charge, What::Rate), ask });
        }
    }
    [lasting, of_run]
}

/// A run under one that has the same rule takes of its budgets once, under the stricter of both.
fn add(demands: &mut Vec<(usize, Demand)>, at: usize, demand: Demand) {
    let Some((_, same)) = demands.iter_mut().find(|(_, other)| other.counter == demand.counter) else {
        demands.push((at, demand));
        return;
    };
    match (&mut same.ask, demand.ask) {
        (Ask::Part { max, window, .. }, Ask::Part { max: other, window: longer, .. }) => {
            (*max, *window) = ((*max).min(other), (*window).max(longer));
        }
        (Ask::Turn { spacing, .. }, Ask::Turn { spacing: longer, .. }) => *spacing = (*spacing).max(longer),
        _ => {}
    }
}
