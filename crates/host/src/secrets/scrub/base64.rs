//! Base64 as a text: decoded as far as somebody looks.

use zeroize::Zeroizing;

use super::escape::{Readings, Text};

/// The text behind Base64 in either alphabet, which may have line breaks in it and be escaped itself.
pub(super) struct Decoded<'t> {
    source: &'t [u8],
    /// Where the next digit is.
    at: usize,
    bits: u32,
    held: u32,
    bytes: Zeroizing<Vec<u8>>,
    /// Where each digit so far begins and ends.
    digits: Vec<(usize, usize)>,
}

impl<'t> Decoded<'t> {
    /// As if a group of four digits began where `source` does.
    pub(super) fn new(source: &'t [u8]) -> Decoded<'t> {
        Decoded { source, at: 0, bits: 0, held: 0, bytes: Zeroizing::default(), digits: Vec::new() }
    }

    /// Where the digits begin and end that have a bit of these bytes, as far as they were looked at.
    pub(super) fn place(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        let first = from.checked_mul(8)? / 6;
        let last = to.checked_mul(8)?.checked_sub(1)? / 6;
        Some((self.digits.get(first)?.0, self.digits.get(last)?.1))
    }

    fn decode_more(&mut self) -> Option<()> {
        while self.held < 8 {
            let (begin, value) = self.digit()?;
            self.digits.push((begin, self.at));
            self.bits = (self.bits << 6) | u32::from(value);
            self.held += 6;
        }
        self.held -= 8;
        let byte = self.bits >> self.held;
        self.bits ^= byte << self.held;
        self.bytes.push(u8::try_from(byte).ok()?);
        Some(())
    }

    /// The next digit's begin and value; the next place is behind it.
    fn digit(&mut self) -> Option<(usize, u8)> {
        loop {
            let begin = self.at;
            if let Some(value) = self.source.get(begin).and_then(|byte| value(*byte)) {
                self.at = begin.checked_add(1)?;
                return Some((begin, value));
            }
            let readings = Readings::of(&mut self.source, begin);
            let glyphs = || readings.iter().filter_map(|glyph| Some((glyph.single()?, glyph.next)));
            if let Some((value, next)) = glyphs().find_map(|(byte, next)| Some((value(byte)?, next))) {
                self.at = next;
                return Some((begin, value));
            }
            let broken = |byte| !self.digits.is_empty() && matches!(byte, b'\r' | b'\n');
            (_, self.at) = glyphs().find(|(byte, _)| broken(*byte))?;
        }
    }
}

impl Text for Decoded<'_> {
    fn byte(&mut self, at: usize) -> Option<u8> {
        while self.bytes.len() <= at {
            self.decode_more()?;
        }
        self.bytes.get(at).copied()
    }
}

/// What the first three bytes are, if the first four of `source` are plain digits.
pub(super) fn first_group(source: &[u8]) -> Option<[u8; 3]> {
    let digits: [u8; 4] = source.get(..4)?.try_into().ok()?;
    let mut bits = 0_u32;
    for digit in digits {
        bits = (bits << 6) | u32::from(value(digit)?);
    }
    let [_, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

pub(super) fn is_digit(byte: u8) -> bool {
    value(byte).is_some()
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, BASE64_MIME, BASE64_NOPAD, BASE64URL};
    use proptest::prelude::*;

    use super::*;

    fn decoded(source: &[u8]) -> Vec<u8> {
        let mut decoded = Decoded::new(source);
        (0..).map_while(|at| decoded.byte(at)).collect()
    }

    #[test]
    fn a_place_has_all_digits_of_its_bytes() {
        let mut text = Decoded::new(b"YWJ\r\nj\\/GRl");
        assert_eq!(text.byte(4), Some(b'd'));
        assert_eq!([text.place(0, 1), text.place(1, 2), text.place(2, 3)], [Some((0, 2)), Some((1, 3)), Some((2, 6))]);
        assert_eq!([text.place(3, 4), text.place(0, 5)], [Some((6, 9)), Some((0, 10))]);
        assert_eq!([text.place(0, 0), text.place(0, 90)], [None, None]);
    }

    proptest! {
        #[test]
        fn it_reads_what_encoders_write(bytes in proptest::collection::vec(any::<u8>(), 1..90)) {
            for encoding in [BASE64, BASE64_NOPAD, BASE64URL, BASE64_MIME] {
                let text = encoding.encode(&bytes);
                let percent = text.replace('+', "%2B").replace('/', "%2f").replace("\r\n", "%0D%0a");
                let json = serde_json::to_string(&text.replace('/', "\u{1}")).unwrap().replace("\\u0001", "\\/");
                let twice = json.replace('\\', "\\\\");
                for text in [&text, &percent, json.trim_matches('"'), twice.trim_matches('"')] {
                    prop_assert_eq!(&decoded(text.as_bytes()), &bytes, "{}", text);
                    if let Some(group) = first_group(text.as_bytes()) {
                        prop_assert_eq!(&group[..], &bytes[..3]);
                    }
                }
            }
        }
    }
}
