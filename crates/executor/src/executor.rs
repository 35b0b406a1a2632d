//! The embedding API: build an executor once, hand it jobs, get reports.

use std::any::Any;
use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bailiwick_guard::{AuditError, AuditLog, Clock, Guard, Run, StopCause, SystemClock};
use bailiwick_host::{MountError, Services};
use futures::FutureExt;
use uuid::Uuid;
use wasmtime::Store;

use crate::engine::{Engine, EngineError};
use crate::run::{
    Admission, Anomaly, Busy, Door, GuestIo, Interrupted, Job, Live, MemoryLimiter, Output, Outside, Report, RunState,
    Runnable, Stop, Supervisor, Usage, stop_of,
};
use crate::{ArtifactCache, CompileOptions, LoadError, Loader, linking};

/// Runs at a time for each processor, unless the embedder says otherwise: most of them wait for the world.
const RUNS_PER_CORE: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);

/// A guest that is interrupted or traps takes what it used since the last whole portion with it uncounted.
const FUEL_KNOWN_EVERY: u64 = 10_000_000;

/// Bytes that the host copies out of a guest for one call at most.
const HOSTCALL_BYTES: usize = 8 << 20;

/// Runs guests. Cheap to clone; clones share the engine, the compiler, the cache and the queue.
#[derive(Clone)]
pub struct Executor {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    loader: Loader,
    linkers: linking::Linkers,
    services: Services,
    audit: AuditLog,
    clock: Arc<dyn Clock>,
    outside: Box<dyn Fn() -> Arc<dyn Outside> + Send + Sync>,
    admission: Admission,
    panics: AtomicU64,
}

/// Decisions about an executor.
///
/// - `audit`: none; must be given, because no record means no call.
/// - `services`: what [`Services::builder`] gives by default: no keys, the system's resolver and root certificates.
/// - `runs`: eight per processor at a time, eight times as many waiting.
/// - `compile`: in a child process of this program; see [`compile_child`](crate::compile_child).
/// - `cache`: none; every process compiles a guest once.
/// - time and randomness: the host's.
pub struct ExecutorBuilder {
    audit: AuditLog,
    services: Services,
    runs: NonZeroU32,
    compile: CompileOptions,
    cache: Option<ArtifactCache>,
    clock: Arc<dyn Clock>,
    outside: Box<dyn Fn() -> Arc<dyn Outside> + Send + Sync>,
}

/// Our own failure. How a guest ended is in [`Report::stop`] instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What the manifest names cannot be opened: a mount whose folder is missing, for example.
    #[error(transparent)]
    Host(#[from] MountError),
    #[error(transparent)]
    Load(LoadError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the engine failed: {0}")]
    Wasmtime(String),
    /// A defect of ours; the run was ended and its resources were given back.
    #[error("internal error: {0}; please report it")]
    Panic(String),
}

impl Executor {
    /// Starts with the decisions that have no default.
    pub fn builder(audit: AuditLog) -> ExecutorBuilder {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        ExecutorBuilder {
            audit,
            services: Services::default(),
            runs: NonZeroU32::try_from(cores).unwrap_or(NonZeroU32::MAX).saturating_mul(RUNS_PER_CORE),
            compile: CompileOptions::default(),
            cache: None,
            clock: Arc::new(SystemClock),
            outside: Box::new(|| Arc::new(Live::new())),
        }
    }

    /// Runs a job to its end, whatever that is.
    ///
    /// Dropping the future ends the run at its next interruption point; its calls are recorded as abandoned.
    ///
    /// # Errors
    /// [`RunError`] when we failed, or when too many runs are waiting. Everything that the guest did wrong is in the
    /// report.
    pub async fn run(&self, job: Job) -> Result<Report, RunError> {
        match AssertUnwindSafe(self.inner.run(job)).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => {
                self.inner.panics.fetch_add(1, Ordering::Relaxed);
                Err(RunError::Panic(panic_text(&*panic)))
            }
        }
    }

    /// Panics caught at the edge of runs since the start. Anything but zero is a defect of ours.
    pub fn panics(&self) -> u64 {
        self.inner.panics.load(Ordering::Relaxed)
    }
}

impl ExecutorBuilder {
    pub fn services(mut self, services: Services) -> ExecutorBuilder {
        self.services = services;
        self
    }

    /// Runs at a time.
    pub fn runs(mut self, runs: NonZeroU32) -> ExecutorBuilder {
        self.runs = runs;
        self
    }

    pub fn compile(mut self, options: CompileOptions) -> ExecutorBuilder {
        self.compile = options;
        self
    }

    pub fn cache(mut self, cache: ArtifactCache) -> ExecutorBuilder {
        self.cache = Some(cache);
        self
    }

