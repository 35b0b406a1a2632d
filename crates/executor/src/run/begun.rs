//! A run whose beginning is on record: what it has from its job, and how it becomes a report.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bailiwick_guard::journal::{Crossing, Crossings, End, Header, Journals, Lane};
use bailiwick_guard::{AuditLog, Budgets, CallRecord, Clock, Guard, Life, Run, Timestamp};
use bailiwick_host::files::{Settled, Settlement, settle};
use bailiwick_host::{Host, Services};
use bailiwick_policy::{Backing, Code, Grant, Limits, MountPoint};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wasmtime::Store;

use super::output::Kept;
use super::{
    Anomaly, Door, GuestIo, Job, MemoryLimiter, Output, Outside, Report, RunError, RunState, Stop, Supervisor, Ticket,
    Told, Usage,
};
use crate::engine::Engine;
use crate::replay::{Came, RunKind, write_header};
use crate::{Guest, Refusal};

/// A guest that is interrupted or traps takes what it used since the last whole portion with it uncounted.
const FUEL_KNOWN_EVERY: u64 = 10_000_000;

/// The time that a replay may take: so many times what the recorded run had, and so much more.
const REPLAY_TIMES: u32 = 10;
const REPLAY_AT_LEAST: Duration = Duration::from_secs(60);

/// Bytes that the host copies out of a guest for one call at most.
const HOSTCALL_BYTES: usize = 8 << 20;

/// A run under way. Its place among the running is given back when it is dropped.
pub(crate) struct Begun {
    pub(crate) guest: Guest,
    pub(crate) limits: Limits,
    pub(crate) guard: Arc<Guard>,
    began: Instant,
    run_id: String,
    host: Arc<Host>,
    io: Arc<GuestIo>,
    life: Life,
    cancel: CancellationToken,
    /// There is a journal if there was to be one.
    is_kept: bool,
    own_peak: AtomicU64,
    _place: Ticket,
}

/// A recorded run that is to be run again.
pub(crate) struct Again<'a> {
    pub(crate) header: Header,
    pub(crate) guest: Guest,
    pub(crate) grant: Grant,
    /// JSON text.
    pub(crate) input: String,
    pub(crate) crossings: Vec<Crossing>,
    pub(crate) compare: Option<Grant>,
    pub(crate) end: Option<&'a End>,
}

/// What keeps the journal of a run, and what its header says that the job does not.
pub(crate) struct Keeping<'a> {
    pub(crate) journals: &'a dyn Journals,
    pub(crate) kind: RunKind,
    pub(crate) engine: String,
}

impl Begun {
    /// Opens what the manifest names and records the beginning.
    ///
    /// # Errors
    /// When a mount cannot be opened, or the log cannot record.
    pub(crate) fn new(
        job: Job,
        place: Ticket,
        services: &Services,
        audit: &AuditLog,
        budgets: &Arc<dyn Budgets>,
        clock: &Arc<dyn Clock>,
        keeping: Option<Keeping<'_>>,
    ) -> Result<Begun, RunError> {
        let began = Instant::now();
        let run_id = Uuid::now_v7().to_string();
        let limits = job.grant.limits();
        let host = services.open(job.grant.manifest(), &job.base)?;
        let journal = keeping.as_ref().map(|keeping| {
            let engine = keeping.engine.clone();
            write_header(&run_id, clock.now(), engine, keeping.kind, &job)
        });
        let about = Run {
            id: run_id.clone(),
            task: job.task,
            module: job.guest.digest().to_string(),
            interpreter: job.guest.interpreter().map(|interpreter| interpreter.digest().to_string()),
            rationale: job.rationale,
            trace: job.trace,
        };
        let guard = Guard::new(job.grant, about, job.life.clone(), audit.clone(), Arc::clone(clock))?
            .budgets(Arc::clone(budgets));
        let begun =
            keeping.zip(journal).map(|(keeping, (header, contents))| keeping.journals.begin(&header, &contents));
        let (sink, is_kept) = match begun {
            None => (None, true),
            Some(Ok(sink)) => (sink, true),
            Some(Err(_)) => (None, false),
        };
        let guard = guard.journal(sink.map(Crossings::recording).unwrap_or_default());
        let guard = Arc::new(match job.observer {
            Some(observer) => guard.observed_by(observer),
            None => guard,
        });
        let output = Output::new(Arc::clone(guard.meter()), job.listener);
        let output = if guard.crossings().is_recording() { output.summed() } else { output };
        let has_tmp = guard.grant().manifest().mounts().iter().any(is_tmp);
        let io = Arc::new(GuestIo { input: job.input.to_string(), args: job.args, has_tmp, output });
        Ok(Begun {
            guest: job.guest,
            limits,
            guard,
            began,
            run_id,
            host: Arc::new(host),
            io,
            life: job.life,
            cancel: job.cancel,
            is_kept,
            own_peak: AtomicU64::new(0),
            _place: place,
        })
    }

