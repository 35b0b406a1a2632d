//! The vocabulary of scopes: eight kinds and those that embedders add, and the action names that each of them knows.

use std::fmt;

use crate::custom::CustomKind;

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
    /// An embedder's own.
    Custom(CustomKind),
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
    Create,
    Send,
}

impl Kind {
    /// Those that are not [`Kind::Custom`].
    pub const ALL: [Kind; 8] =
        [Kind::Fetch, Kind::File, Kind::Kv, Kind::Sql, Kind::Crypto, Kind::Tool, Kind::Secret, Kind::Run];

    pub fn as_str(&self) -> &str {
        match self {
            Kind::Fetch => "fetch",
            Kind::File => "file",
            Kind::Kv => "kv",
            Kind::Sql => "sql",
            Kind::Crypto => "crypto",
            Kind::Tool => "tool",
            Kind::Secret => "secret",
            Kind::Run => "run",
            Kind::Custom(kind) => kind.as_str(),
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        let ours = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        ours.or_else(|| CustomKind::parse(text).map(Kind::Custom))
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
            Kind::Custom(_) => CustomKind::ACTIONS,
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
            Create => "create",
            Send => "send",
        }
    }
}

impl CustomKind {
    /// What every custom kind knows: the general words of the vocabulary.
    pub const ACTIONS: &'static [ActionName] = {
        use ActionName::*;
        &[Read, Write, List, Delete, Get, Set, Update, Call, Use, Start, Create, Send]
    };
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
