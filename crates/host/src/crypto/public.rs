//! The public halves of keys, in the forms in which others want them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value, json};

use super::KeyAlgorithm;
use super::key::Key;

/// The public half of one version of a signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub algorithm: KeyAlgorithm,
    pub version: u32,
    /// Unix seconds.
    pub created: u64,
    /// Ed25519: 32 bytes. P-256 and P-384: the uncompressed point. RSA: `RSAPublicKey` of RFC 8017, DER.
    pub bytes: Vec<u8>,
    /// `SubjectPublicKeyInfo` of RFC 5280, DER.
    spki: Vec<u8>,
}

impl PublicKey {
    pub(super) fn of(key: &Key, version: u32, created: u64) -> Option<PublicKey> {
        let public = key.public()?;
        let spki: PublicKeyX509Der<'_> = public.as_der().ok()?;
        let (algorithm, spki) = (key.algorithm(), spki.as_ref().to_vec());
        // An RSA pair's public half was parsed from either form; the inner one is the same in both.
        let bytes = match algorithm {
            KeyAlgorithm::RsaPssSha256 => aws_lc_rs::rsa::PublicKey::from_der(&spki).ok()?.as_ref().to_vec(),
            _ => public.as_ref().to_vec(),
        };
        Some(PublicKey { algorithm, version, created, bytes, spki })
    }

    /// The thumbprint of RFC 7638 with SHA-256, in base64url: the `kid` of its JWK.
    pub fn kid(&self) -> String {
        // The members in the order that the thumbprint needs them in; their values need no escapes.
        let members: Vec<String> =
            self.members().into_iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        BASE64URL_NOPAD.encode(digest(&SHA256, format!("{{{}}}", members.join(",")).as_bytes()).as_ref())
    }

    /// As a JSON Web Key, RFC 7517, 7518 and 8037.
    pub fn jwk(&self) -> Value {
        let mut jwk: Map<String, Value> =
            self.members().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        let alg = match self.algorithm {
            KeyAlgorithm::P256 => "ES256",
            KeyAlgorithm::P384 => "ES384",
            KeyAlgorithm::RsaPssSha256 => "PS256",
            _ => "EdDSA",
        };
        jwk.insert("alg".to_owned(), json!(alg));
        jwk.insert("use".to_owned(), json!("sig"));
        jwk.insert("kid".to_owned(), json!(self.kid()));
        Value::Object(jwk)
    }

    /// As `SubjectPublicKeyInfo` in PEM, RFC 7468, with a line before that tells version and `kid`.
    pub fn pem(&self) -> String {
        let body = BASE64.encode(&self.spki);
        let mut text = format!("version {}, kid {}\n-----BEGIN PUBLIC KEY-----\n", self.version, self.kid());
        for line in body.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text + "-----END PUBLIC KEY-----\n"
    }

    /// What a thumbprint is made of, sorted by name.
    fn members(&self) -> Vec<(&'static str, String)> {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let point = |curve: &str| {
            let point = self.bytes.get(1..).unwrap_or_default();
            let (x, y) = point.split_at(point.len() / 2);
            vec![("crv", curve.to_owned()), ("kty", "EC".to_owned()), ("x", encode(x)), ("y", encode(y))]
        };
        match self.algorithm {
            KeyAlgorithm::P256 => point("P-256"),
            KeyAlgorithm::P384 => point("P-384"),
            KeyAlgorithm::RsaPssSha256 => {
                let (n, e) = modulus_and_exponent(&self.bytes).unwrap_or_default();
                vec![("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))]
            }
            _ => vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encode(&self.bytes))],
        }
    }
}

/// The two numbers of an `RSAPublicKey`, big-endian, without leading zeros.
pub(super) fn modulus_and_exponent(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = element(0x30, der)?;
    let (n, after) = element(0x02, sequence)?;
    let (e, end) = element(0x02, after)?;
    let plain = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    (rest.is_empty() && end.is_empty()).then_some(())?;
    Some((n.get(plain(n)..)?, e.get(plain(e)..)?))
}

/// The content of a DER element with that tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match usize::from(*first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long - 0x80).filter(|(bytes, _)| bytes.len() <= 4)?;
            (bytes.iter().fold(0usize, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
    };
    (*found == tag).then_some(rest.split_at_checked(len)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::key::Half;
    use super::*;

    /// RFC 8037, appendix A.3; RFC 7638, section 3.1.
    #[test]
    fn thumbprints() {
        let x = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = Key::from_material(KeyAlgorithm::Ed25519, Half::Public, &x).unwrap();
        let public = PublicKey::of(&key, 1, 0).unwrap();
        assert_eq!(public.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(public.jwk()["crv"], "Ed25519");
        let n = BASE64URL_NOPAD
            .decode(
                b"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok\
njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS\
D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            )
            .unwrap();
        let spki: PublicKeyX509Der<'_> = aws_lc_rs::rsa::PublicKeyComponents { n, e: vec![1, 0, 1] }.as_der().unwrap();
        let key = Key::from_material(KeyAlgorithm::RsaPssSha256, Half::Public, spki.as_ref()).unwrap();
        let public = PublicKey::of(&key, 1, 0).unwrap();
        assert_eq!(public.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(public.jwk()["e"], "AQAB");
    }

    #[test]
    fn elements_are_whole() {
        assert_eq!(modulus_and_exponent(&[0x30, 6, 2, 1, 5, 2, 1, 3]), Some((&[5][..], &[3][..])));
        assert_eq!(modulus_and_exponent(&[0x30, 0x81, 7, 2, 2, 0, 0x85, 2, 1, 3]), Some((&[0x85][..], &[3][..])));
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 6, 2, 1, 5, 2, 1],
            &[0x30, 6, 2, 1, 5, 2, 1, 3, 0],
            &[0x30, 0x89, 1],
            &[0x31, 6, 2, 1, 5, 2, 1, 3],
        ] {
            assert_eq!(modulus_and_exponent(bad), None, "{bad:?}");
        }
    }
}
