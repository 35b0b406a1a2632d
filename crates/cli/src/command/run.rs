//! `bailiwick run`

mod live;
mod report;
mod signals;

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick::{
    Anomaly, ArtifactCache, CompileOptions, Executor, Guest, Job, MAX_GUEST_BYTES, Report, RunError, Stop,
};
use bailiwick_guard::audit::{self, AuditOptions};
use bailiwick_guard::{AuditLog, Life, SystemClock, Timestamp};
use bailiwick_host::crypto::KeyStore;
use bailiwick_host::{MountError, Services};
use bailiwick_identity::Authorization;
use bailiwick_policy::{Code, Grant, Limits};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::live::Live;
use self::report::Described;
use crate::arguments::RunArguments;
use crate::configuration::{Configuration, Durability};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::identity::{self, About, Who};
use crate::manifest::{self, Loaded};
use crate::terminal::Untrusted;
use crate::{input, terminal};

/// JSON that is handed to a guest, at most.
const MAX_INPUT: usize = 16 << 20;
/// Compiled guests that are kept, in bytes.
const CACHE_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 30) - 1);

/// Runs a guest under a manifest, streams its output, and reports what it did.
pub(crate) fn run(arguments: &RunArguments, host: &Configuration) -> Outcome {
    let who = Who::of(arguments.agent.as_deref(), arguments.token.as_deref(), arguments.token_file.as_deref())?;
    if arguments.guest == Path::new("-") && arguments.token_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("the guest and the token cannot both come from standard input"));
    }
    let loaded = manifest::load(&arguments.policy)?;
    let restriction = arguments.restrict.as_deref().map(|text| identity::scopes(text, "--restrict")).transpose()?;
    let log = open_log(host)?;
    let mut about = About::default();
    let authorized = who.authorize(host, &loaded.manifest, restriction, input::now(), &mut about);
    record(&log, about, &authorized)?;
    let authorization = authorized?;

    let guest = read_guest(&arguments.guest)?;
    let executor = build(host, &loaded, log)?;
    let live = Live::start(arguments);
    let cancel = CancellationToken::new();
    let described = Described::of(&arguments.guest, &loaded.manifest, &authorization);
    let job = job(arguments, loaded, authorization, guest)?
        .listener(live.listener())
        .observer(live.observer())
        .cancelled_by(cancel.clone());
    let json = arguments.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::internal)?;
    let outcome = runtime.block_on(async {
        signals::listen(cancel.clone()).map_err(Failure::internal)?;
        let result = executor.run(job).await;
        let exit = result.as_ref().map_or(Exit::Internal, exit);
        let shown = tokio::task::spawn_blocking(move || show(live, &described, result, json));
        // Whoever reads our output may have stopped without closing it.
        tokio::select! {
            shown = shown => shown.map_err(Failure::internal)?,
            () = signals::patience(&cancel) => Ok(exit),
        }
    });
    // A name that is being looked up cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    outcome
}

/// Shows the rest of the output, and the report.
fn show(live: Live, described: &Described, result: Result<Report, RunError>, json: bool) -> Outcome {
    let ended = live.finish();
    let report = result.map_err(failed)?;
    if json {
        terminal::out_json(&described.to_json(&report)?)?;
    } else {
        let fresh = if ended.mid_line { "\n" } else { "" };
        terminal::err(&format!("{fresh}{}", described.draw(&report)));
    }
    Ok(exit(&report))
}

fn open_log(host: &Configuration) -> Result<AuditLog, Failure> {
    let durability = match host.durability {
        Durability::Effects => audit::Durability::Effects,
        Durability::All => audit::Durability::All,
        Durability::Buffered => audit::Durability::Buffered,
    };
    let folder = host.state.folder("audit")?;
    AuditLog::open_in(&folder, AuditOptions { durability }, &SystemClock).map_err(Failure::internal)
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
    log.authentication(about.entry(code), &SystemClock).map_err(Failure::internal)
}

fn read_guest(path: &Path) -> Result<Guest, Failure> {
    // One byte more than is accepted, so that too much is refused as everything else that is wrong with a guest.
    let bytes = input::bytes(path, "the guest", MAX_GUEST_BYTES + 1)?;
    let name = path.display().to_string();
    Guest::from_bytes(bytes)
        .map_err(|refusal| Failure::new(Exit::Guest, format!("the guest `{}` is refused: {refusal}", Untrusted(&name))))
}

fn build(host: &Configuration, loaded: &Loaded, log: AuditLog) -> Result<Executor, Failure> {
    let keys = KeyStore::open(&host.state.folder("keys")?, host.rings.clone()).map_err(Failure::internal)?;
    let mut services = Services::builder().keys(Arc::new(keys)).protect_secret(host.state.path());
    for file in
        host.trust_files().chain(loaded.files.iter().map(PathBuf::as_path)).filter(|file| *file != Path::new("-"))
    {
        services = services.protect_integrity(file);
    }
    if let Some(path) = &host.ca_file {
        let pem = input::bytes(path, "the file of certificate authorities", 16 << 20)?;
        services =
            services.with_roots_pem(&pem).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
    }
    let mut compile = CompileOptions::default();
    if let Some(time) = host.compile.time {
        compile.time = time.duration();
    }
    if let Some(memory) = host.compile.memory {
        compile.memory = memory.get();
    }
    let (folder, seal) = host.state.artifacts()?;
    let cache = ArtifactCache::new(folder, &seal, CACHE_BYTES);
    // One run: a pool for one keeps the address space small.
    Executor::builder(log)
        .runs(NonZeroU32::MIN)
        .services(services.build())
        .compile(compile)
        .cache(cache)
        .build()
        .map_err(failed)
}

fn job(arguments: &RunArguments, loaded: Loaded, authorization: Authorization, guest: Guest) -> Result<Job, Failure> {
    let life = Life::until(Timestamp(authorization.valid_until().saturating_mul(1000)));
    let grant = Grant::new(loaded.manifest, loaded.ceiling, authorization.into_authority());
    let limits = tightened(arguments, grant.limits());
    let mut job = Job::new(guest, grant.tighten(&limits), loaded.folder).args(arguments.args.clone()).life(life);
    if let Some(text) = &arguments.input {
        job = job.input(read_input(text)?);
    }
    if let Some(task) = &arguments.task {
        job = job.task(task);
    }
    if let Some(rationale) = &arguments.rationale {
        job = job.rationale(rationale);
    }
    Ok(job)
}

fn tightened(arguments: &RunArguments, mut limits: Limits) -> Limits {
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

fn exit(report: &Report) -> Exit {
    exit_after(&report.stop, &report.anomalies)
}

fn exit_after(stop: &Stop, anomalies: &[Anomaly]) -> Exit {
    // However the guest ended: what it did is not wholly on record, and that is what must be heard.
    if anomalies.contains(&Anomaly::AuditIncomplete) {
        return Exit::Internal;
    }
    match stop {
        Stop::Finished => Exit::Success,
        Stop::Refused(_) | Stop::Failed(_) | Stop::Trapped(_) => Exit::Guest,
        Stop::OutOfFuel | Stop::OutOfMemory | Stop::OutOfTime | Stop::OutOfBudget(_) => Exit::Limit,
        Stop::Revoked | Stop::Cancelled => Exit::Denied,
    }
}

fn failed(error: RunError) -> Failure {
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
