//! Why a command could not do what it was asked to.

use std::fmt;

use bailiwick_policy::Code;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::terminal::plain;

/// A failure for a person: what, where, how to fix, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    code: Option<Code>,
    help: Option<String>,
    details: Option<String>,
    data: Option<Box<(&'static str, Value)>>,
}

/// What a command gives back.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// What would control a terminal, or hide on it, is spelled out in the message: much of it quotes others.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Failure {
        Failure { exit, message: plain(&message.to_string()), code: None, help: None, details: None, data: None }
    }

    /// A command line, or a file that it names, that cannot be used.
    pub(crate) fn usage(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// Our own failure.
    pub(crate) fn internal(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::Internal, message)
    }

    /// A refused identity.
    pub(crate) fn identity(code: Code, message: impl fmt::Display) -> Failure {
        Failure { code: Some(code), ..Failure::new(Exit::Identity, message) }
    }

    /// The reason's stable code.
    pub(crate) fn because(self, code: Code) -> Failure {
        Failure { code: Some(code), ..self }
    }

    /// The first advice, or the other when there is none.
    pub(crate) fn help_or(self, first: Option<String>, other: &str) -> Failure {
        self.help(first.unwrap_or_else(|| other.to_owned()))
    }

    pub(crate) fn help(self, help: impl fmt::Display) -> Failure {
        Failure { help: Some(plain(&help.to_string())), ..self }
    }

    /// Text of several lines that is printed above the failure.
    pub(crate) fn details(self, details: String) -> Failure {
        Failure { details: Some(details), ..self }
    }

    /// What `--json` adds to the failure.
    pub(crate) fn data(self, name: &'static str, data: Value) -> Failure {
        Failure { data: Some(Box::new((name, data))), ..self }
    }

    pub(crate) fn drawn(&self) -> &str {
        self.details.as_deref().unwrap_or_default()
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> Option<Code> {
        self.code
    }

    pub(crate) fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The object that `--json` prints in place of a result.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "code": self.code.map(Code::as_str),
            "help": self.help,
            "exit": self.exit as u8,
        });
        if let (Some(data), Some(members)) = (&self.data, error.as_object_mut()) {
            let (name, data) = &**data;
            members.insert((*name).to_owned(), data.clone());
        }
        json!({ "error": error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_quotes_cannot_control_a_terminal() {
        let failure = Failure::usage("mount `a\u{1b}[2J\u{9b}\u{202e}`\nnext\tline\r").help("run `x \u{200b}\u{7f}`");
        assert_eq!(failure.message(), "mount `a\\u{1b}[2J\\u{9b}\\u{202e}`\nnext\\u{9}line\\u{d}");
        assert_eq!(failure.advice(), Some("run `x \\u{200b}\\u{7f}`"));
        assert_eq!(Failure::identity(Code::ManifestNoRule, "\u{7}").message(), "\\u{7}");
    }
}
