//! One case for each rule that a compact token must keep, with a token that breaks that rule alone.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use bailiwick_identity::{Algorithm, MAX_TOKEN_BYTES, RawToken, TokenError, TrustedIssuer, TrustedIssuers, Unfit};
use bailiwick_policy::Code;
use data_encoding::BASE64URL_NOPAD as B64;
use serde_json::{Value, json};
use support::{AUDIENCE, ISSUER, NOW, Signer, claims, issuer, with};

#[test]
fn a_good_token_verifies_under_every_algorithm() {
    for signer in [Signer::ed(), Signer::ec(), Signer::rs256(), Signer::ps256()] {
        let text = signer.compact(&signer.header().to_string(), &claims().to_string());
        let token = signer.verify(text).unwrap_or_else(|error| panic!("{}: {error}", signer.algorithm()));
        assert_eq!((token.issuer(), token.subject().as_str()), (ISSUER, "expense-bot"));
        assert_eq!(token.scopes().to_string(), "fetch:get:api.example.com/v1/**");
        assert_eq!((token.issued_at(), token.expires_at(), token.valid_until()), (NOW - 10, NOW + 600, NOW + 605));
        assert_eq!(token.key_id(), "k1");
        assert!(!token.is_local());
    }
}

#[test]
fn headers() {
    let signer = Signer::ed();
    let cases = [
        (json!({"crit": ["exp"]}), Code::TokenHeader),
        (json!({"crit": []}), Code::TokenHeader),
        (json!({"jku": "https://evil.example/keys"}), Code::TokenHeader),
        (json!({"x5u": "https://evil.example/cert"}), Code::TokenHeader),
        (json!({"x5c": ["MII="]}), Code::TokenHeader),
        (json!({"jwk": signer.jwk()}), Code::TokenHeader),
        (json!({"b64": true}), Code::TokenHeader),
        (json!({"b64": false}), Code::TokenHeader),
        (json!({"zip": "DEF"}), Code::TokenHeader),
        (json!({"typ": null}), Code::TokenType),
        (json!({"typ": "JWT"}), Code::TokenType),
        (json!({"typ": "dpop+jwt"}), Code::TokenType),
        (json!({"typ": "AT+JWT"}), Code::TokenType),
        (json!({"typ": ["at+jwt"]}), Code::TokenType),
        (json!({"alg": null}), Code::TokenAlgorithm),
        (json!({"alg": "none"}), Code::TokenAlgorithm),
        (json!({"alg": "None"}), Code::TokenAlgorithm),
        (json!({"alg": "nOnE"}), Code::TokenAlgorithm),
        (json!({"alg": ""}), Code::TokenAlgorithm),
        (json!({"alg": "HS256"}), Code::TokenAlgorithm),
        (json!({"alg": "eddsa"}), Code::TokenAlgorithm),
        (json!({"alg": "ES512"}), Code::TokenAlgorithm),
        (json!({"alg": ["EdDSA"]}), Code::TokenAlgorithm),
        (json!({"alg": "RS256"}), Code::TokenUnfitKey),
        (json!({"alg": "ES256"}), Code::TokenUnfitKey),
        (json!({"kid": null}), Code::TokenKeyId),
        (json!({"kid": ""}), Code::TokenKeyId),
        (json!({"kid": 1}), Code::TokenKeyId),
        (json!({"kid": ["k1"]}), Code::TokenKeyId),
        (json!({"kid": "k".repeat(257)}), Code::TokenKeyId),
        (json!({"kid": "K1"}), Code::TokenUnknownKey),
        (json!({"kid": "../../k1"}), Code::TokenUnknownKey),
        (json!({"kid": "' OR 1=1 --"}), Code::TokenUnknownKey),
    ];
    for (changes, code) in cases {
        let header = with(signer.header(), changes.clone());
        let refused = signer.verify(signer.compact(&header.to_string(), &claims().to_string())).unwrap_err();
        assert_eq!(refused.code(), code, "{changes}: {refused}");
    }
    let long_form = with(signer.header(), json!({"typ": "application/at+jwt", "cty": "x", "x5t": "y"}));
    assert!(signer.verify(signer.compact(&long_form.to_string(), &claims().to_string())).is_ok());
}

