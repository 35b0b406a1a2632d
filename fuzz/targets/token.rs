//! Access tokens: no text panics the verifier, and what it accepts says what the signed claims say.
//!
//! The input is text. One line is presented as a token, and as a proof of possession. Of two lines, the first is a header
//! and the second the claims; they are signed with the trusted issuer's key before they are presented, as either, so that
//! what lies behind the signature is reached too. A text that starts with `{"keys"` is read as a key set.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bailiwick_identity::{
    Algorithm, Jwks, ProofRequest, RawProof, RawToken, Target, Token, TrustedIssuer, TrustedIssuers, danger,
};
use bailiwick_policy::ScopeSet;
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "urn:bailiwick";

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed"));

static TRUSTED: LazyLock<TrustedIssuers> = LazyLock::new(|| {
    let x = BASE64URL_NOPAD.encode(PAIR.public_key().as_ref());
    // The point of the second key is that of RFC 7515, appendix A.3.
    let keys = format!(
        r#"{{"keys":[
            {{"kid":"main","kty":"OKP","crv":"Ed25519","use":"sig","x":"{x}"}},
            {{"kid":"p256","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}},
            {{"kid":"enc","kty":"OKP","crv":"Ed25519","use":"enc","x":"{x}"}}]}}"#
    );
    let keys = Jwks::parse(keys.as_bytes()).expect("the key set is valid");
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE, keys, &Algorithm::ALL).expect("the issuer is valid");
    TrustedIssuers::none().with(issuer).expect("there is one issuer")
});

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"{\"keys\"") {
        check_keys(data);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.split_once('\n') {
        None => {
            present(text.to_owned());
            prove(text.to_owned());
        }
        Some((header, claims)) => check_signed(header, claims),
    }
});

fn present(text: String) -> Option<Token> {
    let raw = RawToken::new(text);
    let parts = danger::unverified_parts(&raw);
    match raw.verify(&TRUSTED, NOW) {
        Ok(token) => {
            let claims = parts.expect("what verifies can be taken apart").claims;
            let text = |name: &str| claims.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            let number = |name: &str| claims.get(name).and_then(|value| value.as_u64());
            assert_eq!((token.issuer(), text("iss")), (ISSUER, ISSUER));
            assert_eq!(token.subject().as_str(), text("sub"));
            assert_eq!(Some(token.issued_at()), number("iat"));
            assert_eq!(Some(token.expires_at()), number("exp"));
            assert!(token.issued_at() < token.expires_at() && NOW < token.valid_until());
            assert_eq!(Ok(token.scopes()), ScopeSet::parse_token(text("scope")).as_ref());
            for detail in token.details() {
                assert!(detail.scopes().len() > 0 && detail.to_json().is_object(), "{detail:?}");
            }
            assert!(!token.is_local());
            Some(token)
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains(char::is_control), "{shown:?}");
            assert!(error.code().as_str().starts_with("deny."), "{error:?}");
            None
        }
    }
}

fn prove(text: String) -> bool {
    let target = Target::parse("https://sandbox.example/v1/runs").expect("it is a URI");
    match RawProof::new(text).verify(&ProofRequest::new("POST", &target), NOW) {
        Ok(_) => true,
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains(char::is_control), "{shown:?}");
            assert!(error.code().as_str().starts_with("deny.proof."), "{error:?}");
            false
        }
    }
}

fn check_signed(header: &str, claims: &str) {
    let signed = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()));
    let signature = PAIR.sign(signed.as_bytes());
    let with = |signature: &[u8]| present(format!("{signed}.{}", BASE64URL_NOPAD.encode(signature)));
    if with(signature.as_ref()).is_some() {
        let mut changed = signature.as_ref().to_vec();
        if let Some(byte) = changed.get_mut(header.len() % signature.as_ref().len()) {
            *byte ^= 1;
        }
        assert!(with(&changed).is_none(), "a changed signature verifies");
        assert!(with(&[]).is_none(), "no signature verifies");
    }
    let prove_with = |signature: &[u8]| prove(format!("{signed}.{}", BASE64URL_NOPAD.encode(signature)));
    if prove_with(signature.as_ref()) {
        assert!(!prove_with(&[]), "a proof without a signature verifies");
    }
}

fn check_keys(data: &[u8]) {
    match Jwks::parse(data) {
        Ok(keys) => {
            // A key that somebody else wrote verifies nothing that ours signed, whatever it claims to be.
            for algorithm in Algorithm::ALL {
                let text =
                    format!("{}.e30.AAAA", BASE64URL_NOPAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#).as_bytes()));
                assert!(bailiwick_identity::verify_compact(&text, &keys, &[algorithm]).is_err());
            }
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
}
