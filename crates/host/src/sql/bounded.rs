//! Functions of SQLite that can take minutes over two values of a megabyte, done anew.
//!
//! SQLite looks at the clock between its instructions, and a function is one. These give what SQLite's own give, in time
//! that grows with the length of their arguments, or ([`patterns`](super::patterns)) looking at the clock themselves.

use std::borrow::Cow;
use std::collections::HashSet;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};

use super::patterns::{Dialect, Pattern, Reader};
use super::texts::{Characters, Occurrences, characters, text, until_nul};

/// Replaces SQLite's functions of one connection. A value has at most `most` bytes; `goes_on` says whether anybody still waits.
pub(super) fn replace_functions(
    connection: &Connection,
    most: usize,
    goes_on: impl Fn() -> bool + Clone + Send + 'static,
) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let add = |name: &str, arguments: i32, function: fn(&Context<'_>, &Bounds<'_>) -> Result<Output>| {
        let goes_on = goes_on.clone();
        connection.create_scalar_function(name, arguments, flags, move |context| {
            let bounds = Bounds { most, goes_on: &goes_on };
            bounds.check()?;
            function(context, &bounds)
        })
    };
    add("instr", 2, |context, _| Ok(instr(context.get_raw(0), context.get_raw(1))))?;
    add("replace", 3, |context, bounds| replace(context, bounds.most))?;
    for arguments in [1, 2] {
        add("ltrim", arguments, |context, _| Ok(trim(context, true, false)))?;
        add("rtrim", arguments, |context, _| Ok(trim(context, false, true)))?;
        add("trim", arguments, |context, _| Ok(trim(context, true, true)))?;
    }
    add("unhex", 2, |context, _| Ok(unhex(context)))?;
    add("glob", 2, |context, bounds| matches(context, Dialect::GLOB, bounds))?;
    add("like", 2, |context, bounds| matches(context, Dialect::LIKE, bounds))?;
    add("like", 3, |context, bounds| matches(context, Dialect::LIKE, bounds))
}

/// What a function may take.
pub(super) struct Bounds<'b> {
    most: usize,
    goes_on: &'b dyn Fn() -> bool,
}

impl Bounds<'_> {
    /// # Errors
    /// When nobody waits any more.
    pub(super) fn check(&self) -> Result<()> {
        if (self.goes_on)() { Ok(()) } else { Err(failed(ffi::SQLITE_INTERRUPT)) }
    }
}

enum Output {
    Null,
    Integer(i64),
    /// What SQLite calls text, whether or not it is UTF-8.
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl ToSql for Output {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Output::Null => ValueRef::Null,
            Output::Integer(integer) => ValueRef::Integer(*integer),
            Output::Text(text) => ValueRef::Text(text),
            Output::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn failed(code: i32) -> Error {
    Error::SqliteFailure(ffi::Error::new(code), None)
}

fn complaint(words: &str) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(words.to_owned()))
}

/// The place of a text, or of bytes, in another one; characters are counted from 1.
fn instr(haystack: ValueRef<'_>, needle: ValueRef<'_>) -> Output {
    let are_bytes = matches!((haystack, needle), (ValueRef::Blob(_), ValueRef::Blob(_)));
    let (Some(haystack), Some(needle)) = (text(haystack), text(needle)) else { return Output::Null };
    if needle.is_empty() {
        return Output::Integer(1);
    }
    let starts = |at: usize| are_bytes || at == 0 || haystack.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let found = Occurrences::new(&haystack, &needle).find(|at| starts(*at));
    let place = found.map_or(0, |found| (0..found).filter(|at| starts(*at)).count().saturating_add(1));
    Output::Integer(i64::try_from(place).unwrap_or(i64::MAX))
}

fn replace(context: &Context<'_>, most: usize) -> Result<Output> {
    let (Some(whole), Some(old)) = (text(context.get_raw(0)), text(context.get_raw(1))) else {
        return Ok(Output::Null);
    };
    if old.first().is_none_or(|first| *first == 0) {
        return Ok(Output::Text(whole.into_owned()));
    }
    let Some(new) = text(context.get_raw(2)) else { return Ok(Output::Null) };
    let mut replaced = Vec::new();
    let mut rest = 0;
    for at in Occurrences::new(&whole, &old).apart() {
        replaced.extend_from_slice(whole.get(rest..at).unwrap_or_default());
        replaced.extend_from_slice(&new);
        rest = at.saturating_add(old.len());
        if replaced.len() > most {
            return Err(failed(ffi::SQLITE_TOOBIG));
        }
    }
    replaced.extend_from_slice(whole.get(rest..).unwrap_or_default());
    Ok(Output::Text(replaced))
}

