//! Manifests: every finding points into the text, and of an accepted one `decide` and `explain` say the same.
//!
//! The input is the text of a manifest, TOML or JSON.
#![no_main]

use std::sync::Arc;

use bailiwick_policy::{
    Authority, Decision, Diagnostic, Grant, Kind, Manifest, Principal, Request, Scope, ScopeSet, Severity, is_hidden,
};
use libfuzzer_sys::fuzz_target;

/// Requests made from the rules of a manifest; more of them find nothing new.
const FROM_RULES: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Manifest::parse(text, "m.toml") {
        Ok(manifest) => {
            check_findings(manifest.warnings(), text);
            assert!(manifest.warnings().iter().all(|finding| finding.severity == Severity::Warning));
            check_manifest(Arc::new(manifest));
        }
        Err(findings) => {
            check_findings(&findings, text);
            assert!(findings.iter().any(|finding| finding.severity == Severity::Error), "refused for no reason");
        }
    }
});

fn check_findings(findings: &[Diagnostic], text: &str) {
    for finding in findings {
        assert!(text.get(finding.span.clone()).is_some(), "{finding:?} is not in the text");
        assert!((1..2048).contains(&finding.message.len()), "{finding:?}");
        let shown = finding.message.chars().chain(finding.help.iter().flat_map(|help| help.chars()));
        assert!(shown.into_iter().all(is_plain), "{finding:?}");
    }
}

/// Nothing that an editor or a terminal would not show.
fn is_plain(c: char) -> bool {
    c == '\n' || !is_hidden(c)
}

fn check_manifest(manifest: Arc<Manifest>) {
    let scopes = manifest.scopes();
    assert_eq!(ScopeSet::parse_strict(&scopes.to_string()).as_ref(), Ok(&scopes), "{scopes}");
    for rule in manifest.rules() {
        assert!(manifest.rule(rule.id()).is_some());
    }
    let requests = requests(&scopes);
    let agent = manifest.agents().first().cloned().unwrap_or_else(|| "nobody".to_owned());
    let is_served = manifest.agents().contains(&agent);
    let bound = manifest.ceiling().is_none().then(|| Arc::clone(&manifest));
    for ceiling in [None, bound] {
        for task in [None, Some(ScopeSet::empty()), Some(scopes.clone())] {
            for token in [scopes.clone(), ScopeSet::empty()] {
                let principal = Principal { issuer: "i".into(), subject: "s".into(), agent: agent.clone() };
                let registry = scopes.clone();
                let authority = Authority { principal, token: token.clone(), details: Vec::new(), registry, task: task.clone() };
                let grant = Grant::new(Arc::clone(&manifest), ceiling.clone(), authority);
                for request in &requests {
                    let allowed = check_decision(&grant, request);
                    let granted = scopes.covers(request)
                        && token.covers(request)
                        && task.as_ref().is_none_or(|task| task.covers(request))
                        && (manifest.ceiling().is_none() || ceiling.is_some())
                        && is_served;
                    assert!(!allowed || granted, "{request} is allowed, and not every source covers it");
                }
                assert_eq!(grant.digest().len(), 64);
                assert!(grant.limits().fuel() <= manifest.limits().fuel());
            }
        }
    }
}

fn check_decision(grant: &Grant, request: &Request) -> bool {
    let verdict = grant.decide(request);
    let explanation = grant.explain(request);
    assert_eq!(&verdict, explanation.verdict(), "{request}");
    let shown = explanation.to_string();
    assert!(shown.contains(verdict.code().as_str()), "{shown}");
    assert!(shown.chars().all(is_plain), "{shown:?}");
    let allowed = verdict.decision() == Decision::Allow;
    assert_eq!(allowed, explanation.layers().iter().all(|layer| layer.decision == Decision::Allow), "{shown}");
    assert!(!allowed || verdict.rule().is_some(), "{request} is allowed by no rule");
    allowed
}

fn requests(scopes: &ScopeSet) -> Vec<Request> {
    const FIXED: [&str; 7] = [
        "fetch GET https://api.example.com/v1/orders/7",
        "fetch POST http://127.0.0.1:8080/",
        "file read /sales/2026-10.csv",
        "file list /",
        "file read /in\u{202e}voices/\u{e0041}\u{feff}",
        "crypto sign reports/2026",
        "crypto hash",
    ];
    let fixed = FIXED.iter().filter_map(|call| Request::parse(call).ok());
    fixed.chain(scopes.iter().take(FROM_RULES).filter_map(example)).collect()
}

/// A call that the scope covers, if its text is one.
fn example(scope: &Scope) -> Option<Request> {
    let resource = scope.resource().to_string().replace("**", "x/y").replace('*', "x");
    let action = scope.actions().next()?;
    let scheme = if scope.kind() == Kind::Fetch && !resource.starts_with("http://") { "https://" } else { "" };
    Request::parse(&format!("{} {action} {scheme}{resource}", scope.kind())).ok()
}
