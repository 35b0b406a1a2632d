//! Signatures.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, KeyName, Resource};
use bytes::Bytes;

use super::algorithm::Use;
use super::key::{Form, Key, Signer};
use super::{Crypto, MAX_TRIED, WRONG_USE, internal};

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
    /// 64 bytes for Ed25519 and P-256, 96 for P-384, the length of the modulus for RSA.
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("sign").bytes(&self.message);
    }
}

impl Perform<Sign> for Crypto {
    async fn perform(&self, permit: Permit<'_, Sign>) -> Result<Vec<u8>, HostError> {
        let Sign { key, message } = permit.action();
        let (key, message) = (key.clone(), message.clone());
        let now = permit.meter().now().unix_seconds();
        self.with_keys(message.len(), move |keys, _| sign(&keys.newest_for(&key, Use::Sign, now)?.key, &message)).await
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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("verify").bytes(&self.message).bytes(&self.signature);
    }
}

impl Perform<Verify> for Crypto {
    async fn perform(&self, permit: Permit<'_, Verify>) -> Result<bool, HostError> {
        let Verify { key, message, signature } = permit.action();
        let (key, message, signature) = (key.clone(), message.clone(), signature.clone());
        self.with_keys(message.len().saturating_add(signature.len()), move |keys, waiting| {
            keys.serving(&key, Use::Verify)?;
            // A signature does not tell which version made it.
            for version in keys.versions(&key, MAX_TRIED)? {
                if waiting.is_over() || verify(&version.key, &message, &signature)? {
                    return Ok(!waiting.is_over());
                }
            }
            Ok(false)
        })
        .await
    }
}

pub(super) fn sign(key: &Key, message: &[u8]) -> Result<Vec<u8>, HostError> {
    match &key.form {
        Form::Sign(Signer::Ed25519(pair), _) => Ok(pair.try_sign(message).map_err(internal)?.as_ref().to_vec()),
        Form::Sign(Signer::Ecdsa(pair), _) => {
            Ok(pair.sign(&SystemRandom::new(), message).map_err(internal)?.as_ref().to_vec())
        }
        Form::Sign(Signer::Rsa(pair), _) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature).map_err(internal)?;
            Ok(signature)
        }
        Form::Verify(_) | Form::Hmac(_) | Form::Seal(_) | Form::Derive(_) => Err(WRONG_USE),
    }
}

pub(super) fn verify(key: &Key, message: &[u8], signature: &[u8]) -> Result<bool, HostError> {
    let verified = match &key.form {
        Form::Sign(_, public) | Form::Verify(public) => public.verify_sig(message, signature),
        Form::Hmac(key) => hmac::verify(key, message, signature),
        Form::Seal(_) | Form::Derive(_) => return Err(WRONG_USE),
    };
    Ok(verified.is_ok())
}
