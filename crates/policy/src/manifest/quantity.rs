//! Sizes and durations as people write them: `"256MiB"`, `"30s"`, or a plain integer of bytes or seconds.

use std::num::NonZeroU64;
use std::time::Duration;

/// Longest duration that a manifest may name: a week.
const MAX_SECONDS: u64 = 7 * 24 * 3600;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QuantityError {
    #[error("zero does not mean unlimited and is not a limit")]
    Zero,
    #[error("the number is negative or too large")]
    Range,
    #[error("write a size as bytes, or as in `\"256MiB\"` (B, KiB, MiB, GiB)")]
    Size,
    #[error("write a duration as seconds, or as in `\"30s\"` (ms, s, m, h)")]
    Duration,
    #[error("a duration is at most seven days")]
    TooLong,
}

pub(super) fn count(value: Option<u64>) -> Result<NonZeroU64, QuantityError> {
    NonZeroU64::new(value.ok_or(QuantityError::Range)?).ok_or(QuantityError::Zero)
}

pub(super) fn size(text: &str) -> Result<NonZeroU64, QuantityError> {
    let (number, unit) = split(text).ok_or(QuantityError::Size)?;
    let factor: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(QuantityError::Size),
    };
    count(number.and_then(|number| number.checked_mul(factor)))
}

pub(super) fn duration(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit) = split(text).ok_or(QuantityError::Duration)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(QuantityError::Duration),
    };
    let total = count(number.and_then(|number| number.checked_mul(milliseconds)))?;
    bounded(Duration::from_millis(total.get()))
}

pub(super) fn seconds(value: Option<u64>) -> Result<Duration, QuantityError> {
    bounded(Duration::from_secs(count(value)?.get()))
}

fn bounded(duration: Duration) -> Result<Duration, QuantityError> {
    if duration > Duration::from_secs(MAX_SECONDS) { Err(QuantityError::TooLong) } else { Ok(duration) }
}

/// Digits, then a unit; the number is `None` if it does not fit.
fn split(text: &str) -> Option<(Option<u64>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    (!number.is_empty()).then(|| (number.parse().ok(), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("256MiB").unwrap().get(), 256 << 20);
        assert_eq!(size("1B").unwrap().get(), 1);
        assert_eq!(size("3GiB").unwrap().get(), 3 << 30);
        assert_eq!(size("64KiB").unwrap().get(), 65536);
        for text in ["", "MiB", "1", "1 MiB", "1mib", "1MB", "-1MiB", "1.5MiB", "+1B"] {
            assert_eq!(size(text), Err(QuantityError::Size), "{text:?}");
        }
        assert_eq!(size("0MiB"), Err(QuantityError::Zero));
        assert_eq!(size("18446744073709551615GiB"), Err(QuantityError::Range));
        assert_eq!(size("99999999999999999999B"), Err(QuantityError::Range));
    }

    #[test]
    fn durations() {
        assert_eq!(duration("30s").unwrap(), Duration::from_secs(30));
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(duration("5m").unwrap(), Duration::from_secs(300));
        assert_eq!(duration("168h").unwrap(), Duration::from_secs(MAX_SECONDS));
        assert_eq!(seconds(Some(2)).unwrap(), Duration::from_secs(2));
        for text in ["", "s", "1", "1 s", "1S", "1d", "1.5s"] {
            assert_eq!(duration(text), Err(QuantityError::Duration), "{text:?}");
        }
        assert_eq!(duration("0s"), Err(QuantityError::Zero));
        assert_eq!(seconds(Some(0)), Err(QuantityError::Zero));
        assert_eq!(seconds(None), Err(QuantityError::Range));
        assert_eq!(duration("169h"), Err(QuantityError::TooLong));
        assert_eq!(seconds(Some(u64::MAX)), Err(QuantityError::TooLong));
    }
}