fn trim(context: &Context<'_>, left: bool, right: bool) -> Output {
    let Some(whole) = text(context.get_raw(0)) else { return Output::Null };
    let set = if context.len() == 1 { Some(Cow::Borrowed(&b" "[..])) } else { text(context.get_raw(1)) };
    let Some(set) = set else { return Output::Null };
    let (set, mut rest) = (Characters::new(until_nul(&set)), &*whole);
    if left {
        while let Some((_, after)) = set.at_start(rest) {
            rest = after;
        }
    }
    if right {
        while let Some((before, _)) = set.at_end(rest) {
            rest = before;
        }
    }
    Output::Text(rest.to_vec())
}

/// Bytes from hexadecimal digits, between pairs of which the characters of the second argument may stand.
fn unhex(context: &Context<'_>) -> Output {
    let (Some(digits), Some(passed)) = (text(context.get_raw(0)), text(context.get_raw(1))) else {
        return Output::Null;
    };
    let code = |character| Reader { text: character, at: 0 }.read();
    let passed: HashSet<u32> = characters(&passed).map(code).collect();
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::new();
    let mut rest = until_nul(&digits);
    while !rest.is_empty() {
        if let Some(high) = digit(rest.first()) {
            let Some(low) = digit(rest.get(1)) else { return Output::Null };
            bytes.push(high << 4 | low);
            rest = rest.get(2..).unwrap_or_default();
        } else {
            let Some(first) = characters(rest).next().filter(|first| passed.contains(&code(first))) else {
                return Output::Null;
            };
            rest = rest.get(first.len()..).unwrap_or_default();
        }
    }
    Output::Blob(bytes)
}