#[test]
fn claims_and_times() {
    let signer = Signer::ed();
    let cases = [
        (json!({"iss": null}), Code::TokenClaim),
        (json!({"iss": [ISSUER]}), Code::TokenClaim),
        (json!({"iss": 1}), Code::TokenClaim),
        (json!({"iss": "https://id.example/"}), Code::TokenIssuer),
        (json!({"iss": "https://ID.example"}), Code::TokenIssuer),
        (json!({"iss": "https://id.example "}), Code::TokenIssuer),
        (json!({"aud": null}), Code::TokenClaim),
        (json!({"aud": "https://other.example"}), Code::TokenAudience),
        (json!({"aud": [AUDIENCE, "https://other.example"]}), Code::TokenAudience),
        (json!({"aud": []}), Code::TokenAudience),
        (json!({"aud": [[AUDIENCE]]}), Code::TokenAudience),
        (json!({"aud": {"0": AUDIENCE}}), Code::TokenAudience),
        (json!({"exp": null}), Code::TokenClaim),
        (json!({"exp": (NOW + 600).to_string()}), Code::TokenClaim),
        (json!({"exp": NOW as f64 + 600.5}), Code::TokenClaim),
        (json!({"exp": -1}), Code::TokenClaim),
        (json!({"exp": 1u64 << 53}), Code::TokenClaim),
        (json!({"exp": u64::MAX}), Code::TokenClaim),
        (json!({"exp": NOW - 5}), Code::TokenExpired),
        (json!({"exp": NOW - 11, "iat": NOW - 10}), Code::TokenExpired),
        (json!({"exp": NOW, "iat": NOW}), Code::TokenLifetime),
        (json!({"exp": NOW + 3591}), Code::TokenLifetime),
        (json!({"exp": NOW + 86_400}), Code::TokenLifetime),
        (json!({"iat": null}), Code::TokenClaim),
        (json!({"iat": "now"}), Code::TokenClaim),
        (json!({"iat": true}), Code::TokenClaim),
        (json!({"iat": NOW + 6}), Code::TokenIssuedInFuture),
        (json!({"nbf": NOW + 6}), Code::TokenNotYetValid),
        (json!({"nbf": "0"}), Code::TokenClaim),
        (json!({"sub": null}), Code::TokenClaim),
        (json!({"sub": ""}), Code::TokenClaim),
        (json!({"sub": ["expense-bot"]}), Code::TokenClaim),
        (json!({"sub": "a\nb"}), Code::TokenSubject),
        (json!({"sub": "ехpense-bot"}), Code::TokenSubject),
        (json!({"jti": null}), Code::TokenClaim),
        (json!({"jti": ""}), Code::TokenClaim),
        (json!({"jti": 7}), Code::TokenClaim),
        (json!({"jti": "j".repeat(1025)}), Code::TokenClaim),
        (json!({"scope": ["fetch:get:api.example.com/**"]}), Code::TokenClaim),
        (json!({"scope": 1}), Code::TokenClaim),
        (json!({"scope": "fetch:get"}), Code::TokenScopeClaim),
        (json!({"scope": "fetch:*:api.example.com/**"}), Code::TokenScopeClaim),
        (json!({"scope": "openid fetch:GET:api.example.com/**"}), Code::TokenScopeClaim),
        (json!({"cnf": {"jkt": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}}), Code::TokenProofRequired),
        (json!({"act": {}}), Code::TokenActor),
        (json!({"authorization_details": {}}), Code::TokenDetails),
    ];
    for (changes, code) in cases {
        let changed = with(claims(), changes.clone());
        let refused = signer.verify(signer.compact(&signer.header().to_string(), &changed.to_string())).unwrap_err();
        assert_eq!(refused.code(), code, "{changes}: {refused}");
    }
    for accepted in [
        json!({"aud": [AUDIENCE]}),
        json!({"exp": NOW - 4}),
        json!({"exp": NOW + 3590}),
        json!({"iat": NOW + 5}),
        json!({"nbf": NOW + 5}),
        json!({"scope": null}),
        json!({"scope": "openid profile"}),
    ] {
        let changed = with(claims(), accepted.clone());
        let verified = signer.verify(signer.compact(&signer.header().to_string(), &changed.to_string()));
        assert!(verified.is_ok(), "{accepted}: {verified:?}");
    }
    let none = with(claims(), json!({"scope": null}));
    let token = signer.verify(signer.compact(&signer.header().to_string(), &none.to_string())).unwrap();
    assert_eq!(token.scopes().iter().count(), 0, "a token without scopes grants nothing");
}

