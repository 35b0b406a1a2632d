//! Escapes, and escapes within escapes: what the bytes of a text may stand for.

/// Escapes within escapes that are undone.
pub(super) const DEPTH: usize = 4;
/// Most bytes between `&` and `;`.
const ENTITY: usize = 8;

/// Bytes to look at, which may be made as they are asked for.
pub(super) trait Text {
    fn byte(&mut self, at: usize) -> Option<u8>;
}

/// What one byte, or an escape, stands for: a byte, or a character in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    bytes: [u8; 4],
    len: usize,
    /// Where the text goes on behind it.
    pub(super) next: usize,
}

/// All that may stand at one place: as it is written, and with one more escape undone each time.
pub(super) struct Readings([Option<Glyph>; DEPTH + 1]);

impl Text for &[u8] {
    fn byte(&mut self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }
}

impl Glyph {
    fn byte(byte: u8, next: usize) -> Glyph {
        Glyph { bytes: [byte, 0, 0, 0], len: 1, next }
    }

    fn character(code: u32, next: usize) -> Option<Glyph> {
        let mut bytes = [0; 4];
        let len = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Glyph { bytes, len, next })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn single(&self) -> Option<u8> {
        self.bytes.first().copied().filter(|_| self.len == 1)
    }
}

impl Readings {
    pub(super) fn of(text: &mut impl Text, at: usize) -> Readings {
        let mut readings = [None; DEPTH + 1];
        let mut known = None;
        for (depth, entry) in readings.iter_mut().enumerate() {
            let glyph = match known {
                None => text.byte(at).map(|byte| Glyph::byte(byte, at.saturating_add(1))),
                Some(glyph) => undo(text, glyph, depth.saturating_sub(1)),
            };
            if glyph.is_some() {
                (*entry, known) = (glyph, glyph);
            }
            if known.and_then(|glyph| glyph.single()).is_none_or(|byte| !begins_escape(byte)) {
                break;
            }
        }
        Readings(readings)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Glyph> {
        self.0.iter().flatten()
    }
}

pub(super) fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

/// What stands there when so many escapes within escapes are undone.
fn layered(text: &mut impl Text, at: usize, depth: usize) -> Option<Glyph> {
    let mut glyph = Glyph::byte(text.byte(at)?, at.saturating_add(1));
    for below in 0..depth {
        if !glyph.single().is_some_and(begins_escape) {
            break;
        }
        glyph = undo(text, glyph, below).unwrap_or(glyph);
    }
    Some(glyph)
}

/// The escape that begins with `first`, which is a character of the text with `depth` escapes undone, as is the rest of it.
fn undo(text: &mut impl Text, first: Glyph, depth: usize) -> Option<Glyph> {
    match first.single()? {
        b'%' => {
            let (code, next) = digits(text, first.next, 2, depth)?;
            // A byte, not a character.
            u8::try_from(code).ok().map(|byte| Glyph::byte(byte, next))
        }
        b'\\' => behind_backslash(text, first.next, depth),
        b'&' => entity(text, first.next, depth),
        _ => None,
    }
}

fn behind_backslash(text: &mut impl Text, at: usize, depth: usize) -> Option<Glyph> {
    let (kind, at) = ascii(text, at, depth)?;
    let byte = match kind {
        b'u' => {
            let (code, next) = utf16(text, at, depth)?;
            return Glyph::character(code, next);
        }
        b'U' => {
            let (code, next) = digits(text, at, 8, depth)?;
            return Glyph::character(code, next);
        }
        b'x' => {
            let (code, next) = digits(text, at, 2, depth)?;
            return Glyph::character(code, next);
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'"' | b'\\' | b'/' | b'\'' => kind,
        _ => return None,
    };
    Some(Glyph::byte(byte, at))
}

/// `0041`, `{1f600}`, and the two halves of a character, `d83d\ude00`.
fn utf16(text: &mut impl Text, at: usize, depth: usize) -> Option<(u32, usize)> {
    if let Some((b'{', mut at)) = ascii(text, at, depth) {
        let mut code = 0_u32;
        for count in 0..=6 {
            let (digit, next) = ascii(text, at, depth)?;
            at = next;
            if digit == b'}' {
                return (count > 0).then_some((code, at));
            }
            code = code.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?)?;
        }
        return None;
    }
    let (high, at) = digits(text, at, 4, depth)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((high, at));
    }
    let (b'\\', at) = ascii(text, at, depth)? else { return None };
    let (b'u', at) = ascii(text, at, depth)? else { return None };
    let (low, at) = digits(text, at, 4, depth)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((0x10000 + ((high - 0xd800) << 10) + low, at))
}

