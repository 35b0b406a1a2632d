//! Tokens and proofs by recipe: what a good one is, and what is different about this one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use bailiwick_identity::{Algorithm, Jwks, Profile, TrustDomain, TrustedIssuer, TrustedIssuers};
use data_encoding::BASE64URL_NOPAD as B64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, Signer, claims, with};

/// A key pair of the test run, by name: `ed`, `ec`, `rsa` (RS256), `pss` (PS256), each also as `other-…`.
pub(crate) fn signer(name: &str) -> &'static Signer {
    static SIGNERS: OnceLock<HashMap<&str, Signer>> = OnceLock::new();
    let signers = SIGNERS.get_or_init(|| {
        HashMap::from([
            ("ed", Signer::ed()),
            ("ec", Signer::ec()),
            ("rsa", Signer::rs256()),
            ("pss", Signer::ps256()),
            ("other-ed", Signer::ed()),
            ("other-ec", Signer::ec()),
            ("other-rsa", Signer::rs256()),
        ])
    });
    signers.get(name).unwrap_or_else(|| panic!("no signer `{name}`"))
}

/// A token or a proof. `{h}`, `{c}` and `{s}` in `form` stand for its three segments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recipe {
    pub(crate) signer: String,
    /// Members to change; `null` removes one.
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// Text to insert after the first brace, for what a JSON object cannot say.
    header_insert: String,
    claims_insert: String,
    /// The whole text instead.
    header_text: Option<String>,
    claims_text: Option<String>,
    signature: Signature,
    form: String,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            signer: "ed".to_owned(),
            header: json!({}),
            claims: json!({}),
            header_insert: String::new(),
            claims_insert: String::new(),
            header_text: None,
            claims_text: None,
            signature: Signature::Good,
            form: "{h}.{c}.{s}".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    Good,
    Empty,
    Zero,
    /// By the other key of the same kind.
    Stranger,
    /// Over other claims.
    Elsewhere,
    Truncated,
    Extended,
    FlippedBit,
    /// ECDSA: (r, n − s).
    Twin,
    /// ECDSA: r = n, s = n.
    Order,
    /// ECDSA: (r, s) in DER.
    Der,
    /// Ed25519: S + L.
    PlusOrder,
    /// HMAC-SHA256 with the JWK's `n`, `x`, or its text, as the secret.
    HmacOfModulus,
    HmacOfPoint,
    HmacOfJwk,
    HmacOfNothing,
}

impl Recipe {
    /// The compact text, from these defaults.
    pub(crate) fn compact(&self, header: Value, claims: Value) -> String {
        let text = |base: Value, changes: &Value, insert: &str, whole: &Option<String>| match whole {
            Some(whole) => whole.clone(),
            None => with(base, changes.clone()).to_string().replacen('{', &format!("{{{insert}"), 1),
        };
        let header = B64.encode(text(header, &self.header, &self.header_insert, &self.header_text).as_bytes());
        let claims = B64.encode(text(claims, &self.claims, &self.claims_insert, &self.claims_text).as_bytes());
        let signature = B64.encode(&self.sign(&format!("{header}.{claims}")));
        self.form.replace("{h}", &header).replace("{c}", &claims).replace("{s}", &signature)
    }

    pub(crate) fn signer(&self) -> &'static Signer {
        signer(&self.signer)
    }

    fn sign(&self, signed: &str) -> Vec<u8> {
        let good = || self.signer().sign(signed.as_bytes());
        let hmac = |secret: &str| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes()).as_ref().to_vec()
        };
        let jwk = self.signer().jwk();
        match self.signature {
            Signature::Good => good(),
            Signature::Empty => Vec::new(),
            Signature::Zero => vec![0; good().len()],
            Signature::Stranger => signer(&format!("other-{}", self.signer)).sign(signed.as_bytes()),
            Signature::Elsewhere => self.signer().sign(format!("{signed}x").as_bytes()),
            Signature::Truncated => good()[1..].to_vec(),
            Signature::Extended => [good(), vec![0]].concat(),
            Signature::FlippedBit => {
                let mut flipped = good();
                flipped[7] ^= 1;
                flipped
            }
            Signature::Twin => twin(&good()),
            Signature::Order => [P256_ORDER, P256_ORDER].concat(),
            Signature::Der => der(&good()),
            Signature::PlusOrder => plus_order(&good()),
            Signature::HmacOfModulus => hmac(jwk["n"].as_str().unwrap()),
            Signature::HmacOfPoint => hmac(jwk["x"].as_str().unwrap()),
            Signature::HmacOfJwk => hmac(&jwk.to_string()),
            Signature::HmacOfNothing => hmac(""),
        }
    }
}

