//! Seals: what makes compiled code ours. Machine code is loaded only after its seal was verified.

use aws_lc_rs::{constant_time, hmac};

use super::Form;
use super::digest::CodeDigest;
use super::frozen::Frozen;
use crate::engine::Fingerprint;
use crate::guest::GuestDigest;

pub(crate) const TAG_BYTES: usize = 32;

/// A key for HMAC-SHA-256 over a payload and what the payload is about.
#[derive(Clone)]
pub(crate) struct Seal {
    key: hmac::Key,
}

/// What a payload is about. Part of what is sealed, so that a payload cannot stand in for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) purpose: Purpose,
    /// Different for each compilation; zero in the cache.
    pub(crate) nonce: [u8; 16],
    pub(crate) guest: GuestDigest,
    pub(crate) fingerprint: Fingerprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    ChildReply,
    CacheEntry,
}

impl Purpose {
    /// INVARIANT: all of one length, so that the fields after it cannot shift.
    const fn label(self) -> &'static [u8; 24] {
        match self {
            Purpose::ChildReply => b"bailiwick child reply v1",
            Purpose::CacheEntry => b"bailiwick cache entry v2",
        }
    }
}

/// A payload whose seal held. Made by [`Seal::open`] alone.
#[derive(Debug)]
pub(crate) struct Authentic {
    payload: Vec<u8>,
}

impl Authentic {
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Frozen code whose seal held. Made by [`Seal::open_frozen`] alone.
#[derive(Debug)]
pub(crate) struct AuthenticCode {
    form: Form,
    code: Frozen,
}

impl AuthenticCode {
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    pub(crate) fn code(&self) -> &Frozen {
        &self.code
    }
}

/// The seal does not hold: other bytes, another guest, another engine, another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal does not hold")]
pub(crate) struct Broken;

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        Seal { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    pub(crate) fn tag(&self, about: &About, payload: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(about.purpose.label());
        context.update(&about.nonce);
        context.update(about.guest.as_bytes());
        context.update(about.fingerprint.as_bytes());
        context.update(payload);
        let mut tag = [0; TAG_BYTES];
        // HMAC-SHA-256 gives exactly as many bytes; a shorter tag would fail to verify, not to be safe.
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }

    pub(crate) fn open(&self, about: &About, tag: &[u8; TAG_BYTES], payload: Vec<u8>) -> Result<Authentic, Broken> {
        let expected = self.tag(about, &payload);
        constant_time::verify_slices_are_equal(&expected, tag).map_err(|_| Broken)?;
        Ok(Authentic { payload })
    }

    /// Seals code by its form and digest.
    pub(crate) fn tag_code(&self, about: &About, form: Form, digest: &CodeDigest) -> [u8; TAG_BYTES] {
        let mut payload = [form.letter(); 33];
        for (to, from) in payload.iter_mut().skip(1).zip(digest.as_bytes()) {
            *to = *from;
        }
        self.tag(about, &payload)
    }

    pub(crate) fn open_frozen(
        &self,
        about: &About,
        tag: &[u8; TAG_BYTES],
        form: Form,
        code: Frozen,
    ) -> Result<AuthenticCode, Broken> {
        let expected = self.tag_code(about, form, code.digest());
        constant_time::verify_slices_are_equal(&expected, tag).map_err(|_| Broken)?;
        Ok(AuthenticCode { form, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compiling_engine;
    use crate::guest::Guest;

    fn about(purpose: Purpose, text: &str) -> About {
        About {
            purpose,
            nonce: [0; 16],
            guest: Guest::from_bytes(text.as_bytes().to_vec()).unwrap().digest(),
            fingerprint: Fingerprint::of(&compiling_engine().unwrap()),
        }
    }

    #[test]
    fn a_seal_holds_for_what_was_sealed_and_nothing_else() {
        let seal = Seal::new(&[7; 32]);
        let sealed = about(Purpose::CacheEntry, "(module)");
        let tag = seal.tag(&sealed, b"code");
        assert_eq!(seal.open(&sealed, &tag, b"code".to_vec()).unwrap().payload(), b"code");

        let mut flipped = tag;
        flipped[31] ^= 1;
        assert!(seal.open(&sealed, &flipped, b"code".to_vec()).is_err());
        assert!(seal.open(&sealed, &tag, b"codf".to_vec()).is_err());
        assert!(Seal::new(&[8; 32]).open(&sealed, &tag, b"code".to_vec()).is_err());
        assert!(seal.open(&about(Purpose::ChildReply, "(module)"), &tag, b"code".to_vec()).is_err());
        assert!(seal.open(&about(Purpose::CacheEntry, "(module )"), &tag, b"code".to_vec()).is_err());
        let other_nonce = About { nonce: [1; 16], ..sealed };
        assert!(seal.open(&other_nonce, &tag, b"code".to_vec()).is_err());
    }
}
