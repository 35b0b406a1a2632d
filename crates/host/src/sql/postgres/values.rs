//! PostgreSQL's binary values as JSON, and parameters as its text.

use std::error::Error;
use std::fmt::{self, Write as _};

use bytes::BytesMut;
use rusqlite::types::Value;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

/// A parameter, which the server reads as the type that it takes there.
pub(super) struct Parameter(pub(super) Value);

/// A value as it came.
pub(super) struct Raw<'a>(&'a [u8]);

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Most dimensions of an array.
const MAX_DIMENSIONS: i32 = 6;

/// Without its content: it is the guest's data, or a secret.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameter(..)")
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let text = match &self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Integer(integer) if *ty == Type::BOOL => match integer {
                0 => "false".to_owned(),
                1 => "true".to_owned(),
                _ => return Err("a boolean is `true` or `false`".into()),
            },
            Value::Integer(integer) => integer.to_string(),
            Value::Real(real) => real.to_string(),
            Value::Text(text) if text.contains('\0') => return Err("a text of PostgreSQL holds no NUL".into()),
            Value::Text(text) => text.clone(),
            Value::Blob(bytes) => format!("\\x{}", data_encoding::HEXLOWER.encode(bytes)),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Raw<'a>, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Whether values of that type are shown; of others a statement asks for the text.
pub(super) fn is_shown(ty: &Type) -> bool {
    match ty.kind() {
        Kind::Enum(_) => true,
        Kind::Array(of) | Kind::Domain(of) => is_shown(of),
        _ => {
            let known = [
                Type::BOOL,
                Type::INT2,
                Type::INT4,
                Type::INT8,
                Type::OID,
                Type::FLOAT4,
                Type::FLOAT8,
                Type::NUMERIC,
                Type::TEXT,
                Type::VARCHAR,
                Type::BPCHAR,
                Type::NAME,
                Type::UNKNOWN,
                Type::BYTEA,
                Type::JSON,
                Type::JSONB,
                Type::UUID,
                Type::DATE,
                Type::TIME,
                Type::TIMESTAMP,
                Type::TIMESTAMPTZ,
                Type::INTERVAL,
            ];
            known.contains(ty) || ty.name() == "citext"
        }
    }
}

impl Raw<'_> {
    /// The value as JSON; `None` if the bytes are not what that type has.
    pub(super) fn json(&self, ty: &Type) -> Option<String> {
        json(ty, self.0)
    }
}

