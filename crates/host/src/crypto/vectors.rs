//! Project Wycheproof's vectors, through the functions that guests' calls end in.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use data_encoding::BASE64;
use wycheproof::{TestResult, aead, ecdsa, eddsa, hkdf, mac, rsa_pss_verify};

use super::key::{Form, Half, Key};
use super::{ImportError, Imported, KeyAlgorithm, MAX_DERIVED, NONCE_LEN, PublicKey, TAG_LEN};
use super::{mac as macs, seal, sign};

/// What a vector expects, and how many there were.
#[derive(Default)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    fn check(&mut self, about: &str, expected: TestResult, accepted: bool) {
        match expected {
            TestResult::Valid => {
                self.valid += 1;
                assert!(accepted, "{about}: refused, and valid");
            }
            TestResult::Invalid => {
                self.invalid += 1;
                assert!(!accepted, "{about}: accepted, and invalid");
            }
            // What is legal and may be refused.
            TestResult::Acceptable => {}
        }
    }

    fn done(&self, group: &str, valid: usize, invalid: usize) {
        println!("{group}: {} valid, {} invalid", self.valid, self.invalid);
        assert!(
            self.valid >= valid && self.invalid >= invalid,
            "{group}: {} and {} vectors ran",
            self.valid,
            self.invalid
        );
    }
}

/// The public key of a group, through the import that operators use.
fn imported(algorithm: KeyAlgorithm, der: &[u8], pem: &str) -> Key {
    let from_der = Imported::parse(der, Some(algorithm)).unwrap();
    let from_pem = Imported::parse(pem.as_bytes(), Some(algorithm)).unwrap();
    assert_eq!(from_der.material, from_pem.material);
    let key = Key::from_material(algorithm, from_der.half, &from_der.material).unwrap();
    // And out again: what we hand out is what came in.
    let public = PublicKey::of(&key, 1, 0).unwrap();
    let out = Imported::parse(public.pem().as_bytes(), None).unwrap();
    assert_eq!(out.material, from_der.material);
    let jwk = Imported::parse(public.jwk().to_string().as_bytes(), None).unwrap();
    assert_eq!((jwk.material, jwk.algorithm), (from_der.material, algorithm));
    assert!(public.pem().replace('\n', "").contains(&BASE64.encode(der)), "{}", public.pem());
    key
}

#[test]
fn ecdsa_vectors() {
    for (name, algorithm, valid, invalid) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, KeyAlgorithm::P256, 100, 50),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, KeyAlgorithm::P384, 100, 50),
    ] {
        let mut tally = Tally::default();
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = imported(algorithm, &group.der, &group.pem);
            for test in group.tests {
                let good = sign::verify(&key, &test.msg, &test.sig).unwrap();
                tally.check(&format!("{algorithm} {}", test.tc_id), test.result, good);
            }
        }
        tally.done(algorithm.as_str(), valid, invalid);
    }
}

#[test]
fn ed25519_vectors() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = imported(KeyAlgorithm::Ed25519, &group.der, &group.pem);
        for test in group.tests {
            tally.check(&format!("{}", test.tc_id), test.result, sign::verify(&key, &test.msg, &test.sig).unwrap());
        }
    }
    tally.done("ed25519", 50, 50);
}

#[test]
fn rsa_pss_vectors() {
    let mut tally = Tally::default();
    for name in [
        rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let numbers = aws_lc_rs::rsa::PublicKeyComponents { n: group.key.n.to_vec(), e: group.key.e.to_vec() };
            let trimmed = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
            let numbers = aws_lc_rs::rsa::PublicKeyComponents { n: trimmed(&numbers.n), e: trimmed(&numbers.e) };
            let der: PublicKeyX509Der<'_> = numbers.as_der().unwrap();
            let imported = Imported::parse(der.as_ref(), None).unwrap();
            let key = Key::from_material(imported.algorithm, imported.half, &imported.material).unwrap();
            for test in group.tests {
                let good = sign::verify(&key, &test.msg, &test.sig).unwrap();
                tally.check(&format!("{name:?} {}", test.tc_id), test.result, good);
            }
        }
    }
    tally.done("rsa-pss-sha256", 100, 50);
}

