//! Resources that are named rather than located: keys, stores, tables, tools, secrets, manifests.

use std::fmt;

use crate::resource::ResourceError;
use crate::segment::{MAX_SEGMENTS, check_guest, check_name, check_table};

macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident { $parent:ident, $child:ident: $check:ident })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name { $parent: String, $child: [String; 1] }

        impl $name {
            /// Reads two names with `/` between them.
            ///
            /// # Errors
            /// [`Code::Malformed`](crate::Code::Malformed) unless both are names: at most 128 ASCII letters, digits,
            /// `.`, `_` and `-`.
            pub fn parse(text: &str) -> Result<$name, ResourceError> {
                let (parent, child) = text.split_once('/').ok_or_else(|| {
                    ResourceError::malformed(concat!("write `", stringify!($parent), "/", stringify!($child), "`"))
                })?;
                check_name(parent)?;
                $check(child)?;
                Ok($name { $parent: parent.to_owned(), $child: [child.to_owned()] })
            }

            pub fn $parent(&self) -> &str {
                &self.$parent
            }

            pub fn $child(&self) -> &str {
                let [child] = &self.$child;
                child
            }

            pub(crate) fn segments(&self) -> &[String] {
                &self.$child
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.$parent(), self.$child())
            }
        }
    )+};
}

macro_rules! singles {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Reads one name.
            ///
            /// # Errors
            /// [`Code::Malformed`](crate::Code::Malformed) unless it has 1 to 128 ASCII letters, digits, `.`, `_` and
            /// `-`, and starts with none of `.` and `-`.
            pub fn parse(text: &str) -> Result<$name, ResourceError> {
                check_name(text)?;
                Ok($name(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

pairs! {
    /// A key of the host's key store: `release/2026` is key `2026` of ring `release`.
    KeyName { ring, key: check_name }
    /// A table of a database that the host offers, in lower case: `crm/customers`.
    TableName { database, table: check_table }
    /// A tool of an upstream tool server: `github/create_issue`.
    ToolName { server, tool: check_name }
}

singles! {
    /// A secret that the host holds and the guest never sees.
    SecretName
    /// A manifest, by its `id`.
    ManifestId
}

/// A key of a key-value store, or the store itself (to list it): a store's name, then segments as in a guest path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KvKey {
    store: String,
    segments: Vec<String>,
}

impl KvKey {
    /// Reads `store/key/segments`.
    ///
    /// # Errors
    /// [`Code::Ambiguous`](crate::Code::Ambiguous) or [`Code::Malformed`](crate::Code::Malformed), by the rules for
    /// names (the store) and guest paths (the segments).
    pub fn parse(text: &str) -> Result<KvKey, ResourceError> {
        let mut parts = text.split('/');
        let store = parts.next().unwrap_or_default();
        check_name(store)?;
        let segments: Vec<String> =
            parts.map(|part| check_guest(part).map(|()| part.to_owned())).collect::<Result<_, _>>()?;
        if segments.len() >= MAX_SEGMENTS {
            return Err(ResourceError::malformed("the key has more than 64 segments"));
        }
        Ok(KvKey { store: store.to_owned(), segments })
    }

    pub fn store(&self) -> &str {
        &self.store
    }

    /// The segments below the store.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl fmt::Display for KvKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store)?;
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn names_read_back_equal() {
        let key = KeyName::parse("release/2026").unwrap();
        assert_eq!((key.ring(), key.key(), key.to_string().as_str()), ("release", "2026", "release/2026"));
        assert_eq!(TableName::parse("crm/customers").unwrap().table(), "customers");
        assert_eq!(ToolName::parse("github/create_issue").unwrap().server(), "github");
        assert_eq!(SecretName::parse("bank-token").unwrap().as_str(), "bank-token");
        assert_eq!(ManifestId::parse("expense-bot").unwrap().to_string(), "expense-bot");
        let key = KvKey::parse("cache/a b/c").unwrap();
        assert_eq!((key.store(), key.segments().len(), key.to_string().as_str()), ("cache", 2, "cache/a b/c"));
        assert!(KvKey::parse("cache").unwrap().segments().is_empty());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/b c", "a/*", "-/b"] {
            assert_eq!(KeyName::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
        for text in ["crm/Customers", "crm/customers ", "crm/x$y", "crm"] {
            assert_eq!(TableName::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
        for text in ["", "a/b", ".x", "-"] {
            assert_eq!(SecretName::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
        for text in ["s/", "s/..", "s//a", "s/%2f"] {
            assert_eq!(KvKey::parse(text).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
        assert_eq!(KvKey::parse(&format!("s{}", "/a".repeat(64))).map_err(|e| e.code()), Err(Code::Malformed));
    }
}
