//! The cases of `tests/cases/tokens` and `tests/cases/proofs`: one file each, with the code that has to come of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

mod support;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use bailiwick_identity::{
    MemoryReplayStore, Nonces, Outcome, PeriodicNonces, ProofRequest, RawProof, RawToken, Target, inspect,
};
use bailiwick_policy::Code;
use data_encoding::BASE64URL_NOPAD as B64;
use serde::Deserialize;
use serde_json::{Value, json};
use support::recipe::{IssuerRecipe, Recipe, cases, claims_of, header_of};
use support::{NOW, with};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenCase {
    name: String,
    now: u64,
    #[serde(default)]
    issuer: IssuerRecipe,
    token: TokenText,
    expect: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenText {
    Literal(String),
    Recipe(Box<Recipe>),
}

#[test]
fn tokens() {
    let cases: Vec<(String, TokenCase)> = cases("tokens");
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for (file, case) in &cases {
        let (text, key) = match &case.token {
            TokenText::Literal(text) => (text.clone(), "ed"),
            TokenText::Recipe(recipe) => {
                let header = header_of(case.issuer.profile(), recipe.signer());
                (recipe.compact(header, claims_of(case.issuer.profile())), recipe.signer.as_str())
            }
        };
        let (trusted, raw) = (case.issuer.trusted(key), RawToken::new(text));
        let verified = raw.verify(&trusted, case.now);
        let code = verified.as_ref().map_or_else(|error| error.code(), |_| Code::Allowed);
        if code.as_str() != case.expect {
            wrong.push(format!("{file} ({}): {code} instead of {}: {:?}", case.name, case.expect, verified.err()));
            continue;
        }
        let inspection = inspect(&raw, None, &trusted, case.now);
        assert_eq!(inspection.outcomes().count(), bailiwick_identity::Check::ALL.len());
        let failed: Vec<_> =
            inspection.outcomes().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).collect();
        // What may be used once fails for want of a store, which is not a check of the token.
        let needs_store = code == Code::ReplayStore;
        assert_eq!(failed.len(), usize::from(verified.is_err() && !needs_store), "{file}");
        let mut reached = inspection.outcomes().map(|(_, outcome)| outcome);
        let passed = reached.by_ref().take_while(|outcome| *outcome == Outcome::Passed).count();
        assert!(reached.all(|outcome| outcome == Outcome::NotReached), "{file}");
        assert!(passed < bailiwick_identity::Check::ALL.len() || verified.is_ok() || needs_store, "{file}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let codes: BTreeSet<&str> = cases.iter().map(|(_, case)| case.expect.as_str()).collect();
    for code in Code::ALL.iter().filter(|code| code.as_str().starts_with("deny.token.")) {
        // These need more than a token: a grant, a registry, a revocation, a proof, a store.
        let elsewhere = [
            Code::TokenScope,
            Code::TokenRevoked,
            Code::TokenPrivilegeInjection,
            Code::TokenTooOld,
            Code::TokenReplayed,
            Code::TokenArgument,
        ];
        assert!(codes.contains(code.as_str()) || elsewhere.contains(code), "no case for {code}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofCase {
    name: String,
    now: u64,
    #[serde(default = "post")]
    method: String,
    #[serde(default = "runs")]
    target: String,
    /// Whether the server demands one of its nonces.
    #[serde(default)]
    nonces: bool,
    #[serde(default)]
    issuer: IssuerRecipe,
    /// Changes to the claims of the token, which is bound to the proof's signer.
    #[serde(default)]
    token: Value,
    proof: Recipe,
    expect: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn runs() -> String {
    "https://sandbox.example/v1/runs".to_owned()
}

/// A proof for a token, both presented to a server; `{nonce}` in its claims is one that the server gave out.
#[test]
fn proofs() {
    let cases: Vec<(String, ProofCase)> = cases("proofs");
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let nonces = PeriodicNonces::new(&[9; 32]);
    let issuer = support::recipe::signer("ed");
    let mut wrong = Vec::new();
    for (file, case) in &cases {
        let signer = case.proof.signer();
        let mut key = signer.jwk();
        key.as_object_mut().unwrap().remove("kid");
        let thumbprint = support::thumbprint(&key);
        let changes = if case.token.is_null() { json!({}) } else { case.token.clone() };
        let claims = with(with(support::claims(), json!({"cnf": {"jkt": thumbprint}})), changes);
        let token = issuer.compact(&issuer.header().to_string(), &claims.to_string());
        let ath = B64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref());
        let text = case.proof.compact(
            json!({"typ": "dpop+jwt", "alg": signer.algorithm(), "jwk": key}),
            json!({"jti": "one", "htm": "POST", "htu": runs(), "iat": NOW, "ath": ath, "nonce": nonces.current(NOW)}),
        );
        let target = Target::parse(&case.target).unwrap();
        let mut request = ProofRequest::new(&case.method, &target);
        if case.nonces {
            request = request.nonces(&nonces);
        }
        let (proof, trusted) = (RawProof::new(text.clone()), case.issuer.trusted("ed"));
        let store = MemoryReplayStore::new(NonZeroUsize::new(4).unwrap());
        let present = |store: &MemoryReplayStore| {
            let verified =
                proof.verify(&request, case.now).map_err(|error| (error.code(), format!("{error:?} {error}")))?;
            let shown = |error: bailiwick_identity::TokenError| (error.code(), format!("{error:?} {error}"));
            let unspent =
                RawToken::new(token.clone()).verify_presented(Some(&verified), &trusted, case.now).map_err(shown)?;
            unspent.spend(store, case.now).map_err(shown)
        };
        let outcome = present(&store);
        let code = outcome.as_ref().map_or_else(|(code, _)| *code, |_| Code::Allowed);
        if code.as_str() != case.expect {
            wrong.push(format!("{file} ({}): {code} instead of {}: {:?}", case.name, case.expect, outcome.err()));
            continue;
        }
        match outcome {
            Ok(verified) => {
                assert_eq!(verified.bound_to().map(|key| key.to_string()), Some(thumbprint));
                assert_eq!(present(&store).unwrap_err().0, Code::ProofReplayed, "{file}: a second time");
            }
            Err((_, message)) => {
                for secret in text.split('.').chain(token.split('.')).filter(|secret| secret.len() > 16) {
                    assert!(!message.contains(&secret[..16]), "{message}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let codes: BTreeSet<&str> = cases.iter().map(|(_, case)| case.expect.as_str()).collect();
    for code in Code::ALL.iter().filter(|code| code.as_str().starts_with("deny.proof.")) {
        assert!(codes.contains(code.as_str()) || *code == Code::ProofReplayed, "no case for {code}");
    }
}
