//! Text that a guest or an agent wrote, made safe to show and to store.

use std::fmt::{self, Write};

pub use bailiwick_policy::is_hidden;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Characters of an untrusted text that are kept; the rest is replaced by its length and SHA-256.
pub const MAX_CHARS: usize = 1024;

/// Characters that are kept of a resource that was refused: a guest is refused as often as it may call.
const MAX_REFUSED_CHARS: usize = 512;

/// Bytes that a kept character takes as it is; of text that is mostly escapes less is kept.
const CHAR_BYTES: usize = 4;

/// Displays an untrusted text on one line: control, bidirectional and invisible characters are escaped, and what is
/// longer than [`MAX_CHARS`] is cut, with the length and hash of the whole.
#[derive(Clone, Copy, Debug)]
pub struct Untrusted<'a>(pub &'a str);

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, MAX_CHARS)
    }
}

/// As [`Untrusted`], for the resource of a call that is refused: half as long.
pub(crate) struct Refused<'a>(pub(crate) &'a str);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, MAX_REFUSED_CHARS)
    }
}

fn write(f: &mut fmt::Formatter<'_>, text: &str, most: usize) -> fmt::Result {
    let (mut chars, mut bytes) = (text.chars(), 0_usize);
    for c in chars.by_ref().take(most) {
        if is_hidden(c) {
            let escaped = c.escape_unicode();
            bytes = bytes.saturating_add(escaped.len());
            write!(f, "{escaped}")?;
        } else {
            bytes = bytes.saturating_add(c.len_utf8());
            f.write_char(c)?;
        }
        if bytes >= most.saturating_mul(CHAR_BYTES) {
            break;
        }
    }
    if chars.as_str().is_empty() {
        return Ok(());
    }
    let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    write!(f, "… ({} bytes, sha256 {hash})", text.len())
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
        assert_eq!(Untrusted(&"🦀".repeat(MAX_CHARS)).to_string().len(), 4 * MAX_CHARS);
    }

    #[test]
    fn escapes_do_not_make_it_long() {
        let shown = Untrusted(&"\u{e0041}".repeat(MAX_CHARS)).to_string();
        assert!(shown.len() < 4 * MAX_CHARS + 120, "{} bytes", shown.len());
        assert!(shown.contains("(4096 bytes, sha256 "), "{shown}");
        let shown = Refused(&"a".repeat(5000)).to_string();
        assert!(shown.len() < 620 && shown.starts_with(&"a".repeat(MAX_REFUSED_CHARS)), "{shown}");
    }
}
