//! SHA-256 of everything that makes one thing that is asked for different from another.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Asked;

/// Takes parts in, each with its length, so that no two lists of parts are the same.
///
/// ```
/// use bailiwick_guard::journal::Fingerprint;
///
/// let print = |parts: &[&str]| {
///     let mut print = Fingerprint::new();
///     parts.iter().for_each(|part| _ = print.text(part));
///     print.asked()
/// };
/// assert_ne!(print(&["ab", "c"]), print(&["a", "bc"]));
/// ```
#[derive(Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of nothing yet.
    pub fn new() -> Fingerprint {
        Fingerprint::default()
    }

    pub fn bytes(&mut self, part: &[u8]) -> &mut Fingerprint {
        self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(part);
        self
    }

    pub fn text(&mut self, part: &str) -> &mut Fingerprint {
        self.bytes(part.as_bytes())
    }

    pub fn number(&mut self, part: u64) -> &mut Fingerprint {
        self.bytes(&part.to_le_bytes())
    }

    /// A number of bytes or things.
    pub fn count(&mut self, part: usize) -> &mut Fingerprint {
        self.number(u64::try_from(part).unwrap_or(u64::MAX))
    }

    /// Nothing differs from something that is empty.
    pub fn optional(&mut self, part: Option<&[u8]>) -> &mut Fingerprint {
        self.number(u64::from(part.is_some())).bytes(part.unwrap_or_default())
    }

    /// A JSON value as its text, with members in the order in which they stand.
    pub fn json(&mut self, part: &Value) -> &mut Fingerprint {
        // INVARIANT: a `Value` has a text: its keys are strings, and its numbers are finite.
        self.bytes(&serde_json::to_vec(part).unwrap_or_default())
    }

    pub fn asked(self) -> Asked {
        Asked::from_bytes(self.0.finalize().into())
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fingerprint").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(fill: impl FnOnce(&mut Fingerprint)) -> Asked {
        let mut print = Fingerprint::new();
        fill(&mut print);
        print.asked()
    }

    #[test]
    fn what_differs_has_another_print() {
        let prints = [
            print(|_| {}),
            print(|print| _ = print.text("")),
            print(|print| _ = print.text("a")),
            print(|print| _ = print.text("a").text("")),
            print(|print| _ = print.number(1)),
            print(|print| _ = print.optional(None)),
            print(|print| _ = print.optional(Some(b""))),
            print(|print| _ = print.optional(Some(b"a"))),
            print(|print| _ = print.json(&Value::Null)),
        ];
        for (at, one) in prints.iter().enumerate() {
            assert!(!prints[..at].contains(one), "{at}");
        }
        assert_eq!(print(|print| _ = print.text("a").count(1)), Asked::of(&[b"a", &1_u64.to_le_bytes()]));
    }
}
