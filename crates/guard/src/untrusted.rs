//! Text that a guest or an agent wrote, made safe to show and to store.

use std::fmt::{self, Write};

pub use bailiwick_policy::is_hidden;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Characters of an untrusted text that are kept; the rest is replaced by its length and SHA-256.
pub const MAX_CHARS: usize = 1024;

/// Displays an untrusted text on one line: control, bidirectional and invisible characters are escaped, and what is
/// longer than [`MAX_CHARS`] is cut, with the length and hash of the whole.
#[derive(Clone, Copy, Debug)]
pub struct Untrusted<'a>(pub &'a str);

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(MAX_CHARS) {
            if is_hidden(c) {
                write!(f, "\\u{{{:x}}}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        if chars.as_str().is_empty() {
            return Ok(());
        }
        let hash = HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()));
        write!(f, "… ({} bytes, sha256 {hash})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_escaped_and_what_shows_is_kept() {
        assert_eq!(Untrusted("Zürich 東京 🦀").to_string(), "Zürich 東京 🦀");
        assert_eq!(Untrusted("a\x1b[31mb\n\r\0").to_string(), "a\\u{1b}[31mb\\u{a}\\u{d}\\u{0}");
        assert_eq!(Untrusted("x\u{202e}y\u{200b}\u{e0041}").to_string(), "x\\u{202e}y\\u{200b}\\u{e0041}");
    }

    #[test]
    fn what_is_long_is_cut_and_hashed() {
        let long = "é".repeat(5_000_000);
        let shown = Untrusted(&long).to_string();
        assert!(shown.len() < 3000, "{} bytes", shown.len());
        assert!(shown.contains("(10000000 bytes, sha256 "), "{shown}");
        assert_eq!(Untrusted(&"x".repeat(MAX_CHARS)).to_string().len(), MAX_CHARS);
    }
}
