//! What the engine needs of the processor and the system. Linux on x86-64 is what is promised.

use std::fs;

use super::{Finding, State};

const AREA: &str = "engine";

pub(super) fn look() -> Vec<Finding> {
    vec![platform(), processor(), address_space()]
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
