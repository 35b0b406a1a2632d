//! The budgets of one run: those that end with it, and the way to those that do not.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_policy::{Amount, Charge, Code, Verdict};

use super::{Ask, Budgets, Demand, Full, MemoryBudgets, Refusal, Settlement, Taken, WHOLE_RUN, What, demands};
use crate::{Clock, Outcome};

/// The longest that the budgets may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

pub(crate) struct Purse {
    lasting: Arc<dyn Budgets>,
    of_run: MemoryBudgets,
    clock: Arc<dyn Clock>,
}

/// What a call holds until it has ended. Dropped before the effect began, it is given back; afterwards nobody knows, and it
/// stays taken.
pub(crate) struct Held<'p> {
    purse: &'p Purse,
    lasting: Vec<Taken>,
    of_run: Vec<Taken>,
    begun: bool,
}

/// A call that budgets refuse, with what to tell the operator.
pub(crate) struct Spent {
    pub(crate) verdict: Verdict,
    pub(crate) why: String,
}

impl Purse {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Purse {
        Purse { lasting: Arc::new(MemoryBudgets::new()), of_run: MemoryBudgets::new(), clock }
    }

    pub(crate) fn keep_in(&mut self, lasting: Arc<dyn Budgets>) {
        self.lasting = lasting;
    }

    /// Takes what the call is charged, all or nothing, and waits for its turn.
    pub(crate) async fn take(&self, charges: &[Charge], patience: Duration) -> Result<Held<'_>, Spent> {
        let [lasting, of_run] = demands(charges, patience);
        let split = |demands: Vec<(usize, Demand)>| demands.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let ((by, lasting), (by_of_run, of_run)) = (split(lasting), split(of_run));
        let now = self.clock.now();
        let first = self.of_run.take(&of_run, now);
        let first = first.map_err(|refusal| spent(charges, &by_of_run, &of_run, refusal))?;
        let mut held = Held { purse: self, lasting: Vec::new(), of_run: first.taken, begun: false };
        if !lasting.is_empty() {
            let answer = tokio::time::timeout(ANSWER, self.lasting.reserve(&lasting, now)).await;
            let answer = answer.unwrap_or_else(|_| Err(Refusal::Unavailable("they do not answer".to_owned())));
            let second = answer.map_err(|refusal| spent(charges, &by, &lasting, refusal))?;
            held.lasting = second.taken;
            if !second.wait.is_zero() {
                tokio::time::sleep(second.wait).await;
            }
        }
        Ok(held)
    }
}

impl Held<'_> {
    /// The effect may happen from now on.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    /// Says how the call ended.
    pub(crate) fn end(mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done => self.settle(Settlement::Used),
            Outcome::Denied(code) | Outcome::Failed(code) | Outcome::Limit(code) if never_happened(*code) => {
                self.settle(Settlement::Released);
            }
            // Nobody knows, and what is not settled stays taken.
            Outcome::Denied(_) | Outcome::Failed(_) | Outcome::Limit(_) | Outcome::Abandoned => self.begun = true,
        }
    }

    fn settle(&mut self, end: Settlement) {
        let (lasting, of_run) = (std::mem::take(&mut self.lasting), std::mem::take(&mut self.of_run));
        if !lasting.is_empty() {
            self.purse.lasting.settle(lasting, end);
        }
        self.purse.of_run.settle(of_run, end);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.begun {
            self.settle(Settlement::Released);
        }
    }
}

/// Whether a call that ended so had certainly no effect. Only what is known to come before it, whatever the effect.
fn never_happened(code: Code) -> bool {
    matches!(
        code,
        Code::PrivateAddress
            | Code::RequestHeader
            | Code::RequestBytes
            | Code::DnsFailed
            | Code::ConnectFailed
            | Code::ToolUnaccepted
            | Code::ToolChanged
            | Code::ToolArguments
            | Code::NoTool
            | Code::NoKey
            | Code::KeyUse
            | Code::NoStore
            | Code::NoSecret
            | Code::SecretPlace
            | Code::SecretUnfit
            | Code::OutsideMount
            | Code::SpecialFile
    )
}

fn spent(charges: &[Charge], by: &[usize], demands: &[Demand], refusal: Refusal) -> Spent {
    let (at, full) = match refusal {
        Refusal::Unavailable(why) => {
            let why = format!("the budgets of its rule cannot be read or written, and so nothing is left: {why}");
            return Spent { verdict: Verdict::deny(Code::BudgetsUnavailable), why };
        }
        Refusal::Full { demand, full } => (demand, full),
    };
    let found = demands.get(at).zip(by.get(at).and_then(|by| charges.get(*by)));
    let Some((demand, charge)) = found else {
        return Spent { verdict: Verdict::deny(Code::BudgetsUnavailable), why: String::new() };
    };
    // What ends with the run is not free again within it.
    let of_run = matches!(demand.ask, Ask::Part { window, .. } if window == WHOLE_RUN);
    let full = Full { frees: full.frees.filter(|_| !of_run), ..full };
    let verdict = Verdict::spent(demand.counter.what.code(), charge);
    Spent { verdict, why: explain(charge, demand, full) }
}

/// For the operator: which rule, how much is left, and when more is.
fn explain(charge: &Charge, demand: &Demand, full: Full) -> String {
    let (id, location) = (charge.rule().id(), charge.rule().location());
    let allowance = charge.rule().allowance().map(ToString::to_string).unwrap_or_default();
    let what = match (&demand.counter.what, demand.ask) {
        (What::Sum(argument), Ask::Part { amount, .. }) => {
            format!("`{argument}` is {}, and {} is left", Amount(amount), Amount(full.left))
        }
        (What::Rate, _) => "its turn comes later than the call can wait".to_owned(),
        _ => format!("{} calls are left", full.left),
    };
    let frees = match full.frees {
        Some(at) => format!("a call like it fits again at {at}, if no other comes before"),
        None if matches!(demand.ask, Ask::Part { amount, max, .. } if amount > max) => {
            "it is more than the budget itself: raise that, or lower what a call may be".to_owned()
        }
        None => "nothing is free again in this run".to_owned(),
    };
    format!("rule `{id}`, {location}, allows it within {allowance}: {what}\n  help: {frees}")
}

/// How a refusal by a budget reaches the guest: as a limit, but for one that nobody could look up.
pub(crate) fn is_limit(code: Code) -> bool {
    matches!(code, Code::RuleCalls | Code::RuleSum | Code::RuleRate)
}
