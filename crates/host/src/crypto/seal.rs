//! Authenticated encryption. Nonces are ours, never the guest's.
//!
//! Each nonce is 96 random bits. NIST SP 800-38D, section 8.3, then bounds a key to 2³² messages, at which the chance of
//! a repeated nonce is 2⁻³²; a run's budget of host calls keeps a guest far below that, and rings should be rotated
//! before all runs together come near it.

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::rand;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, KeyName, Resource};
use bytes::Bytes;

use super::key::Form;
use super::{Crypto, WRONG_USE, compute, internal};

/// Bytes of the nonce that stands before the ciphertext.
pub const NONCE_LEN: usize = 12;
/// Bytes of the tag that stands behind it.
pub const TAG_LEN: usize = 16;

/// Encrypts and authenticates `plaintext`, and authenticates `aad`. No `Debug`: its input belongs in no log.
pub struct Encrypt {
    pub key: KeyName,
    pub plaintext: Bytes,
    pub aad: Bytes,
}

/// Opens what [`Encrypt`] sealed, with the same `aad`.
pub struct Decrypt {
    pub key: KeyName,
    pub sealed: Bytes,
    pub aad: Bytes,
}

impl Action for Encrypt {
    const NAME: ActionName = ActionName::Encrypt;
    const EFFECT: Effect = Effect::World;
    /// `nonce ‖ ciphertext ‖ tag`.
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Encrypt> for Crypto {
    async fn perform(&self, permit: Permit<'_, Encrypt>) -> Result<Vec<u8>, HostError> {
        let Encrypt { key, plaintext, aad } = permit.action();
        let key = self.key(key).await?;
        let (plaintext, aad) = (plaintext.clone(), aad.clone());
        compute(plaintext.len().saturating_add(aad.len()), move || {
            let Form::Seal(key) = &key.form else { return Err(WRONG_USE) };
            let mut nonce = [0; NONCE_LEN];
            rand::fill(&mut nonce).map_err(internal)?;
            let mut text = plaintext.to_vec();
            let tag = key
                .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&aad), &mut text)
                .map_err(internal)?;
            Ok([&nonce[..], &text, tag.as_ref()].concat())
        })
        .await
    }
}

impl Action for Decrypt {
    const NAME: ActionName = ActionName::Decrypt;
    const EFFECT: Effect = Effect::Read;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Decrypt> for Crypto {
    /// `failed.not_authentic` for anything that was not sealed with this key and `aad`, whatever is wrong with it.
    async fn perform(&self, permit: Permit<'_, Decrypt>) -> Result<Vec<u8>, HostError> {
        let Decrypt { key, sealed, aad } = permit.action();
        let key = self.existing_key(key).await?;
        let (sealed, aad) = (sealed.clone(), aad.clone());
        compute(sealed.len().saturating_add(aad.len()), move || {
            let Form::Seal(key) = &key.form else { return Err(WRONG_USE) };
            let not_authentic = HostError::Failed(Code::NotAuthentic);
            let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(not_authentic)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(internal)?;
            let mut text = text.to_vec();
            let len = key.open_in_place(nonce, Aad::from(&aad), &mut text).map_err(|_| not_authentic)?.len();
            text.truncate(len);
            Ok(text)
        })
        .await
    }
}
