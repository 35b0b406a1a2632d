//! The answer to a request: a decision, its stable reason, the rule behind it, and the terms of an allowed call.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::allowance::Charge;
use crate::code::Code;
use crate::rule::{Rule, Terms};

/// What is to happen with a call. Stricter is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    Allow,
    /// A person must approve first.
    Ask,
    Deny,
}

/// A source of authority. All of them must cover a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Token,
    Registry,
    Manifest,
    Ceiling,
    Task,
    /// The run that started this one.
    Parent,
}

/// The decision about one request, with the reason. Cheap to make and to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    decision: Decision,
    code: Code,
    rule: Option<Arc<Rule>>,
    /// Set when the terms are stricter than those of the rule.
    narrowed: Option<Arc<Terms>>,
    /// The rule that makes an allowed call sensitive.
    sensitive: Option<Arc<Rule>>,
    /// What the call takes of budgets, if it is made.
    charges: Vec<Charge>,
}

/// The terms of a verdict without a rule.
static NOTHING: Terms = Terms {
    private: false,
    redirects: false,
    trace: false,
    sensitive: true,
    headers: Vec::new(),
    secrets: Vec::new(),
    response: Some(NonZeroU64::MIN),
    request: Some(NonZeroU64::MIN),
    timeout: None,
};

impl Verdict {
    /// A refusal for a reason that is not in any rule.
    pub fn deny(code: Code) -> Verdict {
        Verdict { decision: Decision::Deny, code, rule: None, narrowed: None, sensitive: None, charges: Vec::new() }
    }

    /// A refusal on account of a rule that allows the call: it has no budget left for it.
    pub fn spent(code: Code, charge: &Charge) -> Verdict {
        Verdict { rule: Some(Arc::clone(charge.rule())), ..Verdict::deny(code) }
    }

    /// Demands a person's approval; combine it with [`Verdict::stricter`].
    pub fn ask(code: Code) -> Verdict {
        Verdict { decision: Decision::Ask, ..Verdict::deny(code) }
    }

    // Private to the crate: only a grant can say yes.
    pub(crate) fn allow(rule: Arc<Rule>, ceiling: Option<&Terms>, sensitive: Option<Arc<Rule>>) -> Verdict {
        let by_ceiling = ceiling.filter(|ceiling| !rule.terms.is_within(ceiling));
        let by_ceiling = by_ceiling.map(|ceiling| rule.terms.narrow(ceiling));
        let narrowed = match by_ceiling {
            None if sensitive.is_some() && !rule.terms.sensitive => {
                Some(Terms { sensitive: true, ..rule.terms.clone() })
            }
            Some(terms) => Some(Terms { sensitive: sensitive.is_some() || terms.sensitive, ..terms }),
            None => None,
        };
        let narrowed = narrowed.map(Arc::new);
        Verdict {
            decision: Decision::Allow,
            code: Code::Allowed,
            rule: Some(rule),
            narrowed,
            sensitive,
            charges: Vec::new(),
        }
    }

    pub(crate) fn deny_by(code: Code, rule: Arc<Rule>) -> Verdict {
        Verdict { rule: Some(rule), ..Verdict::deny(code) }
    }

    pub fn decision(&self) -> Decision {
        self.decision
    }

    pub fn code(&self) -> Code {
        self.code
    }

    /// The rule that allowed or denied, if a rule did.
    pub fn rule(&self) -> Option<&Arc<Rule>> {
        self.rule.as_ref()
    }

    /// The rule that makes an allowed call sensitive, if one does. It need not be the one that decided.
    pub fn sensitive(&self) -> Option<&Arc<Rule>> {
        self.sensitive.as_ref()
    }

    pub(crate) fn charged(self, charges: Vec<Charge>) -> Verdict {
        Verdict { charges, ..self }
    }

    /// What the call takes of the budgets of rules, if it is made. Empty, and without allocation, unless a rule that allows
    /// it has budgets.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// How the call may be made; the strictest there is unless a rule allowed it.
    pub fn terms(&self) -> &Terms {
        match (&self.narrowed, &self.rule) {
            (Some(terms), _) => terms,
            (None, Some(rule)) if self.decision != Decision::Deny => &rule.terms,
            _ => &NOTHING,
        }
    }

    /// The stricter of two verdicts; of equals, this one, on terms that satisfy both.
    pub fn stricter(self, other: Verdict) -> Verdict {
        let (mut strict, mut loose) = if other.decision > self.decision { (other, self) } else { (self, other) };
        if strict.decision == Decision::Deny {
            return strict;
        }
        strict.charges.append(&mut loose.charges);
        // An approval added to an allowed call keeps that call's rule and terms.
        let terms = match (&strict.rule, &loose.rule) {
            (Some(_), Some(_)) => strict.terms().narrow(loose.terms()),
            (Some(_), None) => return strict,
            (None, _) => loose.terms().clone(),
        };
        Verdict {
            rule: strict.rule.or(loose.rule),
            narrowed: Some(Arc::new(terms)),
            sensitive: strict.sensitive.or(loose.sensitive),
            ..strict
        }
    }
}

impl Decision {
    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Ask => "ask",
            Decision::Deny => "deny",
        }
    }
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Token => "token",
            Source::Registry => "registry",
            Source::Manifest => "manifest",
            Source::Ceiling => "ceiling",
            Source::Task => "task",
            Source::Parent => "parent",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Effect;

    fn rule(id: &str, terms: Terms) -> Arc<Rule> {
        Arc::new(Rule { id: id.into(), location: "m.toml:1".into(), effect: Effect::Allow, terms, allowance: None })
    }

    #[test]
    fn stricter_is_greater() {
        assert!(Decision::Allow < Decision::Ask && Decision::Ask < Decision::Deny);
        let allow = Verdict::allow(rule("a", Terms::usual()), None, None);
        let deny = Verdict::deny(Code::TokenScope);
        let ask = Verdict::ask(Code::Allowed);
        assert_eq!(allow.clone().stricter(deny.clone()).code(), Code::TokenScope);
        assert_eq!(deny.clone().stricter(allow.clone()).code(), Code::TokenScope);
        assert_eq!(deny.clone().stricter(Verdict::deny(Code::TokenExpired)).code(), Code::TokenScope);
        assert_eq!(ask.clone().stricter(deny).decision(), Decision::Deny);
        for both in [allow.clone().stricter(ask.clone()), ask.stricter(allow.clone())] {
            assert_eq!((both.decision(), both.rule()), (Decision::Ask, allow.rule()));
            assert_eq!(both.terms(), allow.terms());
        }
    }

    #[test]
    fn two_allows_meet_on_terms_that_satisfy_both() {
        let strict = Terms { response: NonZeroU64::new(7), ..Terms::usual() };
        let wide = Terms { private: true, ..Terms::usual() };
        let both = Verdict::allow(rule("a", wide), None, None);
        let both = both.stricter(Verdict::allow(rule("b", strict.clone()), None, None));
        assert_eq!((both.rule().unwrap().id(), both.terms()), ("a", &strict));
    }

    #[test]
    fn a_denial_carries_no_terms_of_its_rule() {
        let verdict = Verdict::deny_by(Code::ManifestRule, rule("d", Terms { private: true, ..Terms::usual() }));
        assert!(!verdict.terms().private && verdict.terms().headers.is_empty());
    }
}
