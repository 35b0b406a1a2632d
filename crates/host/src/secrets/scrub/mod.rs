//! Taking secrets out of answers: the values themselves and their usual encodings, wherever chunks begin and end.
//!
//! Recognised are the value in whatever case, its hexadecimal digits and its UTF-16, with any of their bytes escaped as in URLs
//! (`%41`), JSON and JavaScript (`\/`, `\u0041`, `\ud83d\ude00`, `\x41`) and HTML (`&amp;`, `&#65;`), or escaped again, up to
//! four times; and all of that in Base64 of both alphabets, at any offset of a longer text, with line breaks, and itself
//! escaped. What a server does beyond that (cutting a value in two, reversing, compressing or encrypting it, Base64 twice) is not
//! recognised.

mod base64;
mod escape;
mod needle;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use zeroize::Zeroizing;

use base64::Decoded;
use escape::{Readings, Text};
pub(super) use needle::Needle;

/// A form with more bytes for each byte of the value is not recognised.
const WIDEST: usize = 20;

/// Takes values out of a text, chunk by chunk.
pub(crate) struct Scrubber {
    needles: Vec<Arc<Needle>>,
    /// What begins a value, or an escape.
    first: [bool; 256],
    /// What was seen and may be the beginning of a match.
    carry: Zeroizing<Vec<u8>>,
    /// No match is longer.
    longest: usize,
}

/// A value in a text, some bytes further on.
struct Found<'n> {
    begin: usize,
    end: usize,
    placeholder: &'n str,
}

impl Scrubber {
    pub(super) fn new(needles: Vec<Arc<Needle>>) -> Scrubber {
        let mut needles = needles;
        // A value that is the beginning of another one must not hide it.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.value().len()));
        let mut first = [false; 256];
        let mut mark = |byte: u8| {
            if let Some(entry) = first.get_mut(usize::from(byte)) {
                *entry = true;
            }
        };
        (0..=u8::MAX).filter(|byte| escape::begins_escape(*byte)).for_each(&mut mark);
        for byte in needles.iter().flat_map(|needle| needle.beginnings()) {
            mark(byte.to_ascii_lowercase());
            mark(byte.to_ascii_uppercase());
            if matches!(byte, b' ' | b'+') {
                mark(b' ');
                mark(b'+');
            }
        }
        let longest = needles.iter().map(|needle| needle.value().len()).max().unwrap_or(0);
        let longest = longest.saturating_mul(WIDEST);
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
        (0..text.len()).any(|at| text.get(at..).is_some_and(|rest| self.find(rest).is_some()))
    }

    /// Works off the carried bytes before `end`.
    fn scan(&mut self, end: usize) -> Vec<u8> {
        let text = std::mem::take(&mut self.carry);
        let mut out = Vec::with_capacity(end);
        let mut at = 0;
        while at < end {
            let Some(rest) = text.get(at..) else { break };
            match self.find(rest) {
                Some(found) => {
                    out.extend_from_slice(rest.get(..found.begin).unwrap_or_default());
                    out.extend_from_slice(found.placeholder.as_bytes());
                    at = at.saturating_add(found.end.max(1));
                }
                None => {
                    out.extend(rest.first());
                    at += 1;
                }
            }
        }
        self.carry = Zeroizing::new(text.get(at..).unwrap_or_default().to_vec());
        out
    }

    /// The value that the text begins with, or the Base64 at its beginning: that can have up to two digits before it.
    ///
    // INVARIANT: what is found depends on no byte before the text, and on no more than `longest` of its bytes, so that it is
    // the same however the text comes.
    fn find(&self, text: &[u8]) -> Option<Found<'_>> {
        let mut text = text.get(..self.longest).unwrap_or(text);
        let byte = *text.first()?;
        if self.may_begin(byte) {
            let heads = Readings::of(&mut text, 0);
            if let Some((end, needle)) = self.read(&mut text, &heads) {
                return Some(Found { begin: 0, end, placeholder: &needle.placeholder });
            }
        }
        match base64::first_group(text) {
            Some(group) if !group.iter().any(|byte| self.may_begin(*byte)) => return None,
            Some(_) => {}
            None if base64::is_digit(byte) || escape::begins_escape(byte) => {}
            None => return None,
        }
        let mut decoded = Decoded::new(text);
        for from in 0..3 {
            let heads = Readings::of(&mut decoded, from);
            if let Some((to, needle)) = self.read(&mut decoded, &heads)
                && let Some((begin, end)) = decoded.place(from, to)
            {
                return Some(Found { begin, end, placeholder: &needle.placeholder });
            }
        }
        None
    }

    fn may_begin(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte)).copied().unwrap_or(true)
    }

    /// The value that begins with one of `heads`, the readings of one place in the text, and where it ends.
    fn read(&self, text: &mut impl Text, heads: &Readings) -> Option<(usize, &Needle)> {
        let mut bytes = heads.iter().filter_map(|glyph| glyph.bytes().first());
        if !bytes.any(|byte| self.may_begin(*byte)) {
            return None;
        }
        self.needles.iter().find_map(|needle| Some((needle.end(text, heads)?, &**needle)))
    }
}
