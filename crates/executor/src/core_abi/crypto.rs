//! Cryptography.

use data_encoding::{BASE64, HEXLOWER};

use super::arguments::{self as a, Encoding};
use super::operation::Crypto;
use super::operations::{Answer, Asked, encode, serialise};
use crate::ops;

impl Asked<'_> {
    pub(super) async fn crypto(self, operation: Crypto) -> Answer {
        match operation {
            Crypto::Hash => {
                let a::Hash { algorithm, data, encoding } = self.parse()?;
                let algorithm = ops::parse_hash_algorithm(self.door, &algorithm)?;
                let digest = ops::hash(self.door, algorithm, self.decode(data, encoding)?).await?;
                serialise(&a::Digest { digest: BASE64.encode(&digest), hex: HEXLOWER.encode(&digest) })
            }
            Crypto::Random => {
                let a::Random { length } = self.parse()?;
                serialise(&a::Bytes { bytes: BASE64.encode(&ops::random(self.door, length).await?) })
            }
            Crypto::Hmac => {
                let a::Keyed { key, data, encoding } = self.parse()?;
                let tag = ops::hmac(self.door, &key, self.decode(data, encoding)?).await?;
                serialise(&a::Tag { tag: BASE64.encode(&tag) })
            }
            Crypto::Sign => {
                let a::Keyed { key, data, encoding } = self.parse()?;
                let signature = ops::sign(self.door, &key, self.decode(data, encoding)?).await?;
                serialise(&a::Signature { signature: BASE64.encode(&signature) })
            }
            Crypto::Verify => {
                let a::Verify { key, data, signature, encoding } = self.parse()?;
                let signature = self.decode(signature, Encoding::Base64)?;
                let valid = ops::verify(self.door, &key, self.decode(data, encoding)?, signature).await?;
                serialise(&a::Valid { valid })
            }
            Crypto::Encrypt => {
                let a::Encrypt { key, data, aad, encoding } = self.parse()?;
                let sealed = ops::encrypt(self.door, &key, self.decode(data, encoding)?, aad.into()).await?;
                serialise(&a::Sealed { sealed: BASE64.encode(&sealed) })
            }
            Crypto::Decrypt => {
                let a::Decrypt { key, sealed, aad, encoding } = self.parse()?;
                let sealed = self.decode(sealed, Encoding::Base64)?;
                let data = ops::decrypt(self.door, &key, sealed, aad.into()).await?;
                serialise(&a::Data { data: encode(data.into(), encoding)? })
            }
            Crypto::Derive => {
                let a::Derive { key, info, length, salt } = self.parse()?;
                let bytes = ops::derive(self.door, &key, salt.into(), info.into(), length).await?;
                serialise(&a::Bytes { bytes: BASE64.encode(&bytes) })
            }
        }
    }
}
