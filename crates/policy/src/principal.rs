//! The verified agent.

use std::fmt;

use crate::text::Printable;

/// Who asks, after verification: the issuer that vouches, the subject in its token, the agent's id in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    pub issuer: String,
    pub subject: String,
    pub agent: String,
}

impl fmt::Display for Principal {
    /// One line without control or invisible characters, whatever the fields hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (agent, subject, issuer) = (Printable(&self.agent), Printable(&self.subject), Printable(&self.issuer));
        write!(f, "agent `{agent}` (subject `{subject}`, issuer `{issuer}`)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_on_one_line() {
        let principal = Principal { issuer: "local".into(), subject: "a\n\u{202e}b".into(), agent: "bot".into() };
        assert_eq!(principal.to_string(), "agent `bot` (subject `a\\u{a}\\u{202e}b`, issuer `local`)");
    }
}
