//! What `run` and `session` have in common: who asks becomes a grant, on record; the configuration becomes an executor.

pub(crate) mod delivery;
mod kept;
pub(crate) mod live;
pub(crate) mod report;
pub(crate) mod signals;
pub(crate) mod source;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bailiwick::{Anomaly, ArtifactCache, CompileOptions, Executor, ExecutorBuilder, Guest, Job, RunError, Stop};
use bailiwick_guard::{AuditLog, Life, SystemClock, Timestamp, TraceContext};
use bailiwick_host::kv::KvDatabase;
use bailiwick_host::{MountError, Services, ServicesBuilder};
use bailiwick_identity::{Asked, Authorization, Registrar, Watched, Withdrawal};
use bailiwick_policy::{
    ActionName, Backing, Code, DatabasePlace, Grant, Kind, Limits, Manifest, MountPoint, Scope, ToolSource, Writes,
};
use bailiwick_store::Store;
use serde_json::Value;

use crate::arguments::LaunchArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::identity::{self, About, Who};
use crate::languages::CACHE_BYTES;
use crate::launch::delivery::Delivery;
use crate::launch::kept::Kept;
use crate::manifest::{self, Loaded};
use crate::{administration, environment, input, journals, keys, log, secrets, tools};

/// JSON that is handed to a guest, at most.
const MAX_INPUT: usize = 16 << 20;
/// Bytes of a file of certificate authorities, at most.
const MAX_AUTHORITIES: usize = 16 << 20;

/// An accepted identity with what it may do, and what runs its guests.
pub(crate) struct Launch {
    pub(crate) executor: Executor,
    pub(crate) authorization: Authorization,
    loaded: Loaded,
    store: Arc<Store>,
}

/// Ends the job when the authority for it is withdrawn, for as long as this is kept.
#[must_use = "a job lives only as long as somebody watches its authority"]
pub(crate) struct Watch {
    // Dropped first: the store that looks comes after what it tells.
    _watched: Watched,
    _store: Arc<Store>,
    withdrawal: Arc<OnceLock<Withdrawal>>,
}

impl Watch {
    fn start(store: Arc<Store>, authorization: &Authorization, life: &Life) -> Result<Watch, Failure> {
        let withdrawal = Arc::new(OnceLock::new());
        let (told, revoker) = (Arc::clone(&withdrawal), life.revoker());
        let end = move |lost| {
            let _ = told.set(lost);
            revoker.revoke();
        };
        let watched = store.watch(authorization.basis().clone(), Box::new(end)).map_err(administration::refused)?;
        Ok(Watch { _watched: watched, _store: store, withdrawal })
    }

    /// Why the job was ended, if it was.
    pub(crate) fn withdrawal(&self) -> Option<&Withdrawal> {
        self.withdrawal.get()
    }
}

impl Launch {
    /// Checks who asks, records that, and builds the executor.
    ///
    /// # Errors
    /// Everything that is wrong with the arguments, the manifest, the identity or this installation.
    pub(crate) fn prepare(arguments: &LaunchArguments, host: &Configuration) -> Result<Launch, Failure> {
        let who = Who::of(arguments.agent.as_deref(), arguments.token.as_deref(), arguments.token_file.as_deref())?
            .proven_by(arguments.dpop_proof.as_deref());
        let loaded = manifest::load(&manifest_path(arguments)?)?;
        let restriction = arguments.restrict.as_deref().map(|text| identity::scopes(text, "--restrict")).transpose()?;
        let task = arguments.task.as_deref().map(identity::task_id).transpose()?;
        let asked = Asked::new(&loaded.manifest).task(task).restriction(restriction).rotation(host.rotation);
        let log = log::open(host)?;
        let store = administration::open(host)?;
        let mut about = About::default();
        let authorized = who.authorize(host, &store, &asked, input::now(), &mut about);
        record(&log, about, &authorized)?;
        let authorization = authorized?;
        let store = Arc::new(store);
        let executor = build(host, &loaded, log, &store)?;
        Ok(Launch { executor, authorization, loaded, store })
    }

    pub(crate) fn manifest(&self) -> &Arc<Manifest> {
        &self.loaded.manifest
    }

