//! A whole verification of an access token against the bare signature check of the same library on the same bytes.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up should stop")]

#[path = "../../../benches/floor.rs"]
mod floor;
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use bailiwick_identity::RawToken;
use data_encoding::BASE64URL_NOPAD as B64;
use support::{NOW, Signer, claims};

fn main() {
    compare("verify ES256 token", &Signer::ec(), &ECDSA_P256_SHA256_FIXED);
    compare("verify EdDSA token", &Signer::ed(), &ED25519);
}

fn compare(workload: &str, signer: &Signer, algorithm: &'static dyn VerificationAlgorithm) {
    let text = signer.compact(&signer.header().to_string(), &claims().to_string());
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let (signed, signature) = (signed.as_bytes().to_vec(), B64.decode(signature.as_bytes()).unwrap());
    let key = UnparsedPublicKey::new(algorithm, signer.public_key());
    key.verify(&signed, &signature).unwrap();
    let trusted = signer.trusted();
    let raw = RawToken::new(text);
    floor::compare(
        workload,
        || assert!(black_box(&raw).verify(black_box(&trusted), NOW).is_ok()),
        || assert!(key.verify(black_box(&signed), black_box(&signature)).is_ok()),
    );
}
