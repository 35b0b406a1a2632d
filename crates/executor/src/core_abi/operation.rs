//! The names of operations, and as what a refusal of their arguments is recorded.

use bailiwick_policy::{ActionName, Kind};

use crate::ops;

/// What a guest can name.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Own(Own),
    Asked(Operation),
}

/// The run's own operations, which touch nothing outside and need no rule.
#[derive(Clone, Copy)]
pub(super) enum Own {
    Input,
    Args,
    Result,
    Print,
    Time,
}

/// An operation that goes through the door.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Files(Files),
    Crypto(Crypto),
    Kv(Kv),
    Fetch(Fetch),
    Sql,
    Secret,
    Tool,
    Extension,
}

#[derive(Clone, Copy)]
pub(super) enum Files {
    Read,
    Write,
    List,
    Stat,
    Delete,
    MakeDirectory,
    Rename,
}

#[derive(Clone, Copy)]
pub(super) enum Crypto {
    Hash,
    Random,
    Hmac,
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Derive,
}

#[derive(Clone, Copy)]
pub(super) enum Kv {
    Get,
    Set,
    Delete,
    List,
    Increment,
    Swap,
}

#[derive(Clone, Copy)]
pub(super) enum Fetch {
    Whole,
    Open,
    Read,
    Close,
}

impl Named {
    /// The operation of that name.
    pub(super) fn find(name: &str) -> Option<Named> {
        Some(match name {
            "input" => Named::Own(Own::Input),
            "args" => Named::Own(Own::Args),
            "result" => Named::Own(Own::Result),
            "print" => Named::Own(Own::Print),
            "time" => Named::Own(Own::Time),
            "files.read" => Named::Asked(Operation::Files(Files::Read)),
            "files.write" => Named::Asked(Operation::Files(Files::Write)),
            "files.list" => Named::Asked(Operation::Files(Files::List)),
            "files.stat" => Named::Asked(Operation::Files(Files::Stat)),
            "files.delete" => Named::Asked(Operation::Files(Files::Delete)),
            "files.make_directory" => Named::Asked(Operation::Files(Files::MakeDirectory)),
            "files.rename" => Named::Asked(Operation::Files(Files::Rename)),
            "crypto.hash" => Named::Asked(Operation::Crypto(Crypto::Hash)),
            "crypto.random" => Named::Asked(Operation::Crypto(Crypto::Random)),
            "crypto.hmac" => Named::Asked(Operation::Crypto(Crypto::Hmac)),
            "crypto.sign" => Named::Asked(Operation::Crypto(Crypto::Sign)),
            "crypto.verify" => Named::Asked(Operation::Crypto(Crypto::Verify)),
            "crypto.encrypt" => Named::Asked(Operation::Crypto(Crypto::Encrypt)),
            "crypto.decrypt" => Named::Asked(Operation::Crypto(Crypto::Decrypt)),
            "crypto.derive" => Named::Asked(Operation::Crypto(Crypto::Derive)),
            "kv.get" => Named::Asked(Operation::Kv(Kv::Get)),
            "kv.set" => Named::Asked(Operation::Kv(Kv::Set)),
            "kv.delete" => Named::Asked(Operation::Kv(Kv::Delete)),
            "kv.list" => Named::Asked(Operation::Kv(Kv::List)),
            "kv.increment" => Named::Asked(Operation::Kv(Kv::Increment)),
            "kv.swap" => Named::Asked(Operation::Kv(Kv::Swap)),
            "fetch" => Named::Asked(Operation::Fetch(Fetch::Whole)),
            "fetch.open" => Named::Asked(Operation::Fetch(Fetch::Open)),
            "fetch.read" => Named::Asked(Operation::Fetch(Fetch::Read)),
            "fetch.close" => Named::Asked(Operation::Fetch(Fetch::Close)),
            "sql.query" => Named::Asked(Operation::Sql),
            "secrets.placeholder" => Named::Asked(Operation::Secret),
            "tools.call" => Named::Asked(Operation::Tool),
            "extension.call" => Named::Asked(Operation::Extension),
            _ => return None,
        })
    }
}

impl Operation {
    /// As what a refusal of its argument is recorded: the argument may not say it any more.
    pub(super) fn recorded_as(self) -> (Kind, ActionName) {
        match self {
            Operation::Files(operation) => (
                Kind::File,
                match operation {
                    Files::Read | Files::Stat => ActionName::Read,
                    Files::Write | Files::MakeDirectory => ActionName::Write,
                    Files::List => ActionName::List,
                    Files::Delete | Files::Rename => ActionName::Delete,
                },
            ),
            Operation::Crypto(operation) => (
                Kind::Crypto,
                match operation {
                    Crypto::Hash => ActionName::Hash,
                    Crypto::Random => ActionName::Random,
                    Crypto::Hmac => ActionName::Hmac,
                    Crypto::Sign => ActionName::Sign,
                    Crypto::Verify => ActionName::Verify,
                    Crypto::Encrypt => ActionName::Encrypt,
                    Crypto::Decrypt => ActionName::Decrypt,
                    Crypto::Derive => ActionName::Derive,
                },
            ),
            Operation::Kv(operation) => (
                Kind::Kv,
                match operation {
                    Kv::Get => ActionName::Get,
                    Kv::Set | Kv::Increment | Kv::Swap => ActionName::Set,
                    Kv::Delete => ActionName::Delete,
                    Kv::List => ActionName::List,
                },
            ),
            Operation::Fetch(Fetch::Whole | Fetch::Open | Fetch::Read | Fetch::Close) => (Kind::Fetch, ActionName::Get),
            Operation::Sql => (Kind::Sql, ActionName::Select),
            Operation::Secret => (Kind::Secret, ActionName::Use),
            Operation::Tool => (Kind::Tool, ActionName::Call),
            Operation::Extension => ops::UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its reference, in the book.
    const PAGE: &str = include_str!("../../../../docs/src/reference/core-abi.md");

    #[test]
    fn the_reference_has_the_operations_that_there_are() {
        let mut found = 0;
        for line in PAGE.lines().filter_map(|line| line.strip_prefix("| `")) {
            let Some((name, rest)) = line.split_once("` | `{") else { continue };
            assert!(Named::find(name).is_some(), "`{name}` | `{{{rest}");
            found += 1;
        }
        assert_eq!(found, 33, "operations, without `fetch.open`, which takes the same as `fetch`");
        assert!(Named::find("").is_none() && Named::find("files").is_none() && Named::find("INPUT").is_none());
    }
}
