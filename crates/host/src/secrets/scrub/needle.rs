//! One value in the forms that it may have in a text.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::escape::{Glyph, Readings, Text};

/// Ways to read one text that are followed at once. More than one there are only where a value has escapes in it itself.
const WAYS: usize = 16;

/// One value that was sent, with what it is replaced by.
pub(in super::super) struct Needle {
    pub(super) placeholder: Arc<str>,
    /// The value, its hexadecimal digits, and its UTF-16. No byte of these is told from the same letter in the other case.
    forms: Vec<Zeroizing<Vec<u8>>>,
}

impl Needle {
    pub(in super::super) fn new(placeholder: Arc<str>, value: &[u8]) -> Needle {
        let mut forms = vec![Zeroizing::new(value.to_vec()), Zeroizing::new(HEXLOWER.encode(value).into_bytes())];
        if let Ok(text) = std::str::from_utf8(value) {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                // Both orders of a text in ASCII are the same, without the zero at an end.
                let mut bytes = Zeroizing::new(Vec::with_capacity(value.len().saturating_mul(2)));
                bytes.extend(text.encode_utf16().flat_map(order));
                let inner = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
                let inner = Zeroizing::new(inner.strip_suffix(&[0]).unwrap_or(inner).to_vec());
                if !forms.contains(&inner) {
                    forms.push(inner);
                }
            }
        }
        Needle { placeholder, forms }
    }

    pub(in super::super) fn is(&self, placeholder: &Arc<str>, value: &[u8]) -> bool {
        self.placeholder == *placeholder
            && aws_lc_rs::constant_time::verify_slices_are_equal(self.value(), value).is_ok()
    }

    pub(super) fn value(&self) -> &[u8] {
        self.forms.first().map_or(&[], |value| value)
    }

    /// What a form of it begins with.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = u8> {
        self.forms.iter().filter_map(|form| form.first().copied())
    }

    /// Where a form of it ends that begins with one of `heads`, which are the readings of one place in the text.
    pub(super) fn end<T: Text>(&self, text: &mut T, heads: &Readings) -> Option<usize> {
        self.forms.iter().find_map(|form| end(text, heads, form))
    }
}

fn end<T: Text>(text: &mut T, heads: &Readings, form: &[u8]) -> Option<usize> {
    let mut ways = BTreeSet::new();
    let go_on = |ways: &mut BTreeSet<(usize, usize)>, readings: &Readings, taken: usize| {
        let rest = form.get(taken..).unwrap_or_default();
        for glyph in readings.iter().filter(|glyph| is_next(rest, glyph)) {
            if ways.len() < WAYS {
                ways.insert((taken.saturating_add(glyph.bytes().len()), glyph.next));
            }
        }
    };
    go_on(&mut ways, heads, 0);
    // The least of the form first: in the end all ways have all of it, and the longest is taken.
    while let Some((taken, at)) = ways.pop_first() {
        if taken == form.len() {
            return Some(ways.pop_last().map_or(at, |(_, longest)| longest));
        }
        go_on(&mut ways, &Readings::of(text, at), taken);
    }
    None
}

fn is_next(form: &[u8], glyph: &Glyph) -> bool {
    form.get(..glyph.bytes().len()).is_some_and(|wanted| wanted.iter().zip(glyph.bytes()).all(|(a, b)| same(*a, *b)))
}

/// In whatever case, and with the plus that forms have for a space, or the space that their readers make of a plus.
fn same(a: u8, b: u8) -> bool {
    let plain = |byte: u8| if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() };
    plain(a) == plain(b)
}
