//! Durations and sizes as people type them.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// A duration above zero: `500ms`, `10s`, `15m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(Duration);

/// A size above zero: `65536`, `64KiB`, `256MiB`, `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(NonZeroU64);

/// A text that is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuantityError {
    Duration,
    Size,
}

impl Seconds {
    pub(crate) fn duration(self) -> Duration {
        self.0
    }

    /// Whole seconds, rounded up.
    pub(crate) fn whole(self) -> u64 {
        self.0.as_secs().saturating_add(u64::from(self.0.subsec_nanos() > 0))
    }
}

impl Bytes {
    pub(crate) fn get(self) -> NonZeroU64 {
        self.0
    }
}

impl FromStr for Seconds {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Seconds, QuantityError> {
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let milliseconds = scaled(text, &units).ok_or(QuantityError::Duration)?;
        Ok(Seconds(Duration::from_millis(milliseconds.get())))
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Bytes, QuantityError> {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1), ("", 1)];
        scaled(text, &units).map(Bytes).ok_or(QuantityError::Size)
    }
}

/// Digits and one of the units, with nothing between or around them.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<NonZeroU64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    NonZeroU64::new(number.parse::<u64>().ok()?.checked_mul(*factor)?)
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QuantityError::Duration => "write a whole number above 0 and a unit, such as `500ms`, `10s`, `15m` or `1h`",
            QuantityError::Size => "write a whole number above 0 and perhaps a unit, such as `65536` or `64MiB`",
        })
    }
}

impl std::error::Error for QuantityError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        let duration = |text: &str| text.parse::<Seconds>().map(Seconds::duration);
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        for bad in ["", "0s", "5", "-1s", "1.5s", "1 s", "s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(duration(bad), Err(QuantityError::Duration), "{bad}");
        }
        let size = |text: &str| text.parse::<Bytes>().map(|size| size.get().get());
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("65536"), Ok(65536));
        for bad in ["0", "MiB", "1MB", "1 MiB", "0x10", "99999999999GiB"] {
            assert_eq!(size(bad), Err(QuantityError::Size), "{bad}");
        }
        assert_eq!("1500ms".parse::<Seconds>().map(Seconds::whole), Ok(2));
    }
}
