//! Untrusted text made safe to show: one line, no terminal controls, no invisible or direction-changing characters.

use std::fmt::{self, Write as _};

/// Shows at most 200 characters of `.0`, with everything that could mislead a reader written as an escape.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

/// As [`Printable`], at any length: for texts whose length is bounded elsewhere.
pub(crate) struct Whole<'a>(pub(crate) &'a str);

const SHOWN: usize = 200;

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{}…", Whole(self.0.get(..end).unwrap_or_default())),
            None => Whole(self.0).fmt(f),
        }
    }
}

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_hidden(c) {
            true => write!(f, "{}", c.escape_unicode()),
            false => f.write_char(c),
        })
    }
}

/// Whether `c` can change how the text around it is shown, or is not shown itself: controls, bidirectional and zero-width
/// characters, tags, variation selectors, fillers, and spaces that are not U+0020.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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
