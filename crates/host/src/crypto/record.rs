//! One version of a key as it is sealed.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyAlgorithm;
use super::key::Half;

/// The version of the format.
const FORMAT: u32 = 2;

/// What is known of a version beside its number.
pub(super) struct Record {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) half: Half,
    pub(super) origin: Origin,
    /// Unix seconds.
    pub(super) created: u64,
    pub(super) material: Zeroizing<Vec<u8>>,
}

/// Where a version came from. The host replaces by itself only what it made: others know an imported key, and would not
/// know the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Made,
    Imported,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    format: u32,
    algorithm: &'a str,
    public: bool,
    origin: Origin,
    created: u64,
    /// Base64. Borrowed, so that no copy of it stays behind.
    key: &'a str,
}

impl Record {
    /// The text that is sealed. `None` is impossible for what was decoded or made here.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut key = Zeroizing::new(String::with_capacity(BASE64.encode_len(self.material.len())));
        BASE64.encode_append(&self.material, &mut key);
        // With room for all of it: a vector that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(key.len().saturating_add(512)));
        let record = Text {
            format: FORMAT,
            algorithm: self.algorithm.as_str(),
            public: self.half == Half::Public,
            origin: self.origin,
            created: self.created,
            key: &key,
        };
        serde_json::to_writer(&mut *text, &record).ok()?;
        Some(text)
    }

    pub(super) fn decode(text: &[u8]) -> Option<Record> {
        let text: Text<'_> = serde_json::from_slice(text).ok()?;
        let algorithm = KeyAlgorithm::parse(text.algorithm).filter(|_| text.format == FORMAT)?;
        let material = Zeroizing::new(BASE64.decode(text.key.as_bytes()).ok()?);
        let half = if text.public { Half::Public } else { Half::Whole };
        Some(Record { algorithm, half, origin: text.origin, created: text.created, material })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_others_do_not() {
        let material = Zeroizing::new(vec![7; 5000]);
        let record = Record {
            algorithm: KeyAlgorithm::HmacSha512,
            half: Half::Whole,
            origin: Origin::Imported,
            created: 1_790_000_000,
            material,
        };
        let text = record.encode().unwrap();
        let back = Record::decode(&text).unwrap();
        assert_eq!((back.algorithm, back.half, back.created), (record.algorithm, record.half, record.created));
        assert_eq!((back.origin, back.material.as_slice()), (record.origin, record.material.as_slice()));
        let text = String::from_utf8(text.to_vec()).unwrap();
        for (from, to) in
            [("\"format\":2", "\"format\":3"), ("hmac-sha512", "rsa"), ("{", "{\"more\":1,"), ("imported", "x")]
        {
            assert!(Record::decode(text.replacen(from, to, 1).as_bytes()).is_none(), "{to}");
        }
    }
}