    /// The way of what the guest leaves to the folder of `--out`, if there is one. `guest` is the file that runs.
    ///
    /// # Errors
    /// As [`Delivery::of`].
    pub(crate) fn delivery(
        &self,
        arguments: &LaunchArguments,
        host: &Configuration,
        guest: Option<&Path>,
    ) -> Result<Option<Delivery>, Failure> {
        let Loaded { manifest, folder, files, .. } = &self.loaded;
        let mut kept = Kept::new(host.state.path());
        let input = arguments.input.as_deref().and_then(|text| text.strip_prefix('@')).map(Path::new);
        let typed = [
            ("the guest", guest),
            ("the token", arguments.token_file.as_deref()),
            ("the proof", arguments.dpop_proof.as_deref()),
            ("the input", input),
        ];
        for (what, path) in typed.into_iter().filter_map(|(what, path)| Some((what, path?))) {
            kept = kept.and(what, path);
        }
        for path in files {
            kept = kept.and("the manifest", path);
        }
        for path in host.trust_files() {
            kept = kept.and("the configuration", path);
        }
        for (_, path) in &host.bearers {
            kept = kept.and("a bearer token", path);
        }
        for mount in manifest.mounts() {
            if let Backing::Folder { path, .. } = mount.backing() {
                kept = kept.and("a mount", &folder.join(path));
            }
        }
        for (_, place) in manifest.databases() {
            if let DatabasePlace::Sqlite(path) = place {
                kept = kept.and_database(&folder.join(path));
            }
        }
        for server in manifest.tools() {
            let ToolSource::Program(program) = server.source() else { continue };
            let base = program.cwd.as_ref().map_or_else(|| folder.to_path_buf(), |cwd| folder.join(cwd));
            // A script of a tool server runs outside the sandbox, and so does what it loads from beside it.
            for script in program.command.iter().map(|word| base.join(word)).filter(|path| path.is_file()) {
                kept = kept.and("a tool server's program", &script);
                if let Some(beside) = script.parent() {
                    kept = kept.and("the folder of a tool server's program", beside);
                }
            }
        }
        Delivery::of(arguments, manifest, &kept)
    }

    /// The job, what runs it, and what ends it when its authority is withdrawn.
    ///
    /// # Errors
    /// Input that is no JSON or cannot be read; revocations that nobody can watch.
    pub(crate) fn job(self, arguments: &LaunchArguments, guest: Guest) -> Result<(Executor, Job, Watch), Failure> {
        let Launch { executor, authorization, loaded, store } = self;
        let life = Life::until(Timestamp(authorization.valid_until().saturating_mul(1000)))
            .sensitive(identity::sensitive(&authorization));
        let watch = Watch::start(store, &authorization, &life)?;
        let grant = Grant::new(loaded.manifest, loaded.ceiling, authorization.into_authority());
        let limits = tightened(arguments, grant.limits());
        let mut job = Job::new(guest, grant.tighten(&limits), loaded.folder).life(life);
        if let Some(text) = &arguments.input {
            job = job.input(read_input(text)?);
        }
        if let Some(task) = &arguments.task {
            job = job.task(task);
        }
        if let Some(trace) = trace(arguments) {
            job = job.trace(trace);
        }
        if let Some(rationale) = &arguments.rationale {
            job = job.rationale(rationale);
        }
        Ok((executor, job, watch))
    }
}

/// The trace that was named, or the one in the environment, where one that is not well-formed is none: whoever set it may not
/// know of us.
fn trace(arguments: &LaunchArguments) -> Option<TraceContext> {
    let inherited = || {
        let text = environment::text(environment::TRACEPARENT).ok().flatten()?;
        text.parse()
            .inspect_err(|_| tracing::warn!("the variable TRACEPARENT is no W3C traceparent, and is left out"))
            .ok()
    };
    arguments.traceparent.or_else(inherited)
}

fn manifest_path(arguments: &LaunchArguments) -> Result<PathBuf, Failure> {
    environment::path(arguments.policy.as_ref(), environment::POLICY).ok_or_else(|| {
        Failure::usage("no manifest says what the run may do")
            .help("name it with --policy MANIFEST, or in BAILIWICK_POLICY")
    })
}

/// No record, no run: an accepted identity that cannot be recorded is refused.
fn record(log: &AuditLog, about: About, authorized: &Result<Authorization, Failure>) -> Result<(), Failure> {
    let code = match authorized {
        Ok(_) => Code::Allowed,
        Err(failure) => match failure.code() {
            Some(code) => code,
            // A token file that is not there, for example: nobody's identity was judged.
            None => return Ok(()),
        },
    };
    tracing::debug!(%code, "identity judged");
    log.authentication(about.entry(code), &SystemClock).map_err(Failure::internal)
}

fn build(host: &Configuration, loaded: &Loaded, log: AuditLog, store: &Arc<Store>) -> Result<Executor, Failure> {
    let mut services = Services::builder().protect_secret(host.state.path());
    // Without a rule about keys none can be used, and the master key need not be there.
    if loaded.manifest.scopes().iter().any(uses_keys) {
        services = services.keys(Arc::new(keys::open(host)?));
    }
    if !loaded.manifest.tools().is_empty() {
        let accepted = tools::acceptances(host)?;
        services = tools::connected(services.accepted_tools(Arc::new(accepted)), host)?;
    }
    let is_staged = |mount: &MountPoint| matches!(mount.backing(), Backing::Folder { writes: Writes::Staged, .. });
    if loaded.manifest.mounts().iter().any(is_staged) {
        services = services.staging(host.state.folder("staging")?);
    }
    if loaded.manifest.stores().next().is_some() {
        let stores = KvDatabase::open(&host.state.path().join("kv.db")).map_err(Failure::internal)?;
        services = services.kv(Arc::new(stores));
    }
    if let Some(secrets) = secrets::of(&loaded.manifest, host)? {
        services = services.secrets(secrets);
    }
    for (_, place) in loaded.manifest.databases() {
        let DatabasePlace::Postgres(name) = place else { continue };
        // One that is missing is the manifest's fault, and told where it is opened.
        if let Some(section) = host.postgres.get(name) {
            services = services.postgres(name, section.server(name, host)?);
        }
    }
    for file in host.secret_files() {
        services = services.protect_secret(file);
    }
    for file in
        host.trust_files().chain(loaded.files.iter().map(PathBuf::as_path)).filter(|file| *file != Path::new("-"))
    {
        services = services.protect_integrity(file);
    }
    services = network(services, host)?;
    let executor =
        compiling(Executor::builder(log), host)?.services(services.build()).budgets(Arc::<Store>::clone(store));
    match journals::recording(host)? {
        Some(journals) => executor.journals(journals),
        None => executor,
    }
    .build()
    .map_err(failed)
}