    /// What decides about expiry and stamps the audit log.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> ExecutorBuilder {
        self.clock = clock;
        self
    }

    /// Where each run's time and randomness come from.
    pub fn outside(mut self, outside: impl Fn() -> Arc<dyn Outside> + Send + Sync + 'static) -> ExecutorBuilder {
        self.outside = Box::new(outside);
        self
    }

    /// # Errors
    /// When the engine does not start on this machine.
    pub fn build(self) -> Result<Executor, RunError> {
        let engine = Engine::new(self.runs)?;
        let linkers = linking::Linkers::new(engine.wasmtime()).map_err(wasmtime_error)?;
        let loader = Loader::new(engine.clone(), linking::catalogue(), self.compile, self.cache);
        Ok(Executor {
            inner: Arc::new(Inner {
                engine,
                loader,
                linkers,
                services: self.services,
                audit: self.audit,
                clock: self.clock,
                outside: self.outside,
                admission: Admission::new(self.runs),
                panics: AtomicU64::new(0),
            }),
        })
    }
}

impl Inner {
    async fn run(&self, job: Job) -> Result<Report, RunError> {
        let _ticket = self.admission.admit(&job.grant.principal().agent).await?;
        let began = Instant::now();
        let run_id = Uuid::now_v7().to_string();
        let limits = job.grant.limits();
        let host = self.services.open(job.grant.manifest(), &job.base)?;
        let about = Run {
            id: run_id.clone(),
            task: job.task,
            module: job.guest.digest().to_string(),
            rationale: job.rationale,
        };
        let guard = Guard::new(job.grant, about, job.life.clone(), self.audit.clone(), Arc::clone(&self.clock))?;
        let guard = Arc::new(match job.observer {
            Some(observer) => guard.observed_by(observer),
            None => guard,
        });
        let output = Output::new(Arc::clone(guard.meter()), job.listener);
        let io = Arc::new(GuestIo { input: job.input, args: job.args, output });
        let supervisor = Supervisor::new(began + limits.timeout(), job.life, job.cancel);

        let mut usage = Usage::default();
        let stop = match self.prepare(&job.guest, &supervisor, &mut usage).await? {
            Err(stop) => stop,
            Ok(runnable) => {
                guard.started().await?;
                let door = Door::new(Arc::clone(&guard), Arc::new(host));
                let limiter = MemoryLimiter::new(limits.memory().get());
                let outside = (self.outside)();
                let state = RunState::new(door, Arc::clone(&io), outside, limiter);
                self.execute(state, &runnable, limits.fuel().get(), &supervisor, &mut usage).await?
            }
        };
        usage.wall = began.elapsed();
        usage.host_calls = guard.meter().calls_used();
        usage.output_bytes = guard.meter().output_used();
        usage.disk_bytes = guard.meter().disk_used();
        let anomalies = match guard.run_ended(stop.kind()).await {
            Ok(()) => Vec::new(),
            Err(_) => vec![Anomaly::AuditIncomplete],
        };
        let kept = io.output.take();
        Ok(Report {
            run_id,
            stop,
            result: kept.result,
            stdout: kept.stdout,
            stderr: kept.stderr,
            usage,
            calls: guard.records(),
            anomalies,
        })
    }

    /// Loads and links the guest. The time counts: the guest chose what there is to compile.
    async fn prepare(
        &self,
        guest: &crate::Guest,
        supervisor: &Supervisor,
        usage: &mut Usage,
    ) -> Result<Result<Runnable, Stop>, RunError> {
        let loaded = match supervisor.run(&mut usage.cpu, self.loader.load(guest)).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(LoadError::Refused(refusal))) => return Ok(Err(Stop::Refused(refusal))),
            Ok(Err(error)) => return Err(RunError::Load(error)),
            Err(interrupted) => return Ok(Err(interrupted.into())),
        };
        Ok(self.linkers.link(&loaded).map_err(Stop::Refused))
    }

    async fn execute(
        &self,
        state: RunState,
        runnable: &Runnable,
        fuel: u64,
        supervisor: &Supervisor,
        usage: &mut Usage,
    ) -> Result<Stop, RunError> {
        let _ticking = self.engine.live();
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| state.limiter());
        store.set_fuel(fuel).map_err(wasmtime_error)?;
        store.fuel_async_yield_interval(Some(FUEL_KNOWN_EVERY)).map_err(wasmtime_error)?;
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        // Back to the supervisor at every epoch, for as long as it says so.
        store.epoch_deadline_async_yield_and_update(1);
        let result = supervisor.run(&mut usage.cpu, runnable.start(&mut store)).await;
        let fuel_left = store.get_fuel().map_err(wasmtime_error)?;
        usage.fuel = fuel.saturating_sub(fuel_left);
        let limiter = store.data_mut().limiter();
        usage.peak_memory_bytes = limiter.peak() as u64;
        Ok(match result {
            Err(interrupted) => interrupted.into(),
            Ok(returned) => stop_of(returned, limiter.has_refused()),
        })
    }
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Stop {
        match interrupted {
            Interrupted::Deadline => Stop::OutOfTime,
            Interrupted::Revoked => Stop::Revoked,
            Interrupted::Cancelled => Stop::Cancelled,
        }
    }
}

impl From<StopCause> for Stop {
    fn from(cause: StopCause) -> Stop {
        match cause {
            StopCause::Budget(budget) => Stop::OutOfBudget(budget),
            StopCause::Revoked => Stop::Revoked,
        }
    }
}

fn wasmtime_error(error: wasmtime::Error) -> RunError {
    RunError::Wasmtime(format!("{error:#}"))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
