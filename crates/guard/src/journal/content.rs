//! Texts and bytes that a journal holds once, whoever refers to them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of some bytes. Displays as lower-case hex, and is written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentDigest([u8; 32]);

/// What a header refers to by digest: the guest, manifests, the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<ContentDigest, Arc<[u8]>>);

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the 64 hexadecimal digits of a digest")]
pub struct NotADigest;

impl ContentDigest {
    pub const LENGTH: usize = 32;

    pub fn of(bytes: &[u8]) -> ContentDigest {
        ContentDigest(Sha256::digest(bytes).into())
    }

    pub const fn from_bytes(bytes: [u8; ContentDigest::LENGTH]) -> ContentDigest {
        ContentDigest(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; ContentDigest::LENGTH] {
        &self.0
    }
}

impl Contents {
    /// Keeps `bytes`, and says how to refer to them.
    pub fn add(&mut self, bytes: impl Into<Arc<[u8]>>) -> ContentDigest {
        let bytes = bytes.into();
        let digest = ContentDigest::of(&bytes);
        self.0.entry(digest).or_insert(bytes);
        digest
    }

    pub fn get(&self, digest: &ContentDigest) -> Option<&Arc<[u8]>> {
        self.0.get(digest)
    }

    /// The same as text; `None` also when it is not UTF-8.
    pub fn text(&self, digest: &ContentDigest) -> Option<&str> {
        std::str::from_utf8(self.get(digest)?).ok()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ContentDigest, &Arc<[u8]>)> {
        self.0.iter()
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl std::str::FromStr for ContentDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<ContentDigest, NotADigest> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotADigest)?;
        bytes.try_into().map(ContentDigest).map_err(|_| NotADigest)
    }
}

impl TryFrom<String> for ContentDigest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<ContentDigest, NotADigest> {
        text.parse()
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_written() {
        let digest = ContentDigest::of(b"a");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for bad in ["", "ab", &digest.to_string().to_uppercase(), &format!("{digest}00"), &"g".repeat(64)] {
            assert_eq!(bad.parse::<ContentDigest>(), Err(NotADigest), "{bad}");
        }
    }

    #[test]
    fn the_same_bytes_are_kept_once() {
        let mut contents = Contents::default();
        let digest = contents.add(&b"a"[..]);
        assert_eq!(contents.add(&b"a"[..]), digest);
        assert_eq!((contents.iter().len(), contents.text(&digest)), (1, Some("a")));
        let binary = contents.add(&[0xff][..]);
        assert_eq!(contents.text(&binary), None);
    }
}
