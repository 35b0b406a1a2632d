//! What a rule demands of the query of a URL: `query = { month = { max_length = 7 } }`.
//!
//! A rule that has it names every parameter that there may be. A query that servers read in more than one way meets no
//! condition; where `+` may be a space or itself, both readings must.

use std::fmt;

use crate::condition::{Condition, Test};
use crate::request::{Passed, Request};
use crate::resource::Resource;
use crate::text::{Printable, is_hidden};

/// The parameters that there may be, each with what it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query(pub(crate) Vec<Condition>);

/// The first thing that is not as demanded. Values are not shown: they may be secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum QueryMismatch<'a> {
    Unreadable(&'static str),
    Unlisted(String),
    Repeated(String),
    Missing(&'a str),
    Failed(&'a str, &'a Test),
}

impl Query {
    /// # Errors
    /// The first thing in the request's query that is not as demanded.
    pub(crate) fn check(&self, request: &Request) -> Result<(), QueryMismatch<'_>> {
        match request.resource() {
            Resource::Fetch(target) => match request.passed() {
                Passed::Arguments(_) | Passed::Columns(_) => self.check_text(target.url().query().unwrap_or_default()),
                Passed::Anything => Ok(()),
            },
            // Rules with conditions on a query are for `fetch`.
            Resource::File(_)
            | Resource::Key(_)
            | Resource::Keyless
            | Resource::Kv(_)
            | Resource::Table(_)
            | Resource::Tool(_)
            | Resource::Secret(_)
            | Resource::Run(_)
            | Resource::Custom(_) => Ok(()),
        }
    }

    fn check_text(&self, query: &str) -> Result<(), QueryMismatch<'_>> {
        let parameters = read(query).map_err(QueryMismatch::Unreadable)?;
        for (at, (name, _)) in parameters.iter().enumerate() {
            if !self.0.iter().any(|condition| condition.argument == *name) {
                return Err(QueryMismatch::Unlisted(name.clone()));
            }
            if parameters.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(QueryMismatch::Repeated(name.clone()));
            }
        }
        for condition in &self.0 {
            let Some((_, readings)) = parameters.iter().find(|(name, _)| *name == condition.argument) else {
                if condition.optional {
                    continue;
                }
                return Err(QueryMismatch::Missing(&condition.argument));
            };
            if let Some(test) = readings.iter().find_map(|text| condition.failed_by_text(text)) {
                return Err(QueryMismatch::Failed(&condition.argument, test));
            }
        }
        Ok(())
    }
}

/// A parameter: its name, and its value as it may be read.
type Parameter = (String, Vec<String>);

fn read(query: &str) -> Result<Vec<Parameter>, &'static str> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    if query.contains(';') {
        return Err("it has a `;`, which some take for `&`");
    }
    query.split('&').map(parameter).collect()
}

fn parameter(text: &str) -> Result<Parameter, &'static str> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        return Err("it has a parameter without a name");
    }
    if name.contains('+') {
        return Err("the name of a parameter has a `+`, which some take for a space");
    }
    let plain = decode(value)?;
    let mut readings = vec![plain];
    if value.contains('+') {
        readings.push(decode(&value.replace('+', " "))?);
    }
    Ok((decode(name)?, readings))
}

fn decode(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "its percent-encoding is not valid";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else { return Err(BAD) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| BAD)?);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if decoded.chars().any(is_hidden) { Err("it has a control or an invisible character") } else { Ok(decoded) }
}

impl fmt::Display for QueryMismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryMismatch::Unreadable(why) => write!(f, "the conditions on the query cannot be checked: {why}"),
            QueryMismatch::Unlisted(name) => {
                write!(f, "the rule's `query` does not name parameter `{}`", Printable(name))
            }
            QueryMismatch::Repeated(name) => write!(f, "parameter `{}` is there twice", Printable(name)),
            QueryMismatch::Missing(name) => write!(f, "parameter `{}` is missing", Printable(name)),
            QueryMismatch::Failed(name, test) => write!(f, "parameter `{}` {test}", Printable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Literal, Type};

    fn on(name: &str, optional: bool, tests: Vec<Test>) -> Condition {
        Condition { argument: name.into(), optional, tests }
    }

    fn query() -> Query {
        Query(vec![
            on("month", false, vec![Test::MaxLength(7), Test::Prefix("2026-".into())]),
            on("page", true, vec![Test::Min(1), Test::Max(9), Test::Type(Type::Integer)]),
            on("sort", true, vec![Test::In(vec![Literal::Text("by date".into()), Literal::Boolean(true)])]),
        ])
    }

    #[test]
    fn what_is_named_and_as_demanded_is_accepted() {
        for text in [
            "month=2026-03",
            "page=9&month=2026-03",
            "month=2026%2D03",
            "%6donth=2026-03",
            "month=2026-03&sort=by%20date",
            "month=2026-03&sort=true",
        ] {
            assert_eq!(query().check_text(text), Ok(()), "{text}");
        }
        assert_eq!(Query(Vec::new()).check_text(""), Ok(()));
    }

    #[test]
    fn everything_else_is_not() {
        for (text, says) in [
            ("", "`month` is missing"),
            ("page=1", "`month` is missing"),
            ("Month=2026-03", "does not name parameter `Month`"),
            ("month=2026-03&extra=1", "does not name parameter `extra`"),
            ("month[]=2026-03", "does not name parameter `month[]`"),
            ("month=2026-03&month=2026-04", "`month` is there twice"),
            ("month=2026-03&%6donth=1999", "`month` is there twice"),
            ("month", "starts with"),
            ("month=2026-03x", "of length 7 or less"),
            ("month=1999-03", "starts with `2026-`"),
            ("month=2026-03&page=10", "at most 9"),
            ("month=2026-03&page=0", "at least 1"),
            ("month=2026-03&page=007", "at least 1"),
            ("month=2026-03&page=1e0", "at least 1"),
            ("month=2026-03&page=1.5", "type `integer`"),
            ("month=2026-03&page= 1", "at least 1"),
            ("month=2026-03&page=%2B1", "at least 1"),
            // Itself, for who does not take it for a space.
            ("month=2026-03&sort=by+date", "is not among"),
            ("month=2026-03;page=1", "cannot be checked"),
            ("month=2026-03&", "cannot be checked"),
            ("&month=2026-03", "cannot be checked"),
            ("=x&month=2026-03", "cannot be checked"),
            ("month=2026-03&p+=1", "cannot be checked"),
            ("month=2026-%0", "cannot be checked"),
            ("month=2026-%zz", "cannot be checked"),
            ("month=2026-%ff", "cannot be checked"),
            ("month=2026-%00", "cannot be checked"),
            ("month=2026-%E2%80%8B", "cannot be checked"),
        ] {
            let mismatch = query().check_text(text).unwrap_err().to_string();
            assert!(mismatch.contains(says), "{text}: {mismatch}");
        }
        assert!(Query(Vec::new()).check_text("a").is_err());
    }

    #[test]
    fn values_are_not_told() {
        for text in ["month=hunter2", "month=2026-hunter2", "month=2026-03&page=hunter2"] {
            assert!(!query().check_text(text).unwrap_err().to_string().contains("hunter2"));
        }
    }
}
