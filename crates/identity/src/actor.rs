//! Who acts on whose behalf (RFC 8693 §4.1), for records and display: an actor never adds to what a token grants.

use std::fmt;

use serde_json::{Map, Value};

use crate::agent::Subject;
use crate::error::TokenError;

/// One party that acts for the token's subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    issuer: Option<String>,
    subject: Subject,
}

/// The parties that act for the token's subject: the current actor first, then whoever it acts through. Empty when the
/// subject acts itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorChain(Vec<Actor>);

impl Actor {
    /// The `iss` of the claim, where the actor is known to another issuer than the token's.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The actor's name at the issuer.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl ActorChain {
    /// Actors of a chain at most.
    pub const MAX: usize = 8;

    /// Each actor, the one that presented the token first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Actor> {
        self.0.iter()
    }

    /// Whether nobody acts for the subject.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The party that presents the token.
    pub fn current(&self) -> Option<&Actor> {
        self.0.first()
    }

    /// The chain in a token's `act`. Each actor needs a `sub`; other members than `iss` say nothing about authority.
    pub(crate) fn of(claims: &Map<String, Value>) -> Result<ActorChain, TokenError> {
        let mut chain = Vec::new();
        let mut next = claims.get("act");
        while let Some(value) = next {
            let Value::Object(actor) = value else { return Err(TokenError::Actor) };
            if chain.len() == Self::MAX {
                return Err(TokenError::Actor);
            }
            let subject = actor.get("sub").and_then(Value::as_str).ok_or(TokenError::Actor)?;
            let subject = Subject::parse(subject).map_err(|_| TokenError::Actor)?;
            let issuer = match actor.get("iss") {
                None => None,
                Some(Value::String(issuer)) if is_plain(issuer) => Some(issuer.clone()),
                Some(_) => return Err(TokenError::Actor),
            };
            chain.push(Actor { issuer, subject });
            next = actor.get("act");
        }
        Ok(ActorChain(chain))
    }
}

fn is_plain(issuer: &str) -> bool {
    (1..=255).contains(&issuer.len()) && issuer.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "{} ({issuer})", self.subject),
            None => self.subject.fmt(f),
        }
    }
}

impl fmt::Display for ActorChain {
    /// `current ← earlier ← earliest`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, actor) in self.0.iter().enumerate() {
            write!(f, "{}{actor}", if index == 0 { "" } else { " ← " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(claims: Value) -> Result<ActorChain, TokenError> {
        match claims {
            Value::Object(claims) => ActorChain::of(&claims),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_current_actor_comes_first() {
        let claims = serde_json::json!({
            "act": {"sub": "a", "iss": "https://id.example", "act": {"sub": "b", "client_id": "x"}}
        });
        let chain = chain(claims).unwrap();
        assert_eq!(chain.to_string(), "a (https://id.example) ← b");
        assert_eq!(chain.current().map(|actor| actor.subject().as_str()), Some("a"));
        assert_eq!(chain.iter().len(), 2);
    }

    #[test]
    fn without_act_nobody_acts() {
        assert!(chain(serde_json::json!({"may_act": {"sub": "x"}})).unwrap().is_empty());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| {
            (1..depth).fold(serde_json::json!({"sub": "x"}), |act, _| serde_json::json!({"sub": "x", "act": act}))
        };
        assert_eq!(chain(serde_json::json!({"act": nested(ActorChain::MAX)})).unwrap().iter().len(), ActorChain::MAX);
        assert_eq!(chain(serde_json::json!({"act": nested(ActorChain::MAX + 1)})), Err(TokenError::Actor));
    }
}
