//! What the host's configuration says about rings.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::KeyAlgorithm;

/// How old the newest version of a key may be and still sign or encrypt, when nothing else is said: 24 h.
const USUAL: NonZeroU64 = NonZeroU64::new(24 * 60 * 60).unwrap();

/// Rings by name. One that is not named has the defaults of [`Ring`].
pub type Rings = BTreeMap<String, Ring>;

/// The rules of one ring.
///
/// Defaults:
/// - a missing key stays missing, and nothing makes a new version by itself,
/// - versions sign and encrypt for 24 h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// The host makes keys of this algorithm when they are missing, and new versions when one is too old.
    pub create: Option<KeyAlgorithm>,
    pub rotate: Rotate,
}

/// How long a version signs, encrypts and authenticates before a newer one must. It verifies and decrypts ever after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// Seconds.
    After(NonZeroU64),
    Never,
}

impl Rotate {
    /// When a version that was made at `created` must be replaced; both in Unix seconds.
    pub fn not_after(self, created: u64) -> Option<u64> {
        match self {
            Rotate::After(seconds) => Some(created.saturating_add(seconds.get())),
            Rotate::Never => None,
        }
    }
}

impl Default for Rotate {
    fn default() -> Rotate {
        Rotate::After(USUAL)
    }
}

impl Ring {
    /// Makes its missing keys, and their new versions after 24 h.
    pub fn creating(algorithm: KeyAlgorithm) -> Ring {
        Ring { create: Some(algorithm), rotate: Rotate::default() }
    }
}
