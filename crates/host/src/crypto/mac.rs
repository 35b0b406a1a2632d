//! Message authentication codes, and keys derived from keys.

use aws_lc_rs::{hkdf, hmac};
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, KeyName, Resource};
use bytes::Bytes;

use super::algorithm::Use;
use super::key::{Form, Key};
use super::{Crypto, WRONG_USE, internal};

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

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("hmac").bytes(&self.data);
    }
}

impl Perform<Hmac> for Crypto {
    async fn perform(&self, permit: Permit<'_, Hmac>) -> Result<Vec<u8>, HostError> {
        let Hmac { key, data } = permit.action();
        let (key, data) = (key.clone(), data.clone());
        let now = permit.meter().now().unix_seconds();
        self.with_keys(data.len(), move |keys, _| tag(&keys.newest_for(&key, Use::Mac, now)?.key, &data)).await
    }
}

impl Action for Derive {
    const NAME: ActionName = ActionName::Derive;
    const EFFECT: Effect = Effect::World;
    type Output = Vec<u8>;

    fn resource(&self) -> Resource {
        Resource::Key(self.key.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("derive").bytes(&self.salt).bytes(&self.info).count(self.len);
    }
}

impl Perform<Derive> for Crypto {
    async fn perform(&self, permit: Permit<'_, Derive>) -> Result<Vec<u8>, HostError> {
        let Derive { key, salt, info, len } = permit.action();
        if *len == 0 || *len > MAX_DERIVED {
            return Err(HostError::Limit(Code::ArgumentBytes));
        }
        let (key, salt, info, len) = (key.clone(), salt.clone(), info.clone(), *len);
        let now = permit.meter().now().unix_seconds();
        self.with_keys(salt.len().saturating_add(info.len()), move |keys, _| {
            derive(&keys.newest_for(&key, Use::Derive, now)?.key, &salt, &info, len)
        })
        .await
    }
}

pub(super) fn tag(key: &Key, data: &[u8]) -> Result<Vec<u8>, HostError> {
    match &key.form {
        Form::Hmac(key) => Ok(hmac::sign(key, data).as_ref().to_vec()),
        _ => Err(WRONG_USE),
    }
}

pub(super) fn derive(key: &Key, salt: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>, HostError> {
    let Form::Derive(secret) = &key.form else { return Err(WRONG_USE) };
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut derived = vec![0; len];
    prk.expand(&[info], Length(len)).and_then(|okm| okm.fill(&mut derived)).map_err(internal)?;
    Ok(derived)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
