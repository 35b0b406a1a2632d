//! Proofs of possession and single use, beyond the cases: published proofs, parallel use, sensitive actions.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use std::num::NonZeroUsize;
use std::sync::Barrier;

use bailiwick_identity::{
    JtiHash, MemoryReplayStore, Nonces, PeriodicNonces, Proof, ProofError, ProofKey, ProofKeyError, ProofRequest,
    RawProof, RawToken, ReplayError, ReplayStore, Target, Token, TokenError, TrustedIssuers, UnspentToken,
};
use bailiwick_policy::Code;
use data_encoding::BASE64URL_NOPAD as B64;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{NOW, Signer, claims, thumbprint, with};

/// Keys of these tests, made with `openssl genpkey`.
const ED25519_PEM: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MC4CAQAwBQYDK2VwBCIEIEJ42IAMpApVvO4gNkZNxV2pYlBik7qQXMA8thUt0F4E\n\
-----END PRIVATE KEY-----\n";
const P256_PEM: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgp2HgKA7FFY+vJGZR\n\
wtSNysfFt4oZpLkzzvIZURXtkCChRANCAARBySWBsB57Za59zvkxYKBqcC1QSVoF\n\
42fkS0Qi5IfsJrkB4bjpKyzEetbc/nYLoFdV56967ADN7LVV99y9jTTw\n\
-----END PRIVATE KEY-----\n";

/// RFC 9449 §4.1 and §7.1.
#[test]
fn published_proofs() {
    let key = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    let proofs = [
        (
            "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
            "POST",
            "https://server.example.com/token",
            1_562_262_616,
        ),
        (
            "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
            "GET",
            "https://resource.example.org/protectedresource",
            1_562_262_618,
        ),
    ];
    for (rest, method, uri, made) in proofs {
        let (proof, target) = (RawProof::new(format!("{key}.{rest}")), Target::parse(uri).unwrap());
        let verified = proof.verify(&ProofRequest::new(method, &target), made + 1).unwrap();
        assert_eq!(verified.thumbprint().to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let late = proof.verify(&ProofRequest::new(method, &target), made + 100).unwrap_err();
        assert_eq!(late, ProofError::TooOld { ago: 100 });
        assert!(proof.verify(&ProofRequest::new(method, &target).max_age(100), made + 100).is_ok());
    }
}

struct Agent {
    issuer: Signer,
    key: Signer,
    trusted: TrustedIssuers,
}

impl Agent {
    fn new() -> Agent {
        let issuer = Signer::ed();
        let trusted = issuer.trusted();
        Agent { issuer, key: Signer::ec(), trusted }
    }

    fn jwk(&self) -> Value {
        with(self.key.jwk(), json!({"kid": null}))
    }

    fn token(&self, changes: Value) -> String {
        let bound = with(claims(), json!({"cnf": {"jkt": thumbprint(&self.jwk())}}));
        self.issuer.compact(&self.issuer.header().to_string(), &with(bound, changes).to_string())
    }

    fn proof_text(&self, token: &str, jti: &str) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let ath = B64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref());
        let claims =
            json!({"jti": jti, "htm": "POST", "htu": "https://sandbox.example/v1/runs", "iat": NOW, "ath": ath});
        self.key.compact(&header.to_string(), &claims.to_string())
    }

    fn proof(&self, token: &str, jti: &str) -> Proof {
        RawProof::new(self.proof_text(token, jti)).verify(&ProofRequest::new("POST", &target()), NOW).unwrap()
    }

    fn unspent(&self, token: &str, jti: &str) -> Result<UnspentToken, TokenError> {
        RawToken::new(token.to_owned()).verify_presented(Some(&self.proof(token, jti)), &self.trusted, NOW)
    }
}

fn target() -> Target {
    Target::parse("https://sandbox.example/v1/runs").unwrap()
}

fn store(capacity: usize) -> MemoryReplayStore {
    MemoryReplayStore::new(NonZeroUsize::new(capacity).unwrap())
}

/// How many of a hundred presentations at once succeed, and that the others are refused as replays.
fn in_parallel(code: Code, present: impl Fn() -> Result<Token, TokenError> + Sync) -> usize {
    let barrier = Barrier::new(100);
    let attempt = || {
        barrier.wait();
        present().map(|_| ()).map_err(|error| error.code())
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..100).map(|_| scope.spawn(attempt)).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(()) || *outcome == Err(code)), "{outcomes:?}");
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[test]
fn of_a_hundred_uses_of_a_proof_one_succeeds() {
    let (agent, store) = (Agent::new(), store(1000));
    let token = agent.token(json!({}));
    let proof = agent.proof(&token, "one");
    let raw = RawToken::new(token.clone());
    let present = || raw.verify_presented(Some(&proof), &agent.trusted, NOW)?.spend(&store, NOW);
    assert_eq!(in_parallel(Code::ProofReplayed, present), 1);
    assert!(agent.unspent(&token, "two").unwrap().spend(&store, NOW).is_ok(), "the token serves with another proof");
}

