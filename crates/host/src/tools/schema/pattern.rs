//! Regular expressions of schemas.

use regex::{Error, Regex, RegexBuilder};

/// Sizes of a compiled pattern in bytes, about, and what one weighs. `\w{1,64}` is of the second, because of Unicode.
const SIZES: [(usize, u32); 2] = [(1 << 20, 1), (8 << 20, 8)];
/// Patterns that stay compiled.
const KEPT: usize = 8;
/// Steps that compiling one takes, times its weight.
const COMPILING: u32 = 4000;
/// Weight of all patterns of one schema.
const MAX_WEIGHT: u32 = 200;

/// Why a pattern cannot be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is none, or uses look-around or back references.
    Dialect,
    TooBig,
}

#[derive(Clone, Debug)]
struct Pattern {
    regex: Regex,
    weight: u32,
}

/// The patterns of one check.
#[derive(Debug, Default)]
pub(super) struct Patterns<'s> {
    /// `None` for what is outside the dialect. The last one used is last.
    kept: Vec<(&'s str, Option<Pattern>)>,
}

/// What a match came to.
pub(super) struct Match {
    /// `None` for a pattern outside the dialect.
    pub(super) fits: Option<bool>,
    pub(super) steps: u32,
}

impl<'s> Patterns<'s> {
    /// `None` for a pattern that is too large.
    pub(super) fn matches(&mut self, pattern: &'s str, text: &str) -> Option<Match> {
        let (found, compiling) = match self.kept.iter().position(|(kept, _)| *kept == pattern) {
            Some(place) => (self.kept.remove(place).1, 0),
            None => match Pattern::compile(pattern) {
                Ok(compiled) => (Some(compiled), COMPILING),
                Err(Unusable::Dialect) => (None, COMPILING),
                Err(Unusable::TooBig) => return None,
            },
        };
        let weight = found.as_ref().map_or(1, |found| found.weight);
        let fits = found.as_ref().map(|found| found.regex.is_match(text));
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((pattern, found));
        let length = u32::try_from(pattern.len().saturating_add(text.len())).unwrap_or(u32::MAX);
        Some(Match { fits, steps: length.saturating_add(compiling).saturating_add(16).saturating_mul(weight) })
    }
}

/// What the patterns of a schema weigh together, one after the other.
#[derive(Debug, Default)]
pub(super) struct Weight(u32);

impl Weight {
    /// What is wrong with another one. `decides`: nothing fits if it cannot be matched.
    pub(super) fn add(&mut self, pattern: &str, decides: bool) -> Result<(), &'static str> {
        self.0 += match Pattern::compile(pattern) {
            Ok(compiled) => compiled.weight,
            Err(Unusable::Dialect) if !decides => 1,
            Err(Unusable::Dialect) => {
                return Err("its schema has `patternProperties` with look-around, back references or a mistake");
            }
            Err(Unusable::TooBig) => return Err("its schema has a pattern that is too large to check"),
        };
        if self.0 > MAX_WEIGHT { Err("its schema has more patterns than can be checked") } else { Ok(()) }
    }
}

impl Pattern {
    fn compile(pattern: &str) -> Result<Pattern, Unusable> {
        for (size, weight) in SIZES {
            match RegexBuilder::new(pattern).size_limit(size).dfa_size_limit(size).build() {
                Ok(regex) => return Ok(Pattern { regex, weight }),
                Err(Error::Syntax(_)) => return Err(Unusable::Dialect),
                Err(_) => {}
            }
        }
        Err(Unusable::TooBig)
    }
}
