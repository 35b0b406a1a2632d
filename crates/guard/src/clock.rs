//! Wall-clock time as a port, so that decisions about expiry can be tested and replayed.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Milliseconds since the Unix epoch. Displayed as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// Where the guard's idea of "now" comes from.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The host's wall clock. A clock set before 1970 reads as 1970, at which every token is not yet valid.
///
/// Within a process it never goes slower than the steady clock: setting the machine's clock back gives no token a longer life.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        static FIRST: OnceLock<(Duration, Instant)> = OnceLock::new();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (first, then) = FIRST.get_or_init(|| (wall, Instant::now()));
        let steady = first.saturating_add(then.elapsed());
        Timestamp(u64::try_from(wall.max(steady).as_millis()).unwrap_or(u64::MAX))
    }
}

impl Timestamp {
    /// Whole seconds since the Unix epoch, as tokens count.
    pub fn unix_seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second, milli) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// A text that is no point in time of RFC 3339 between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a point in time as RFC 3339 has it, such as `2026-11-23T07:09:01Z` or `2026-11-23T08:09:01.5+01:00`")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339, with any offset. What is below a millisecond is cut off; a leap second counts as the one before it.
    fn from_str(text: &str) -> Result<Timestamp, TimestampError> {
        parse_rfc_3339(text).ok_or(TimestampError)
    }
}

fn parse_rfc_3339(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at_checked(zone)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if year < 1970 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milli: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let days = days_from_civil(year, month, day).filter(|days| civil_from_days(*days) == (year, month, day))?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second.min(59);
    let seconds = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => seconds,
        (sign, offset) => {
            let [hours, minutes] = numbers(offset, ':', [2, 2])?;
            let offset = (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)?;
            match sign {
                "+" => seconds.checked_sub(offset)?,
                "-" => seconds + offset,
                _ => return None,
            }
        }
    };
    Some(Timestamp(seconds * 1_000 + milli))
}

/// Numbers of so many digits each, with that character between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part =
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The day number since 1970-01-01 of a date from then on; a month or day that there is not gives any number or none.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month <= 2 { (year.checked_sub(1)?, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day;
    let day_of_era = (year_of_era * 365 + year_of_era / 4 + day_of_year).checked_sub(year_of_era / 100 + 1)?;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// The proleptic Gregorian date of a day number since 1970-01-01, counted in 400-year eras that begin on 1 March.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_print_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
            (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(ms).to_string(), text);
        }
        let _ = Timestamp(u64::MAX).to_string();
    }

    #[test]
    fn what_prints_parses() {
        for day in 0..150_000 {
            let at = Timestamp(day * 86_400_000 + day % 1_000 * 86_399);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn rfc_3339_is_read_and_nothing_else() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T23:59:59.9999Z", 1_709_251_199_999),
            ("2026-01-01t01:00:00.5+01:00", 1_767_225_600_500),
            ("2025-12-31 23:30:00-00:30", 1_767_225_600_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(ms)), "{text}");
        }
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-1-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1é3Z",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00Z01:00",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+026-01-01T00:00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }
}
