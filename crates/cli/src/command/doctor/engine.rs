//! What the engine needs of the processor and the system. Linux on x86-64 is what is promised.

use std::fs;
use std::sync::Arc;

use bailiwick::{Executor, Guest, Job, Report, Stop};
use bailiwick_guard::AuditLog;
use bailiwick_policy::{Authority, Grant, Manifest, Principal, ScopeSet};

use super::{Finding, State};

const AREA: &str = "engine";

pub(super) fn look() -> Vec<Finding> {
    vec![platform(), processor(), address_space(), trial()]
}

/// Runs the smallest guest there is, from compiling it in a child to its report.
fn trial() -> Finding {
    let name = "trial run";
    match run_smallest() {
        Ok(report) if report.stop == Stop::Finished => {
            let took = report.usage.wall.as_secs_f64() * 1000.0;
            Finding::new(AREA, name, State::Good, format!("compiled, run and reported in {took:.0} ms"))
        }
        Ok(report) => Finding::new(AREA, name, State::Broken, report.stop.to_string()),
        Err(error) => Finding::new(AREA, name, State::Broken, error)
            .help("look at the findings above; containers may forbid what compiling in a confined process needs"),
    }
}

fn run_smallest() -> Result<Report, String> {
    const GUEST: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    const MANIFEST: &str = "schema = 1\nid = \"doctor\"\nagents = [\"doctor\"]\n";
    let manifest = Manifest::parse(MANIFEST, "doctor").map_err(|_| "the built-in manifest is not valid")?;
    let authority = Authority {
        principal: Principal { issuer: "doctor".into(), subject: "doctor".into(), agent: "doctor".into() },
        token: ScopeSet::empty(),
        details: Vec::new(),
        registry: ScopeSet::empty(),
        task: None,
    };
    let grant = Grant::new(Arc::new(manifest), None, authority);
    let guest = Guest::from_bytes(GUEST.as_bytes()).map_err(|error| error.to_string())?;
    // A trial is nobody's run: it can do nothing, and is not on record.
    let (log, _) = AuditLog::in_memory().map_err(|error| error.to_string())?;
    let executor = Executor::builder(log).build().map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(executor.run(Job::new(guest, grant, "."))).map_err(|error| error.to_string())
}

fn platform() -> Finding {
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    if (system, machine) == ("linux", "x86_64") {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        return Finding::new(AREA, "platform", State::Good, format!("Linux {} on x86-64", kernel.trim()));
    }
    Finding::new(AREA, "platform", State::Doubtful, format!("{system} on {machine} is not tested"))
        .help("use Linux on x86-64")
}

fn processor() -> Finding {
    let (cores, missing) = (std::thread::available_parallelism().map_or(1, usize::from), missing_features());
    if missing.is_empty() {
        return Finding::new(
            AREA,
            "processor",
            State::Good,
            format!("{cores} cores, with the vector instructions that compiled guests use"),
        );
    }
    let detail = format!("{cores} cores, without {}: some guests run slower", missing.join(", "));
    Finding::new(AREA, "processor", State::Doubtful, detail)
}

#[cfg(target_arch = "x86_64")]
fn missing_features() -> Vec<&'static str> {
    let features = [
        ("SSE4.2", std::is_x86_feature_detected!("sse4.2")),
        ("POPCNT", std::is_x86_feature_detected!("popcnt")),
        ("AVX2", std::is_x86_feature_detected!("avx2")),
        ("BMI2", std::is_x86_feature_detected!("bmi2")),
    ];
    features.into_iter().filter(|(_, present)| !present).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn missing_features() -> Vec<&'static str> {
    Vec::new()
}

/// Guests get address space in large reservations that are not memory; a limit on it breaks them.
fn address_space() -> Finding {
    let name = "address space";
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    match limit.and_then(|rest| rest.split_whitespace().next()) {
        Some("unlimited") | None => Finding::new(AREA, name, State::Good, "unlimited"),
        Some(bytes) => {
            Finding::new(AREA, name, State::Broken, format!("limited to {bytes} bytes, too little to reserve"))
                .help("run `ulimit -v unlimited` first, or lift LimitAS in the service")
        }
    }
}