    /// A recorded run, to be run again.
    ///
    /// # Errors
    /// When we cannot.
    pub(crate) fn again(again: Again<'_>, place: Ticket, services: &Services) -> Result<Begun, RunError> {
        let Again { header, guest, grant, input, crossings, compare, end } = again;
        let host = services.replay(grant.manifest());
        let limits = match end.filter(|end| end.from_outside) {
            // Where a guest that only computes was stopped is known to a portion of fuel.
            Some(end) => {
                grant.limits().fuel_at_most(NonZeroU64::MIN.saturating_add(end.fuel.saturating_add(FUEL_KNOWN_EVERY)))
            }
            None => grant.limits(),
        };
        let about = Run {
            id: header.run.clone(),
            task: header.task,
            module: guest.digest().to_string(),
            interpreter: guest.interpreter().map(|interpreter| interpreter.digest().to_string()),
            rationale: header.rationale,
            trace: None,
        };
        let guard = Guard::replaying(grant, about, Crossings::replaying(crossings))?;
        let guard = Arc::new(match compare {
            Some(other) => guard.compare_with(other),
            None => guard,
        });
        let output = Output::new(Arc::clone(guard.meter()), None).summed();
        let has_tmp = guard.grant().manifest().mounts().iter().any(is_tmp);
        let io = Arc::new(GuestIo { input, args: header.args, has_tmp, output });
        Ok(Begun {
            guest,
            limits,
            guard,
            began: Instant::now(),
            run_id: header.run,
            host: Arc::new(host),
            io,
            life: Life::until(Timestamp(u64::MAX)),
            cancel: CancellationToken::new(),
            is_kept: true,
            own_peak: AtomicU64::new(0),
            _place: place,
        })
    }

    /// Counts the run's time from now on.
    pub(crate) fn restart_clock(&mut self) {
        self.began = Instant::now();
    }

    /// What ends it from outside: the run's time limit, counted from its beginning.
    pub(crate) fn supervisor(&self) -> Supervisor {
        self.supervisor_until(self.began + self.limits.timeout())
    }

    /// The same for the guest itself, and what it waits for.
    pub(crate) fn guest_supervisor(&self) -> Supervisor {
        if self.guard.crossings().is_replay() {
            return self.guest_supervisor_for(self.limits.timeout());
        }
        self.supervisor()
    }

    /// The same for a guest that has so much time left from now on. A replay may take longer than what it is a replay of: how
    /// fast the guest was does not matter, only that it ends.
    pub(crate) fn guest_supervisor_for(&self, left: Duration) -> Supervisor {
        let now = Instant::now();
        if self.guard.crossings().is_replay() {
            let longest = self.limits.timeout().saturating_mul(REPLAY_TIMES).saturating_add(REPLAY_AT_LEAST);
            return self.supervisor_until(now + longest).of_replay();
        }
        self.supervisor_until(now + left)
    }

    pub(crate) fn supervisor_until(&self, deadline: Instant) -> Supervisor {
        Supervisor::new(deadline, self.life.clone(), self.cancel.clone())
    }

    /// A store under the run's limits.
    pub(crate) fn store(&self, engine: &Engine, outside: Arc<dyn Outside>) -> Result<Store<RunState>, RunError> {
        let meter = Arc::clone(self.guard.meter());
        let limiter = MemoryLimiter::new(Arc::clone(meter.memory()));
        let told = Arc::new(Told::new(outside, self.guard.crossings().clone(), meter));
        let limiter = limiter.told(Arc::clone(&told));
        let door = Door::new(Arc::clone(&self.guard), Arc::clone(&self.host), told);
        let mut store = Store::new(engine.wasmtime(), RunState::new(door, Arc::clone(&self.io), limiter));
        store.limiter(|state| state.limiter());
        store.set_fuel(self.limits.fuel().get()).map_err(RunError::wasmtime)?;
        store.fuel_async_yield_interval(Some(FUEL_KNOWN_EVERY)).map_err(RunError::wasmtime)?;
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        // Back to the supervisor at every epoch, for as long as it says so.
        store.epoch_deadline_async_yield_and_update(1);
        Ok(store)
    }

    /// What the guard has counted by now, into `usage`.
    pub(crate) fn count(&self, usage: &mut Usage) {
        usage.host_calls = self.guard.meter().calls_used();
        usage.output_bytes = self.guard.meter().output_used();
        usage.disk_bytes = self.guard.meter().disk_used();
        usage.files_made = self.guard.meter().files_used();
    }

