//! What becomes of a token, check by check: for people who want to know why.

use crate::check::{Check, Trail};
use crate::dpop::Proof;
use crate::error::TokenError;
use crate::issuer::TrustedIssuers;
use crate::token::{RawToken, Token, UnspentToken};

/// The checks of one token, each with its outcome, in order.
#[derive(Debug)]
pub struct Inspection {
    reached: Vec<(Check, Option<TokenError>)>,
    verified: Result<UnspentToken, TokenError>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    Passed,
    Failed(&'a TokenError),
    /// An earlier check failed, so that nothing is known about this one. A signature that was not checked is not valid.
    NotReached,
}

/// Makes the checks of [`RawToken::verify_presented`], the same ones, and tells about each. Nothing is spent.
pub fn inspect(token: &RawToken, proof: Option<&Proof>, trusted: &TrustedIssuers, now: u64) -> Inspection {
    let mut notes = Notes(Vec::with_capacity(Check::ALL.len()));
    let verified = token.check(proof, trusted, now, &mut notes);
    Inspection { reached: notes.0, verified }
}

impl Inspection {
    /// Every check in order, with its outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (Check, Outcome<'_>)> {
        Check::ALL.into_iter().map(|check| (check, self.outcome(check)))
    }

    /// How one check ended.
    pub fn outcome(&self, check: Check) -> Outcome<'_> {
        match self.reached.iter().find(|(reached, _)| *reached == check) {
            Some((_, None)) => Outcome::Passed,
            Some((_, Some(error))) => Outcome::Failed(error),
            None => Outcome::NotReached,
        }
    }

    /// What the token proves when every check passed, for display: it authorises nothing.
    ///
    /// # Errors
    /// The check that failed.
    pub fn verified(&self) -> Result<&Token, &TokenError> {
        self.verified.as_ref().map(UnspentToken::peek)
    }
}

impl Outcome<'_> {
    /// The word for reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::NotReached => "not reached",
        }
    }
}

struct Notes(Vec<(Check, Option<TokenError>)>);

impl Trail for Notes {
    fn note<T>(&mut self, check: Check, result: Result<T, TokenError>) -> Result<T, TokenError> {
        self.0.push((check, result.as_ref().err().cloned()));
        result
    }
}
