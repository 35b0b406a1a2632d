//! The embedding API: build an executor once, hand it jobs, get reports.

mod replaying;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bailiwick_guard::journal::Journals;
use bailiwick_guard::{AuditLog, Budgets, Clock, MemoryBudgets, SystemClock};
use bailiwick_host::Services;

pub use self::replaying::ReplayError;
use crate::replay::{self, RunKind};
use crate::run::{
    Admission, Begun, Job, Keeping, Live, Outside, Panics, Report, RunError, Runnable, Session, Source, Stop, Usage,
    stop_of,
};
use crate::station::Station;
use crate::{ArtifactCache, CompileOptions, Language};

/// Runs at a time for each processor, unless the embedder says otherwise: most of them wait for the world.
const RUNS_PER_CORE: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);

/// The longest that an interpreter takes to compile. One that nothing was compiled for before is compiled here.
const INTERPRETER_TIME: Duration = Duration::from_secs(600);

/// Runs guests. Cheap to clone; clones share the engine, the compiler, the cache and the queue.
#[derive(Clone)]
pub struct Executor {
    inner: Arc<Inner>,
}

struct Inner {
    wasm: Station,
    python: OnceLock<Station>,
    javascript: OnceLock<Station>,
    runs: NonZeroU32,
    compile: CompileOptions,
    cache: Option<ArtifactCache>,
    services: Services,
    audit: AuditLog,
    budgets: Arc<dyn Budgets>,
    journals: Option<Arc<dyn Journals>>,
    clock: Arc<dyn Clock>,
    outside: Box<dyn Fn() -> Arc<dyn Outside> + Send + Sync>,
    admission: Admission,
    panics: Panics,
}

/// Decisions about an executor.
///
/// - `audit`: none; must be given, because no record means no call.
/// - `services`: what [`Services::builder`] gives by default: no keys, the system's resolver and root certificates.
/// - `runs`: eight per processor at a time, eight times as many waiting.
/// - `compile`: in a child process of this program; see [`compile_child`](crate::compile_child).
/// - `cache`: none; every process compiles a guest once.
/// - `budgets`: in memory. What rules let through in a time is counted for all runs of this executor together, and
///   forgotten with it.
/// - `journals`: none; no run can be replayed.
/// - time and randomness: the host's.
pub struct ExecutorBuilder {
    audit: AuditLog,
    services: Services,
    runs: NonZeroU32,
    compile: CompileOptions,
    cache: Option<ArtifactCache>,
    budgets: Arc<dyn Budgets>,
    journals: Option<Arc<dyn Journals>>,
    clock: Arc<dyn Clock>,
    outside: Box<dyn Fn() -> Arc<dyn Outside> + Send + Sync>,
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
            budgets: Arc::new(MemoryBudgets::new()),
            journals: None,
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
        self.inner.panics.catch(self.inner.run(job)).await
    }

    /// Starts a session: an interpreter that takes source text in pieces. The guest of the job names the interpreter and
    /// what tracebacks call the text; its own text is not executed.
    ///
    /// # Errors
    /// As [`Executor::run`], and when the interpreter does not start within the limits.
    pub async fn session(&self, job: Job) -> Result<Session, RunError> {
        self.inner.panics.catch(self.inner.session(job)).await
    }

    /// Panics caught at the edge of runs and sessions since the start. Anything but zero is a defect of ours.
    pub fn panics(&self) -> u64 {
        self.inner.panics.count()
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

    /// Where what rules let through in a time is kept; a store keeps it for other processes and later ones.
    pub fn budgets(mut self, budgets: Arc<dyn Budgets>) -> ExecutorBuilder {
        self.budgets = budgets;
        self
    }

    /// Where the journals of runs are kept, so that they can be replayed.
    pub fn journals(mut self, journals: Arc<dyn Journals>) -> ExecutorBuilder {
        self.journals = Some(journals);
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
        let wasm = Station::for_wasm(self.runs, self.compile.clone(), self.cache.clone())?;
        Ok(Executor {
            inner: Arc::new(Inner {
                wasm,
                python: OnceLock::new(),
                javascript: OnceLock::new(),
                runs: self.runs,
                compile: self.compile,
                cache: self.cache,
                services: self.services,
                audit: self.audit,
                budgets: self.budgets,
                journals: self.journals,
                clock: self.clock,
                outside: self.outside,
                admission: Admission::new(self.runs),
                panics: Panics::default(),
            }),
        })
    }
}

impl Inner {
    async fn run(&self, job: Job) -> Result<Report, RunError> {
        let mut begun = self.begin(job, RunKind::Once).await?;
        let mut usage = Usage::default();
        let stop = match self.prepare(&mut begun, &mut usage).await? {
            Err(stop) => stop,
            Ok((station, runnable)) => {
                begun.guard.started().await?;
                self.execute(&begun, station, &runnable, &mut usage).await?
            }
        };
        Ok(begun.end(stop, usage).await)
    }

