//! `bailiwick:host/crypto`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::crypto::{HashAlgorithm, Host};
use crate::ops;

impl Host for HostView<'_> {
    async fn hash(&mut self, algorithm: HashAlgorithm, data: Vec<u8>) -> Result<Vec<u8>, CallError> {
        use bailiwick_host::crypto::HashAlgorithm as To;
        let algorithm = match algorithm {
            HashAlgorithm::Sha256 => To::Sha256,
            HashAlgorithm::Sha384 => To::Sha384,
            HashAlgorithm::Sha512 => To::Sha512,
            HashAlgorithm::Sha3V256 => To::Sha3_256,
            HashAlgorithm::Sha3V384 => To::Sha3_384,
            HashAlgorithm::Sha3V512 => To::Sha3_512,
            HashAlgorithm::Blake3 => To::Blake3,
        };
        ops::hash(&self.door, algorithm, data.into()).await
    }

    async fn random(&mut self, length: u32) -> Result<Vec<u8>, CallError> {
        ops::random(&self.door, length.into()).await
    }

    async fn hmac(&mut self, key: String, data: Vec<u8>) -> Result<Vec<u8>, CallError> {
        ops::hmac(&self.door, &key, data.into()).await
    }

    async fn sign(&mut self, key: String, message: Vec<u8>) -> Result<Vec<u8>, CallError> {
        ops::sign(&self.door, &key, message.into()).await
    }

    async fn verify(&mut self, key: String, message: Vec<u8>, signature: Vec<u8>) -> Result<bool, CallError> {
        ops::verify(&self.door, &key, message.into(), signature.into()).await
    }

    async fn encrypt(&mut self, key: String, plaintext: Vec<u8>, additional: Vec<u8>) -> Result<Vec<u8>, CallError> {
        ops::encrypt(&self.door, &key, plaintext.into(), additional.into()).await
    }

    async fn decrypt(&mut self, key: String, sealed: Vec<u8>, additional: Vec<u8>) -> Result<Vec<u8>, CallError> {
        ops::decrypt(&self.door, &key, sealed.into(), additional.into()).await
    }

    async fn derive(&mut self, key: String, salt: Vec<u8>, info: Vec<u8>, length: u32) -> Result<Vec<u8>, CallError> {
        ops::derive(&self.door, &key, salt.into(), info.into(), length.into()).await
    }
}
