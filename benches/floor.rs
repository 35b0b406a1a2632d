//! Measures a workload against its floor, interleaved in one run, so that a noisy machine disturbs both alike.
//!
//! Prints one JSON line a workload: medians in nanoseconds, their ratio, the ratio of the fastest rounds, which a load on the
//! machine disturbs least, and the spread. Not a test: it asserts nothing.
#![allow(dead_code, clippy::print_stdout, reason = "shared by benches, of which each uses a part")]

use std::time::{Duration, Instant};

/// Rounds of one comparison.
const ROUNDS: usize = 101;
/// How long one round of either side should take at least, so that the clock's own cost vanishes.
const ROUND: Duration = Duration::from_millis(2);

/// Compares `ours` with `floor`, in rounds of about 2 ms each, in turn.
pub(crate) fn compare(workload: &str, ours: impl FnMut(), floor: impl FnMut()) {
    compare_in_bursts(workload, ours, floor, || ());
}

/// The same, with `rest` before every round: what is measured is a burst, not a load that goes on for ever.
pub(crate) fn compare_in_bursts(
    workload: &str,
    mut ours: impl FnMut(),
    mut floor: impl FnMut(),
    mut rest: impl FnMut(),
) {
    rest();
    let calls_ours = calls_per_round(&mut ours);
    rest();
    let calls_floor = calls_per_round(&mut floor);
    let (mut samples_ours, mut samples_floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        rest();
        samples_ours.push(time(calls_ours, &mut ours));
        samples_floor.push(time(calls_floor, &mut floor));
    }
    compared(workload, samples_ours, samples_floor, "");
}

/// Prints a comparison of samples that were taken in turn, in nanoseconds. `more` are further members, each after a comma.
pub(crate) fn compared(workload: &str, samples_ours: Vec<f64>, samples_floor: Vec<f64>, more: &str) {
    let n = samples_ours.len();
    let (ours, floor) = (summary(samples_ours), summary(samples_floor));
    println!(
        "{{\"workload\":\"{workload}\",\"ours_ns\":{:.0},\"floor_ns\":{:.0},\"ratio\":{:.3},\"added_ns\":{:.0},\
         \"ratio_of_minima\":{:.3},\"n\":{n},\"min_ns\":{:.0},\"median_ns\":{:.0},\"max_ns\":{:.0}{more}}}",
        ours.1,
        floor.1,
        ours.1 / floor.1,
        ours.1 - floor.1,
        ours.0 / floor.0,
        ours.0,
        ours.1,
        ours.2
    );
}

/// Reports samples that have no floor but a bound, such as how late an event was.
pub(crate) fn report(workload: &str, samples_ns: Vec<f64>) {
    let n = samples_ns.len();
    let mut sorted = samples_ns;
    sorted.sort_by(f64::total_cmp);
    let p99 = sorted.get((n * 99 / 100).min(n.saturating_sub(1))).copied().unwrap_or_default();
    let (min, median, max) = summary(sorted);
    println!(
        "{{\"workload\":\"{workload}\",\"n\":{n},\"min_ns\":{min:.0},\"median_ns\":{median:.0},\"p99_ns\":{p99:.0},\
         \"max_ns\":{max:.0}}}"
    );
}

fn calls_per_round(work: &mut impl FnMut()) -> u32 {
    for _ in 0..3 {
        work();
    }
    let mut calls = 1_u32;
    while time(calls, work) * f64::from(calls) < ROUND.as_nanos() as f64 && calls < 1 << 20 {
        calls *= 2;
    }
    calls
}

/// Nanoseconds of one call, as the mean of `calls`.
fn time(calls: u32, work: &mut impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..calls {
        work();
    }
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// (minimum, median, maximum)
fn summary(mut samples: Vec<f64>) -> (f64, f64, f64) {
    samples.sort_by(f64::total_cmp);
    let at = |index: usize| samples.get(index).copied().unwrap_or_default();
    (at(0), at(samples.len() / 2), at(samples.len().saturating_sub(1)))
}
