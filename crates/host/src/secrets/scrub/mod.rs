//! Taking secrets out of answers: the values themselves and their usual encodings, wherever chunks begin and end.
//!
//! Recognised are the value in whatever case, the value with any of its bytes escaped as in URLs (`%41`), JSON and
//! JavaScript (`\/`, `\u0041`, `\x41`), HTML (`&amp;`, `&#65;`), its hexadecimal digits, and its base64 in both alphabets, at
//! any offset of a longer text, with line breaks, and itself escaped. What a server does beyond that (cutting a value in
//! two, reversing or encrypting it) is not recognised.

use std::sync::Arc;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding};
use zeroize::Zeroizing;

/// Bytes that stand for one byte of a pattern, at most: an escape such as `&#x00041;`.
const WIDEST: usize = 10;

/// One value that was sent, with what it is replaced by.
pub(super) struct Needle {
    placeholder: Arc<str>,
    value: Zeroizing<Vec<u8>>,
    /// What surely stands in the base64 of a text that has the value.
    cores: Vec<Core>,
}

/// The part of a value's base64 that does not depend on what stands around it.
struct Core {
    text: Zeroizing<Vec<u8>>,
    /// The digit before it has bits of the value, and bits of what stands before.
    mixed_before: bool,
    mixed_behind: bool,
}

/// Takes values out of a text, chunk by chunk.
pub(crate) struct Scrubber {
    needles: Vec<Arc<Needle>>,
    /// What begins a match.
    first: [bool; 256],
    /// What was seen and may be the beginning of a match.
    carry: Zeroizing<Vec<u8>>,
    /// No match is longer.
    longest: usize,
}

impl Needle {
    pub(super) fn new(placeholder: Arc<str>, value: Zeroizing<Vec<u8>>) -> Needle {
        let mut cores: Vec<Core> = Vec::with_capacity(6);
        for (encoding, offset) in
            [&BASE64_NOPAD, &BASE64URL_NOPAD].into_iter().flat_map(|it| (0..3).map(move |at| (it, at)))
        {
            let core = core(encoding, &value, offset);
            // Many values look the same in both alphabets.
            if !cores.iter().any(|known| known.text == core.text) {
                cores.push(core);
            }
        }
        Needle { placeholder, value, cores }
    }

    pub(super) fn is(&self, placeholder: &Arc<str>, value: &[u8]) -> bool {
        self.placeholder == *placeholder
            && aws_lc_rs::constant_time::verify_slices_are_equal(&self.value, value).is_ok()
    }

    /// Whether the text begins with the value in some form: the length of that, and whether a digit before it goes, too.
    fn at(&self, text: &[u8]) -> Option<(usize, bool)> {
        let whole =
            plain(text, &self.value).or_else(|| escaped(text, &self.value, false)).or_else(|| hex(text, &self.value));
        if let Some(len) = whole {
            return Some((len, false));
        }
        self.cores.iter().find_map(|core| {
            let len = escaped(text, &core.text, true)?;
            let behind = text.get(len).is_some_and(|byte| core.mixed_behind && is_digit(*byte));
            Some((len + usize::from(behind), core.mixed_before))
        })
    }
}

impl Scrubber {
    pub(super) fn new(needles: Vec<Arc<Needle>>) -> Scrubber {
        let mut needles = needles;
        // A value that is the beginning of another one must not hide it.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.value.len()));
        let mut first = [false; 256];
        let mut mark = |byte: u8| {
            if let Some(entry) = first.get_mut(usize::from(byte)) {
                *entry = true;
            }
        };
        b"%\\&+".iter().copied().for_each(&mut mark);
        for needle in &needles {
            let high = needle.value.first().map(|byte| char::from_digit(u32::from(byte >> 4), 16));
            let high = high.flatten().and_then(|digit| u8::try_from(digit).ok());
            let cores = needle.cores.iter().filter_map(|core| core.text.first().copied());
            for byte in needle.value.first().copied().into_iter().chain(high).chain(cores) {
                mark(byte.to_ascii_lowercase());
                mark(byte.to_ascii_uppercase());
            }
        }
        let longest = needles.iter().map(|needle| needle.value.len()).max().unwrap_or(0);
        // Base64 of `n` bytes has fewer than `2n` digits, and each may be escaped.
        let longest = longest.saturating_mul(2 * WIDEST).saturating_add(WIDEST);
        Scrubber { needles, first, carry: Zeroizing::default(), longest }
    }

