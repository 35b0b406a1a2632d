//! What a token, a registry entry or a task restriction grants: a union of scopes.

use std::collections::HashSet;
use std::fmt;

use crate::kind::Kind;
use crate::pattern::Pattern;
use crate::request::Request;
use crate::scope::{Scope, ScopeError, is_scope_byte};

/// Scopes, each of which adds to what the set covers. The empty set covers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet {
    scopes: Vec<Scope>,
}

/// Most bytes of text that one set is read from.
pub const MAX_SCOPES: usize = 1 << 20;

impl ScopeSet {
    /// The set that covers nothing.
    pub fn empty() -> ScopeSet {
        ScopeSet::default()
    }

    /// Reads a token's `scope` claim. A scope of an unknown kind is ignored, because tokens serve other systems too; so is one
    /// that begins like a kind of an embedder and is none.
    ///
    /// # Errors
    /// A scope of a known kind that is malformed makes the whole text invalid, as does a character that RFC 6749 does
    /// not have in scopes, or a second space between two scopes.
    pub fn parse_token(text: &str) -> Result<ScopeSet, ScopeError> {
        ScopeSet::parse(text, |item| match Kind::parse(item.split(':').next().unwrap_or_default()) {
            Some(Kind::Custom(_)) => Scope::parse(item).is_ok(),
            kind => kind.is_some(),
        })
    }

    /// Reads scopes of which all must be known: a registry entry, a task restriction, a command-line argument.
    ///
    /// # Errors
    /// As [`ScopeSet::parse_token`], and for unknown kinds.
    pub fn parse_strict(text: &str) -> Result<ScopeSet, ScopeError> {
        ScopeSet::parse(text, |_| true)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.scopes.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    pub fn covers(&self, request: &Request) -> bool {
        self.scopes.iter().any(|scope| scope.covers(request))
    }

    /// Whether everything that `other` covers is covered by this set. Exact, also where several scopes of this set only
    /// together contain one of the other.
    ///
    /// # Errors
    /// The first scope of `other` that is not contained.
    pub fn contains(&self, other: &ScopeSet) -> Result<(), Scope> {
        // A derived set repeats scopes word for word; without this, comparing two large ones would be quadratic.
        let same: HashSet<&Scope> = self.scopes.iter().collect();
        match other.scopes.iter().find(|scope| !same.contains(scope) && !self.contains_scope(scope)) {
            Some(scope) => Err(scope.clone()),
            None => Ok(()),
        }
    }

    /// Everything that both sets cover.
    #[must_use]
    pub fn intersect(&self, other: &ScopeSet) -> ScopeSet {
        let pairs = self.scopes.iter().flat_map(|mine| other.scopes.iter().map(move |theirs| (mine, theirs)));
        pairs.filter_map(|(mine, theirs)| mine.intersect(theirs)).collect()
    }

    fn parse(text: &str, wanted: impl Fn(&str) -> bool) -> Result<ScopeSet, ScopeError> {
        if text.len() > MAX_SCOPES {
            return Err(ScopeError::TooLong);
        }
        if text.is_empty() {
            return Ok(ScopeSet::empty());
        }
        let mut scopes = Vec::new();
        for item in text.split(' ') {
            if item.is_empty() || !item.bytes().all(is_scope_byte) {
                return Err(ScopeError::Character);
            }
            if wanted(item) {
                scopes.push(Scope::parse(item)?);
            }
        }
        Ok(scopes.into_iter().collect())
    }

    fn contains_scope(&self, scope: &Scope) -> bool {
        if self.scopes.iter().any(|mine| mine.contains(scope)) {
            return true;
        }
        let rivals = || {
            let same_kind = self.scopes.iter().filter(|mine| mine.kind() == scope.kind());
            same_kind.filter(|mine| mine.pattern().authority.contains(&scope.pattern().authority))
        };
        scope.actions().all(|action| {
            let patterns: Vec<_> = rivals().filter(|mine| mine.action_set().has(action)).map(Scope::pattern).collect();
            union_contains(&patterns, scope.pattern())
        })
    }
}

/// Whether the patterns together contain `pattern`.
///
/// A `*` ranges over more values than finitely many literals can cover, so resources of one length are contained in the
/// union exactly if they are contained in one pattern. That leaves the lengths to go through; beyond the longest of the
/// patterns only tails cover anything, and a tail that covers one such length covers them all.
fn union_contains(patterns: &[&Pattern], pattern: &Pattern) -> bool {
    let first = pattern.segments.len() + usize::from(pattern.tail);
    let longest = patterns.iter().map(|mine| mine.segments.len()).max().unwrap_or(0);
    let last = if pattern.tail { first.max(longest + 1) } else { first };
    (first..=last).all(|length| {
        let fixed = pattern.of_length(length);
        fixed.is_some_and(|fixed| patterns.iter().any(|mine| mine.contains(&fixed)))
    })
}

impl FromIterator<Scope> for ScopeSet {
    /// Keeps the order and drops exact duplicates.
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> ScopeSet {
        let mut seen = HashSet::new();
        ScopeSet { scopes: scopes.into_iter().filter(|scope| seen.insert(scope.clone())).collect() }
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.scopes.iter().enumerate() {
            write!(f, "{}{scope}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
