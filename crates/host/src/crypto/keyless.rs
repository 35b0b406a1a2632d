//! Hashes and random bytes: no key, no state.

use aws_lc_rs::{digest, rand};
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, Resource};
use bytes::Bytes;

use super::{Crypto, HashAlgorithm, compute, internal};

/// Most bytes that one [`Random`] gives.
pub const MAX_RANDOM: usize = 64 << 10;

/// Hashes `data`. No `Debug`: its input belongs in no log.
pub struct Hash {
    pub algorithm: HashAlgorithm,
    pub data: Bytes,
}

/// Random bytes of cryptographic quality.
#[derive(Debug)]
pub struct Random {
    /// At most [`MAX_RANDOM`].
    pub len: usize,
}

impl Action for Hash {
    const NAME: ActionName = ActionName::Hash;
    const EFFECT: Effect = Effect::Pure;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("hash").text(self.algorithm.as_str()).bytes(&self.data);
    }
}

impl Perform<Hash> for Crypto {
    async fn perform(&self, permit: Permit<'_, Hash>) -> Result<Vec<u8>, HostError> {
        let (algorithm, data) = (permit.action().algorithm, permit.action().data.clone());
        compute(data.len(), move || Ok(hash(algorithm, &data))).await
    }
}

impl Action for Random {
    const NAME: ActionName = ActionName::Random;
    const EFFECT: Effect = Effect::Read;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Keyless
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("random").count(self.len);
    }
}

impl Perform<Random> for Crypto {
    async fn perform(&self, permit: Permit<'_, Random>) -> Result<Vec<u8>, HostError> {
        let len = permit.action().len;
        if len > MAX_RANDOM {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        let mut bytes = vec![0; len];
        rand::fill(&mut bytes).map_err(internal)?;
        Ok(bytes)
    }
}

fn hash(algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
        HashAlgorithm::Sha3_256 => &digest::SHA3_256,
        HashAlgorithm::Sha3_384 => &digest::SHA3_384,
        HashAlgorithm::Sha3_512 => &digest::SHA3_512,
        HashAlgorithm::Blake3 => return blake3::hash(data).as_bytes().to_vec(),
    };
    digest::digest(algorithm, data).as_ref().to_vec()
}