fn entity(text: &mut impl Text, at: usize, depth: usize) -> Option<Glyph> {
    let (mut name, mut len, mut at) = ([0; ENTITY], 0, at);
    loop {
        let (byte, next) = ascii(text, at, depth)?;
        at = next;
        if byte == b';' {
            break;
        }
        *name.get_mut(len).filter(|_| byte == b'#' || byte.is_ascii_alphanumeric())? = byte;
        len += 1;
    }
    let number = |digits: &[u8], radix| u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
    let code = match name.get(..len)? {
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Glyph::character(code, at)
}

/// A number of that many hexadecimal digits.
fn digits(text: &mut impl Text, at: usize, count: usize, depth: usize) -> Option<(u32, usize)> {
    let (mut code, mut at) = (0_u32, at);
    for _ in 0..count {
        let (digit, next) = ascii(text, at, depth)?;
        code = code.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?)?;
        at = next;
    }
    Some((code, at))
}

fn ascii(text: &mut impl Text, at: usize, depth: usize) -> Option<(u8, usize)> {
    let glyph = layered(text, at, depth)?;
    glyph.single().filter(u8::is_ascii).map(|byte| (byte, glyph.next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deepest(text: &str) -> (String, usize) {
        let glyph = Readings::of(&mut text.as_bytes(), 0).iter().last().copied().unwrap();
        (String::from_utf8(glyph.bytes().to_vec()).unwrap(), glyph.next)
    }

    #[test]
    fn escapes_are_undone_once_and_again() {
        for (text, character) in [
            ("A", "A"),
            ("%41", "A"),
            ("%2541", "A"),
            ("%25252541", "A"),
            ("\\u0041", "A"),
            ("\\u{41}", "A"),
            ("\\u{1f600}", "😀"),
            ("\\U0001f600", "😀"),
            ("\\ud83d\\ude00", "😀"),
            ("\\\\ud83d\\\\ude00", "😀"),
            ("%5Cud83d%5cude00", "😀"),
            ("\\\\\\\\u0041", "A"),
            ("\\\"", "\""),
            ("\\\\\\\"", "\""),
            ("\\\\\\/", "/"),
            ("\\u0026quot;", "\""),
            ("&amp;amp;lt;", "<"),
            ("&#x1F600;", "😀"),
            ("&#65;", "A"),
            ("&amp;#0000065;", "A"),
        ] {
            assert_eq!(deepest(text), (character.to_owned(), text.len()), "{text}");
            assert_eq!(deepest(&format!("{text}41;")), (character.to_owned(), text.len()), "{text} with more behind");
        }
    }

    #[test]
    fn what_is_no_escape_is_as_it_is_written() {
        for text in [
            "%4",
            "%4g",
            "\\",
            "\\q",
            "\\u004",
            "\\ud83d",
            "\\ud83dxude00",
            "\\ud83d\\u0041",
            "\\ude00",
            "\\u{}",
            "\\u{0000041}",
            "\\u{110000}",
            "\\U00110000",
            "&",
            "&amp",
            "&unknown;",
            "&#;",
            "&#x;",
            "&#+65;",
            "&#00000065;",
            "%%41",
            "&&amp;",
        ] {
            let first = text.get(..1).unwrap();
            assert_eq!(deepest(text), (first.to_owned(), 1), "{text}");
        }
    }
}
