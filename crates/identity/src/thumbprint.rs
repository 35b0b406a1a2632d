//! Thumbprints of public keys (RFC 7638, RFC 8037 §2), with SHA-256.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

/// SHA-256 of the members that make a public key what it is. `Display` gives the text of `cnf.jkt`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads what `Display` writes: 43 characters of canonical base64url.
    pub fn parse(text: &str) -> Option<Thumbprint> {
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Thumbprint)
    }

    /// The thumbprint of a public JWK of type EC, OKP or RSA.
    ///
    /// The caller has seen to it that the members are canonical base64url, so that one key has one thumbprint.
    pub(crate) fn of(members: &Map<String, Value>) -> Option<Thumbprint> {
        let names: &[&str] = match members.get("kty")?.as_str()? {
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            "RSA" => &["e", "kty", "n"],
            _ => return None,
        };
        let mut canonical = String::from("{");
        for name in names {
            let value = members.get(*name)?.as_str()?;
            // Base64url and registered names have nothing that JSON would escape.
            if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
                return None;
            }
            canonical += if canonical.len() > 1 { "," } else { "" };
            canonical += &format!("\"{name}\":\"{value}\"");
        }
        canonical.push('}');
        Some(Thumbprint::hash(&canonical))
    }

    pub(crate) fn of_ed25519(public: &[u8]) -> Thumbprint {
        Thumbprint::hash(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64URL_NOPAD.encode(public)))
    }

    fn hash(canonical: &str) -> Thumbprint {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        Thumbprint(hash)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(jwk: &str) -> Option<String> {
        let Value::Object(members) = serde_json::from_str(jwk).unwrap() else { panic!("an object") };
        Thumbprint::of(&members).map(|thumbprint| thumbprint.to_string())
    }

    /// RFC 7638 §3.1 and RFC 8037 A.3.
    #[test]
    fn published_thumbprints() {
        let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        assert_eq!(of(rsa).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        let ed = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(of(ed).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        let public = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let thumbprint = Thumbprint::of_ed25519(&public);
        assert_eq!(thumbprint.to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
        assert_eq!(Thumbprint::parse("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4l"), None, "not canonical");
    }

    #[test]
    fn other_members_make_no_thumbprint() {
        for bad in
            [r#"{"kty":"oct","k":"AA"}"#, r#"{"kty":"OKP","crv":"Ed25519"}"#, r#"{"kty":"OKP","crv":"\"","x":"A"}"#]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
