//! Names for tokens and proofs in records, revocations and the store of what was used.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

/// SHA-256 that names a token or a proof without revealing its `jti`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JtiHash([u8; 32]);

impl JtiHash {
    /// The name of the token with that `jti` of that issuer.
    pub fn of(issuer: &str, jti: &str) -> JtiHash {
        // The length keeps the two texts apart, whatever they contain.
        JtiHash::hash(&length(issuer), issuer, jti)
    }

    /// The name of a token without `jti`: what was signed, and not the signature, of which ECDSA has two for each token.
    pub(crate) fn of_signed(issuer: &str, signed: &str) -> JtiHash {
        JtiHash::hash(&tag(1, issuer), issuer, signed)
    }

    /// The name of the proof with that `jti` by the key with that thumbprint.
    pub(crate) fn of_proof(thumbprint: &str, jti: &str) -> JtiHash {
        JtiHash::hash(&tag(2, thumbprint), thumbprint, jti)
    }

    /// Reads what `Display` writes: 64 lower-case hexadecimal digits, as in the audit log.
    pub fn parse(text: &str) -> Option<JtiHash> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(JtiHash)
    }

    /// The hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn hash(prefix: &[u8], owner: &str, name: &str) -> JtiHash {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(prefix);
        context.update(owner.as_bytes());
        context.update(name.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        JtiHash(hash)
    }
}

/// Nothing is as long as the first eight bytes say, so that these names and those of `jti`s are apart.
fn tag(kind: u8, owner: &str) -> Vec<u8> {
    [&[0xff; 8][..], &[kind], &length(owner)].concat()
}

fn length(text: &str) -> [u8; 8] {
    u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes()
}

impl fmt::Debug for JtiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JtiHash({self})")
    }
}

impl fmt::Display for JtiHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_apart() {
        let names = [
            JtiHash::of("ab", "c"),
            JtiHash::of("a", "bc"),
            JtiHash::of_signed("ab", "c"),
            JtiHash::of_signed("a", "bc"),
            JtiHash::of_proof("ab", "c"),
            JtiHash::of_proof("a", "bc"),
        ];
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
