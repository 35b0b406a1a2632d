//! Keys from elsewhere: which are taken, and which are refused.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _,
};
use bailiwick_guard::CallError;
use bailiwick_host::crypto::*;
use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL_NOPAD};

use crate::crypto::{NOW, Ring as Scene, key};
use crate::support::guard;

fn pem(label: &str, der: &[u8]) -> String {
    let body: Vec<String> =
        BASE64.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", body.join("\n"))
}

fn refused(content: impl AsRef<[u8]>, wanted: Option<KeyAlgorithm>) -> ImportError {
    Imported::parse(content.as_ref(), wanted).map(|key| key.algorithm()).unwrap_err()
}

/// Private keys of every kind as PKCS#8.
fn private() -> Vec<(KeyAlgorithm, Vec<u8>)> {
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let rsa: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    let ed25519 = Ed25519KeyPair::generate().unwrap();
    vec![
        (KeyAlgorithm::Ed25519, ed25519.to_pkcs8().unwrap().as_ref().to_vec()),
        (KeyAlgorithm::Ed25519, ed25519.to_pkcs8v1().unwrap().as_ref().to_vec()),
        (KeyAlgorithm::P256, p256.to_pkcs8v1().unwrap().as_ref().to_vec()),
        (KeyAlgorithm::P384, p384.to_pkcs8v1().unwrap().as_ref().to_vec()),
        (KeyAlgorithm::RsaPssSha256, rsa.as_ref().to_vec()),
    ]
}

#[tokio::test]
async fn private_keys_are_taken_in_der_and_pem_and_sign() {
    let (scene, guard) = (Scene::new(), guard(&Scene::everything()));
    for (at, (algorithm, der)) in private().into_iter().enumerate() {
        let name = key(&format!("r/{at}"));
        let imported = Imported::parse(&der, None).unwrap();
        assert_eq!((imported.algorithm(), imported.is_public()), (algorithm, false));
        scene.store.import(&name, &imported, NOW).unwrap();
        let text = pem("PRIVATE KEY", &der);
        let again = Imported::parse(text.as_bytes(), Some(algorithm)).unwrap();
        assert_eq!(scene.store.import_next(&name, &again, NOW).unwrap(), 2);
        let public = scene.store.public(&name).unwrap();
        assert_eq!(public[0].kid(), public[1].kid(), "{algorithm}: the same key in both forms");
        let sign = Sign { key: name.clone(), message: Bytes::from("m") };
        let signature: Result<Vec<u8>, CallError> = guard.call(&scene.crypto, sign).await;
        let verify = Verify { key: name, message: Bytes::from("m"), signature: signature.unwrap().into() };
        assert!(guard.call(&scene.crypto, verify).await.unwrap());
        let wanted = if algorithm == KeyAlgorithm::P256 { KeyAlgorithm::P384 } else { KeyAlgorithm::P256 };
        assert_eq!(refused(&der, Some(wanted)), ImportError::Algorithm { found: algorithm, wanted });
        assert_eq!(refused(format!("{text}{text}"), None), ImportError::Several);
        assert!(Imported::parse(&der[..der.len() - 1], None).is_err(), "{algorithm}: cut off");
    }
}

#[test]
fn other_forms_say_how_to_convert_them() {
    assert_eq!(refused(pem("RSA PRIVATE KEY", b"x"), None), ImportError::OldForm);
    assert_eq!(refused(pem("EC PRIVATE KEY", b"x"), None), ImportError::OldForm);
    assert!(ImportError::OldForm.to_string().contains("openssl pkcs8 -topk8"));
    assert_eq!(refused(pem("ENCRYPTED PRIVATE KEY", b"x"), None), ImportError::Encrypted);
    for nothing in
        [String::new(), "x".into(), pem("CERTIFICATE", b"x"), pem("PRIVATE KEY", b"x"), pem("PUBLIC KEY", b"x")]
    {
        assert_eq!(refused(&nothing, None), ImportError::Unknown, "{nothing}");
    }
    assert_eq!(refused(vec![b'{'; MAX_IMPORT + 1], None), ImportError::TooLong);
}

#[test]
fn other_curves_and_short_rsa_keys_are_refused() {
    let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    assert_eq!(refused(p521.to_pkcs8v1().unwrap().as_ref(), None), ImportError::Unknown);
    // A modulus of 1024 bits, as JSON Web Key and as SubjectPublicKeyInfo.
    let n = [&[0xc1][..], &[0x5a; 126], &[0x01]].concat();
    let jwk = format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, BASE64URL_NOPAD.encode(&n));
    let weak = |error| matches!(error, ImportError::Weak { needed: 256, .. } | ImportError::Unknown);
    assert!(weak(refused(&jwk, None)));
    let private = format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB","d":"AQ"}}"#, BASE64URL_NOPAD.encode(&n));
    assert!(matches!(refused(private, None), ImportError::Weak { needed: 256, .. }));
}

