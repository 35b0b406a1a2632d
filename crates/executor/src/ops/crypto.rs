//! Cryptography with the host's keys.

use bailiwick_guard::{Attempt, CallError};
use bailiwick_host::crypto::{
    Decrypt, Derive, Encrypt, Hash, HashAlgorithm, Hmac, MAX_DERIVED, MAX_INPUT, MAX_RANDOM, Random, Sign, Verify,
};
use bailiwick_policy::{ActionName, Code, KeyName, Kind};
use bytes::Bytes;

use crate::run::Door;

/// The digest of `data`, at most [`MAX_INPUT`] bytes.
pub(crate) async fn hash(door: &Door, algorithm: HashAlgorithm, data: Bytes) -> Result<Vec<u8>, CallError> {
    check_input(&[&data])?;
    door.guard().call(&door.host().crypto, Hash { algorithm, data }).await
}

/// At most [`MAX_RANDOM`] random bytes.
pub(crate) async fn random(door: &Door, length: u64) -> Result<Vec<u8>, CallError> {
    door.guard().call(&door.host().crypto, Random { len: check_length(length, MAX_RANDOM)? }).await
}

/// The HMAC of `data` with a key.
pub(crate) async fn hmac(door: &Door, key: &str, data: Bytes) -> Result<Vec<u8>, CallError> {
    let key = parse_key(door, ActionName::Hmac, key)?;
    check_input(&[&data])?;
    door.guard().call(&door.host().crypto, Hmac { key, data }).await
}

/// The signature of `message` by a key.
pub(crate) async fn sign(door: &Door, key: &str, message: Bytes) -> Result<Vec<u8>, CallError> {
    let key = parse_key(door, ActionName::Sign, key)?;
    check_input(&[&message])?;
    door.guard().call(&door.host().crypto, Sign { key, message }).await
}

/// Whether `signature` is one of `message` by the key; for an HMAC key, whether it is its tag.
pub(crate) async fn verify(door: &Door, key: &str, message: Bytes, signature: Bytes) -> Result<bool, CallError> {
    let key = parse_key(door, ActionName::Verify, key)?;
    check_input(&[&message, &signature])?;
    door.guard().call(&door.host().crypto, Verify { key, message, signature }).await
}

/// `version ‖ nonce ‖ ciphertext ‖ tag`. `aad` is authenticated with it, and not part of it.
pub(crate) async fn encrypt(door: &Door, key: &str, plaintext: Bytes, aad: Bytes) -> Result<Vec<u8>, CallError> {
    let key = parse_key(door, ActionName::Encrypt, key)?;
    check_input(&[&plaintext, &aad])?;
    door.guard().call(&door.host().crypto, Encrypt { key, plaintext, aad }).await
}

/// The plaintext of what [`encrypt`] gave, with the same `aad`.
pub(crate) async fn decrypt(door: &Door, key: &str, sealed: Bytes, aad: Bytes) -> Result<Vec<u8>, CallError> {
    let key = parse_key(door, ActionName::Decrypt, key)?;
    check_input(&[&sealed, &aad])?;
    door.guard().call(&door.host().crypto, Decrypt { key, sealed, aad }).await
}

/// 1 to [`MAX_DERIVED`] bytes derived from a key.
pub(crate) async fn derive(
    door: &Door,
    key: &str,
    salt: Bytes,
    info: Bytes,
    length: u64,
) -> Result<Vec<u8>, CallError> {
    let key = parse_key(door, ActionName::Derive, key)?;
    check_input(&[&salt, &info])?;
    door.guard().call(&door.host().crypto, Derive { key, salt, info, len: check_length(length, MAX_DERIVED)? }).await
}

/// The hash algorithm of that name, or a recorded refusal.
pub(crate) fn parse_hash_algorithm(door: &Door, name: &str) -> Result<HashAlgorithm, CallError> {
    let refusal = Attempt { kind: Kind::Crypto, action: ActionName::Hash, resource: name, code: Code::Unsupported };
    HashAlgorithm::parse(name).ok_or_else(|| door.refuse(refusal))
}

fn parse_key(door: &Door, action: ActionName, name: &str) -> Result<KeyName, CallError> {
    KeyName::parse(name)
        .map_err(|error| door.refuse(Attempt { kind: Kind::Crypto, action, resource: name, code: error.code() }))
}

/// Refuses early what the effect would refuse, before it costs a record and a copy.
fn check_input(inputs: &[&Bytes]) -> Result<(), CallError> {
    let total = inputs.iter().fold(0usize, |sum, input| sum.saturating_add(input.len()));
    if total > MAX_INPUT { Err(CallError::Limit(Code::ArgumentBytes)) } else { Ok(()) }
}

fn check_length(length: u64, max: usize) -> Result<usize, CallError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > max { Err(CallError::Limit(Code::ArgumentBytes)) } else { Ok(length) }
}
