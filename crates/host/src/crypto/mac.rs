//! Message authentication codes, and keys derived from keys.

use aws_lc_rs::{hkdf, hmac};
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, KeyName, Resource};
use bytes::Bytes;

use super::key::Form;
use super::{Crypto, WRONG_USE, compute, internal};

/// Most bytes that one [`Derive`] gives.
pub const MAX_DERIVED: usize = 64;

/// The HMAC of `data`. No `Debug`: its input belongs in no log.
pub struct Hmac {
    pub key: KeyName,
    pub data: Bytes,
}

/// HKDF-SHA-256 of a key: extract with `salt`, expand with `info`. Only what is derived leaves the host.
pub struct Derive {
    pub key: KeyName,
    pub salt: Bytes,
    pub info: Bytes,
    /// 1 to [`MAX_DERIVED`] bytes.
    pub len: usize,
}

impl Action for Hmac {
    const NAME: ActionName = ActionName::Hmac;
    const EFFECT: Effect = Effect::World;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Hmac> for Crypto {
    async fn perform(&self, permit: Permit<'_, Hmac>) -> Result<Vec<u8>, HostError> {
        let key = self.key(&permit.action().key).await?;
        let data = permit.action().data.clone();
        compute(data.len(), move || match &key.form {
            Form::Hmac(key) => Ok(hmac::sign(key, &data).as_ref().to_vec()),
            _ => Err(WRONG_USE),
        })
        .await
    }
}

impl Action for Derive {
    const NAME: ActionName = ActionName::Derive;
    const EFFECT: Effect = Effect::World;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }
}

impl Perform<Derive> for Crypto {
    async fn perform(&self, permit: Permit<'_, Derive>) -> Result<Vec<u8>, HostError> {
        let Derive { key, salt, info, len } = permit.action();
        if *len == 0 || *len > MAX_DERIVED {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        let key = self.key(key).await?;
        let (salt, info, len) = (salt.clone(), info.clone(), *len);
        compute(salt.len().saturating_add(info.len()), move || match &key.form {
            Form::Derive(secret) => {
                let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(secret);
                let mut derived = vec![0; len];
                prk.expand(&[&info], Length(len)).and_then(|okm| okm.fill(&mut derived)).map_err(internal)?;
                Ok(derived)
            }
            _ => Err(WRONG_USE),
        })
        .await
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