fn json(ty: &Type, raw: &[u8]) -> Option<String> {
    match ty.kind() {
        Kind::Enum(_) => return text(raw),
        Kind::Domain(of) => return json(of, raw),
        Kind::Array(of) => return array(of, raw),
        _ => {}
    }
    let mut rest = raw;
    Some(match *ty {
        Type::BOOL => (*raw.first()? != 0).to_string(),
        Type::INT2 => i16::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT4 => i32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT8 => i64::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::OID => u32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::FLOAT4 => {
            let number = f32::from_be_bytes(raw.try_into().ok()?);
            // By way of its shortest text, so that 0.1 stays 0.1.
            float(number.to_string().parse().ok()?)
        }
        Type::FLOAT8 => float(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => quoted(&numeric(raw)?),
        Type::BYTEA => format!("{{\"$bytes\":\"{}\"}}", data_encoding::BASE64.encode(raw)),
        Type::JSON => document(raw)?,
        Type::JSONB => document(raw.strip_prefix(&[1])?)?,
        Type::UUID => quoted(&uuid(raw)?),
        Type::DATE => match i32::from_be_bytes(raw.try_into().ok()?) {
            i32::MAX => quoted("infinity"),
            i32::MIN => quoted("-infinity"),
            days => quoted(&date(days.into())),
        },
        Type::TIME => quoted(&time(i64::from_be_bytes(raw.try_into().ok()?))),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => match i64::from_be_bytes(raw.try_into().ok()?) {
            i64::MAX => quoted("infinity"),
            i64::MIN => quoted("-infinity"),
            at => {
                let zone = if *ty == Type::TIMESTAMPTZ { "Z" } else { "" };
                quoted(&format!("{}T{}{zone}", date(at.div_euclid(DAY)), time(at.rem_euclid(DAY))))
            }
        },
        Type::INTERVAL => {
            let micros = i64::from_be_bytes(take(&mut rest)?);
            let days = i32::from_be_bytes(take(&mut rest)?);
            let months = i32::from_be_bytes(take(&mut rest)?);
            quoted(&interval(months, days, micros))
        }
        _ => return text(raw),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn text(raw: &[u8]) -> Option<String> {
    std::str::from_utf8(raw).ok().map(quoted)
}

/// JSON as it is; what is nested too deep for readers is a text.
fn document(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    Some(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => quoted(text),
    })
}

fn float(number: f64) -> String {
    match serde_json::Number::from_f64(number) {
        Some(number) => number.to_string(),
        None if number.is_nan() => quoted("NaN"),
        None => quoted(if number > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

/// Groups of four decimal digits, of which the first has the weight 10000^weight.
fn numeric(raw: &[u8]) -> Option<String> {
    let mut rest = raw;
    let count = u16::from_be_bytes(take(&mut rest)?);
    let weight = i32::from(i16::from_be_bytes(take(&mut rest)?));
    let sign = u16::from_be_bytes(take(&mut rest)?);
    let scale = usize::from(u16::from_be_bytes(take(&mut rest)?));
    match sign {
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let mut groups = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        groups.push(i16::from_be_bytes(take(&mut rest)?));
    }
    let group = |at: i32| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    let mut text = if sign == 0x4000 { "-".to_owned() } else { String::new() };
    if weight < 0 {
        text.push('0');
    }
    for at in 0..=weight {
        let _ = if at == 0 { write!(text, "{}", group(at)) } else { write!(text, "{:04}", group(at)) };
    }
    if scale > 0 {
        let mut digits = String::new();
        let mut at = weight.checked_add(1)?;
        while digits.len() < scale {
            let _ = write!(digits, "{:04}", group(at));
            at = at.checked_add(1)?;
        }
        text.push('.');
        text.push_str(digits.get(..scale)?);
    }
    Some(text)
}

fn uuid(raw: &[u8]) -> Option<String> {
    let hex = data_encoding::HEXLOWER.encode(raw.get(..16)?);
    let part = |from, to| hex.get(from..to);
    Some(format!("{}-{}-{}-{}-{}", part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?))
}

/// Days since 2000-01-01 in the proleptic Gregorian calendar; years before 1 are written with a minus, 1 BC as 0000.
fn date(days: i64) -> String {
    // From 0000-03-01, in eras of 400 years.
    let days = days.saturating_add(730_425);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year < 0 { format!("-{:04}-{month:02}-{day:02}", -year) } else { format!("{year:04}-{month:02}-{day:02}") }
}

fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(text, ".{fraction:06}");
    }
    text
}

/// ISO 8601: `P1M2DT3.5S`, each part with its own sign.
fn interval(months: i32, days: i32, micros: i64) -> String {
    let mut text = "P".to_owned();
    if months != 0 {
        let _ = write!(text, "{months}M");
    }
    if days != 0 {
        let _ = write!(text, "{days}D");
    }
    if micros != 0 || text == "P" {
        let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let _ = write!(text, "T{sign}{}", micros / 1_000_000);
        if !micros.is_multiple_of(1_000_000) {
            let _ = write!(text, ".{:06}", micros % 1_000_000);
        }
        text.push('S');
    }
    text
}

/// A list, of lists where it has several dimensions.
fn array(of: &Type, raw: &[u8]) -> Option<String> {
    let mut rest = raw;
    let dimensions = i32::from_be_bytes(take(&mut rest)?);
    let (_nulls, _type): ([u8; 4], [u8; 4]) = (take(&mut rest)?, take(&mut rest)?);
    if !(0..=MAX_DIMENSIONS).contains(&dimensions) {
        return None;
    }
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(usize::try_from(i32::from_be_bytes(take(&mut rest)?)).ok()?);
        let _first: [u8; 4] = take(&mut rest)?;
    }
    if lengths.is_empty() {
        return Some("[]".to_owned());
    }
    // Each item takes at least its length; an array without items has no dimensions.
    let count = lengths.iter().try_fold(1_usize, |count, length| count.checked_mul(*length))?;
    if count == 0 || count.checked_mul(4)? > rest.len() {
        return None;
    }
    items(of, &lengths, &mut rest)
}

fn items(of: &Type, lengths: &[usize], rest: &mut &[u8]) -> Option<String> {
    let (length, inner) = lengths.split_first()?;
    let mut text = "[".to_owned();
    for at in 0..*length {
        if at > 0 {
            text.push(',');
        }
        if !inner.is_empty() {
            text += &items(of, inner, rest)?;
            continue;
        }
        match usize::try_from(i32::from_be_bytes(take(rest)?)) {
            Err(_) => text += "null",
            Ok(bytes) => {
                let (item, after) = rest.split_at_checked(bytes)?;
                *rest = after;
                text += &json(of, item)?;
            }
        }
    }
    text.push(']');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "2000-01-01"),
            (59, "2000-02-29"),
            (60, "2000-03-01"),
            (-1, "1999-12-31"),
            (9_824, "2026-11-24"),
            (-730_426, "0000-02-29"),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
        assert_eq!(time(3_723_000_000), "01:02:03");
        assert_eq!(time(86_399_999_999), "23:59:59.999999");
        assert_eq!(interval(14, -3, 3_500_000), "P14M-3DT3.500000S");
        assert_eq!(
            (interval(0, 0, 0), interval(0, 1, 0), interval(0, 0, -1_000_000)),
            ("PT0S".into(), "P1D".into(), "PT-1S".into())
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let raw = |weight: i16, sign: u16, scale: u16, groups: &[i16]| {
            let mut raw = Vec::new();
            raw.extend(u16::try_from(groups.len()).unwrap().to_be_bytes());
            raw.extend(weight.to_be_bytes());
            raw.extend(sign.to_be_bytes());
            raw.extend(scale.to_be_bytes());
            groups.iter().for_each(|group| raw.extend(group.to_be_bytes()));
            numeric(&raw).unwrap()
        };
        assert_eq!(raw(0, 0, 2, &[12, 5000]), "12.50");
        assert_eq!(raw(1, 0x4000, 0, &[1, 2345]), "-12345");
        assert_eq!(raw(-1, 0, 4, &[7]), "0.0007");
        assert_eq!(raw(-2, 0, 8, &[7]), "0.00000007");
        assert_eq!(raw(0, 0, 3, &[]), "0.000");
        assert_eq!(raw(2, 0, 0, &[1]), "100000000");
        assert_eq!(raw(0, 0xc000, 0, &[]), "NaN");
        assert_eq!(numeric(&[0, 9, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn bytes_that_are_no_value_are_none() {
        for ty in
            [Type::INT4, Type::NUMERIC, Type::UUID, Type::TIMESTAMP, Type::INTERVAL, Type::JSONB, Type::INT4_ARRAY]
        {
            assert_eq!(json(&ty, &[0, 0, 0]), None, "{ty}");
        }
        assert_eq!(json(&Type::TEXT, &[0xff]), None);
        assert_eq!(json(&Type::INT4_ARRAY, &[0; 12]).as_deref(), Some("[]"));
        let huge = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1];
        assert_eq!(json(&Type::INT4_ARRAY, &huge), None);
        assert_eq!(json(&Type::JSON, "[".repeat(500).as_bytes()).unwrap(), format!("\"{}\"", "[".repeat(500)));
    }
}
