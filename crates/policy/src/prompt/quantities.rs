//! Sizes, times and numbers as a model reads them.

use std::time::Duration;

pub(super) fn size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

/// What fuel is in time, roughly: a Python loop uses some 8 × 10⁹ units a second, depending on the machine.
pub(super) fn computing(fuel: u64) -> &'static str {
    match fuel {
        0..4_000_000_000 => "less than a second of pure computing",
        4_000_000_000..16_000_000_000 => "about a second of pure computing",
        16_000_000_000..200_000_000_000 => "some seconds of pure computing",
        _ => "many seconds of pure computing",
    }
}

pub(super) fn duration(time: Duration) -> String {
    match (time.as_secs(), time.subsec_nanos()) {
        (seconds, 0) => format!("{seconds} s"),
        _ => format!("{} ms", time.as_millis()),
    }
}
