//! The signature layer alone: published vectors, key sets, and what no input may do.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use bailiwick_identity::{AgentKey, Algorithm, Jwks, JwksError, RawToken, TokenError, Unfit, verify_compact};
use proptest::prelude::*;
use serde_json::json;
use support::{NOW, Signer, claims};

/// `tests/cases/signatures.json`: the examples of the specifications, each with what has to become of it.
#[test]
fn published_vectors() {
    let text = include_str!("cases/signatures.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() >= 12);
    for Vector { name, jwk, token, payload, code } in vectors {
        let keys = Jwks::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let verified = verify_compact(&token, &keys, &Algorithm::ALL);
        match (payload, code) {
            (Some(payload), None) => {
                assert_eq!(verified.as_deref(), Ok(payload.as_bytes()), "{name}");
                let (signed, signature) = token.rsplit_once('.').unwrap();
                let last = signed.len() - 3;
                let other = if &signed[last..=last] == "A" { "B" } else { "A" };
                let changed = format!("{}{other}{}.{signature}", &signed[..last], &signed[last + 1..]);
                assert_eq!(verify_compact(&changed, &keys, &Algorithm::ALL), Err(TokenError::Signature), "{name}");
            }
            (None, Some(code)) => assert_eq!(verified.unwrap_err().code().as_str(), code, "{name}"),
            other => panic!("{name}: needs a payload or a code: {other:?}"),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    jwk: serde_json::Value,
    token: String,
    payload: Option<String>,
    code: Option<String>,
}

#[test]
fn without_a_kid_only_a_set_of_one_key_serves() {
    let (one, two) = (Signer::ed(), Signer::ed());
    let token = one.compact(r#"{"alg":"EdDSA"}"#, "{}");
    let set = |keys: serde_json::Value| Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let second = support::with(two.jwk(), json!({"kid": "k2"}));
    assert_eq!(verify_compact(&token, &set(json!([one.jwk()])), &[Algorithm::EdDsa]).as_deref(), Ok(&b"{}"[..]));
    let both = set(json!([one.jwk(), second]));
    assert_eq!(verify_compact(&token, &both, &[Algorithm::EdDsa]), Err(TokenError::UnknownKey));
}

#[test]
fn key_sets_are_strict() {
    let key = Signer::ed().jwk();
    let parse = |text: String| Jwks::parse(text.as_bytes());
    assert!(matches!(parse("[]".into()), Err(JwksError::Json(_))));
    assert!(matches!(parse(r#"{"keys":[],"keys":[]}"#.into()), Err(JwksError::Json(_))));
    assert!(matches!(parse(json!({"keys": []}).to_string()), Err(JwksError::Keys { .. })));
    assert!(matches!(parse(json!({"keys": {}}).to_string()), Err(JwksError::Keys { .. })));
    assert!(matches!(parse(json!({"keys": ["x"]}).to_string()), Err(JwksError::Keys { .. })));
    assert!(matches!(
        parse(json!({"keys": vec![json!({"kty": "RSA"}); 101]}).to_string()),
        Err(JwksError::Keys { .. })
    ));
    assert_eq!(parse(json!({"keys": [key, key]}).to_string()).unwrap_err(), JwksError::DuplicateKeyId);
    assert_eq!(parse(json!({"keys": [{"kid": 1}]}).to_string()).unwrap_err(), JwksError::KeyId { index: 0 });
    for name in ["d", "k", "p", "oth"] {
        let private = support::with(key.clone(), json!({name: "AA"}));
        let refused = parse(json!({"keys": [private]}).to_string()).unwrap_err();
        assert_eq!(refused, JwksError::PrivateKey { index: 0, name });
    }
    assert!(matches!(parse(" ".repeat(Jwks::MAX_BYTES + 1)), Err(JwksError::TooLarge { .. })));
    // A set may hold keys for others; they are unfit and not an error.
    let mixed = parse(json!({"keys": [key, {"kty": "RSA", "kid": "e", "use": "enc"}]}).to_string()).unwrap();
    assert_eq!(mixed.iter().filter(|key| key.usable().is_ok()).count(), 1);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let signer = Signer::ed();
        prop_assert!(signer.verify(text.clone()).is_err());
        let _ = Jwks::parse(&bytes);
        let _ = Jwks::parse(text.as_bytes());
        prop_assert!(signer.verify(String::from_utf8_lossy(&bytes).into_owned()).is_err());
    }

    #[test]
    fn no_signed_header_or_claims_panic(header in "[ -~]{0,80}", claims in "\\PC{0,80}") {
        let signer = Signer::ed();
        prop_assert!(signer.verify(signer.compact(&header, &claims)).is_err());
        prop_assert!(signer.verify(signer.compact(&signer.header().to_string(), &claims)).is_err());
    }

    #[test]
    fn a_changed_byte_never_verifies(position in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..4_usize) {
        let signer = support::recipe::signer(["ed", "ec", "rsa", "pss"][kind]);
        let good = signer.compact(&signer.header().to_string(), &claims().to_string());
        prop_assert!(signer.verify(good.clone()).is_ok());
        let mut changed = good.clone().into_bytes();
        let at = position.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        prop_assert!(signer.verify(String::from_utf8_lossy(&changed).into_owned()).is_err());
    }
}

/// Every byte of one token, every other character of the alphabet in its place at three of them, and every cut.
#[test]
fn no_neighbour_of_a_good_token_verifies() {
    let signer = Signer::ed();
    let trusted = signer.trusted();
    let good = signer.compact(&signer.header().to_string(), &claims().to_string());
    for at in 0..good.len() {
        for byte in b"AZaz09-_.=" {
            let mut changed = good.clone().into_bytes();
            if changed[at] == *byte {
                continue;
            }
            changed[at] = *byte;
            let changed = String::from_utf8(changed).unwrap();
            assert!(RawToken::new(changed).verify(&trusted, NOW).is_err(), "byte {at} as {}", char::from(*byte));
        }
        assert!(RawToken::new(good[..at].to_owned()).verify(&trusted, NOW).is_err(), "cut at {at}");
    }
}

/// Of such a point the signature R = 1, s = 0 (or R = the point itself) verifies whatever is signed, without a private key.
#[test]
fn keys_that_anybody_could_sign_for_are_refused() {
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    let rest = "ff".repeat(30);
    let points = [
        format!("01{}", "00".repeat(31)),
        format!("01{}80", "00".repeat(30)),
        "00".repeat(32),
        format!("{}80", "00".repeat(31)),
        format!("ec{rest}7f"),
        format!("ec{rest}ff"),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa".to_owned(),
        // Not canonical: 0 and 1 once more, and the largest.
        format!("ed{rest}7f"),
        format!("ee{rest}7f"),
        format!("ee{rest}ff"),
        format!("ff{rest}7f"),
        format!("f0{rest}ff"),
    ];
    for point in points {
        let x = data_encoding::BASE64URL_NOPAD.encode(&hex(&point));
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x});
        let keys = Jwks::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let signature = [&[1][..], &[0; 63]].concat();
        let encoded = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        let token = format!("{}.{}.{}", encoded(br#"{"alg":"EdDSA","kid":"k1"}"#), encoded(b"{}"), encoded(&signature));
        let refused = verify_compact(&token, &keys, &[Algorithm::EdDsa]);
        assert_eq!(refused, Err(TokenError::UnfitKey(Unfit::Weak)), "{point}");
        assert!(AgentKey::parse(jwk.to_string().as_bytes(), NOW).is_err(), "{point}");
    }
    let near = format!("ec{rest}7e");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": data_encoding::BASE64URL_NOPAD.encode(&hex(&near))});
    assert!(AgentKey::parse(jwk.to_string().as_bytes(), NOW).is_ok(), "ordinary");
}