#[test]
fn of_a_hundred_uses_of_a_single_use_token_one_succeeds() {
    let (signer, store) = (Signer::ec(), store(1000));
    let trusted = TrustedIssuers::none().with(signer.issuer().single_use()).unwrap();
    // Two signatures of one token are one token.
    let sign = || signer.compact(&signer.header().to_string(), &claims().to_string());
    let (one, two) = (sign(), sign());
    assert_ne!(one, two);
    let raw = RawToken::new(one);
    let present = || raw.verify_presented(None, &trusted, NOW)?.spend(&store, NOW);
    assert_eq!(in_parallel(Code::TokenReplayed, present), 1);
    let again = RawToken::new(two).verify_presented(None, &trusted, NOW).unwrap().spend(&store, NOW);
    assert_eq!(again.unwrap_err(), TokenError::Replayed);
}

#[test]
fn a_store_that_cannot_record_refuses() {
    struct Broken;
    impl ReplayStore for Broken {
        fn use_once(&self, _: JtiHash, _: u64, _: u64) -> Result<(), ReplayError> {
            Err(ReplayError::Unavailable)
        }
    }
    let agent = Agent::new();
    let token = agent.token(json!({}));
    let refused = agent.unspent(&token, "one").unwrap().spend(&Broken, NOW).unwrap_err();
    assert_eq!((refused.code(), &refused), (Code::ReplayStore, &TokenError::ReplayStore(ReplayError::Unavailable)));
    let full = store(1);
    agent.unspent(&token, "one").unwrap().spend(&full, NOW).unwrap();
    let refused = agent.unspent(&token, "two").unwrap().spend(&full, NOW).unwrap_err();
    assert_eq!(refused, TokenError::ReplayStore(ReplayError::Full));
    assert_eq!(agent.unspent(&token, "one").unwrap().spend(&full, NOW).unwrap_err(), TokenError::ProofReplayed);
}

/// A proof that fails is not spent, and neither is one for a token that fails: nobody can fill the store that way.
#[test]
fn what_is_refused_spends_nothing() {
    let (agent, stranger) = (Agent::new(), Agent::new());
    let (token, forged) = (agent.token(json!({})), stranger.token(json!({})));
    let of_stranger =
        RawToken::new(forged.clone()).verify_presented(Some(&agent.proof(&forged, "one")), &agent.trusted, NOW);
    assert_eq!(of_stranger.unwrap_err(), TokenError::Signature);
    let borrowed =
        RawToken::new(token.clone()).verify_presented(Some(&stranger.proof(&token, "one")), &agent.trusted, NOW);
    assert_eq!(borrowed.unwrap_err(), TokenError::ProofBinding);
    let other = agent.token(json!({"jti": "02-second"}));
    let crossed = RawToken::new(token).verify_presented(Some(&agent.proof(&other, "one")), &agent.trusted, NOW);
    assert_eq!(crossed.unwrap_err(), TokenError::ProofToken);
}

#[test]
fn one_keys_proof_does_not_use_up_anothers() {
    let (agent, other) = (Agent::new(), Agent::new());
    let (token, theirs, store) = (agent.token(json!({})), other.token(json!({})), store(10));
    agent.unspent(&token, "same").unwrap().spend(&store, NOW).unwrap();
    other.unspent(&theirs, "same").unwrap().spend(&store, NOW).unwrap();
}

#[test]
fn sensitive_actions_need_a_fresh_and_bound_token() {
    let agent = Agent::new();
    let token = |changes: Value| agent.unspent(&agent.token(changes), "one").unwrap().spend(&store(10), NOW).unwrap();
    let fresh = token(json!({}));
    assert_eq!(fresh.sensitive_until(), Some(fresh.issued_at() + 900));
    assert_eq!(token(json!({"iat": NOW - 901})).sensitive_until(), Some(NOW - 1));
    let unbound = agent.issuer.compact(&agent.issuer.header().to_string(), &claims().to_string());
    let unbound = RawToken::new(unbound).verify(&agent.trusted, NOW).unwrap();
    assert_eq!(unbound.sensitive_until(), None);
}