    /// How many values it knows.
    pub(super) fn len(&self) -> usize {
        self.needles.len()
    }

    /// One that knows these values and has seen the same.
    pub(super) fn renewed(self, needles: Vec<Arc<Needle>>) -> Scrubber {
        Scrubber { carry: self.carry, ..Scrubber::new(needles) }
    }

    /// The next chunk without values, as far as it cannot be the beginning of one.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.carry.extend_from_slice(chunk);
        // Work is done for as much as is carried on, so that many small chunks cost no more than one.
        if self.carry.len() < self.longest.saturating_mul(2) {
            return Vec::new();
        }
        // The last byte that was looked at stays: it may be a digit that goes with what comes.
        let end = self.carry.len().saturating_sub(self.longest);
        self.scan(end)
    }

    /// What is left at the end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.scan(self.carry.len())
    }

    /// A whole text without values; `None` if there is none in it.
    pub(crate) fn whole(mut self, text: &[u8]) -> Option<Vec<u8>> {
        let mut scrubbed = self.push(text);
        scrubbed.extend(self.finish());
        (scrubbed != text).then_some(scrubbed)
    }

    /// Whether a text has a value in some form.
    pub(crate) fn finds(&self, text: &[u8]) -> bool {
        (0..text.len()).any(|at| text.get(at..).is_some_and(|rest| self.match_at(rest).is_some()))
    }

    /// Works off the carried bytes before `end`; all of them if that is the end of the text.
    fn scan(&mut self, end: usize) -> Vec<u8> {
        let last = end == self.carry.len();
        let text = std::mem::take(&mut self.carry);
        let mut out = Vec::with_capacity(end);
        let mut at = 0;
        while at < end {
            let Some(rest) = text.get(at..) else { break };
            match self.match_at(rest) {
                Some((len, before, placeholder)) => {
                    if before && out.last().copied().is_some_and(is_digit) {
                        out.pop();
                    }
                    out.extend_from_slice(placeholder.as_bytes());
                    at += len.max(1);
                }
                None => {
                    out.extend(rest.first());
                    at += 1;
                }
            }
        }
        let mut carry = Zeroizing::new(Vec::with_capacity(text.len()));
        // What was looked at last is looked at again together with what comes.
        if let Some(held) = out.pop_if(|byte| !last && is_digit(*byte)) {
            carry.push(held);
        }
        carry.extend_from_slice(text.get(at..).unwrap_or_default());
        self.carry = carry;
        out
    }

    fn match_at(&self, text: &[u8]) -> Option<(usize, bool, &str)> {
        let first = usize::from(*text.first()?);
        if !self.first.get(first).copied().unwrap_or(true) {
            return None;
        }
        self.needles.iter().find_map(|needle| needle.at(text).map(|(len, before)| (len, before, &*needle.placeholder)))
    }
}

/// The value as it is, in whatever case.
fn plain(text: &[u8], value: &[u8]) -> Option<usize> {
    text.get(..value.len())?.eq_ignore_ascii_case(value).then_some(value.len())
}