/// What runs recorded runs again: nothing stands behind it, and its log is nobody's.
///
/// # Errors
/// When the state folder cannot be used, or the engine does not start.
pub(crate) fn replayer(host: &Configuration) -> Result<Executor, Failure> {
    let (log, _nobody) = AuditLog::in_memory().map_err(Failure::internal)?;
    compiling(Executor::builder(log), host)?.build().map_err(failed)
}

/// How guests are compiled, and where what was compiled is kept. For one run: a pool for one keeps the address space small.
fn compiling(executor: ExecutorBuilder, host: &Configuration) -> Result<ExecutorBuilder, Failure> {
    let mut compile = CompileOptions::default();
    if let Some(time) = host.compile.time {
        compile.time = time.duration();
    }
    if let Some(memory) = host.compile.memory {
        compile.memory = memory.get();
    }
    let (folder, seal) = host.state.artifacts()?;
    let cache = ArtifactCache::new(folder, &seal, CACHE_BYTES);
    Ok(executor.runs(NonZeroU32::MIN).compile(compile).cache(cache))
}

fn uses_keys(scope: &Scope) -> bool {
    let keyless = |action| matches!(action, ActionName::Hash | ActionName::Random);
    scope.kind() == Kind::Crypto && !scope.actions().all(keyless)
}

/// The way to the network that the configuration describes.
///
/// # Errors
/// A file that cannot be read, or holds no certificates.
pub(crate) fn network(mut services: ServicesBuilder, host: &Configuration) -> Result<ServicesBuilder, Failure> {
    if let Some(path) = &host.ca_file {
        let pem = input::bytes(path, "the file of certificate authorities", MAX_AUTHORITIES)?;
        services =
            services.with_roots_pem(&pem).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
    }
    if let Some(proxy) = &host.proxy {
        services = services.dialer(proxy.clone());
    }
    Ok(services)
}

fn tightened(arguments: &LaunchArguments, mut limits: Limits) -> Limits {
    if let Some(fuel) = arguments.fuel {
        limits = limits.fuel_at_most(fuel);
    }
    if let Some(memory) = arguments.memory {
        limits = limits.memory_at_most(memory.get());
    }
    if let Some(timeout) = arguments.timeout {
        limits = limits.timeout_at_most(timeout.duration());
    }
    limits
}

/// `--input`: JSON, or `@FILE`.
fn read_input(text: &str) -> Result<Value, Failure> {
    let content = match text.strip_prefix('@') {
        Some(path) => input::bytes(Path::new(path), "the input", MAX_INPUT)?,
        None => text.as_bytes().to_vec(),
    };
    serde_json::from_slice(&content).map_err(|error| {
        Failure::usage(format!("--input is not JSON: {error}"))
            .help("quote it for the shell, as in --input '{\"month\": 3}', or use @FILE")
    })
}

/// How the process exits after a run that ended so.
pub(crate) fn exit_after(stop: &Stop, anomalies: &[Anomaly]) -> Exit {
    // However the guest ended: what it did is not wholly on record, and that is what must be heard.
    if anomalies.contains(&Anomaly::AuditIncomplete) {
        return Exit::Internal;
    }
    match stop {
        Stop::Finished => Exit::Success,
        Stop::Refused(_) | Stop::Failed(_) | Stop::Trapped(_) | Stop::NotApplied(_) | Stop::Diverged => Exit::Guest,
        Stop::OutOfFuel | Stop::OutOfMemory | Stop::OutOfTime | Stop::OutOfBudget(_) => Exit::Limit,
        Stop::Revoked | Stop::Cancelled => Exit::Denied,
    }
}

/// What an executor could not do, for a person.
pub(crate) fn failed(error: RunError) -> Failure {
    match error {
        RunError::Host(problem @ MountError::Open { .. }) => {
            Failure::usage(problem).help("mounts are relative to the manifest's folder")
        }
        RunError::Host(problem) => Failure::usage(problem),
        other => Failure::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_end_is_not_on_record_is_our_failure() {
        for (stop, code) in [
            (Stop::Finished, Exit::Success),
            (Stop::OutOfFuel, Exit::Limit),
            (Stop::Revoked, Exit::Denied),
            (Stop::Cancelled, Exit::Denied),
        ] {
            assert_eq!(exit_after(&stop, &[]), code);
            assert_eq!(exit_after(&stop, &[Anomaly::AuditIncomplete]), Exit::Internal);
        }
    }
}
