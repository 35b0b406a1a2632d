//! The question that a decision answers: may this action be done to this resource?

use std::fmt;

use bytes::Bytes;

use crate::argument::Arguments;
use crate::columns::Columns;
use crate::kind::{ActionName, Kind};
use crate::resource::{Resource, ResourceError};

/// An action and its resource, which fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    action: ActionName,
    resource: Resource,
    passed: Passed,
}

/// What a call passes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Arguments(Arguments),
    /// Columns of a table.
    Columns(Columns),
    /// The question is whether there are any arguments that a rule would allow.
    Anything,
}

impl Request {
    /// # Errors
    /// [`Code::Malformed`](crate::Code::Malformed) if the resource's kind does not have that action, or if the action
    /// takes a key and there is none, or the reverse.
    pub fn new(action: ActionName, resource: Resource) -> Result<Request, ResourceError> {
        if !resource.kind().actions().contains(&action) {
            return Err(ResourceError::malformed("this kind of resource does not have that action"));
        }
        if resource.kind() == Kind::Crypto && is_keyless(action) != (resource == Resource::Keyless) {
            return Err(ResourceError::malformed("`hash` and `random` take no key, and every other action takes one"));
        }
        Ok(Request { action, resource, passed: Passed::Arguments(Arguments::default()) })
    }

    /// The same with these arguments, which conditions of rules look at. Without them there are none.
    #[must_use]
    pub fn with_arguments(self, arguments: Arguments) -> Request {
        Request { passed: Passed::Arguments(arguments), ..self }
    }

    /// The same with these columns of its table, which rules may leave out. Without them there are none.
    #[must_use]
    pub fn with_columns(self, columns: Columns) -> Request {
        Request { passed: Passed::Columns(columns), ..self }
    }

    /// The same call with whatever arguments its rules ask for.
    pub(crate) fn with_anything(self) -> Request {
        Request { passed: Passed::Anything, ..self }
    }

    /// Reads a call as people write it: `fetch POST https://a.example/x`, `file read /m/a.csv`, `crypto sign ring/key`,
    /// `crypto hash`, `tool call server/tool {"title": "x"}`, `fetch POST https://a.example/x {"amount": 5}`,
    /// `sql select crm/customers id,name`.
    ///
    /// # Errors
    /// [`Code::Malformed`](crate::Code::Malformed) for an unknown kind or action, and whatever the resource's
    /// constructor refuses.
    pub fn parse(text: &str) -> Result<Request, ResourceError> {
        let mut words = text.splitn(3, ' ');
        let kind = words.next().and_then(Kind::parse).ok_or_else(|| {
            ResourceError::malformed(
                "a call starts with its kind: `fetch`, `file`, `kv`, `sql`, `crypto`, `tool`, `secret`, `run`, or `x-` and a name",
            )
        })?;
        let word = words.next().unwrap_or_default();
        let action = match kind {
            // Methods are written in capitals, as in HTTP; in scopes they are small.
            Kind::Fetch if !word.bytes().any(|b| b.is_ascii_lowercase()) => kind.action(&word.to_ascii_lowercase()),
            _ => kind.action(word),
        };
        let action = action.ok_or_else(|| ResourceError::malformed("the second word is no action of this kind"))?;
        let rest = words.next().unwrap_or_default();
        if let Some((table, columns)) = rest.split_once(' ').filter(|_| kind == Kind::Sql) {
            let columns = Columns::parse(columns)
                .ok_or_else(|| ResourceError::malformed("columns are written as `id,name`, or `*` for all of them"))?;
            return Ok(Request::new(action, Resource::parse(kind, table)?)?.with_columns(columns));
        }
        let passed = match kind {
            Kind::Fetch => rest.split_once(' '),
            // A path of a custom kind may have blanks; arguments are an object.
            _ if takes_arguments(kind) => rest.find(" {").and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))),
            _ => None,
        };
        match passed {
            Some((resource, passed)) => {
                let arguments = match kind {
                    Kind::Fetch => Arguments::of_json(Bytes::copy_from_slice(passed.as_bytes())),
                    _ => Arguments::parse(passed)?,
                };
                Ok(Request::new(action, Resource::parse(kind, resource)?)?.with_arguments(arguments))
            }
            None => Request::new(action, Resource::parse(kind, rest)?),
        }
    }

    pub fn kind(&self) -> Kind {
        self.resource.kind()
    }

    pub fn action(&self) -> ActionName {
        self.action
    }

    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    pub(crate) fn passed(&self) -> &Passed {
        &self.passed
    }
}

/// Kinds whose calls pass JSON arguments, which people write behind the resource.
pub(crate) const fn takes_arguments(kind: Kind) -> bool {
    matches!(kind, Kind::Tool | Kind::Custom(_))
}

/// `crypto hash` and `crypto random`.
pub(crate) const fn is_keyless(action: ActionName) -> bool {
    matches!(action, ActionName::Hash | ActionName::Random)
}

/// Without the arguments, which may hold anything.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Fetch => write!(f, "fetch {} {}", self.action.as_str().to_ascii_uppercase(), self.resource),
            kind => write!(f, "{kind} {} {}", self.action, self.resource),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Code;

    #[test]
    fn calls_read_back_what_they_show() {
        for text in [
            "fetch POST https://api.bank.example/v1/payments",
            "file read /invoices/a.csv",
            "file list /",
            "crypto sign expenses/2026",
            "crypto hash -",
            "kv get cache/a/b",
            "sql select crm/customers",
            "tool call github/create_issue",
            "secret use bank-token",
            "run start expense-bot",
            "x-mail send team/alice b",
        ] {
            assert_eq!(Request::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Request::parse("crypto hash").unwrap().to_string(), "crypto hash -");
        assert_eq!(Request::parse("fetch get https://a.example/").unwrap().to_string(), "fetch GET https://a.example/");
        assert_eq!(Request::parse("file read /m/a b ").unwrap().to_string(), "file read /m/a b ");
    }

    #[test]
    fn calls_that_do_not_fit_are_malformed() {
        for text in [
            "",
            "fetch",
            "fetch GET",
            "fetch Get https://a.example/",
            "fetch TRACE https://a.example/",
            "file get /m/a",
            "file READ /m/a",
            "smtp send x",
            "crypto sign",
            "crypto sign -",
            "crypto hash ring/key",
            "kv select s/k",
            "file  read /m/a",
            " file read /m/a",
            "crypto hash\n",
        ] {
            assert_eq!(Request::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
        assert!(Request::new(ActionName::Get, Resource::parse(Kind::File, "/m/a").unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in prop_oneof![".*", "(fetch|file|kv|crypto) [A-Za-z]{3,6} .{0,40}"]) {
            if let Ok(request) = Request::parse(&text) {
                let shown = Request::parse(&request.to_string()).unwrap();
                prop_assert_eq!((shown.action(), shown.resource()), (request.action(), request.resource()));
            }
        }
    }
}
