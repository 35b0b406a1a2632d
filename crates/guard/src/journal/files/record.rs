//! The records of a journal, one after the other.
//!
//! ```text
//! record  = tag [asked] value
//! tag     = one byte: 1 to 9 a crossing of that lane, 32 a content, 33 the header, 34 the end;
//!           + 64 when `asked` follows, + 128 when the value is in a file of its own
//! asked   = 32 bytes: the digest of what was asked
//! value   = length bytes                     (length: LEB128)
//!         | length digest                    (the file of that name has so many bytes)
//! ```
//!
//! Contents come first, then the header, which is JSON, then crossings, then the end, which is JSON too.

use std::io::{self, Read};

use crate::journal::{Asked, ContentDigest, Lane};

/// A value of more bytes is in a file of its own.
pub(super) const MAX_INLINE: usize = 16 * 1024;
/// Bytes of a header or an end, at most.
pub(super) const MAX_JSON: usize = 8 << 20;
/// Bytes of a value in a file of its own, at most.
pub(super) const MAX_BLOB: u64 = 64 << 20;

const CONTENT: u8 = 32;
const HEADER: u8 = 33;
const END: u8 = 34;
const ASKED: u8 = 64;
const BLOB: u8 = 128;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Content,
    Header,
    Crossing(Lane, Asked),
    End,
}

/// A value, or where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Inline(Vec<u8>),
    Blob { digest: ContentDigest, length: u64 },
}

/// Why the next record cannot be read.
#[derive(Debug)]
pub(super) enum RecordError {
    /// The bytes are over in the middle of it.
    Torn,
    Bad(&'static str),
    Io(io::Error),
}

/// Appends a record to `out`.
pub(super) fn write(out: &mut Vec<u8>, kind: Kind, value: &Value) {
    let (number, asked) = match kind {
        Kind::Content => (CONTENT, None),
        Kind::Header => (HEADER, None),
        Kind::Crossing(lane, Asked::NOTHING) => (lane.number(), None),
        Kind::Crossing(lane, asked) => (lane.number() | ASKED, Some(asked)),
        Kind::End => (END, None),
    };
    out.push(if matches!(value, Value::Blob { .. }) { number | BLOB } else { number });
    if let Some(asked) = asked {
        out.extend_from_slice(asked.as_bytes());
    }
    match value {
        Value::Inline(bytes) => {
            write_length(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            out.extend_from_slice(bytes);
        }
        Value::Blob { digest, length } => {
            write_length(out, *length);
            out.extend_from_slice(digest.as_bytes());
        }
    }
}

/// Reads the next record; `None` where the bytes are over between two records.
pub(super) fn read(from: &mut impl Read) -> Result<Option<(Kind, Value)>, RecordError> {
    let mut tag = [0];
    loop {
        match from.read(&mut tag) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [tag] = tag;
    let asked = (tag & ASKED != 0).then(|| array(from).map(Asked::from_bytes)).transpose()?;
    let (kind, most) = match (tag & !(ASKED | BLOB), asked) {
        (CONTENT, None) => (Kind::Content, MAX_INLINE),
        (HEADER, None) => (Kind::Header, MAX_JSON),
        (END, None) => (Kind::End, MAX_JSON),
        (number, asked) => {
            let lane = Lane::of(number).ok_or(RecordError::Bad("no such kind of record"))?;
            if asked == Some(Asked::NOTHING) {
                return Err(RecordError::Bad("it is not in its one form"));
            }
            (Kind::Crossing(lane, asked.unwrap_or(Asked::NOTHING)), MAX_INLINE)
        }
    };
    let length = read_length(from)?;
    if tag & BLOB != 0 {
        if matches!(kind, Kind::Header | Kind::End) || length > MAX_BLOB || length <= MAX_INLINE as u64 {
            return Err(RecordError::Bad("its value is in a file of its own, and should not be"));
        }
        let digest = ContentDigest::from_bytes(array(from)?);
        return Ok(Some((kind, Value::Blob { digest, length })));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= most);
    let length = length.ok_or(RecordError::Bad("its value is too long"))?;
    // Room for what comes, not for what was promised.
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(RecordError::Torn);
    }
    Ok(Some((kind, Value::Inline(bytes))))
}

fn write_length(out: &mut Vec<u8>, mut length: u64) {
    loop {
        let low = length.to_le_bytes()[0] & 0x7f;
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// The shortest form alone, so that a journal has one form.
fn read_length(from: &mut impl Read) -> Result<u64, RecordError> {
    let mut length = 0_u64;
    for shift in (0..35).step_by(7) {
        let [byte] = array(from)?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && shift > 0 {
                return Err(RecordError::Bad("it is not in its one form"));
            }
            return Ok(length);
        }
    }
    Err(RecordError::Bad("its value is too long"))
}

fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], RecordError> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> RecordError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => RecordError::Torn,
            // What the decompressor says of bytes that no compressor made.
            io::ErrorKind::Other | io::ErrorKind::InvalidData => RecordError::Bad("it does not decompress"),
            _ => RecordError::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind() -> impl Strategy<Value = Kind> {
        let lane = (0..Lane::ALL.len()).prop_map(|at| Lane::ALL[at]);
        let asked = prop_oneof![Just([0; 32]), any::<[u8; 32]>()].prop_map(Asked::from_bytes);
        prop_oneof![Just(Kind::Content), (lane, asked).prop_map(|(lane, asked)| Kind::Crossing(lane, asked))]
    }

    fn value() -> impl Strategy<Value = Value> {
        let blob = (any::<[u8; 32]>(), MAX_INLINE as u64 + 1..=MAX_BLOB);
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Inline),
            blob.prop_map(|(digest, length)| Value::Blob { digest: ContentDigest::from_bytes(digest), length }),
        ]
    }

    fn all(mut bytes: &[u8]) -> Result<Vec<(Kind, Value)>, RecordError> {
        std::iter::from_fn(|| read(&mut bytes).transpose()).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(records in prop::collection::vec((kind(), value()), 0..20)) {
            let mut bytes = Vec::new();
            for (kind, value) in &records {
                write(&mut bytes, *kind, value);
            }
            prop_assert_eq!(all(&bytes).unwrap(), records);
        }

        #[test]
        fn there_is_one_form(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some((kind, value))) = read(&mut rest) {
                let mut again = Vec::new();
                write(&mut again, kind, &value);
                let end = bytes.len() - rest.len();
                prop_assert_eq!(&bytes[end - again.len()..end], again);
            }
        }
    }

    #[test]
    fn what_no_writer_writes_is_refused() {
        let long = [&[1][..], &[0xff; 10]].concat();
        let nothing = [&[1 | ASKED][..], &[0; 33]].concat();
        let small = [&[1 | BLOB, 5][..], &[0; 32]].concat();
        for bad in [&[0][..], &[10, 0], &[CONTENT | ASKED], &[END | BLOB, 0], &long, &[1, 0x80, 0], &nothing, &small] {
            let refused = matches!(all(bad), Err(RecordError::Bad(_) | RecordError::Torn));
            assert!(refused, "{bad:?}");
        }
        assert!(matches!(all(&[1, 5, 1, 2]), Err(RecordError::Torn)));
    }
}