#[test]
fn aead_vectors() {
    for (name, algorithm, valid, invalid) in [
        (aead::TestName::AesGcm, KeyAlgorithm::Aes256Gcm, 30, 20),
        (aead::TestName::ChaCha20Poly1305, KeyAlgorithm::ChaCha20Poly1305, 100, 50),
    ] {
        let mut tally = Tally::default();
        for group in aead::TestSet::load(name).unwrap().test_groups {
            // What is made and taken here has 256 bits of key, 96 of nonce and 128 of tag, and no other.
            if (group.key_size, group.nonce_size, group.tag_size) != (256, NONCE_LEN * 8, TAG_LEN * 8) {
                continue;
            }
            for test in group.tests {
                let about = format!("{algorithm} {}", test.tc_id);
                let key = Key::from_material(algorithm, Half::Whole, &test.key).unwrap();
                let Form::Seal(key) = &key.form else { panic!("{algorithm} seals") };
                let nonce: [u8; NONCE_LEN] = test.nonce.to_vec().try_into().unwrap();
                let sealed = [&test.ct[..], &test.tag[..]].concat();
                let opened = seal::open(key, nonce, &test.aad, &sealed);
                tally.check(&about, test.result, opened.is_ok());
                let made = seal::seal(key, nonce, &test.aad, &test.pt).unwrap();
                if let Ok(opened) = opened {
                    assert_eq!((opened, made), (test.pt.to_vec(), sealed), "{about}");
                } else {
                    assert_ne!(made, sealed, "{about}");
                }
            }
        }
        tally.done(algorithm.as_str(), valid, invalid);
    }
}

#[test]
fn hmac_vectors() {
    for (name, algorithm) in [
        (mac::TestName::HmacSha256, KeyAlgorithm::HmacSha256),
        (mac::TestName::HmacSha384, KeyAlgorithm::HmacSha384),
        (mac::TestName::HmacSha512, KeyAlgorithm::HmacSha512),
    ] {
        let (mut tally, mut truncated) = (Tally::default(), 0);
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let about = format!("{algorithm} {}", test.tc_id);
                let key = Key::from_material(algorithm, Half::Whole, &test.key).unwrap();
                let tag = macs::tag(&key, &test.msg).unwrap();
                let good = sign::verify(&key, &test.msg, &test.tag).unwrap();
                if group.tag_size == tag.len() * 8 {
                    tally.check(&about, test.result, good);
                    assert_eq!(tag == test.tag[..], good, "{about}");
                } else {
                    // A part of a tag is no tag here, but the vector still says what the tag begins with.
                    truncated += 1;
                    assert!(!good, "{about}: a truncated tag verifies");
                    let begins = tag.starts_with(&test.tag);
                    assert_eq!(begins, test.result == TestResult::Valid, "{about}");
                }
            }
        }
        tally.done(algorithm.as_str(), 30, 30);
        assert!(truncated > 50, "{algorithm}: {truncated}");
    }
}

#[test]
fn hkdf_vectors() {
    let mut tally = Tally::default();
    let mut within = 0;
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap().test_groups {
        for test in group.tests {
            let key = Key::from_material(KeyAlgorithm::HkdfSha256, Half::Whole, &test.ikm).unwrap();
            let derived = macs::derive(&key, &test.salt, &test.info, test.size);
            tally.check(&format!("{}", test.tc_id), test.result, derived.as_deref() == Ok(&test.okm[..]));
            within += usize::from(test.size <= MAX_DERIVED);
        }
    }
    tally.done("hkdf-sha256", 50, 1);
    assert!(within > 20, "{within} vectors ask for what guests may ask for");
}

/// Keys of other curves, and weak ones, are not taken, however well they parse.
#[test]
fn other_curves_are_not_imported() {
    let mut refused = 0;
    for name in [ecdsa::TestName::EcdsaSecp256k1Sha256P1363, ecdsa::TestName::EcdsaSecp521r1Sha512P1363] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            assert_eq!(Imported::parse(&group.der, None).err(), Some(ImportError::Unknown), "{name:?}");
            refused += 1;
        }
    }
    for group in eddsa::TestSet::load(eddsa::TestName::Ed448).unwrap().test_groups {
        assert_eq!(Imported::parse(group.pem.as_bytes(), None).err(), Some(ImportError::Unknown));
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}
