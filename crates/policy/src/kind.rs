//! The closed vocabulary of scopes: eight kinds, and the action names that each of them knows.

use std::fmt;

/// What sort of resource an action is about. The first word of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Fetch,
    File,
    Kv,
    Sql,
    Crypto,
    Tool,
    Secret,
    Run,
}

/// The second word of a scope. One name may belong to several kinds (`delete` does); [`Kind::actions`] says to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActionName {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Read,
    Write,
    List,
    Set,
    Select,
    Insert,
    Update,
    Hash,
    Random,
    Hmac,
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Derive,
    Call,
    Use,
    Start,
}

impl Kind {
    pub const ALL: [Kind; 8] =
        [Kind::Fetch, Kind::File, Kind::Kv, Kind::Sql, Kind::Crypto, Kind::Tool, Kind::Secret, Kind::Run];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Fetch => "fetch",
            Kind::File => "file",
            Kind::Kv => "kv",
            Kind::Sql => "sql",
            Kind::Crypto => "crypto",
            Kind::Tool => "tool",
            Kind::Secret => "secret",
            Kind::Run => "run",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Every action of this kind, in the order in which documents list them.
    pub const fn actions(self) -> &'static [ActionName] {
        use ActionName::*;
        match self {
            Kind::Fetch => &[Get, Head, Post, Put, Patch, Delete, Options],
            Kind::File => &[Read, Write, List, Delete],
            Kind::Kv => &[Get, Set, Delete, List],
            Kind::Sql => &[Select, Insert, Update, Delete],
            Kind::Crypto => &[Hash, Random, Hmac, Sign, Verify, Encrypt, Decrypt, Derive],
            Kind::Tool => &[Call],
            Kind::Secret => &[Use],
            Kind::Run => &[Start],
        }
    }

    /// The action of this kind with that name; names are lower case and compared exactly.
    pub fn action(self, text: &str) -> Option<ActionName> {
        self.actions().iter().copied().find(|action| action.as_str() == text)
    }
}

impl ActionName {
    pub const fn as_str(self) -> &'static str {
        use ActionName::*;
        match self {
            Get => "get",
            Head => "head",
            Post => "post",
            Put => "put",
            Patch => "patch",
            Delete => "delete",
            Options => "options",
            Read => "read",
            Write => "write",
            List => "list",
            Set => "set",
            Select => "select",
            Insert => "insert",
            Update => "update",
            Hash => "hash",
            Random => "random",
            Hmac => "hmac",
            Sign => "sign",
            Verify => "verify",
            Encrypt => "encrypt",
            Decrypt => "decrypt",
            Derive => "derive",
            Call => "call",
            Use => "use",
            Start => "start",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
