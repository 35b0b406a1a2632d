//! The budgets of one run, for every path on which bytes or calls leave it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use bailiwick_policy::{Code, Limits};

use crate::journal::Toll;
use crate::{Budget, Clock, HostError, Life, MemoryAccount, StopCause, Timestamp};

/// Handles (files, directories, streams) that one run may hold open at once.
pub(crate) const MAX_OPEN_HANDLES: u64 = 128;

/// What a run has used of its budgets. Budgets are taken before the bytes move, never given back.
pub struct Meter {
    calls: Counter,
    output: Counter,
    disk: Counter,
    files: Counter,
    memory: Arc<MemoryAccount>,
    handles: Arc<AtomicU64>,
    life: Life,
    clock: Arc<dyn Clock>,
    stopped: OnceLock<StopCause>,
    /// Tolls that were taken, and the number of the last that a replay followed.
    tolls: AtomicU64,
    followed: Mutex<u64>,
}

/// A place in the run's table of open handles; dropping it frees the place.
#[derive(Debug)]
pub struct HandleSlot {
    handles: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Counter {
    used: AtomicU64,
    limit: u64,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, life: Life, clock: Arc<dyn Clock>) -> Meter {
        Meter {
            calls: Counter::new(limits.host_calls().get()),
            output: Counter::new(limits.output().get()),
            disk: Counter::new(limits.disk().get()),
            files: Counter::new(limits.files().get()),
            memory: Arc::new(MemoryAccount::new(limits.memory().get())),
            handles: Arc::default(),
            life,
            clock,
            stopped: OnceLock::new(),
            tolls: AtomicU64::new(0),
            followed: Mutex::new(0),
        }
    }

    /// Counts one host call.
    pub(crate) fn take_call(&self) -> Result<(), StopCause> {
        self.take(&self.calls, 1, Budget::HostCalls)
    }

    /// Takes `bytes` of the output budget (stdout, stderr and result together).
    ///
    /// # Errors
    /// [`StopCause`] when they do not fit; the run must end.
    pub fn take_output(&self, bytes: u64) -> Result<(), StopCause> {
        self.take(&self.output, bytes, Budget::Output)
    }

    /// Takes `bytes` of the disk budget (bytes written through file grants).
    ///
    /// # Errors
    /// [`StopCause`] when they do not fit; the run must end and nothing may be written.
    pub fn take_disk(&self, bytes: u64) -> Result<(), StopCause> {
        self.take(&self.disk, bytes, Budget::Disk)
    }

    /// Takes one of the files and directories that may be made.
    ///
    /// # Errors
    /// [`StopCause`] when there is none left; the run must end and nothing may be made.
    pub fn take_file(&self) -> Result<(), StopCause> {
        self.take(&self.files, 1, Budget::Files)
    }

    /// What the run's memory is taken from: the guest's own, and that of files in memory.
    pub fn memory(&self) -> &Arc<MemoryAccount> {
        &self.memory
    }

    /// Asks whether work on an open handle may go on.
    ///
    /// # Errors
    /// The end of the run when its authority was revoked or a budget is used up; `deny.token.expired` when the authority
    /// has ended by itself: a handle is not worth more than the token that opened it.
    pub fn check(&self) -> Result<(), HostError> {
        self.go_on()?;
        if self.life.is_expired(self.clock.now()) { Err(HostError::Denied(Code::TokenExpired)) } else { Ok(()) }
    }