    async fn session(&self, job: Job) -> Result<Session, RunError> {
        if job.guest.interpreter().is_none() {
            return Err(RunError::NoInterpreter);
        }
        let mut begun = self.begin(job, RunKind::Session).await?;
        let mut usage = Usage::default();
        let (station, runnable) = match self.prepare(&mut begun, &mut usage).await? {
            Ok(prepared) => prepared,
            Err(stop) => return Err(not_started(begun, stop, usage).await),
        };
        begun.guard.started().await?;
        match self.open(begun, station, &runnable, usage).await? {
            Ok(session) => Ok(session),
            Err((begun, stop, usage)) => Err(not_started(begun, stop, usage).await),
        }
    }

    /// Starts the interpreter of a session. The inner error is of one that did not come up.
    async fn open(
        &self,
        begun: Begun,
        station: &Station,
        runnable: &Runnable,
        mut usage: Usage,
    ) -> Result<Result<Session, (Begun, Stop, Usage)>, RunError> {
        let supervisor = begun.guest_supervisor();
        let mut store = begun.store(station.engine(), (self.outside)())?;
        let ticking = station.engine().live();
        let stop = match supervisor.run(&mut usage.cpu, runnable.open(&mut store)).await {
            Ok(Ok(interpreting)) => {
                drop(ticking);
                let (engine, panics) = (station.engine().clone(), self.panics.clone());
                return Ok(Ok(Session::new(begun, engine, store, interpreting, usage, panics)));
            }
            Ok(Err(error)) => stop_of(Err(error), store.data_mut().limiter().has_refused(), None),
            Err(interrupted) => interrupted.into(),
        };
        Ok(Err((begun, stop, usage)))
    }

    async fn begin(&self, job: Job, kind: RunKind) -> Result<Begun, RunError> {
        let place = self.admission.admit(&job.grant.principal().agent).await?;
        let engine = replay::engine(self.wasm.engine().fingerprint());
        let keeping = self.journals.as_deref().map(|journals| Keeping { journals, kind, engine });
        Begun::new(job, place, &self.services, &self.audit, &self.budgets, &self.clock, keeping)
    }

    /// Loads and links the guest. For WebAssembly the time counts, because the guest chose what there is to compile. An
    /// interpreter is ours, and compiling it is not charged to the run that finds it missing: its clock starts afterwards.
    async fn prepare(
        &self,
        begun: &mut Begun,
        usage: &mut Usage,
    ) -> Result<Result<(&Station, Runnable), Stop>, RunError> {
        let Some(interpreter) = begun.guest.interpreter() else {
            return Ok(match begun.supervisor().run(&mut usage.cpu, self.wasm.load(&begun.guest)).await {
                Ok(loaded) => loaded?.map(|runnable| (&self.wasm, runnable)),
                Err(interrupted) => Err(interrupted.into()),
            });
        };
        let station = self.station(interpreter.language())?;
        let supervisor = begun.supervisor_until(Instant::now() + INTERPRETER_TIME);
        let loaded = supervisor.run(&mut usage.cpu, station.load_interpreter(interpreter)).await;
        begun.restart_clock();
        Ok(match loaded {
            Ok(runnable) => Ok((station, runnable?)),
            Err(interrupted) => Err(interrupted.into()),
        })
    }

    /// Made when the first script of the language comes: an engine reserves address space.
    fn station(&self, language: Language) -> Result<&Station, RunError> {
        let slot = match language {
            Language::Python => &self.python,
            Language::JavaScript => &self.javascript,
        };
        if let Some(station) = slot.get() {
            return Ok(station);
        }
        let (options, cache) = (self.compile.clone(), self.cache.clone());
        let station = Station::for_language(language, self.runs, options, cache)?;
        Ok(slot.get_or_init(|| station))
    }

    async fn execute(
        &self,
        begun: &Begun,
        station: &Station,
        runnable: &Runnable,
        usage: &mut Usage,
    ) -> Result<Stop, RunError> {
        let _ticking = station.engine().live();
        let mut store = begun.store(station.engine(), (self.outside)())?;
        let source = begun.guest.script().map(|script| Source { text: begun.guest.text(), name: &script.name });
        let result = begun.guest_supervisor().run(&mut usage.cpu, runnable.start(&mut store, source)).await;
        let fuel_left = store.get_fuel().map_err(RunError::wasmtime)?;
        usage.fuel = begun.limits.fuel().get().saturating_sub(fuel_left);
        let limiter = store.data_mut().limiter();
        usage.peak_memory_bytes = limiter.peak();
        begun.own_peak(limiter.own_peak());
        Ok(match result {
            Err(interrupted) => interrupted.into(),
            Ok(returned) => stop_of(returned, limiter.has_refused(), begun.guest.language()),
        })
    }
}

/// The interpreter of a session did not come up, which is recorded as the end of its run.
async fn not_started(begun: Begun, stop: Stop, usage: Usage) -> RunError {
    let report = begun.end(stop, usage).await;
    RunError::NotStarted(report.stop)
}

#[cfg(test)]
mod tests;
