//! Untrusted text made safe to show: one line, no terminal controls, no invisible or direction-changing characters.

use std::fmt;

/// Shows at most 200 characters of `.0`, with everything that could mislead a reader written as an escape.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

const SHOWN: usize = 200;

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shown, c) in self.0.chars().enumerate() {
            if shown == SHOWN {
                return f.write_str("…");
            }
            if misleads(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                fmt::Write::write_char(f, c)?;
            }
        }
        Ok(())
    }
}

/// Controls, bidirectional and zero-width characters, tags, variation selectors, and spaces that are not U+0020.
fn misleads(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(Printable("a\u{1b}[31mb\n").to_string(), "a\\u{1b}[31mb\\u{a}");
        assert_eq!(Printable("x\u{202e}y\u{200b}").to_string(), "x\\u{202e}y\\u{200b}");
        assert_eq!(Printable("Grüße 你好").to_string(), "Grüße 你好");
        assert_eq!(Printable(&"a".repeat(1000)).to_string().chars().count(), SHOWN + 1);
    }
}