    /// Reserves a place for an open handle.
    ///
    /// # Errors
    /// `limit.open_handles` when the run holds [`MAX_OPEN_HANDLES`] already.
    pub fn open_handle(&self) -> Result<HandleSlot, HostError> {
        let taken = self
            .handles
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < MAX_OPEN_HANDLES).then_some(open + 1));
        match taken {
            Ok(_) => Ok(HandleSlot { handles: Arc::clone(&self.handles) }),
            Err(_) => Err(HostError::Limit(Code::OpenHandles)),
        }
    }

    /// A place that was taken in the recorded run: there is one.
    pub(crate) fn reopen_handle(&self) -> HandleSlot {
        self.handles.fetch_add(1, Ordering::AcqRel);
        HandleSlot { handles: Arc::clone(&self.handles) }
    }

    /// What was used so far, for a journal.
    pub(crate) fn toll(&self) -> Toll {
        Toll {
            number: self.tolls.fetch_add(1, Ordering::AcqRel).saturating_add(1),
            disk: self.disk.used(),
            files: self.files.used(),
            kept: self.memory.shared(),
            peak: self.memory.peak(),
        }
    }

    /// Uses as much as the recorded run had used. An older toll than the last one changes nothing.
    pub(crate) fn follow(&self, toll: &Toll) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if toll.number > *followed {
            *followed = toll.number;
            self.disk.raise(toll.disk);
            self.files.raise(toll.files);
            self.memory.follow(toll.kept, toll.peak);
        }
    }

    /// Ends the run, as the recorded one was ended.
    pub(crate) fn stop(&self, cause: StopCause) {
        // The first cause is the one that counts.
        let _ = self.stopped.set(cause);
    }

    /// Why the run must end, once it must.
    pub fn stopped(&self) -> Option<StopCause> {
        if self.life.is_revoked() {
            return Some(StopCause::Revoked);
        }
        self.stopped.get().copied()
    }

    pub fn life(&self) -> &Life {
        &self.life
    }

    /// The time by the run's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn calls_used(&self) -> u64 {
        self.calls.used()
    }

    pub fn output_used(&self) -> u64 {
        self.output.used()
    }

    /// Bytes that the output budget still holds.
    pub fn output_left(&self) -> u64 {
        self.output.limit - self.output.used()
    }

    /// Bytes that the disk budget still holds.
    pub fn disk_left(&self) -> u64 {
        self.disk.limit - self.disk.used()
    }

    pub fn disk_used(&self) -> u64 {
        self.disk.used()
    }

    pub fn files_used(&self) -> u64 {
        self.files.used()
    }

    fn go_on(&self) -> Result<(), StopCause> {
        self.stopped().map_or(Ok(()), Err)
    }

    fn take(&self, counter: &Counter, amount: u64, budget: Budget) -> Result<(), StopCause> {
        self.go_on()?;
        if counter.take(amount) {
            return Ok(());
        }
        Err(*self.stopped.get_or_init(|| StopCause::Budget(budget)))
    }
}

impl Drop for HandleSlot {
    fn drop(&mut self) {
        self.handles.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Counter {
    fn new(limit: u64) -> Counter {
        Counter { used: AtomicU64::new(0), limit }
    }

    // INVARIANT: `used <= limit`; an amount that does not fit takes nothing.
    fn take(&self, amount: u64) -> bool {
        let fits = |used: u64| used.checked_add(amount).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
    }

    fn raise(&self, used: u64) {
        self.used.fetch_max(used.min(self.limit), Ordering::AcqRel);
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    fn meter() -> Meter {
        Meter::new(&Limits::default(), Life::until(Timestamp(u64::MAX)), Arc::new(SystemClock))
    }

    #[test]
    fn a_budget_is_exact_and_its_end_is_final() {
        let meter = meter();
        let all = Limits::default().output().get();
        meter.take_output(all).expect("the whole budget fits");
        assert_eq!(meter.take_output(1), Err(StopCause::Budget(Budget::Output)));
        assert_eq!(meter.take_disk(1), Err(StopCause::Budget(Budget::Output)), "the run is over, whatever it asks for");
        assert_eq!((meter.output_used(), meter.output_left()), (all, 0));
    }

    #[test]
    fn an_amount_that_overflows_does_not_fit() {
        let meter = meter();
        meter.take_disk(1).expect("fits");
        assert_eq!(meter.take_disk(u64::MAX), Err(StopCause::Budget(Budget::Disk)));
        assert_eq!(meter.disk_used(), 1);
    }

    #[test]
    fn handles_are_counted_and_given_back() {
        let meter = meter();
        let mut held = Vec::new();
        for _ in 0..MAX_OPEN_HANDLES {
            held.push(meter.open_handle().expect("below the limit"));
        }
        assert_eq!(meter.open_handle().err(), Some(HostError::Limit(Code::OpenHandles)));
        held.pop();
        meter.open_handle().expect("one was given back");
    }

    #[test]
    fn revocation_stops_every_budget() {
        let meter = meter();
        meter.life().revoker().revoke();
        assert_eq!(meter.take_call(), Err(StopCause::Revoked));
        assert_eq!(meter.check(), Err(HostError::Stopped(StopCause::Revoked)));
    }

    #[test]
    fn a_handle_is_worth_no_more_than_the_token() {
        let meter = Meter::new(&Limits::default(), Life::until(Timestamp(1)), Arc::new(SystemClock));
        assert_eq!(meter.check(), Err(HostError::Denied(Code::TokenExpired)));
    }
}