/// The pattern with any of its bytes escaped; of digits, with line breaks between them.
fn escaped(text: &[u8], pattern: &[u8], digits: bool) -> Option<usize> {
    let mut at = 0;
    let mut wanted = pattern;
    // Line breaks and all, a match is no longer than if every byte were escaped.
    let most = pattern.len().saturating_mul(WIDEST);
    while let Some(byte) = wanted.first().filter(|_| at <= most) {
        let rest = text.get(at..)?;
        let again = (0..=NESTED).find_map(|levels| {
            let mut buffer = [0; 4];
            let (len, bytes) = unit(rest, levels, &mut buffer)?;
            wanted.starts_with(bytes).then_some((len, bytes.len()))
        });
        if let Some((len, decoded)) = again {
            wanted = wanted.get(decoded..)?;
            at += len;
            continue;
        }
        let mut buffer = [0; 4];
        match unit(rest, 0, &mut buffer) {
            // A reader of forms takes a plus for a space.
            _ if rest.first() == Some(byte) || (!digits && *byte == b'+' && rest.first() == Some(&b' ')) => {
                wanted = wanted.get(1..)?;
                at += 1;
            }
            _ if digits && at > 0 && matches!(rest.first(), Some(b'\r' | b'\n')) => at += 1,
            Some((len, b"\r" | b"\n")) if digits && at > 0 => at += len,
            _ => return None,
        }
    }
    wanted.is_empty().then_some(at)
}

/// How often more a percent sign may have been escaped.
const NESTED: usize = 3;

/// An escape at the beginning of the text: its length, and the bytes that it stands for. A percent sign in it was escaped that many
/// times more.
fn unit<'b>(text: &[u8], levels: usize, buffer: &'b mut [u8; 4]) -> Option<(usize, &'b [u8])> {
    let (len, code) = match text {
        [b'+', ..] => (1, u32::from(b' ')),
        [b'%', a, b, ..] => {
            // A byte, not a character.
            let read = |a, b| number(&[a, b], 16).and_then(|byte| u8::try_from(byte).ok());
            let (mut byte, mut len) = (read(*a, *b)?, 3_usize);
            // A percent sign that was escaped itself, as often as it is said.
            for _ in 0..levels {
                let [a, b] = text.get(len..len.saturating_add(2)).filter(|_| byte == b'%')?.try_into().ok()?;
                (byte, len) = (read(a, b)?, len.saturating_add(2));
            }
            *buffer = [byte, 0, 0, 0];
            return Some((len, buffer.get(..1)?));
        }
        [b'\\', b'u', a, b, c, d, ..] => (6, number(&[*a, *b, *c, *d], 16)?),
        [b'\\', b'x', a, b, ..] => (4, number(&[*a, *b], 16)?),
        [b'\\', escape, ..] => {
            let code = match escape {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                b'"' | b'\\' | b'/' | b'\'' => *escape,
                _ => return None,
            };
            (2, u32::from(code))
        }
        [b'&', rest @ ..] => {
            let end = rest.iter().take(WIDEST - 2).position(|byte| *byte == b';')?;
            let code = match rest.get(..end)? {
                b"amp" => u32::from(b'&'),
                b"lt" => u32::from(b'<'),
                b"gt" => u32::from(b'>'),
                b"quot" => u32::from(b'"'),
                b"apos" => u32::from(b'\''),
                [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
                [b'#', digits @ ..] => number(digits, 10)?,
                _ => return None,
            };
            (end + 2, code)
        }
        _ => return None,
    };
    Some((len, char::from_u32(code)?.encode_utf8(buffer).as_bytes()))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?, radix).ok()
}

fn hex(text: &[u8], value: &[u8]) -> Option<usize> {
    let digits = text.get(..value.len().checked_mul(2)?)?;
    let mut pairs = digits.chunks_exact(2).zip(value);
    pairs.all(|(pair, byte)| number(pair, 16) == Some(u32::from(*byte))).then_some(digits.len())
}