#[test]
fn form() {
    let signer = Signer::ed();
    let (header, claims) = (signer.header().to_string(), claims().to_string());
    let good = signer.compact(&header, &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let [h, c, s] = parts[..] else { panic!("three parts") };
    // 64 bytes of signature leave four stray bits in the last character: another character with the same six high bits
    // decodes to the same bytes for a lenient decoder.
    let last = s.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let stray = format!("{}{next}", &s[..s.len() - 1]);
    let twice = claims.replacen('{', r#"{"sub":"expense-bot","#, 1);
    let nested = claims.replacen('{', r#"{"x":[{"a":1,"\u0061":1}],"#, 1);
    let cases = [
        (String::new(), Code::TokenMalformed),
        ("..".to_owned(), Code::TokenMalformed),
        ("a.b".to_owned(), Code::TokenMalformed),
        (format!("{h}.{c}"), Code::TokenMalformed),
        (format!("{good}."), Code::TokenMalformed),
        (format!("{good}.e30"), Code::TokenMalformed),
        (format!(".{c}.{s}"), Code::TokenMalformed),
        (format!("{h}..{s}"), Code::TokenMalformed),
        (format!("{good}="), Code::TokenMalformed),
        (format!("{h}=.{c}.{s}"), Code::TokenMalformed),
        (format!("{good}\n"), Code::TokenMalformed),
        (format!(" {good}"), Code::TokenMalformed),
        (format!("Bearer {good}"), Code::TokenMalformed),
        (format!("{h}.{c}.{stray}"), Code::TokenMalformed),
        (format!("{h}.{c}.{}+", &s[..s.len() - 1]), Code::TokenMalformed),
        (format!("{h}.{c}."), Code::TokenSignature),
        (format!("{h}.{c}.{}", B64.encode(&[0; 64])), Code::TokenSignature),
        (format!("{h}.{c}.{}", B64.encode(&[0; 63])), Code::TokenSignature),
        (signer.compact("[]", &claims), Code::TokenMalformed),
        (signer.compact("{}{}", &claims), Code::TokenMalformed),
        (signer.compact(&header, "7"), Code::TokenMalformed),
        (signer.compact(&header, &format!("{claims} x")), Code::TokenMalformed),
        (signer.compact(&header, &twice), Code::TokenDuplicateMember),
        (signer.compact(&header, &nested), Code::TokenDuplicateMember),
        (signer.compact(&header.replacen('{', r#"{"alg":"none","#, 1), &claims), Code::TokenDuplicateMember),
        ("A".repeat(MAX_TOKEN_BYTES + 1), Code::TokenTooLarge),
        (format!("{}.{c}.{s}", "A".repeat(4097)), Code::TokenTooLarge),
    ];
    for (text, code) in cases {
        let refused = signer.verify(text.clone()).unwrap_err();
        assert_eq!(refused.code(), code, "{text:.60}: {refused}");
    }
}

/// An RSA public key taken for an HMAC secret, `none`, and another's signature.
#[test]
fn confusions() {
    let signer = Signer::rs256();
    let token = |header: Value, signature: &[u8]| {
        let signed =
            format!("{}.{}", B64.encode(header.to_string().as_bytes()), B64.encode(claims().to_string().as_bytes()));
        (signed.clone(), format!("{signed}.{}", B64.encode(signature)))
    };
    let header = with(signer.header(), json!({"alg": "HS256"}));
    let (signed, _) = token(header.clone(), b"");
    let modulus = signer.jwk()["n"].as_str().unwrap().to_owned();
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, modulus.as_bytes());
    let (_, forged) = token(header, aws_lc_rs::hmac::sign(&secret, signed.as_bytes()).as_ref());
    assert_eq!(signer.verify(forged).unwrap_err(), TokenError::Algorithm);

    let (_, unsigned) = token(with(signer.header(), json!({"alg": "none"})), b"");
    assert_eq!(signer.verify(unsigned).unwrap_err(), TokenError::Algorithm);

    let other = Signer::rs256();
    let stranger = other.compact(&signer.header().to_string(), &claims().to_string());
    assert_eq!(signer.verify(stranger).unwrap_err(), TokenError::Signature);

    // A key without `alg` serves PS256 and RS256, each only with its own padding.
    let cross = signer.compact(&with(signer.header(), json!({"alg": "PS256"})).to_string(), &claims().to_string());
    assert_eq!(signer.verify(cross).unwrap_err(), TokenError::Signature);
}

#[test]
fn the_issuer_alone_picks_algorithms_keys_and_lifetime() {
    let (ours, theirs) = (Signer::ed(), Signer::ed());
    let text = ours.compact(&ours.header().to_string(), &claims().to_string());
    let only = |algorithms: &[Algorithm]| {
        let issuer = TrustedIssuer::new(ISSUER, AUDIENCE, ours.issuer().keys().clone(), algorithms).unwrap();
        TrustedIssuers::none().with(issuer).unwrap()
    };
    let raw = RawToken::new(text.clone());
    assert!(raw.verify(&only(&[Algorithm::EdDsa]), NOW).is_ok());
    let refused = raw.verify(&only(&[Algorithm::Es256, Algorithm::Rs256]), NOW).unwrap_err();
    assert_eq!(refused, TokenError::AlgorithmNotAllowed { algorithm: "EdDSA" });
    assert_eq!(raw.verify(&TrustedIssuers::none(), NOW).unwrap_err().code(), Code::TokenIssuer);

    // Another issuer's key of the same `kid` is not looked at.
    let other = TrustedIssuer::new("https://b.example", AUDIENCE, theirs.issuer().keys().clone(), &[Algorithm::EdDsa]);
    let both = ours.trusted().with(other.unwrap()).unwrap();
    let from_theirs = theirs.compact(&theirs.header().to_string(), &claims().to_string());
    assert_eq!(RawToken::new(from_theirs).verify(&both, NOW).unwrap_err(), TokenError::Signature);

    let brief = TrustedIssuers::none().with(ours.issuer().max_lifetime(609).unwrap()).unwrap();
    assert_eq!(raw.verify(&brief, NOW).unwrap_err(), TokenError::Lifetime { limit: 609 });
    let tolerant = TrustedIssuers::none().with(ours.issuer().skew(60).unwrap()).unwrap();
    assert!(raw.verify(&tolerant, NOW + 659).is_ok());
    assert_eq!(raw.verify(&tolerant, NOW + 660).unwrap_err(), TokenError::Expired { ago: 60 });
    let exact = TrustedIssuers::none().with(ours.issuer().skew(0).unwrap()).unwrap();
    assert_eq!(raw.verify(&exact, NOW + 600).unwrap_err(), TokenError::Expired { ago: 0 });

    assert!(ours.issuer().skew(61).is_err());
    assert!(ours.issuer().max_lifetime(3601).is_err());
    assert!(ours.issuer().max_lifetime(0).is_err());
    assert!(ours.trusted().with(ours.issuer()).is_err());
    assert!(TrustedIssuer::new(ISSUER, AUDIENCE, ours.issuer().keys().clone(), &[]).is_err());
}

#[test]
fn the_key_must_fit() {
    let signer = Signer::ed();
    let text = signer.compact(&signer.header().to_string(), &claims().to_string());
    let ec = Signer::ec();
    let rsa = Signer::rs256();
    let short = B64.encode(&[&[0x80][..], &[1; 127]].concat());
    let cases = [
        (with(signer.jwk(), json!({"use": "enc"})), "EdDSA", Unfit::Use),
        (with(signer.jwk(), json!({"key_ops": ["sign"]})), "EdDSA", Unfit::Use),
        (with(signer.jwk(), json!({"alg": "ES256"})), "EdDSA", Unfit::Algorithm),
        (with(signer.jwk(), json!({"alg": "HS256"})), "EdDSA", Unfit::Algorithm),
        (with(signer.jwk(), json!({"kty": "oct"})), "EdDSA", Unfit::Type),
        (with(signer.jwk(), json!({"kty": null})), "EdDSA", Unfit::Type),
        (with(signer.jwk(), json!({"kty": "EC"})), "EdDSA", Unfit::Curve),
        (with(signer.jwk(), json!({"crv": "Ed448"})), "EdDSA", Unfit::Curve),
        (with(signer.jwk(), json!({"crv": "X25519"})), "EdDSA", Unfit::Curve),
        (with(signer.jwk(), json!({"x": "AAAA"})), "EdDSA", Unfit::Encoding),
        (with(signer.jwk(), json!({"x": "A=="})), "EdDSA", Unfit::Encoding),
        (with(ec.jwk(), json!({"crv": "P-384"})), "ES256", Unfit::Curve),
        (with(ec.jwk(), json!({"crv": "secp256k1"})), "ES256", Unfit::Curve),
        (with(ec.jwk(), json!({"y": null})), "ES256", Unfit::Encoding),
        (ec.jwk(), "EdDSA", Unfit::Algorithm),
        (with(rsa.jwk(), json!({"n": short})), "RS256", Unfit::Size),
        (with(rsa.jwk(), json!({"n": "AAAA"})), "RS256", Unfit::Encoding),
        (with(rsa.jwk(), json!({"e": "AQ"})), "RS256", Unfit::Encoding),
        (with(rsa.jwk(), json!({"e": "AAEAAQ"})), "RS256", Unfit::Encoding),
        (with(rsa.jwk(), json!({"alg": "PS256"})), "RS256", Unfit::Algorithm),
    ];
    let parts: Vec<&str> = text.split('.').collect();
    for (jwk, algorithm, unfit) in cases {
        let trusted = TrustedIssuers::none().with(issuer(&json!({"keys": [jwk]}))).unwrap();
        let header = with(signer.header(), json!({"alg": algorithm})).to_string();
        let token = format!("{}.{}.{}", B64.encode(header.as_bytes()), parts[1], parts[2]);
        assert_eq!(RawToken::new(token).verify(&trusted, NOW).unwrap_err(), TokenError::UnfitKey(unfit), "{jwk}");
    }
    // A point that is not on the curve verifies nothing.
    let off = with(ec.jwk(), json!({"y": B64.encode(&[1; 32])}));
    let trusted = TrustedIssuers::none().with(issuer(&json!({"keys": [off]}))).unwrap();
    let token = ec.compact(&ec.header().to_string(), &claims().to_string());
    assert_eq!(RawToken::new(token).verify(&trusted, NOW).unwrap_err(), TokenError::Signature);
    let signed = with(signer.jwk(), json!({"use": "sig", "key_ops": ["verify"], "alg": "EdDSA"}));
    let trusted = TrustedIssuers::none().with(issuer(&json!({"keys": [signed]}))).unwrap();
    assert!(RawToken::new(text).verify(&trusted, NOW).is_ok());
}

#[test]
fn nothing_shows_the_token() {
    let signer = Signer::ed();
    let text = signer.compact(&signer.header().to_string(), &claims().to_string());
    let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
    let raw = RawToken::new(text);
    let token = raw.verify(&signer.trusted(), NOW).unwrap();
    let refused = raw.verify(&signer.trusted(), NOW + 10_000).unwrap_err();
    let hostile = with(claims(), json!({"iss": format!("\u{1b}[31m\u{202e}{}", "x".repeat(900))}));
    let unknown = signer.verify(signer.compact(&signer.header().to_string(), &hostile.to_string())).unwrap_err();
    for shown in [format!("{raw:?} {token:?}"), format!("{refused:?} {refused}"), format!("{unknown:?} {unknown}")] {
        for segment in &segments {
            assert!(!shown.contains(&segment[..16]), "{shown}");
        }
        assert!(!shown.contains("01-first"), "the jti is shown as its hash only: {shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}') && shown.len() < 1000, "{shown}");
    }
}
