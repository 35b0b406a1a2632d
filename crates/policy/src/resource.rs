//! What an action is about: parsed, canonical, never normalised.

use std::fmt;

use crate::code::Code;
use crate::custom::CustomResource;
use crate::fetch_target::FetchTarget;
use crate::guest_path::GuestPath;
use crate::kind::Kind;
use crate::names::{KeyName, KvKey, ManifestId, SecretName, TableName, ToolName};

/// The thing that a request is about. Its `Display` is the canonical text for reports and the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    Fetch(FetchTarget),
    File(GuestPath),
    Key(KeyName),
    /// `crypto hash` and `crypto random` use no key; written `-`.
    Keyless,
    Kv(KvKey),
    Table(TableName),
    Tool(ToolName),
    Secret(SecretName),
    Run(ManifestId),
    Custom(CustomResource),
}

/// A text that names no resource, or more than one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ResourceError {
    code: Code,
    reason: &'static str,
}

impl Resource {
    pub fn kind(&self) -> Kind {
        match self {
            Resource::Fetch(_) => Kind::Fetch,
            Resource::File(_) => Kind::File,
            Resource::Key(_) | Resource::Keyless => Kind::Crypto,
            Resource::Kv(_) => Kind::Kv,
            Resource::Table(_) => Kind::Sql,
            Resource::Tool(_) => Kind::Tool,
            Resource::Secret(_) => Kind::Secret,
            Resource::Run(_) => Kind::Run,
            Resource::Custom(resource) => resource.kind(),
        }
    }

    /// Reads the resource of a kind as a person writes it in a call: a URL, a guest path, `ring/key`, …
    ///
    /// # Errors
    /// [`Code::Ambiguous`] or [`Code::Malformed`], as the constructor of that resource says.
    pub fn parse(kind: Kind, text: &str) -> Result<Resource, ResourceError> {
        Ok(match kind {
            Kind::Fetch => Resource::Fetch(FetchTarget::parse(text)?),
            Kind::File => Resource::File(GuestPath::parse(text)?),
            Kind::Crypto if matches!(text, "-" | "") => Resource::Keyless,
            Kind::Crypto => Resource::Key(KeyName::parse(text)?),
            Kind::Kv => Resource::Kv(KvKey::parse(text)?),
            Kind::Sql => Resource::Table(TableName::parse(text)?),
            Kind::Tool => Resource::Tool(ToolName::parse(text)?),
            Kind::Secret => Resource::Secret(SecretName::parse(text)?),
            Kind::Run => Resource::Run(ManifestId::parse(text)?),
            Kind::Custom(kind) => Resource::Custom(CustomResource::parse(kind, text)?),
        })
    }

    /// The part that a scope calls authority: a host as URLs write it, a mount, a key ring, …
    pub(crate) fn authority(&self) -> &str {
        match self {
            Resource::Fetch(target) => target.host_text(),
            Resource::File(path) => path.mount(),
            Resource::Key(key) => key.ring(),
            Resource::Keyless => "-",
            Resource::Kv(key) => key.store(),
            Resource::Table(table) => table.database(),
            Resource::Tool(tool) => tool.server(),
            Resource::Secret(secret) => secret.as_str(),
            Resource::Run(manifest) => manifest.as_str(),
            Resource::Custom(resource) => resource.name(),
        }
    }

    /// What follows the authority.
    pub(crate) fn segments(&self) -> &[String] {
        match self {
            Resource::Fetch(target) => target.segments(),
            Resource::File(path) => path.segments(),
            Resource::Key(key) => key.segments(),
            Resource::Kv(key) => key.segments(),
            Resource::Table(table) => table.segments(),
            Resource::Tool(tool) => tool.segments(),
            Resource::Custom(resource) => resource.segments(),
            Resource::Keyless | Resource::Secret(_) | Resource::Run(_) => &[],
        }
    }
}

impl ResourceError {
    /// [`Code::Ambiguous`] or [`Code::Malformed`].
    pub fn code(&self) -> Code {
        self.code
    }

    pub(crate) const fn ambiguous(reason: &'static str) -> ResourceError {
        ResourceError { code: Code::Ambiguous, reason }
    }

    pub(crate) const fn malformed(reason: &'static str) -> ResourceError {
        ResourceError { code: Code::Malformed, reason }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Fetch(target) => target.fmt(f),
            Resource::File(path) => path.fmt(f),
            Resource::Key(key) => key.fmt(f),
            Resource::Keyless => f.write_str("-"),
            Resource::Kv(key) => key.fmt(f),
            Resource::Table(table) => table.fmt(f),
            Resource::Tool(tool) => tool.fmt(f),
            Resource::Secret(secret) => secret.fmt(f),
            Resource::Run(manifest) => manifest.fmt(f),
            Resource::Custom(resource) => resource.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom::CustomKind;

    #[test]
    fn every_kind_reads_back_what_it_shows() {
        for (kind, text) in [
            (Kind::Fetch, "https://a.example/x"),
            (Kind::File, "/m/a"),
            (Kind::Kv, "s/k"),
            (Kind::Sql, "d/t"),
            (Kind::Crypto, "r/k"),
            (Kind::Crypto, "-"),
            (Kind::Tool, "s/t"),
            (Kind::Secret, "s"),
            (Kind::Run, "m"),
            (Kind::Custom(CustomKind::new("x-mail")), "team/a b"),
        ] {
            let resource = Resource::parse(kind, text).unwrap();
            assert_eq!((resource.kind(), resource.to_string().as_str()), (kind, text));
        }
    }

    #[test]
    fn errors_carry_a_code_and_a_reason() {
        let error = Resource::parse(Kind::File, "/a/../b").unwrap_err();
        assert_eq!(error.code(), Code::Ambiguous);
        assert_eq!(error.to_string(), "the path has a `.` or `..` segment");
    }
}
