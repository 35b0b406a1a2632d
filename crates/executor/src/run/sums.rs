//! The sums of what a run gives, kept while it gives it: pieces of sessions take their output away.

use bailiwick_guard::journal::ContentDigest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Stream;

/// What went to both streams, and the last result.
#[derive(Clone, Default)]
pub(crate) struct Sums {
    pub(crate) stdout: Sum,
    pub(crate) stderr: Sum,
    pub(crate) result: Option<ContentDigest>,
}

/// How many bytes, and their digest.
#[derive(Clone, Default)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    hash: Sha256,
}

impl Sums {
    pub(crate) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.add(bytes),
            Stream::Stderr => self.stderr.add(bytes),
        }
    }

    pub(crate) fn set_result(&mut self, value: &Value) {
        self.result = Some(ContentDigest::of(value.to_string().as_bytes()));
    }
}

impl Sum {
    pub(crate) fn digest(&self) -> ContentDigest {
        ContentDigest::from_bytes(self.hash.clone().finalize().into())
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.hash.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sums_are_of_all_that_was_printed() {
        let mut sums = Sums::default();
        sums.add(Stream::Stdout, b"ab");
        sums.add(Stream::Stderr, b"x");
        sums.add(Stream::Stdout, b"c");
        assert_eq!((sums.stdout.bytes, sums.stdout.digest()), (3, ContentDigest::of(b"abc")));
        assert_eq!((sums.stderr.bytes, sums.stderr.digest()), (1, ContentDigest::of(b"x")));
        assert_eq!(sums.result, None);
        sums.set_result(&json!([1]));
        assert_eq!(sums.result, Some(ContentDigest::of(b"[1]")));
    }
}