    /// Most bytes that the guest's own memories and tables had.
    pub(crate) fn own_peak(&self, bytes: u64) {
        self.own_peak.store(bytes, Ordering::Relaxed);
    }

    /// What the guest has given since this was last asked for.
    pub(crate) fn given(&self) -> Kept {
        self.io.output.take()
    }

    /// A report of what is passed in.
    pub(crate) fn report(&self, stop: Stop, kept: Kept, usage: Usage, calls: Vec<CallRecord>) -> Report {
        Report {
            run_id: self.run_id.clone(),
            stop,
            result: kept.result,
            stdout: kept.stdout,
            stderr: kept.stderr,
            usage,
            calls,
            files: Vec::new(),
            staged: Vec::new(),
            anomalies: Vec::new(),
        }
    }

    /// How the guest ended, before anything is made of what it left.
    fn guest_ended(&self, stop: &Stop, usage: &Usage) -> Option<End> {
        let sums = self.io.output.sums()?;
        Some(End {
            stop: serde_json::to_value(stop).unwrap_or_default(),
            from_outside: is_from_outside(stop),
            fuel: usage.fuel,
            peak_memory_bytes: self.own_peak.load(Ordering::Relaxed),
            host_calls: usage.host_calls,
            output_bytes: usage.output_bytes,
            disk_bytes: usage.disk_bytes,
            files_made: usage.files_made,
            wall_ms: u64::try_from(usage.wall.as_millis()).unwrap_or(u64::MAX),
            stdout_bytes: sums.stdout.bytes,
            stdout: sums.stdout.digest(),
            stderr_bytes: sums.stderr.bytes,
            stderr: sums.stderr.digest(),
            result: sums.result,
            cut: None,
        })
    }

    /// What a replay came to. Nothing is made of what the guest left: that was done once.
    pub(crate) fn came(self, stop: Stop, mut usage: Usage) -> Came {
        usage.wall = self.began.elapsed();
        self.count(&mut usage);
        let crossings = self.guard.crossings();
        Came {
            own_peak: self.own_peak.load(Ordering::Relaxed),
            sums: self.io.output.sums().unwrap_or_default(),
            divergence: crossings.divergence(),
            stray: self.guard.stray().cloned(),
            calls_left: crossings.left(Lane::Call),
            differences: self.guard.differences(),
            report: self.report(stop, self.given(), usage, self.guard.records()),
        }
    }

    /// Settles what is staged, and records the end.
    pub(crate) async fn end(self, stop: Stop, mut usage: Usage) -> Report {
        self.host.tools.close().await;
        usage.wall = self.began.elapsed();
        self.count(&mut usage);
        let end = self.guest_ended(&stop, &usage);
        let staged = settle(&self.guard, &self.host.files, stop == Stop::Finished).await;
        let stop = not_applied(&staged).map_or(stop, Stop::NotApplied);
        usage.wall = self.began.elapsed();
        self.count(&mut usage);
        let journal = end.and_then(|end| self.guard.crossings().end(end));
        let is_whole = self.guard.crossings().cut().is_none() && !matches!(journal, Some(Err(_)));
        let mut anomalies = Vec::new();
        self.guard.used_fuel(usage.fuel);
        if self.guard.run_ended(stop.kind(), journal.and_then(Result::ok)).await.is_err() {
            tracing::warn!(run = self.run_id, "the end of a run is not on record");
            anomalies.push(Anomaly::AuditIncomplete);
        }
        if !self.is_kept || !is_whole {
            tracing::warn!(run = self.run_id, "the journal of a run could not be kept");
            anomalies.push(Anomaly::JournalIncomplete);
        }
        let files = self.host.files.take_left();
        Report { anomalies, files, staged, ..self.report(stop, self.given(), usage, self.guard.records()) }
    }
}

/// Whether the guest was stopped by what no journal has: the time that it took, here or in the compiler, or somebody.
fn is_from_outside(stop: &Stop) -> bool {
    match stop {
        Stop::OutOfTime | Stop::Revoked | Stop::Cancelled => true,
        Stop::Refused(refusal) => {
            matches!(refusal, Refusal::CompileTimeout { .. } | Refusal::CompileMemory { .. })
        }
        _ => false,
    }
}

/// Whether a mount is where programs look for temporary files.
fn is_tmp(mount: &MountPoint) -> bool {
    mount.name() == "tmp" && *mount.backing() == Backing::Memory
}

/// Why what was staged is not in its mounts, or not all of it, although the guest finished.
fn not_applied(staged: &[Settled]) -> Option<Code> {
    staged.iter().find_map(|settled| match settled.outcome {
        Settlement::Refused(code) | Settlement::Partial(_, code) => Some(code),
        Settlement::Applied | Settlement::Discarded => None,
    })
}
