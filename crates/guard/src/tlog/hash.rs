//! SHA-256 as RFC 6962 §2.1 uses it: leaves and nodes are hashed apart, so that neither can stand for the other.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};

/// The hash of a leaf, of a node, or of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; Hash::LENGTH]);

impl Hash {
    /// In bytes.
    pub const LENGTH: usize = 32;

    /// Of a leaf with this content.
    pub fn leaf(content: &[u8]) -> Hash {
        Hash(Sha256::new().chain_update([0]).chain_update(content).finalize().into())
    }

    /// Of the node above `left` and `right`.
    pub(super) fn node(left: Hash, right: Hash) -> Hash {
        Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// Of a row of neighbours, each a perfect tree of the same height but for the last, which may be smaller.
    pub(super) fn row(row: &[Hash]) -> Hash {
        match row {
            [] => Hash(Sha256::digest([]).into()),
            [one] => *one,
            _ => {
                let (left, right) = row.split_at(split(row.len()));
                Hash::node(Hash::row(left), Hash::row(right))
            }
        }
    }

    pub fn as_bytes(&self) -> &[u8; Hash::LENGTH] {
        &self.0
    }

    /// From the text that checkpoints have: Base64 with padding (RFC 4648 §4).
    pub fn from_base64(text: &str) -> Option<Hash> {
        BASE64.decode(text.as_bytes()).ok()?.try_into().ok().map(Hash)
    }

    pub fn to_base64(self) -> String {
        BASE64.encode(&self.0)
    }
}

impl From<[u8; Hash::LENGTH]> for Hash {
    fn from(bytes: [u8; Hash::LENGTH]) -> Hash {
        Hash(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: usize) -> usize {
    length.div_ceil(2).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_split_at_the_largest_power_of_two_below_its_length() {
        let splits = [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), (256, 128), (257, 256)];
        for (length, at) in splits {
            assert_eq!(split(length), at, "{length}");
        }
    }
}
