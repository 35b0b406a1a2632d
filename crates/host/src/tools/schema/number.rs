//! Numbers as JSON Schema sees them: by value, however they are written.

use std::cmp::Ordering;

use serde_json::Number;

/// By value: exact between integers.
pub(super) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    let integer = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// `None` where floats cannot tell.
pub(super) fn is_multiple(number: &Number, of: &Number) -> Option<bool> {
    if let (Some(number), Some(of)) = (number.as_i64(), of.as_i64()) {
        return number.checked_rem(of).map(|rest| rest == 0);
    }
    let (number, of) = (number.as_f64()?, of.as_f64()?);
    let quotient = number / of;
    // 0.3 is a multiple of 0.1, as far as floats can tell.
    quotient.is_finite().then(|| (quotient - quotient.round()).abs() < 1e-9)
}
