//! Signatures.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, UnparsedPublicKey};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, KeyName, Resource};
use bytes::Bytes;

use super::key::{Form, Key};
use super::{Crypto, WRONG_USE, compute, internal};

/// Signs `message`. No `Debug`: its input belongs in no log.
pub struct Sign {
    pub key: KeyName,
    pub message: Bytes,
}

/// Asks whether `signature` (or, for an HMAC key, a tag) of `message` is good.
pub struct Verify {
    pub key: KeyName,
    pub message: Bytes,
    pub signature: Bytes,
}

impl Action for Sign {
    const NAME: ActionName = ActionName::Sign;
    const EFFECT: Effect = Effect::World;
    /// 64 bytes for both algorithms.
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Sign> for Crypto {
    async fn perform(&self, permit: Permit<'_, Sign>) -> Result<Vec<u8>, HostError> {
        let key = self.key(&permit.action().key).await?;
        let message = permit.action().message.clone();
        compute(message.len(), move || match &key.form {
            Form::Ed25519(pair) => Ok(pair.try_sign(&message).map_err(internal)?.as_ref().to_vec()),
            Form::P256(pair) => Ok(pair.sign(&SystemRandom::new(), &message).map_err(internal)?.as_ref().to_vec()),
            Form::Hmac(_) | Form::Seal(_) | Form::Derive(_) => Err(WRONG_USE),
        })
        .await
    }
}

impl Action for Verify {
    const NAME: ActionName = ActionName::Verify;
    const EFFECT: Effect = Effect::Read;
    /// A bad signature is an answer, not an error.
    type Output = bool;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Verify> for Crypto {
    async fn perform(&self, permit: Permit<'_, Verify>) -> Result<bool, HostError> {
        let Verify { key, message, signature } = permit.action();
        let key = self.existing_key(key).await?;
        let (message, signature) = (message.clone(), signature.clone());
        let len = message.len().saturating_add(signature.len());
        compute(len, move || verify(&key, &message, &signature)).await
    }
}

fn verify(key: &Key, message: &[u8], signature: &[u8]) -> Result<bool, HostError> {
    let verified = match &key.form {
        Form::Ed25519(pair) => UnparsedPublicKey::new(&ED25519, pair.public_key()).verify(message, signature),
        Form::P256(pair) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key()).verify(message, signature)
        }
        Form::Hmac(key) => hmac::verify(key, message, signature),
        Form::Seal(_) | Form::Derive(_) => return Err(WRONG_USE),
    };
    Ok(verified.is_ok())
}