/// An issuer, by what is different from the usual one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IssuerRecipe {
    issuer: String,
    audience: String,
    algorithms: Vec<String>,
    profile: String,
    trust_domain: Option<String>,
    /// Public keys: the name of a signer, a literal JWK, or `{"of": SIGNER, "with": CHANGES}`.
    keys: Vec<Value>,
    skew: Option<u64>,
    max_lifetime: Option<u64>,
    bound_only: bool,
    single_use: bool,
}

impl Default for IssuerRecipe {
    fn default() -> IssuerRecipe {
        IssuerRecipe {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            algorithms: Vec::new(),
            profile: "access-token".to_owned(),
            trust_domain: None,
            keys: Vec::new(),
            skew: None,
            max_lifetime: None,
            bound_only: false,
            single_use: false,
        }
    }
}

impl IssuerRecipe {
    /// The one trusted issuer; without `keys`, with the public key of that signer.
    pub(crate) fn trusted(&self, default_key: &str) -> TrustedIssuers {
        let defaults = [json!(default_key)];
        let keys = if self.keys.is_empty() { &defaults[..] } else { &self.keys };
        let keys: Vec<Value> = keys.iter().map(public_key).collect();
        let keys = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let domain = self.trust_domain.as_deref().map(|domain| TrustDomain::parse(domain).unwrap());
        let profile = Profile::parse(&self.profile, domain).unwrap();
        let named: Vec<Algorithm> = self.algorithms.iter().map(|name| Algorithm::parse(name).unwrap()).collect();
        let algorithms = match (named.is_empty(), &profile) {
            (false, _) => named,
            (true, Profile::JwtSvid(_)) => vec![Algorithm::Es256, Algorithm::Ps256, Algorithm::Rs256],
            (true, _) => Algorithm::ALL.to_vec(),
        };
        let mut issuer = TrustedIssuer::new(&self.issuer, &self.audience, keys, &algorithms).unwrap();
        issuer = issuer.profile(profile).unwrap();
        if let Some(skew) = self.skew {
            issuer = issuer.skew(skew).unwrap();
        }
        if let Some(seconds) = self.max_lifetime {
            issuer = issuer.max_lifetime(seconds).unwrap();
        }
        if self.bound_only {
            issuer = issuer.bound_only();
        }
        if self.single_use {
            issuer = issuer.single_use();
        }
        TrustedIssuers::none().with(issuer).unwrap()
    }
}

fn public_key(recipe: &Value) -> Value {
    match recipe {
        Value::String(name) => signer(name).jwk(),
        Value::Object(members) if members.contains_key("of") => {
            with(signer(members["of"].as_str().unwrap()).jwk(), members["with"].clone())
        }
        literal => literal.clone(),
    }
}

/// The claims that a good token of that profile has.
pub(crate) fn claims_of(profile: &str) -> Value {
    match profile {
        "k8s" => with(
            claims(),
            json!({
                "sub": "system:serviceaccount:bots:expense", "client_id": null, "scope": null,
                "kubernetes.io": {
                    "namespace": "bots",
                    "serviceaccount": {"name": "expense", "uid": "c9f7b6b0-0000-4000-8000-000000000001"},
                    "pod": {"name": "expense-0", "uid": "c9f7b6b0-0000-4000-8000-000000000002"},
                },
            }),
        ),
        "jwt-svid" => with(
            claims(),
            json!({"iss": null, "jti": null, "sub": "spiffe://acme.example/bots/expense", "client_id": null, "scope": null}),
        ),
        _ => claims(),
    }
}

/// The header that a good token of that profile has.
pub(crate) fn header_of(profile: &str, signer: &Signer) -> Value {
    match profile {
        "access-token" => signer.header(),
        _ => with(signer.header(), json!({"typ": "JWT"})),
    }
}

impl IssuerRecipe {
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }
}

/// Every case of a folder below `tests/cases`, by file name.
pub(crate) fn cases<T: DeserializeOwned>(folder: &str) -> Vec<(String, T)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, case)
    };
    paths.into_iter().map(read).collect()
}

/// The order of P-256 (SEC 2 §2.4.2), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's group (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn twin(signature: &[u8]) -> Vec<u8> {
    let mut twin = signature.to_vec();
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        twin[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    twin
}

fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut sum = signature.to_vec();
    let mut carry = 0_u16;
    for at in 0..32 {
        let total = u16::from(signature[32 + at]) + u16::from(ED25519_ORDER[at]) + carry;
        sum[32 + at] = u8::try_from(total % 256).unwrap();
        carry = total / 256;
    }
    sum
}

fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let trimmed = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        let sign = if trimmed.first().is_some_and(|byte| *byte >= 0x80) { &[0][..] } else { &[] };
        let length = u8::try_from(sign.len() + trimmed.len()).unwrap();
        [&[2, length][..], sign, trimmed].concat()
    };
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}
