//! Signs whatever a test wants signed.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test support that the lints do not recognise as such"
)]

pub(crate) mod recipe;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use bailiwick_identity::{Algorithm, Jwks, RawToken, Token, TokenError, TrustedIssuer, TrustedIssuers};
use data_encoding::BASE64URL_NOPAD as B64;
use serde_json::{Value, json};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://sandbox.example";

pub(crate) enum Signer {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Signer {
    pub(crate) fn ed() -> Signer {
        Signer::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn ec() -> Signer {
        Signer::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa(encoding: &'static dyn RsaEncoding) -> Signer {
        Signer::Rsa(RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap(), encoding)
    }

    pub(crate) fn rs256() -> Signer {
        Signer::rsa(&RSA_PKCS1_SHA256)
    }

    pub(crate) fn ps256() -> Signer {
        Signer::rsa(&RSA_PSS_SHA256)
    }

    /// The public key, with `kid` = `k1`.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Signer::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": B64.encode(pair.public_key().as_ref())})
            }
            Signer::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": "k1", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..])})
            }
            Signer::Rsa(pair, _) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "kid": "k1", "n": B64.encode(&parts.n), "e": B64.encode(&parts.e)})
            }
        }
    }

    /// The public key's bytes as the library takes them.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        match self {
            Signer::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Signer::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Signer::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Signer::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Signer::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A compact token of exactly these texts.
    pub(crate) fn compact(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", B64.encode(header.as_bytes()), B64.encode(claims.as_bytes()));
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", B64.encode(&signature))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Signer::Ed(_) => "EdDSA",
            Signer::Ec(_) => "ES256",
            Signer::Rsa(_, encoding) if format!("{encoding:?}").contains("PSS") => "PS256",
            Signer::Rsa(..) => "RS256",
        }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": self.algorithm(), "kid": "k1"})
    }

    pub(crate) fn issuer(&self) -> TrustedIssuer {
        issuer(&json!({"keys": [self.jwk()]}))
    }

    pub(crate) fn trusted(&self) -> TrustedIssuers {
        TrustedIssuers::none().with(self.issuer()).unwrap()
    }

    pub(crate) fn verify(&self, token: impl Into<String>) -> Result<Token, TokenError> {
        RawToken::new(token.into()).verify(&self.trusted(), NOW)
    }
}

pub(crate) fn issuer(jwks: &Value) -> TrustedIssuer {
    let keys = Jwks::parse(jwks.to_string().as_bytes()).unwrap();
    TrustedIssuer::new(ISSUER, AUDIENCE, keys, &Algorithm::ALL).unwrap()
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "expense-bot", "client_id": "expense-bot", "jti": "01-first",
        "iat": NOW - 10, "exp": NOW + 600, "scope": "fetch:get:api.example.com/v1/** openid",
    })
}

/// `base` with these members changed; `null` removes one.
pub(crate) fn with(mut base: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        let members = base.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

/// RFC 7638, written down once more.
pub(crate) fn thumbprint(jwk: &Value) -> String {
    let mut members: Vec<(&String, &Value)> = jwk.as_object().unwrap().iter().collect();
    members.sort_by_key(|(name, _)| name.as_str());
    let text: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let canonical = format!("{{{}}}", text.join(","));
    B64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes()).as_ref())
}
