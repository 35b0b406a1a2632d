//! The keys with which agents prove possession of their tokens, and how long each may serve.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value, json};

use crate::json;
use crate::jwks::{EmbeddedKeyError, Key, Unfit};
use crate::thumbprint::Thumbprint;

/// A public key of one agent. Its thumbprint (RFC 7638) is what a token's `cnf.jkt` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentKey {
    thumbprint: Thumbprint,
    /// The public members, and no others.
    members: Map<String, Value>,
    id: Option<String>,
    not_before: u64,
    expires: Option<u64>,
}

/// How often agents must get a new key. By default after 24 h, with a grace of 1 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    every: u64,
    grace: u64,
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// It serves from a later second on.
    Early,
    Live,
    /// It serves no more: it was replaced, or has expired.
    Over,
}

/// A file that holds no public key of an agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not a public key: expected a JWK (RFC 7517), or PEM with `-----BEGIN PUBLIC KEY-----`")]
    Format,
    #[error("it is longer than {} bytes", AgentKey::MAX_BYTES)]
    TooLarge,
    #[error("it is a private or symmetric key; register the public half, and keep this one to the agent")]
    Private,
    #[error("the key cannot be used: {0}")]
    Unfit(Unfit),
    #[error("PEM is read for Ed25519 and P-256 keys; write this one as a JWK")]
    Pem,
    #[error("its `kid` is not 1 to 128 visible ASCII characters")]
    Id,
    #[error("its times are wrong: it must expire after its first second")]
    Times,
}

/// DER of a SubjectPublicKeyInfo (RFC 5280) before the key: Ed25519 (RFC 8410), and an uncompressed point on P-256.
const ED25519_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_INFO: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

impl AgentKey {
    /// Bytes of a file with a key at most.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads a JWK, or PEM. It serves from second `not_before` on, and until it is replaced.
    ///
    /// # Errors
    /// When it is anything but one public key for ES256, EdDSA, PS256 or RS256.
    pub fn parse(content: &[u8], not_before: u64) -> Result<AgentKey, KeyError> {
        if content.len() > Self::MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let text = std::str::from_utf8(content).map_err(|_| KeyError::Format)?.trim();
        let members = if text.starts_with('{') {
            json::parse_object(text.as_bytes()).map_err(|_| KeyError::Format)?
        } else {
            members_of_pem(text)?
        };
        Self::of_members(&members, not_before, None)
    }

    /// The same key, which serves until that second.
    ///
    /// # Errors
    /// When that is not after its first second.
    pub fn until(self, expires: u64) -> Result<AgentKey, KeyError> {
        if expires <= self.not_before {
            return Err(KeyError::Times);
        }
        Ok(AgentKey { expires: Some(expires), ..self })
    }

    /// Its thumbprint (RFC 7638), to which tokens are bound.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The `kid` of the JWK it was read from.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its first second, since the Unix epoch.
    pub fn not_before(&self) -> u64 {
        self.not_before
    }

    /// The second from which it serves no more.
    pub fn expires(&self) -> Option<u64> {
        self.expires
    }

    /// Whether it serves at second `now` since the Unix epoch.
    pub fn age(&self, now: u64) -> KeyAge {
        if now < self.not_before {
            KeyAge::Early
        } else if self.expires.is_some_and(|expires| now >= expires) {
            KeyAge::Over
        } else {
            KeyAge::Live
        }
    }

    /// Whether a person means this key by that text: its `kid`, or its thumbprint.
    pub fn is_named(&self, name: &str) -> bool {
        self.id.as_deref() == Some(name) || self.thumbprint.to_string() == name
    }

    /// Its public members and its `kid`, as a JWK.
    pub fn jwk(&self) -> Value {
        let mut members = self.members.clone();
        if let Some(id) = &self.id {
            members.insert("kid".to_owned(), Value::from(id.as_str()));
        }
        Value::Object(members)
    }

    pub(crate) fn of_members(
        members: &Map<String, Value>,
        not_before: u64,
        expires: Option<u64>,
    ) -> Result<AgentKey, KeyError> {
        let (_, thumbprint) = Key::embedded(members).map_err(|error| match error {
            EmbeddedKeyError::Private => KeyError::Private,
            EmbeddedKeyError::Unfit(unfit) => KeyError::Unfit(unfit),
        })?;
        let id = match members.get("kid") {
            None => None,
            Some(Value::String(id)) if is_plain(id) => Some(id.clone()),
            Some(_) => return Err(KeyError::Id),
        };
        let names = ["kty", "crv", "x", "y", "n", "e"];
        let public = names.iter().filter_map(|name| Some(((*name).to_owned(), members.get(*name)?.clone())));
        let key = AgentKey { thumbprint, members: public.collect(), id, not_before, expires: None };
        match expires {
            Some(expires) => key.until(expires),
            None => Ok(key),
        }
    }

    /// This key, which is known, as another registry has it: it may end earlier there, and nothing else about it counts.
    pub(crate) fn told(&self, elsewhere: &AgentKey) -> AgentKey {
        let mut key = self.clone();
        if let Some(end) = elsewhere.expires {
            key.end_at(end);
        }
        key
    }

