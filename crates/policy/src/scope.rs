//! A piece of authority: actions of one kind on a set of resources.

use std::fmt;

use crate::actions::Actions;
use crate::kind::{ActionName, Kind};
use crate::pattern::{Authority, Pattern, PatternError};
use crate::request::{Request, is_keyless};
use crate::text::Printable;

/// `kind:action,action:resource`, as in `fetch:get,head:api.example.com/v1/orders/**`.
///
/// Two scopes that cover the same requests are equal, except that the order of actions and a written default port are
/// forgotten. `Display` gives the canonical text, which [`Scope::parse`] reads back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    kind: Kind,
    actions: Actions,
    pattern: Pattern,
}

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("`{0}` is not a scope; write `kind:actions:resource`")]
    Shape(String),
    #[error(
        "`{0}` is not a kind of scope; there are `fetch`, `file`, `kv`, `sql`, `crypto`, `tool`, `secret`, `run`, and those \
         of embedders, `x-` and a name"
    )]
    Kind(String),
    #[error("`{name}` is not an action of `{kind}`; there are {}", known(*kind))]
    Action { kind: Kind, name: String },
    #[error("action `{1}` of `{0}` is named twice")]
    Repeated(Kind, ActionName),
    #[error("`hash` and `random` take `-` in place of a key, and every other action takes a key")]
    Keyless,
    #[error("resource `{0}`: {1}")]
    Resource(String, PatternError),
    #[error("a scope has visible ASCII characters only, without `\"` and `\\`, and one space between two scopes")]
    Character,
    #[error("the scopes are longer than 1 MiB together")]
    TooLong,
}

impl Scope {
    /// Reads one scope, strictly.
    ///
    /// # Errors
    /// Whatever is not exactly the grammar; also scopes that could never cover a request.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        if !text.bytes().all(is_scope_byte) {
            return Err(ScopeError::Character);
        }
        let mut parts = text.splitn(3, ':');
        let kind_text = parts.next().unwrap_or_default();
        let kind = Kind::parse(kind_text).ok_or_else(|| match parts.clone().next() {
            Some(_) => ScopeError::Kind(shown(kind_text)),
            None => ScopeError::Shape(shown(text)),
        })?;
        let (Some(actions), Some(resource)) = (parts.next(), parts.next()) else {
            return Err(ScopeError::Shape(shown(text)));
        };
        Scope::from_text(kind, parse_actions(kind, actions)?, resource)
    }

    /// Whether the request is among those that the scope names.
    pub fn covers(&self, request: &Request) -> bool {
        self.kind == request.kind() && self.actions.has(request.action()) && self.pattern.covers(request.resource())
    }

    /// Whether every request that `other` covers is covered by this scope. Exact.
    pub fn contains(&self, other: &Scope) -> bool {
        self.kind == other.kind && self.actions.contains(other.actions) && self.pattern.contains(&other.pattern)
    }

    /// The scope that covers exactly what both cover; `None` if that is nothing.
    pub fn intersect(&self, other: &Scope) -> Option<Scope> {
        let actions = self.actions.and(other.actions);
        if self.kind != other.kind || actions.is_empty() {
            return None;
        }
        Some(Scope { kind: self.kind, actions, pattern: self.pattern.intersect(&other.pattern)? })
    }

    /// The scope that covers this request and no other; `None` for the root of the mounts, which no scope can name.
    pub fn exact(request: &Request) -> Option<Scope> {
        let pattern = Pattern::exact(request.resource())?;
        Some(Scope { kind: request.kind(), actions: Actions::one(request.action()), pattern })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The actions, in the order in which the kind lists them; at least one.
    pub fn actions(&self) -> impl Iterator<Item = ActionName> {
        self.actions.iter(self.kind)
    }

    /// The part after the second colon, in canonical text.
    pub fn resource(&self) -> impl fmt::Display {
        &self.pattern
    }

    /// From a resource text that may also hold spaces and non-ASCII characters, as in a manifest.
    pub(crate) fn from_text(kind: Kind, actions: Actions, resource: &str) -> Result<Scope, ScopeError> {
        let pattern = Pattern::parse(kind, resource).map_err(|error| ScopeError::Resource(shown(resource), error))?;
        if kind == Kind::Crypto {
            let keyless = pattern.segments.is_empty();
            if actions.iter(kind).any(|action| is_keyless(action) != keyless) {
                return Err(ScopeError::Keyless);
            }
        }
        Ok(Scope { kind, actions, pattern })
    }

    /// The mount of a file scope.
    pub(crate) fn mount(&self) -> Option<&str> {
        match &self.pattern.authority {
            Authority::Name(name) if self.kind == Kind::File => Some(name),
            _ => None,
        }
    }

    /// Whether it is about all hosts below a domain.
    pub(crate) fn has_wildcard_host(&self) -> bool {
        matches!(&self.pattern.authority, Authority::Site(site) if site.wildcard)
    }

    /// The server of a tool scope.
    pub(crate) fn tool_server(&self) -> Option<&str> {
        match &self.pattern.authority {
            Authority::Name(name) if self.kind == Kind::Tool => Some(name),
            _ => None,
        }
    }

    /// The store of a key-value scope.
    pub(crate) fn store(&self) -> Option<&str> {
        match &self.pattern.authority {
            Authority::Name(name) if self.kind == Kind::Kv => Some(name),
            _ => None,
        }
    }

    /// The database of an SQL scope.
    pub fn database(&self) -> Option<&str> {
        match &self.pattern.authority {
            Authority::Name(name) if self.kind == Kind::Sql => Some(name),
            _ => None,
        }
    }

    pub(crate) fn action_set(&self) -> Actions {
        self.actions
    }

    /// For a scope on `x/**`, the same on `x`.
    pub(crate) fn parent(&self) -> Option<Scope> {
        let mut parent = self.clone();
        parent.pattern.tail = false;
        self.pattern.tail.then_some(parent)
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}

/// The characters of RFC 6749's scope-token.
pub(crate) fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

pub(crate) fn parse_actions(kind: Kind, text: &str) -> Result<Actions, ScopeError> {
    let mut actions = Actions::NONE;
    for name in text.split(',') {
        let action = kind.action(name).ok_or_else(|| ScopeError::Action { kind, name: shown(name) })?;
        if actions.has(action) {
            return Err(ScopeError::Repeated(kind, action));
        }
        actions = actions.or(Actions::one(action));
    }
    Ok(actions)
}

/// `` `get`, `head`, … `` of a kind.
pub(crate) fn known(kind: Kind) -> String {
    kind.actions().iter().map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", ")
}

fn shown(text: &str) -> String {
    Printable(text).to_string()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        for (index, action) in self.actions().enumerate() {
            write!(f, "{}{action}", if index == 0 { ':' } else { ',' })?;
        }
        write!(f, ":{}", self.pattern)
    }
}

impl std::str::FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Scope, ScopeError> {
        Scope::parse(text)
    }
}
