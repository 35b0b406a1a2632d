//! Authenticated encryption. Nonces are ours, never the guest's.
//!
//! Each nonce is 96 random bits. NIST SP 800-38D, section 8.3, then bounds a key to 2³² messages, at which the chance of
//! a repeated nonce is 2⁻³². They are counted for each version of a key, among all processes; a version that is used up
//! encrypts no more. Constructions without such a bound need no count, but what they make is not what other programs that
//! hold the same key understand.

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::rand;
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, KeyName, Resource};
use bytes::Bytes;

use super::algorithm::Use;
use super::key::Form;
use super::{Crypto, WRONG_USE, internal};

/// Bytes of the version, big-endian, that stands first.
pub const VERSION_LEN: usize = 4;
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
    /// `version ‖ nonce ‖ ciphertext ‖ tag`. The version picks the key, and so is authenticated by it.
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("encrypt").bytes(&self.plaintext).bytes(&self.aad);
    }
}

impl Perform<Encrypt> for Crypto {
    async fn perform(&self, permit: Permit<'_, Encrypt>) -> Result<Vec<u8>, HostError> {
        let Encrypt { key, plaintext, aad } = permit.action();
        let (key, plaintext, aad) = (key.clone(), plaintext.clone(), aad.clone());
        let now = permit.meter().now().unix_seconds();
        self.with_keys(plaintext.len().saturating_add(aad.len()), move |keys, _| {
            let version = keys.newest_for(&key, Use::Encrypt, now)?;
            let Form::Seal(key) = &version.key.form else { return Err(WRONG_USE) };
            let mut nonce = [0; NONCE_LEN];
            rand::fill(&mut nonce).map_err(internal)?;
            let sealed = seal(key, nonce, &aad, &plaintext)?;
            Ok([&version.number.to_be_bytes()[..], &nonce, &sealed].concat())
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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("decrypt").bytes(&self.sealed).bytes(&self.aad);
    }
}

impl Perform<Decrypt> for Crypto {
    /// `failed.not_authentic` for anything that was not sealed with this key and `aad`, whatever is wrong with it.
    async fn perform(&self, permit: Permit<'_, Decrypt>) -> Result<Vec<u8>, HostError> {
        let Decrypt { key, sealed, aad } = permit.action();
        let (key, sealed, aad) = (key.clone(), sealed.clone(), aad.clone());
        self.with_keys(sealed.len().saturating_add(aad.len()), move |keys, _| {
            keys.serving(&key, Use::Decrypt)?;
            let (number, rest) = sealed.split_first_chunk().ok_or(NOT_AUTHENTIC)?;
            let version = keys.numbered(&key, u32::from_be_bytes(*number))?.ok_or(NOT_AUTHENTIC)?;
            let Form::Seal(key) = &version.key.form else { return Err(WRONG_USE) };
            let (nonce, text) = rest.split_first_chunk().ok_or(NOT_AUTHENTIC)?;
            open(key, *nonce, &aad, text)
        })
        .await
    }
}

/// `ciphertext ‖ tag`.
pub(super) fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, HostError> {
    let mut text = Vec::with_capacity(plain.len().saturating_add(TAG_LEN));
    text.extend_from_slice(plain);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut text).map_err(internal)?;
    Ok(text)
}

pub(super) fn open(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, HostError> {
    let mut text = sealed.to_vec();
    let opened = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut text);
    let len = opened.map_err(|_| NOT_AUTHENTIC)?.len();
    text.truncate(len);
    Ok(text)
}

const NOT_AUTHENTIC: HostError = HostError::Failed(Code::NotAuthentic);