    /// Ends its service at that second, or earlier where it ends earlier.
    pub(crate) fn end_at(&mut self, second: u64) {
        let end = second.max(self.not_before.saturating_add(1));
        self.expires = Some(self.expires.map_or(end, |expires| expires.min(end)));
    }
}

impl Rotation {
    /// A new key after `every` seconds, with `grace` seconds more. Zero would refuse every key, and counts as one second.
    pub fn new(every: u64, grace: u64) -> Rotation {
        Rotation { every: every.max(1), grace }
    }

    /// Seconds for which a replaced key goes on serving, unless somebody says otherwise.
    pub fn grace(self) -> u64 {
        self.grace
    }

    /// Seconds after which an agent should have a new key.
    pub fn every(self) -> u64 {
        self.every
    }

    /// Seconds that an agent's newest key may be old.
    pub fn limit(self) -> u64 {
        self.every.saturating_add(self.grace)
    }

    /// The second from which an agent whose newest key is `newest` may start no runs.
    pub fn overdue_at(self, newest: &AgentKey) -> u64 {
        newest.not_before.saturating_add(self.limit())
    }
}

impl Default for Rotation {
    fn default() -> Rotation {
        Rotation::new(24 * 3600, 3600)
    }
}

impl KeyAge {
    /// The word for it in lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyAge::Early => "early",
            KeyAge::Live => "live",
            KeyAge::Over => "over",
        }
    }
}

fn is_plain(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The JWK of one PEM block (RFC 7468) with a SubjectPublicKeyInfo.
fn members_of_pem(text: &str) -> Result<Map<String, Value>, KeyError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    let body = text
        .strip_prefix("-----BEGIN PUBLIC KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
        .ok_or(KeyError::Format)?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64.decode(body.as_bytes()).map_err(|_| KeyError::Format)?;
    let jwk = if let Some(public) = der.strip_prefix(&ED25519_INFO).filter(|public| public.len() == 32) {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(public) })
    } else if let Some((x, y)) = der.strip_prefix(&P256_INFO).filter(|point| point.len() == 64).map(|p| p.split_at(32))
    {
        json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL_NOPAD.encode(x), "y": BASE64URL_NOPAD.encode(y) })
    } else {
        return Err(KeyError::Pem);
    };
    match jwk {
        Value::Object(members) => Ok(members),
        _ => Err(KeyError::Format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// The same key (RFC 8037 A.2, as OpenSSL writes it).
    const ED_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_has_one_thumbprint_in_either_form() {
        let (jwk, pem) = (AgentKey::parse(ED.as_bytes(), 7).unwrap(), AgentKey::parse(ED_PEM.as_bytes(), 7).unwrap());
        assert_eq!(jwk.thumbprint(), pem.thumbprint());
        assert_eq!(jwk.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!((jwk.id(), pem.id()), (Some("k1"), None));
        assert!(jwk.is_named("k1") && pem.is_named("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        assert_eq!(AgentKey::parse(jwk.jwk().to_string().as_bytes(), 7).unwrap(), jwk);
    }

    #[test]
    fn other_files_are_no_keys() {
        let private = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}"#;
        let rsa = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", BASE64.encode(&[0x30; 294]));
        for (content, error) in [
            ("", KeyError::Format),
            ("{", KeyError::Format),
            ("ssh-ed25519 AAAA", KeyError::Format),
            ("{\"kty\":\"OKP\",\"kty\":\"OKP\"}", KeyError::Format),
            (private, KeyError::Private),
            ("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----", KeyError::Private),
            ("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----", KeyError::Private),
            (r#"{"kty":"oct","k":"AAAA"}"#, KeyError::Private),
            (r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, KeyError::Unfit(Unfit::Curve)),
            (&ED.replace("k1", "k 1"), KeyError::Id),
            (&ED.replace("\"k1\"", "1"), KeyError::Id),
            (&rsa, KeyError::Pem),
            (&ED_PEM.replace("-----END", "x-----END"), KeyError::Format),
            (&" ".repeat(AgentKey::MAX_BYTES + 1), KeyError::TooLarge),
        ] {
            assert_eq!(AgentKey::parse(content.as_bytes(), 0), Err(error), "{content}");
        }
    }

    #[test]
    fn a_key_serves_from_its_first_second_to_its_last() {
        let key = AgentKey::parse(ED.as_bytes(), 100).unwrap();
        assert_eq!(key.age(99), KeyAge::Early);
        assert_eq!(key.age(u64::MAX), KeyAge::Live);
        assert_eq!(key.clone().until(100), Err(KeyError::Times));
        let mut key = key.until(200).unwrap();
        assert_eq!((key.age(100), key.age(199), key.age(200)), (KeyAge::Live, KeyAge::Live, KeyAge::Over));
        key.end_at(300);
        assert_eq!(key.expires(), Some(200), "an end is never put off");
        key.end_at(150);
        assert_eq!(key.expires(), Some(150));
        assert_eq!(Rotation::default().overdue_at(&key), 100 + 25 * 3600);
    }
}
