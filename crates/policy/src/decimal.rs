//! A number of JSON as it is written, for exact comparison.

use std::cmp::Ordering;

/// Units of one: amounts are counted in millionths.
pub(crate) const UNIT: u64 = 1_000_000;

/// The value of a number's text: exact as far as comparing it with a bound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Whole millionths; what does not fit is as large as there is.
    millionths: u128,
    /// Something other than zero follows the sixth digit after the point.
    more: bool,
}

impl Decimal {
    /// Reads a number as RFC 8259 writes it; `None` for every other text.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let unsigned = text.strip_prefix('-');
        let (mantissa, exponent) = match unsigned.unwrap_or(text).split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned.unwrap_or(text), 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let digits = || whole.bytes().chain(fraction.bytes()).map(|byte| u128::from(byte.wrapping_sub(b'0')));
        let count = i64::try_from(whole.len() + fraction.len()).ok()?;
        // The value in millionths is the digits times ten to the power of this.
        let shift = exponent.saturating_add(6).saturating_sub(i64::try_from(fraction.len()).ok()?);
        let kept = usize::try_from(count.saturating_add(shift.min(0)).max(0)).ok()?;
        let mut millionths =
            digits().take(kept).fold(0_u128, |sum, digit| sum.saturating_mul(10).saturating_add(digit));
        for _ in 0..shift.clamp(0, 64) {
            millionths = millionths.saturating_mul(10);
        }
        if shift > 64 && millionths > 0 {
            millionths = u128::MAX;
        }
        let more = digits().skip(kept).any(|digit| digit > 0);
        Some(Decimal { negative: unsigned.is_some() && (millionths > 0 || more), millionths, more })
    }

    pub(crate) fn compare(self, bound: u64) -> Ordering {
        if self.negative {
            return Ordering::Less;
        }
        (self.millionths, self.more).cmp(&(u128::from(bound) * u128::from(UNIT), false))
    }

    /// Whether it has no fraction. Of numbers beyond 10^32 nobody can tell.
    pub(crate) fn is_integer(self) -> bool {
        !self.more && self.millionths != u128::MAX && self.millionths.is_multiple_of(u128::from(UNIT))
    }

    /// As an amount, in millionths; `None` if it is negative, finer than that, or more than there can be of anything.
    pub(crate) fn amount(self) -> Option<u64> {
        let fits = !self.negative && !self.more;
        u64::try_from(self.millionths).ok().filter(|amount| fits && *amount <= i64::MAX.unsigned_abs())
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !is_digits(digits) {
        return None;
    }
    // More than any text has digits is as good as more than that.
    let size = digits.bytes().fold(0_i64, |sum, byte| (sum * 10 + i64::from(byte.wrapping_sub(b'0'))).min(1 << 40));
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(text: &str, bound: u64) -> Ordering {
        Decimal::parse(text).unwrap().compare(bound)
    }

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        for (text, expected) in [
            ("5000", Ordering::Equal),
            ("5000.0", Ordering::Equal),
            ("5e3", Ordering::Equal),
            ("5E+3", Ordering::Equal),
            ("0.5e4", Ordering::Equal),
            ("500000e-2", Ordering::Equal),
            ("0.00000000005e14", Ordering::Equal),
            ("5000.0000000000000001", Ordering::Greater),
            ("5000.00000000000000000000000000000000000000000000000000000000000000000000001", Ordering::Greater),
            ("4999.9999999999999999", Ordering::Less),
            ("1e400", Ordering::Greater),
            ("1e99999999999999999999999", Ordering::Greater),
            ("0e99999999999999999999999", Ordering::Less),
            ("1e-99999999999999999999999", Ordering::Less),
            ("-1e99999999999999999999999", Ordering::Less),
            ("340282366920938463463374607431768211456", Ordering::Greater),
        ] {
            assert_eq!(order(text, 5000), expected, "{text}");
        }
        for (text, expected) in [
            ("-0", Ordering::Equal),
            ("-0.0e5", Ordering::Equal),
            ("-1e-400", Ordering::Less),
            ("1e-400", Ordering::Greater),
        ] {
            assert_eq!(order(text, 0), expected, "{text}");
        }
        assert_eq!(order("9007199254740993", 1 << 53), Ordering::Greater);
        assert_eq!(order("9007199254740992", 1 << 53), Ordering::Equal);
    }

    #[test]
    fn what_is_no_number_of_json_is_none() {
        for text in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1_000", "NaN", "Infinity", " 1", "1 ", "--1",
            "1e5.0", "½",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn amounts_have_six_digits_after_the_point() {
        for (text, amount) in [
            ("12.5", Some(12_500_000)),
            ("0.000001", Some(1)),
            ("1e-6", Some(1)),
            ("0.0000010000", Some(1)),
            ("-0", Some(0)),
            ("9000000000000", Some(9_000_000_000_000_000_000)),
            ("0.0000001", None),
            ("-1", None),
            ("-0.0000001", None),
            ("10000000000000", None),
            ("1e300", None),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().amount(), amount, "{text}");
        }
    }

    #[test]
    fn integers_have_no_fraction() {
        for (text, is) in [("5", true), ("5.0", true), ("5e-1", false), ("1e30", true), ("-7", true), ("1e-7", false)] {
            assert_eq!(Decimal::parse(text).unwrap().is_integer(), is, "{text}");
        }
    }

    proptest! {
        /// Against arithmetic of another kind: both sides as integers of the same scale.
        #[test]
        fn comparison_is_exact(digits in 0_u64..10_000_000_000, places in 0_u32..9, exponent in -9_i32..9, bound in 0_u64..2_000_000) {
            let text = format!("{}.{:0width$}e{exponent}", digits / 10_u64.pow(places), digits % 10_u64.pow(places), width = places as usize);
            let text = if places == 0 { format!("{digits}e{exponent}") } else { text };
            // digits × 10^(exponent - places) against bound, both times 10^18.
            let power = u32::try_from(18 + exponent - places as i32).unwrap();
            let expected = (u128::from(digits) * 10_u128.pow(power)).cmp(&(u128::from(bound) * 10_u128.pow(18)));
            prop_assert_eq!(order(&text, bound), expected, "{}", text);
        }
    }
}
