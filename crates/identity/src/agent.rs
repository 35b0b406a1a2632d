//! The names of agents: ours, and their issuers'.

use std::fmt;

/// A registry id: 1 to 64 of `a-z`, `0-9`, `-` and `_`. Manifests list agents by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentId(String);

/// The `sub` by which an issuer knows an agent: 1 to 255 visible ASCII characters, compared byte by byte.
///
/// Wide enough for what identity providers issue (`spiffe://acme/ns/bots/sa/expense`,
/// `system:serviceaccount:bots:expense`), and nothing that a terminal or a log could misread.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

/// A text that cannot name an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentIdError {
    #[error("an agent id is 1 to 64 of `a-z`, `0-9`, `-` and `_`")]
    Id,
    #[error("a subject is 1 to 255 visible ASCII characters")]
    Subject,
}

impl AgentId {
    /// Takes the text as it is; nothing is trimmed or folded.
    pub fn parse(text: &str) -> Result<AgentId, AgentIdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        if is_id { Ok(AgentId(text.to_owned())) } else { Err(AgentIdError::Id) }
    }

    /// The text as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subject {
    /// Takes the text as it is; nothing is trimmed or folded.
    pub fn parse(text: &str) -> Result<Subject, AgentIdError> {
        let is_subject = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_subject { Ok(Subject(text.to_owned())) } else { Err(AgentIdError::Subject) }
    }

    /// The text as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&AgentId> for Subject {
    /// The local issuer knows agents by our own names for them.
    fn from(id: &AgentId) -> Subject {
        Subject(id.0.clone())
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for id in ["a", "expense-bot", "0x", "a_b"] {
            assert_eq!(AgentId::parse(id).map(|id| id.to_string()), Ok(id.to_owned()));
        }
        for bad in ["", "A", "a b", "a\n", "a.b", "а", &"a".repeat(65)] {
            assert_eq!(AgentId::parse(bad), Err(AgentIdError::Id), "{bad:?}");
        }
        for subject in ["spiffe://acme/ns/x", "system:serviceaccount:a:b", "auth0|5f7c8", "A"] {
            assert_eq!(Subject::parse(subject).map(|id| id.to_string()), Ok(subject.to_owned()));
        }
        for bad in ["", "a b", "a\n", "a\u{202e}b", "a\u{0}", "é", &"a".repeat(256)] {
            assert_eq!(Subject::parse(bad), Err(AgentIdError::Subject), "{bad:?}");
        }
    }
}
