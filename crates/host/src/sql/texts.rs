//! Values as texts, and looking for texts in texts in one pass.
//!
//! A text is what SQLite calls one: bytes, whether or not they are UTF-8.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use rusqlite::types::ValueRef;

/// Longest character of a set: those of UTF-8 have four bytes, and some of what is no UTF-8 has more.
const CHARACTER: usize = 16;

/// A value as text; `None` for NULL.
pub(super) fn text(value: ValueRef<'_>) -> Option<Cow<'_, [u8]>> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(integer) => Cow::Owned(integer.to_string().into_bytes()),
        ValueRef::Real(real) => Cow::Owned(real_text(real).into_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cow::Borrowed(bytes),
    })
}

/// As SQLite writes it: 15 digits, and always a point.
fn real_text(real: f64) -> String {
    if real.is_infinite() {
        return if real > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{real:.14e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let pointed = |digits: &str| {
        let short = digits.trim_end_matches('0');
        if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
    };
    if real == 0.0 {
        "0.0".to_owned()
    } else if (-4..15).contains(&exponent) {
        let places = usize::try_from(14_i32.saturating_sub(exponent)).unwrap_or(0);
        let plain = format!("{real:.places$}");
        pointed(&if plain.contains('.') { plain } else { format!("{plain}.") })
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", pointed(digits), exponent.unsigned_abs())
    }
}

/// Characters that may stand at an end of a text.
pub(super) struct Characters<'s> {
    /// Where each stands in the set first.
    places: HashMap<&'s [u8], usize>,
    lengths: BTreeSet<usize>,
}

impl<'s> Characters<'s> {
    pub(super) fn new(set: &'s [u8]) -> Characters<'s> {
        let (mut places, mut lengths) = (HashMap::new(), BTreeSet::new());
        for (place, character) in characters(set).enumerate().filter(|(_, found)| found.len() <= CHARACTER) {
            places.entry(character).or_insert(place);
            lengths.insert(character.len());
        }
        Characters { places, lengths }
    }

    /// Cuts a text behind the character that it starts with; of two, the one that comes first in the set.
    pub(super) fn at_start<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let found = self.lengths.iter().filter_map(|length| {
            let (character, after) = text.split_at_checked(*length)?;
            Some((self.places.get(character)?, (character, after)))
        });
        found.min_by_key(|(place, _)| **place).map(|(_, cut)| cut)
    }

    /// Cuts a text before the character that it ends with; of two, the one that comes first in the set.
    pub(super) fn at_end<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let found = self.lengths.iter().filter_map(|length| {
            let (before, character) = text.split_at_checked(text.len().checked_sub(*length)?)?;
            Some((self.places.get(character)?, (before, character)))
        });
        found.min_by_key(|(place, _)| **place).map(|(_, cut)| cut)
    }
}

/// A text as C sees it.
pub(super) fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The characters of a text as SQLite cuts it, also where it is no UTF-8.
pub(super) fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let more = if first < 0xc0 { 0 } else { rest.iter().skip(1).take_while(|byte| *byte & 0xc0 == 0x80).count() };
        let (character, after) = rest.split_at_checked(more.saturating_add(1))?;
        rest = after;
        Some(character)
    })
}

/// Where a needle stands in a haystack, found in one pass (Knuth, Morris and Pratt).
pub(super) struct Occurrences<'t> {
    haystack: &'t [u8],
    needle: &'t [u8],
    /// For each length of a beginning of the needle, the length of the longest shorter beginning that it ends with.
    shorter: Vec<usize>,
    at: usize,
    matched: usize,
}

impl<'t> Occurrences<'t> {
    pub(super) fn new(haystack: &'t [u8], needle: &'t [u8]) -> Occurrences<'t> {
        let mut occurrences = Occurrences { haystack, needle, shorter: vec![0], at: 0, matched: 0 };
        if needle.len() <= haystack.len() {
            let mut matched = 0;
            for byte in needle.iter().skip(1) {
                occurrences.shorter.push(matched);
                matched = occurrences.next_length(matched, *byte);
            }
            occurrences.shorter.push(matched);
        } else {
            occurrences.at = haystack.len();
        }
        occurrences
    }

    /// How much of the needle matches after one more byte of the text.
    fn next_length(&self, mut matched: usize, byte: u8) -> usize {
        loop {
            if self.needle.get(matched) == Some(&byte) {
                return matched.saturating_add(1);
            }
            if matched == 0 {
                return 0;
            }
            matched = self.shorter.get(matched).copied().unwrap_or(0);
        }
    }

    /// Those that do not overlap.
    pub(super) fn apart(mut self) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || {
            let found = self.next()?;
            self.matched = 0;
            Some(found)
        })
    }
}

impl Iterator for Occurrences<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while let Some(byte) = self.haystack.get(self.at) {
            self.at = self.at.saturating_add(1);
            self.matched = self.next_length(self.matched, *byte);
            if self.matched == self.needle.len() {
                return self.at.checked_sub(self.needle.len());
            }
        }
        None
    }
}
