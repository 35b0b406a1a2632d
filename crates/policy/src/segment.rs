//! One path segment: which texts have a single reading, and how a literal is written inside a scope.

use std::fmt::{self, Write};

use crate::resource::ResourceError;
use crate::text::is_hidden;

/// Most segments that a path, a URL or a pattern may have, with the mount, the host or the store.
pub(crate) const MAX_SEGMENTS: usize = 64;
/// Most bytes in one segment of a guest path, as on the file systems that we serve.
pub(crate) const MAX_GUEST_SEGMENT: usize = 255;
/// Most bytes in a name (a key ring, a key, a table, …).
pub(crate) const MAX_NAME: usize = 128;

/// Refuses a segment of a guest path or of a key that some layer below could read as something else.
pub(crate) fn check_guest(segment: &str) -> Result<(), ResourceError> {
    check_decoded(segment)?;
    if segment.len() > MAX_GUEST_SEGMENT {
        return Err(ResourceError::malformed("a path segment is longer than 255 bytes"));
    }
    // File systems do not decode these, but software between here and a file may, once or twice.
    if ["%2f", "%5c", "%00", "%2e", "%25"].iter().any(|code| contains_ignore_case(segment, code)) {
        return Err(ResourceError::ambiguous("the path holds an encoded separator, dot, NUL or percent sign"));
    }
    Ok(())
}

/// Decodes one segment of a URL's path, once, and refuses it if it could be decoded again or read as several.
pub(crate) fn decode_url(segment: &str) -> Result<String, ResourceError> {
    let decoded = percent_decode(segment)?;
    check_url(&decoded)?;
    Ok(decoded)
}

/// Refuses a decoded URL segment that a server could decode, split or trim once more.
pub(crate) fn check_url(decoded: &str) -> Result<(), ResourceError> {
    check_decoded(decoded)?;
    if has_percent_code(decoded) {
        return Err(ResourceError::ambiguous("the path is percent-encoded twice"));
    }
    // Many servers cut parameters, spaces and final dots off before they look a path up, and ignore what is not shown.
    if decoded.contains(';') {
        return Err(ResourceError::ambiguous("a path segment has parameters (`;`, which many servers cut off)"));
    }
    if decoded.ends_with('.') {
        return Err(ResourceError::ambiguous("a path segment ends with a dot, which some servers cut off"));
    }
    if decoded.chars().any(is_hidden) {
        return Err(ResourceError::ambiguous("the path has an invisible or direction-changing character"));
    }
    if decoded.trim() != decoded {
        return Err(ResourceError::ambiguous(
            "a path segment begins or ends with white space, which some servers cut off",
        ));
    }
    Ok(())
}

/// Names are ASCII letters, digits, `.`, `_` and `-`, start with a letter, a digit or `_`, and have at most 128 bytes.
pub(crate) fn check_name(name: &str) -> Result<(), ResourceError> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if !starts_well || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return Err(ResourceError::malformed(
            "a name has ASCII letters, digits, `.`, `_` and `-` only, and starts with none of `.` and `-`",
        ));
    }
    if name.len() > MAX_NAME {
        return Err(ResourceError::malformed("a name is longer than 128 bytes"));
    }
    Ok(())
}

/// Names of tables are names in lower case: databases compare them without regard to case, and rules must not be passed by
/// writing one differently.
pub(crate) fn check_table(name: &str) -> Result<(), ResourceError> {
    check_name(name)?;
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ResourceError::malformed("tables are written in lower case, however the database spells them"));
    }
    Ok(())
}

/// Strict percent-decoding to UTF-8: a stray `%` or a byte sequence that is not UTF-8 is refused.
pub(crate) fn percent_decode(text: &str) -> Result<String, ResourceError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
            (Some(high), Some(low)) => decoded.push(high << 4 | low),
            _ => return Err(ResourceError::ambiguous("`%` is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(decoded).map_err(|_| ResourceError::ambiguous("the percent-encoding is not UTF-8"))
}

/// Writes a literal so that it stays within RFC 6749 scope-token characters and is no wildcard, and reads back equal.
pub(crate) fn write_encoded(literal: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in literal.bytes() {
        match byte {
            b'%' | b'*' | b'?' | b'#' | b'/' | b'"' | b'\\' => write!(f, "%{byte:02X}")?,
            0x21..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

fn check_decoded(segment: &str) -> Result<(), ResourceError> {
    match segment {
        "" => return Err(ResourceError::ambiguous("the path has an empty segment (`//`, or a slash at its end)")),
        "." | ".." => return Err(ResourceError::ambiguous("the path has a `.` or `..` segment")),
        _ => {}
    }
    if segment.contains(['/', '\\']) {
        return Err(ResourceError::ambiguous("a path segment holds a separator (`/` or `\\`)"));
    }
    if segment.chars().any(char::is_control) {
        return Err(ResourceError::ambiguous("the path holds NUL or another control character"));
    }
    Ok(())
}

fn has_percent_code(text: &str) -> bool {
    text.as_bytes().windows(3).any(|w| matches!(w, [b'%', a, b] if hex(*a).is_some() && hex(*b).is_some()))
}

fn contains_ignore_case(text: &str, needle: &str) -> bool {
    text.as_bytes().windows(needle.len()).any(|w| w.eq_ignore_ascii_case(needle.as_bytes()))
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn url_segments_are_decoded_once() {
        assert_eq!(decode_url("%61dmin").unwrap(), "admin");
        assert_eq!(decode_url("100%25").unwrap(), "100%");
        assert_eq!(decode_url("caf%C3%A9").unwrap(), "café");
        for text in ["v1.2", ".well-known", "a%20b", "..a", "%EF%BF%BD", "a,v=1", "a:b"] {
            assert!(decode_url(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn ambiguous_url_segments_are_refused() {
        let cases = [
            "",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            "a%2fb",
            "a%5Cb",
            "a\\b",
            "a%00",
            "%0a",
            "%7f",
            "%C2%80",
            "%",
            "%4",
            "%zz",
            "%252e",
            "%25252e",
            "%c0%ae",
            "%ff",
            "..;",
            ".;a=b",
            ";x",
            "admin;a=b",
            "admin;",
            "admin%3b",
            "%3Badmin",
            "admin%20",
            "%20admin",
            "admin ",
            "%20",
            "admin.",
            "admin%2e",
            "...",
            "%E2%80%8Badmin",
            "ad\u{200b}min",
            "admin%EF%BB%BF",
            "a%C2%A0b",
            "%E3%80%80admin",
            "a%C2%ADb",
            "a%E2%80%AEb",
        ];
        for text in cases {
            assert_eq!(decode_url(text).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
    }

    #[test]
    fn guest_segments() {
        for text in ["a", "a b", "..a", "100%.csv", "%41", "ü", "*"] {
            assert!(check_guest(text).is_ok(), "{text:?}");
        }
        for text in ["", ".", "..", "a\\b", "a\0", "a\n", "\u{85}", "%2F", "x%2e", "%252f", "a%5c", "%00", "a/b"] {
            assert_eq!(check_guest(text).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
        assert_eq!(check_guest(&"a".repeat(256)).map_err(|e| e.code()), Err(Code::Malformed));
    }

    #[test]
    fn names() {
        for text in ["a", "A-1.b_c", "2026", "_x"] {
            assert!(check_name(text).is_ok(), "{text:?}");
        }
        for text in ["", ".", "..", ".a", "-", "-a", "a b", "a/b", "ü", "a\0", "*", &"a".repeat(129)] {
            assert_eq!(check_name(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
    }
}
