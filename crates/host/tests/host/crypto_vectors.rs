//! Known answers from the documents that define the algorithms.

use bailiwick_host::crypto::*;
use bytes::Bytes;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE as HEX};

use crate::crypto::{NOW, Ring, key};
use crate::support::guard;

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    HEX.decode(text.as_bytes()).unwrap()
}

/// FIPS 180-4 and FIPS 202, as NIST's example values give them for `abc`; BLAKE3's official vector of length 0.
#[tokio::test]
async fn hashes() {
    let (guard, crypto) = (guard(&Ring::everything()), Crypto::default());
    for (algorithm, data, expected) in [
        (HashAlgorithm::Sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::Sha384,
            "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            HashAlgorithm::Sha512,
            "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (HashAlgorithm::Sha3_256, "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            HashAlgorithm::Sha3_384,
            "abc",
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            HashAlgorithm::Sha3_512,
            "abc",
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
        (HashAlgorithm::Blake3, "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    ] {
        let digest = guard.call(&crypto, Hash { algorithm, data: Bytes::from(data) }).await.unwrap();
        assert_eq!(digest, hex(expected), "{algorithm}");
    }
}

/// RFC 7515, appendix A.1, with the key as the JSON Web Key that it is given as.
#[tokio::test]
async fn hmac() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let jwk = r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    ring.store.import(&key("r/k"), &Imported::parse(jwk.as_bytes(), None).unwrap(), NOW).unwrap();
    let data = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let expected = BASE64URL_NOPAD.decode(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let tag = guard.call(&ring.crypto, Hmac { key: key("r/k"), data: Bytes::from(data) }).await.unwrap();
    assert_eq!(tag, expected);
}

/// RFC 8032, section 7.1, test 2.
#[tokio::test]
async fn ed25519() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let jwk = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","d":"{}","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}}"#,
        BASE64URL_NOPAD.encode(&seed)
    );
    ring.store.import(&key("r/k"), &Imported::parse(jwk.as_bytes(), None).unwrap(), NOW).unwrap();
    let public = &ring.store.public(&key("r/k")).unwrap()[0];
    assert_eq!(public.bytes, hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
    let message = Bytes::from_static(&[0x72]);
    let signature = guard.call(&ring.crypto, Sign { key: key("r/k"), message: message.clone() }).await.unwrap();
    assert_eq!(
        signature,
        hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    );
    let verify = Verify { key: key("r/k"), message, signature: signature.into() };
    assert!(guard.call(&ring.crypto, verify).await.unwrap());
}

/// RFC 6979, appendix A.2.5, SHA-256 of `sample`. Signing here is randomised, so the vector is verified.
#[tokio::test]
async fn p256() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let private = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let public = hex("04 60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
                      7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, &public).unwrap();
    let imported = Imported::parse(pair.to_pkcs8v1().unwrap().as_ref(), None).unwrap();
    ring.store.import(&key("r/k"), &imported, NOW).unwrap();
    assert_eq!(ring.store.public(&key("r/k")).unwrap()[0].bytes, public);
    let signature = hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
                         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    let verify = |message: &'static str| Verify {
        key: key("r/k"),
        message: Bytes::from(message),
        signature: signature.clone().into(),
    };
    assert!(guard.call(&ring.crypto, verify("sample")).await.unwrap());
    assert!(!guard.call(&ring.crypto, verify("test")).await.unwrap());
}

/// The GCM specification (McGrew and Viega), test case 16; RFC 8439, section 2.8.2.
#[tokio::test]
async fn sealed_messages() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let ladies = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                  sunscreen would be it.";
    let vectors = [
        (
            KeyAlgorithm::Aes256Gcm,
            hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
            hex("cafebabefacedbaddecaf888
                 522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
                 76fc6ece0f4e1768cddf8853bb2d551b"),
            hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
        ),
        (
            KeyAlgorithm::ChaCha20Poly1305,
            hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
            hex("070000004041424344454647
                 d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
                 3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
                 92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
                 3ff4def08e4b7a9de576d26586cec64b6116
                 1ae10b594f09e26a7e902ecbd0600691"),
            hex("50515253c0c1c2c3c4c5c6c7"),
            ladies.as_bytes().to_vec(),
        ),
    ];
    for (algorithm, material, sealed, aad, expected) in vectors {
        let name = key(&format!("r/{algorithm}"));
        ring.store.import(&name, &Imported::symmetric(algorithm, &material).unwrap(), NOW).unwrap();
        let sealed = [&1u32.to_be_bytes()[..], &sealed].concat();
        let decrypt = Decrypt { key: name, sealed: sealed.into(), aad: aad.into() };
        assert_eq!(guard.call(&ring.crypto, decrypt).await.unwrap(), expected, "{algorithm}");
    }
}

/// RFC 5869, appendix A.2, of which a guest may ask for 64 bytes.
#[tokio::test]
async fn hkdf() {
    let (guard, ring) = (guard(&Ring::everything()), Ring::new());
    let bytes = |from: u8| (from..=from + 0x4f).collect::<Vec<u8>>();
    let imported = Imported::symmetric(KeyAlgorithm::HkdfSha256, &bytes(0)).unwrap();
    ring.store.import(&key("r/k"), &imported, NOW).unwrap();
    let derive = Derive { key: key("r/k"), salt: bytes(0x60).into(), info: bytes(0xb0).into(), len: 64 };
    let expected = hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                        59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71");
    assert_eq!(guard.call(&ring.crypto, derive).await.unwrap(), expected);
}