/// The twelve encodings of points whose order divides eight.
#[test]
fn points_of_small_order_are_refused() {
    let low = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for hex in low {
        let x = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, BASE64URL_NOPAD.encode(&x));
        assert_eq!(refused(jwk, None), ImportError::SmallOrder, "{hex}");
    }
}

#[test]
fn symmetric_keys_are_long_enough_and_not_trivial() {
    use KeyAlgorithm::*;
    for (algorithm, least, exact) in [
        (HmacSha256, 32, false),
        (HmacSha384, 48, false),
        (HmacSha512, 64, false),
        (HkdfSha256, 32, false),
        (Aes256Gcm, 32, true),
        (ChaCha20Poly1305, 32, true),
    ] {
        let bytes = |len: usize| (0..len).map(|at| u8::try_from(at).unwrap()).collect::<Vec<u8>>();
        assert_eq!(Imported::parse(&bytes(least), Some(algorithm)).unwrap().algorithm(), algorithm);
        let short = refused(bytes(least - 1), Some(algorithm));
        let is_said = match short {
            ImportError::Length { needed, .. } => exact && needed == least,
            ImportError::Weak { needed, .. } => !exact && needed == least,
            _ => false,
        };
        assert!(is_said, "{algorithm}: {short}");
        assert_eq!(Imported::parse(&bytes(least + 1), Some(algorithm)).is_err(), exact, "{algorithm}");
        assert_eq!(refused(vec![9; least], Some(algorithm)), ImportError::Trivial, "{algorithm}");
    }
    assert_eq!(Imported::symmetric(Ed25519, &[1; 32]).err(), Some(ImportError::Unknown));
}

#[test]
fn json_web_keys_are_whole_and_for_what_they_are_used_for() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let other = Ed25519KeyPair::generate().unwrap();
    let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let x = b64(pair.public_key().as_ref());
    let seed = {
        use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
        let seed = pair.seed().unwrap();
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().unwrap();
        b64(seed.as_ref())
    };
    let good = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{seed}","alg":"EdDSA","use":"sig","kid":"a","key_ops":["sign"]}}"#
    );
    assert_eq!(Imported::parse(good.as_bytes(), None).unwrap().algorithm(), KeyAlgorithm::Ed25519);
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = p256.public_key().as_ref();
    let ec = format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, b64(&point[1..33]), b64(&point[33..]));
    assert!(Imported::parse(ec.as_bytes(), None).unwrap().is_public());
    let oct = format!(r#"{{"kty":"oct","k":"{}"}}"#, b64(&(0..32).collect::<Vec<u8>>()));
    assert_eq!(
        Imported::parse(oct.as_bytes(), Some(KeyAlgorithm::Aes256Gcm)).unwrap().algorithm(),
        KeyAlgorithm::Aes256Gcm
    );
    let off_curve = [&point[1..33], &[1; 32]].concat();
    for bad in [
        good.replace(&x, &b64(other.public_key().as_ref())),
        good.replace("EdDSA", "ES256"),
        good.replace("\"sig\"", "\"enc\""),
        good.replace("Ed25519", "Ed448"),
        good.replace("Ed25519", "X25519"),
        good.replace("\"kty\":\"OKP\"", "\"kty\":\"OKP\",\"kty\":\"OKP\""),
        good.replace("\"kty\":\"OKP\"", "\"kty\":\"okp\""),
        good.replace(&seed, &format!("{seed}=")),
        good.replace(&seed, ""),
        good.replace(&format!(",\"x\":\"{x}\""), ""),
        format!(r#"{{"keys":[{good}]}}"#),
        ec.replace("P-256", "P-384"),
        ec.replace("P-256", "secp256k1"),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#, b64(&off_curve[..32]), b64(&off_curve[32..])),
        r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#.to_owned(),
        oct.clone(),
        oct.replace("\"oct\"", "\"oct\",\"alg\":\"A128GCM\""),
        oct.replace("\"oct\"", "\"oct\",\"alg\":\"HS512\""),
        oct.replace("\"oct\"", "\"oct\",\"alg\":\"HS256\",\"use\":\"enc\""),
        oct.replace("\"k\"", "\"j\""),
    ] {
        let error = refused(&bad, None);
        assert!(matches!(error, ImportError::Jwk(_) | ImportError::Weak { .. }), "{bad}: {error}");
    }
}