fn matches(context: &Context<'_>, mut dialect: Dialect, bounds: &Bounds<'_>) -> Result<Output> {
    let pattern = text(context.get_raw(0));
    if pattern.as_ref().is_some_and(|pattern| pattern.len() > Pattern::LONGEST) {
        return Err(complaint("LIKE or GLOB pattern too complex"));
    }
    if context.len() == 3 {
        let Some(escape) = text(context.get_raw(2)) else { return Ok(Output::Null) };
        let escape = until_nul(&escape);
        if characters(escape).count() != 1 {
            return Err(complaint("ESCAPE expression must be a single character"));
        }
        dialect = dialect.escaped_by(escape);
    }
    let (Some(pattern), Some(whole)) = (pattern, text(context.get_raw(1))) else { return Ok(Output::Null) };
    let pattern = Pattern { dialect, pattern: until_nul(&pattern) };
    Ok(Output::Integer(pattern.matches(until_nul(&whole), bounds)?.into()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "SQLite itself, to compare with")]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
    use rusqlite::types::Value;

    use super::super::functions::FUNCTIONS;
    use super::*;

    const MOST: usize = 1 << 20;

    fn ours() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, i32::try_from(MOST).unwrap()).unwrap();
        replace_functions(&connection, MOST, || true).unwrap();
        connection
    }

    /// Type and bytes of an expression over three values, or that it failed.
    fn compute(connection: &Connection, expression: &str, values: &[Value; 3]) -> Option<(String, String)> {
        let text = format!(
            "WITH v(a, b, c, x, y, z) AS (SELECT ?1, ?2, ?3, CAST(?1 AS TEXT), CAST(?2 AS TEXT), CAST(?3 AS TEXT)) \
             SELECT typeof({expression}), hex({expression}) FROM v"
        );
        connection.query_row(&text, rusqlite::params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?))).ok()
    }

    const EXPRESSIONS: [&str; 24] = [
        "instr(a, b)",
        "instr(x, y)",
        "instr(a, y)",
        "replace(a, b, c)",
        "replace(x, y, z)",
        "trim(x)",
        "trim(a, b)",
        "ltrim(x, y)",
        "rtrim(x, y)",
        "trim(x, y)",
        "unhex(x, y)",
        "unhex(a, b)",
        "a LIKE b",
        "x LIKE y",
        "x LIKE y ESCAPE z",
        "x LIKE y ESCAPE '%'",
        "x LIKE y ESCAPE '_'",
        "x LIKE y ESCAPE '\\'",
        "x GLOB y",
        "a GLOB b",
        "like(y, x)",
        "glob(y, x)",
        "x || '%' LIKE y",
        "x NOT LIKE y",
    ];

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let pieces: Vec<&[u8]> = vec![
            b"a",
            b"a",
            b"A",
            b"b",
            b"ab",
            b"%",
            b"%",
            b"_",
            b"*",
            b"*",
            b"?",
            b"[",
            b"]",
            b"^",
            b"-",
            b"\\",
            b" ",
            b"0",
            b"f",
            b"4F",
            b"\0",
            b"\x80",
            b"\xff",
            b"\xc3",
            "é".as_bytes(),
            "É".as_bytes(),
            "€".as_bytes(),
            "😀".as_bytes(),
        ];
        prop::collection::vec(prop::sample::select(pieces), 0..8).prop_map(|pieces| pieces.concat())
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            1 => Just(Value::Null),
            1 => (-200_i64..200).prop_map(Value::Integer),
            1 => prop::sample::select(vec![0.0, -0.0, 1.0, -2.5, 0.1, 1e14, 1e15, 123456.789, 1e-4, 1e-5, 1e300, -1e-300, f64::INFINITY]).prop_map(Value::Real),
            6 => bytes().prop_map(|bytes| Value::Text(String::from_utf8_lossy(&bytes).into_owned())),
            4 => bytes().prop_map(Value::Blob),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn they_give_what_the_functions_of_sqlite_give(values in [value(), value(), value()]) {
            let (ours, theirs) = (ours(), Connection::open_in_memory().unwrap());
            for expression in EXPRESSIONS {
                prop_assert_eq!(
                    compute(&ours, expression, &values), compute(&theirs, expression, &values), "{} of {:?}", expression, &values
                );
            }
        }
    }

    #[test]
    fn a_result_that_is_too_long_is_refused() {
        let connection = ours();
        let text = "SELECT length(replace(hex(zeroblob(1000)), '0', hex(zeroblob(1000))))";
        let error = connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::TooBig));
    }

    #[test]
    fn nobody_waits_for_what_nobody_wants() {
        let connection = Connection::open_in_memory().unwrap();
        replace_functions(&connection, MOST, || false).unwrap();
        for call in [
            "trim('a')",
            "replace('a', 'b', 'c')",
            "instr('a', 'b')",
            "'a' LIKE '%b'",
            "'a' GLOB '*b'",
            "unhex('a', 'b')",
        ] {
            let error = connection.query_row(&format!("SELECT {call}"), [], |row| row.get::<_, Value>(0)).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted), "{call}");
        }
    }

    /// No function that statements may use takes longer than it takes to walk through its arguments some thousand times, which
    /// is what the longest pattern takes. SQLite's own took from ten thousand times to some hundred thousand.
    #[test]
    fn no_function_takes_minutes() {
        let connection = ours();
        let size = 1 << 18;
        let zeros = "0".repeat(size);
        let list = format!("[{}1]", "1,".repeat(size / 2));
        let object = |from: usize| {
            let members: Vec<String> = (from..from + size / 12).map(|at| format!("\"k{at}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        let values = [
            zeros.clone(),
            format!("{}1", "0".repeat(size / 2)),
            format!("{}0", "1".repeat(size / 2)),
            format!("%{}1", "_".repeat(150)),
            format!("*{}1", "?".repeat(150)),
            "$.k1".to_owned(),
            list,
            object(0),
            object(size),
            "[".repeat(900),
            "%s%.9999f%9999d".repeat(size / 100),
        ];
        let time = |text: &str, given: &[&String]| {
            let Ok(mut statement) = connection.prepare(text) else { return None };
            let started = Instant::now();
            let _ = statement.query(rusqlite::params_from_iter(given)).map(|mut rows| rows.next().map(drop));
            Some(started.elapsed())
        };
        let walk = (0..5).filter_map(|_| time("SELECT upper(?)", &[&zeros])).max().unwrap();
        let mut tried = 0;
        for name in FUNCTIONS {
            let mut check = |text: &str, given: &[&String]| {
                if let Some(took) = time(text, given) {
                    tried += 1;
                    assert!(took < 3000 * walk, "{text}: {took:?}, where {walk:?} is a walk");
                }
            };
            for first in &values {
                check(&format!("SELECT {name}(?)"), &[first]);
                for second in &values {
                    check(&format!("SELECT {name}(?, ?)"), &[first, second]);
                }
                check(&format!("SELECT {name}(?, ?, ?)"), &[first, &values[1], &values[2]]);
                check(&format!("SELECT {name}(?, ?, ?)"), &[first, &values[5], first]);
            }
        }
        assert!(tried > 3000, "{tried}");
    }
}