/// Keys as `openssl genpkey` writes them, with what their proofs say.
#[test]
fn a_proof_made_here_verifies() {
    let signer = Signer::ec();
    for pair in [ED25519_PEM, P256_PEM] {
        let key = ProofKey::parse(pair.as_bytes()).unwrap();
        let bound = with(claims(), json!({"cnf": {"jkt": key.thumbprint().to_string()}}));
        let raw = RawToken::new(signer.compact(&signer.header().to_string(), &bound.to_string()));
        let nonces = PeriodicNonces::new(&[3; 32]);
        let verify = |nonce: Option<&str>, request: &ProofRequest<'_>| {
            let proof = key.prove(&raw, "POST", &target(), nonce, NOW).unwrap();
            RawProof::new(proof.to_string()).verify(request, NOW)
        };
        let target = target();
        let request = ProofRequest::new("POST", &target);
        let proof = verify(None, &request).unwrap();
        assert_eq!(proof.thumbprint(), key.thumbprint());
        assert_ne!(proof.jti(), verify(None, &request).unwrap().jti(), "each is used once");
        let token = raw.verify_presented(Some(&proof), &signer.trusted(), NOW).unwrap();
        assert_eq!(token.peek().bound_to(), Some(key.thumbprint()));
        let demanding = request.nonces(&nonces);
        assert_eq!(verify(None, &demanding).unwrap_err(), ProofError::Nonce);
        assert!(verify(Some(&nonces.current(NOW)), &demanding).is_ok());
        assert!(!format!("{key:?}").contains(&pair[40..60]));
    }
    for (text, expected) in [
        ("", ProofKeyError::Format),
        ("-----BEGIN PRIVATE KEY-----", ProofKeyError::Format),
        ("-----BEGIN PRIVATE KEY-----\n???\n-----END PRIVATE KEY-----", ProofKeyError::Format),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", ProofKeyError::Kind),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", ProofKeyError::Public),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----", ProofKeyError::Form),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", ProofKeyError::Form),
    ] {
        assert_eq!(ProofKey::parse(text.as_bytes()).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn nothing_shows_a_proof() {
    let agent = Agent::new();
    let token = agent.token(json!({}));
    let text = agent.proof_text(&token, "very-secret-jti");
    let raw = RawProof::new(text.clone());
    let target = target();
    let request = ProofRequest::new("POST", &target);
    let verified = raw.verify(&request, NOW).unwrap();
    let unspent = agent.unspent(&token, "very-secret-jti").unwrap();
    let shown = format!("{raw:?} {verified:?} {request:?} {unspent:?} {:?}", raw.verify(&request, NOW + 1000));
    for secret in text.split('.').chain(token.split('.')) {
        assert!(!shown.contains(&secret[..16]), "{shown}");
    }
    assert!(!shown.contains("very-secret-jti"), "{shown}");
}

proptest! {
    #[test]
    fn no_proof_panics(text in ".{0,200}", header in "\\PC{0,80}", claims in "\\PC{0,80}") {
        let (signer, target) = (Signer::ed(), target());
        let request = ProofRequest::new("POST", &target);
        prop_assert!(RawProof::new(text.clone()).verify(&request, NOW).is_err());
        prop_assert!(RawProof::new(signer.compact(&header, &claims)).verify(&request, NOW).is_err());
        let good = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": signer.jwk()});
        prop_assert!(RawProof::new(signer.compact(&good.to_string(), &claims)).verify(&request, NOW).is_err());
        let _ = Target::parse(&text);
        let _ = Target::parse(&format!("https://{text}"));
        let _ = Target::parse(&format!("https://h/{claims}"));
    }

    #[test]
    fn a_target_is_normal_already(path in "(/[a-zA-Z0-9._~%/-]{0,12}){0,4}", host in "[a-zA-Z0-9.-]{1,12}") {
        if let Some(target) = Target::parse(&format!("https://{host}{path}")) {
            prop_assert_eq!(Target::parse(target.as_str()), Some(target.clone()), "{}", target);
        }
    }

    #[test]
    fn a_changed_byte_of_a_proof_never_verifies(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let agent = Agent::new();
        let good = agent.proof_text("x", "one");
        let mut changed = good.into_bytes();
        let at = position.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        let changed = RawProof::new(String::from_utf8_lossy(&changed).into_owned());
        prop_assert!(changed.verify(&ProofRequest::new("POST", &target()), NOW).is_err());
    }
}
