//! Runs a guest's future under its deadline, and measures the processor time that it takes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bailiwick_guard::Life;
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;

/// Why a future was dropped before it was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    Deadline,
    Revoked,
    Cancelled,
    /// Of replays alone: the guest waits for what never came in the recorded run.
    Forsaken,
}

/// What may end a run from outside.
#[derive(Clone)]
pub(crate) struct Supervisor {
    deadline: Instant,
    life: Life,
    cancel: CancellationToken,
    is_replay: bool,
}

impl Supervisor {
    pub(crate) fn new(deadline: Instant, life: Life, cancel: CancellationToken) -> Supervisor {
        Supervisor { deadline, life, cancel, is_replay: false }
    }

    /// For a guest to whom nothing comes that is not there at once: one that waits for something else waits for ever.
    pub(crate) fn of_replay(self) -> Supervisor {
        Supervisor { is_replay: true, ..self }
    }

    /// Drives `work` until it is ready or interrupted, and adds the processor time of its polls to `cpu`.
    ///
    /// The conditions are looked at before every poll, not only when a timer fires: a computing guest comes back here
    /// at every epoch, while timers of a runtime whose threads are all computing may be late.
    pub(crate) async fn run<T>(&self, cpu: &mut Duration, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        let work = pin!(Supervised { work: pin!(work), supervisor: self, cpu });
        tokio::select! {
            biased;
            result = work => result,
            () = tokio::time::sleep_until(self.deadline.into()) => Err(Interrupted::Deadline),
            () = self.life.revoked() => Err(Interrupted::Revoked),
            () = self.cancel.cancelled() => Err(Interrupted::Cancelled),
        }
    }

    fn interruption(&self) -> Option<Interrupted> {
        if self.life.is_revoked() {
            Some(Interrupted::Revoked)
        } else if self.cancel.is_cancelled() {
            Some(Interrupted::Cancelled)
        } else if Instant::now() >= self.deadline {
            Some(Interrupted::Deadline)
        } else {
            None
        }
    }
}

struct Supervised<'a, F> {
    work: Pin<&'a mut F>,
    supervisor: &'a Supervisor,
    cpu: &'a mut Duration,
}

impl<F: Future> Future for Supervised<'_, F> {
    type Output = Result<F::Output, Interrupted>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(interrupted) = self.supervisor.interruption() {
            return Poll::Ready(Err(interrupted));
        }
        let began = thread_time();
        let woken = self.supervisor.is_replay.then(|| Arc::new(Woken::new(context.waker())));
        let polled = match &woken {
            None => self.work.as_mut().poll(context),
            Some(woken) => self.work.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken)))),
        };
        *self.cpu += thread_time().saturating_sub(began);
        if polled.is_pending() && woken.is_some_and(|woken| !woken.is_woken.load(Ordering::Acquire)) {
            return Poll::Ready(Err(Interrupted::Forsaken));
        }
        polled.map(Ok)
    }
}

/// Whether somebody was woken who is polled.
struct Woken {
    is_woken: AtomicBool,
    waker: Waker,
}

impl Woken {
    fn new(waker: &Waker) -> Woken {
        Woken { is_woken: AtomicBool::new(false), waker: waker.clone() }
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.is_woken.store(true, Ordering::Release);
        self.waker.wake_by_ref();
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_guard::Timestamp;

    fn supervisor(deadline: Duration) -> (Supervisor, Life, CancellationToken) {
        let (life, cancel) = (Life::until(Timestamp(u64::MAX)), CancellationToken::new());
        (Supervisor::new(Instant::now() + deadline, life.clone(), cancel.clone()), life, cancel)
    }

    #[tokio::test]
    async fn work_that_never_waits_for_anything_is_still_interrupted() {
        let (supervisor, ..) = supervisor(Duration::from_millis(20));
        let mut cpu = Duration::ZERO;
        let endless = async {
            loop {
                tokio::task::yield_now().await;
            }
        };
        let result: Result<(), _> = supervisor.run(&mut cpu, endless).await;
        assert_eq!(result, Err(Interrupted::Deadline));
        assert!(cpu > Duration::ZERO);
    }

    #[tokio::test]
    async fn a_replay_waits_for_nothing() {
        let (supervisor, ..) = supervisor(Duration::from_secs(3600));
        let supervisor = supervisor.of_replay();
        let mut cpu = Duration::ZERO;
        assert_eq!(supervisor.run(&mut cpu, std::future::pending::<()>()).await, Err(Interrupted::Forsaken));
        let mut turns = 3;
        let busy = std::future::poll_fn(move |context| {
            turns -= 1;
            context.waker().wake_by_ref();
            if turns == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert_eq!(supervisor.run(&mut cpu, busy).await, Ok(()));
    }

    #[tokio::test]
    async fn blocked_work_is_interrupted_by_each_cause() {
        for cause in [Interrupted::Revoked, Interrupted::Cancelled] {
            let (supervisor, life, cancel) = supervisor(Duration::from_secs(3600));
            let (entered, signal) = tokio::sync::oneshot::channel();
            let run = tokio::spawn(async move {
                let work = async {
                    let _ = entered.send(());
                    std::future::pending::<()>().await;
                };
                supervisor.run(&mut Duration::default(), work).await
            });
            signal.await.unwrap();
            match cause {
                Interrupted::Revoked => life.revoker().revoke(),
                _ => cancel.cancel(),
            }
            assert_eq!(run.await.unwrap(), Err(cause));
        }
    }
}