/// The digits of base64 that `value` alone decides when it stands `offset` bytes behind a multiple of three.
fn core(encoding: &Encoding, value: &[u8], offset: usize) -> Core {
    let mut padded = Zeroizing::new(Vec::with_capacity(value.len() + offset));
    padded.extend(std::iter::repeat_n(0, offset));
    padded.extend_from_slice(value);
    let digits = Zeroizing::new(encoding.encode(&padded).into_bytes());
    // One byte before decides one digit and some of the next, two decide two and some of the third.
    let skipped = if offset == 0 { 0 } else { offset + 1 };
    let mixed_behind = !padded.len().is_multiple_of(3);
    let end = digits.len() - usize::from(mixed_behind);
    let text = Zeroizing::new(digits.get(skipped..end).unwrap_or_default().to_vec());
    Core { text, mixed_before: offset != 0, mixed_behind }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, BASE64_MIME, BASE64URL, HEXLOWER, HEXUPPER};
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"s3cr3t/v\"lue&+%41 <x>~";

    fn scrubber(values: &[&[u8]]) -> Scrubber {
        let needle = |(at, value): (usize, &&[u8])| {
            Arc::new(Needle::new(format!("PLACEHOLDER{at}").into(), Zeroizing::new(value.to_vec())))
        };
        Scrubber::new(values.iter().enumerate().map(needle).collect())
    }

    fn scrubbed(text: &[u8]) -> Vec<u8> {
        scrubber(&[SECRET]).whole(text).unwrap_or_else(|| text.to_vec())
    }

    fn percent(all: bool, upper: bool) -> Vec<u8> {
        let escape = |byte: &u8| match byte {
            byte if byte.is_ascii_alphanumeric() && !all => vec![*byte],
            byte if upper => format!("%{byte:02X}").into_bytes(),
            byte => format!("%{byte:02x}").into_bytes(),
        };
        SECRET.iter().flat_map(escape).collect()
    }

    fn forms() -> Vec<Vec<u8>> {
        let json = serde_json::to_string(std::str::from_utf8(SECRET).unwrap()).unwrap();
        let json = json.trim_matches('"').as_bytes();
        let slashes = String::from_utf8(json.to_vec()).unwrap().replace('/', "\\/").replace('<', "\\u003C");
        let html = std::str::from_utf8(SECRET).unwrap();
        let html = html.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&#x3e;");
        let unicode: String = SECRET.iter().map(|byte| format!("\\u{byte:04x}")).collect();
        let mut forms = vec![
            SECRET.to_vec(),
            SECRET.to_ascii_uppercase(),
            percent(false, true),
            percent(false, false),
            percent(true, true),
            String::from_utf8(percent(false, true)).unwrap().replace("%20", "+").into_bytes(),
            json.to_vec(),
            slashes.into_bytes(),
            html.into_bytes(),
            unicode.into_bytes(),
            HEXLOWER.encode(SECRET).into_bytes(),
            HEXUPPER.encode(SECRET).into_bytes(),
        ];
        for before in ["", "u:", "user:", "us:"] {
            for behind in ["", "x", ":y"] {
                let text = [before.as_bytes(), SECRET, behind.as_bytes()].concat();
                forms.push(BASE64.encode(&text).into_bytes());
                forms.push(BASE64.encode(&text).replace('/', "\\/").replace('+', "%2B").into_bytes());
                forms.push(BASE64URL.encode(&text).into_bytes());
                forms.push(BASE64_NOPAD.encode(&text).into_bytes());
            }
        }
        let long = [&[b'x'; 50][..], SECRET].concat();
        forms.push(BASE64_MIME.encode(&long).into_bytes());
        forms.push(BASE64_MIME.encode(&long).replace("\r\n", "\\n").into_bytes());
        forms
    }

    /// Whether some eight bytes of the value can be read off the text, however it is encoded.
    fn tells(text: &[u8]) -> bool {
        let found = |text: &[u8]| SECRET.windows(6).any(|part| text.windows(6).any(|w| w.eq_ignore_ascii_case(part)));
        let digits: Vec<u8> = text.iter().copied().filter(|byte| is_digit(*byte)).collect();
        let url: Vec<u8> = digits
            .iter()
            .map(|b| match b {
                b'+' => b'-',
                b'/' => b'_',
                b => *b,
            })
            .collect();
        let decoded = (0..4).any(|skip| {
            let from = url.get(skip..).unwrap_or_default();
            let mut encoding = BASE64URL_NOPAD.specification();
            encoding.check_trailing_bits = false;
            let encoding = encoding.encoding().unwrap();
            [from.len(), from.len().saturating_sub(1)]
                .iter()
                .any(|len| encoding.decode(&from[..*len]).is_ok_and(|d| found(&d)))
        });
        found(text) || decoded
    }

    #[test]
    fn the_value_is_found_in_every_form() {
        for form in forms() {
            let text = [b"{\"a\": \"", &form[..], b"\"}"].concat();
            let clean = scrubbed(&text);
            let shown = String::from_utf8_lossy(&clean);
            assert!(shown.contains("PLACEHOLDER0"), "{} gave {shown}", String::from_utf8_lossy(&text));
            assert!(shown.starts_with("{\"a\": \"") && shown.ends_with("\"}"), "{shown}");
            assert!(!tells(&clean), "{} gave {shown}", String::from_utf8_lossy(&text));
            assert!(scrubber(&[SECRET]).finds(&text));
        }
    }

    #[test]
    fn wherever_chunks_end() {
        for form in forms() {
            let text = [b"before ", &form[..], b" behind ", &form[..]].concat();
            let whole = scrubbed(&text);
            for size in [1, 2, 3, 7, 64] {
                let mut scrubber = scrubber(&[SECRET]);
                let mut streamed: Vec<u8> = text.chunks(size).flat_map(|chunk| scrubber.push(chunk)).collect();
                streamed.extend(scrubber.finish());
                assert_eq!(String::from_utf8_lossy(&streamed), String::from_utf8_lossy(&whole), "chunks of {size}");
            }
        }
    }

    #[test]
    fn what_streams_is_held_back_no_longer_than_needed() {
        let mut scrubber = scrubber(&[SECRET]);
        let text = vec![b'.'; 1 << 16];
        let first = scrubber.push(&text).len();
        assert!(first > text.len() - 2 * WIDEST * SECRET.len() - WIDEST - 2, "{first}");
        assert_eq!(first + scrubber.finish().len(), text.len());
    }

    #[test]
    fn the_longer_of_two_values_wins_and_all_are_found() {
        let clean = scrubber(&[b"password", b"password-2"]).whole(b"password-2 password password-").unwrap();
        assert_eq!(String::from_utf8(clean).unwrap(), "PLACEHOLDER1 PLACEHOLDER0 PLACEHOLDER0-");
        assert!(scrubber(&[SECRET]).whole(b"nothing of it").is_none());
    }

    #[test]
    fn a_text_full_of_beginnings_is_quick() {
        let text: Vec<u8> = b"s3cr3t/v%5c\\u0073&#x73;czNj".iter().copied().cycle().take(1 << 20).collect();
        assert!(scrubber(&[SECRET]).whole(&text).is_none());
    }

    proptest! {
        #[test]
        fn other_text_is_left_alone(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(scrubbed(&text), text);
        }

        #[test]
        fn chunks_never_matter(
            parts in proptest::collection::vec(0..forms().len() + 4, 0..6),
            cuts in proptest::collection::vec(1..40usize, 1..40),
        ) {
            let forms = forms();
            let filler: [&[u8]; 4] = [b"aGVsbG8", b"%", b"\\u00", b"s3cr3t"];
            let part = |at: &usize| forms.get(*at).map_or_else(|| filler[at - forms.len()].to_vec(), Clone::clone);
            let text: Vec<u8> = parts.iter().flat_map(part).collect();
            let mut scrubber = scrubber(&[SECRET]);
            let (mut streamed, mut rest, mut cuts) = (Vec::new(), &text[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (chunk, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                streamed.extend(scrubber.push(chunk));
                rest = tail;
            }
            streamed.extend(scrubber.finish());
            prop_assert_eq!(streamed, scrubbed(&text));
        }
    }
}
