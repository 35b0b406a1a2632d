//! Regular expressions of conditions.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::text::Printable;

/// A regular expression, compiled, that whole texts match. Linear in the length of both.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(super) text: String,
    whole: Regex,
}

/// Longest regular expression, in bytes.
pub(super) const MAX_EXPRESSION: usize = 1024;
/// Longest string that a regular expression is tried on, in bytes; a longer one does not match.
pub(super) const MAX_MATCHED: usize = 8 << 10;
/// Most bytes of a compiled expression, which bounds the work for each byte of a string.
const MAX_COMPILED: usize = 64 << 10;

impl Expression {
    /// # Errors
    /// What is wrong with it, in a line.
    pub(crate) fn new(text: &str) -> Result<Expression, String> {
        if text.len() > MAX_EXPRESSION {
            return Err(format!("it is longer than {MAX_EXPRESSION} bytes"));
        }
        let compile = |text: &str| {
            let built = RegexBuilder::new(text).size_limit(MAX_COMPILED).dfa_size_limit(1 << 20).nest_limit(50).build();
            built.map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
                error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            })
        };
        // By itself first: a `)` of its own must not end the group around it.
        compile(text)?;
        let whole = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Expression { text: text.to_owned(), whole })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        text.len() <= MAX_MATCHED && self.whole.is_match(text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.text).fmt(f)
    }
}
