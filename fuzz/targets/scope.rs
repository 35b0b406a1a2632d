//! Scopes: what is read reads back equal, and the algebra (`contains`, `intersect`) agrees with what is covered.
//!
//! The input is text. Each line is read as a scope, as a set of scopes, and as a call.
#![no_main]

use bailiwick_policy::{Kind, Request, Scope, ScopeSet};
use libfuzzer_sys::fuzz_target;

/// Comparing is quadratic in these.
const SCOPES: usize = 6;
const SETS: usize = 4;
const CALLS: usize = 24;
/// Larger sets are parsed and shown, but not compared with each other.
const COMPARED_SCOPES: usize = 12;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let scopes: Vec<Scope> = text.lines().filter_map(|line| Scope::parse(line).ok()).take(SCOPES).collect();
    let sets: Vec<ScopeSet> = text.lines().filter_map(read_set).take(SETS).collect();
    let mut calls: Vec<Request> = text.lines().filter_map(|line| Request::parse(line).ok()).collect();
    calls.extend(scopes.iter().flat_map(examples));
    calls.extend(sets.iter().flat_map(ScopeSet::iter).flat_map(examples));
    calls.truncate(CALLS);

    for scope in &scopes {
        reads_back(scope);
        for call in &calls {
            // A request is the smallest scope.
            let exact = Scope::exact(call);
            assert_eq!(scope.covers(call), exact.is_some_and(|exact| scope.contains(&exact)), "{scope} and {call}");
        }
        scopes.iter().for_each(|other| compare(scope, other, &calls));
    }
    for set in &sets {
        sets.iter().for_each(|other| compare_sets(set, other, &calls));
    }
    for exact in calls.iter().filter_map(Scope::exact) {
        reads_back(&exact);
    }
});

fn reads_back(scope: &Scope) {
    let shown = scope.to_string();
    assert_eq!(Scope::parse(&shown).as_ref(), Ok(scope), "{shown}");
}

fn read_set(text: &str) -> Option<ScopeSet> {
    let lenient = ScopeSet::parse_token(text);
    let strict = ScopeSet::parse_strict(text).ok()?;
    assert_eq!(lenient.as_ref(), Ok(&strict), "what is known in a strict text is known in a token");
    let shown = strict.to_string();
    assert_eq!(ScopeSet::parse_strict(&shown).as_ref(), Ok(&strict), "{shown}");
    Some(strict)
}

/// Calls that the scope covers, one for each action and each of two lengths of its tail.
fn examples(scope: &Scope) -> Vec<Request> {
    let kind = scope.kind();
    let resource = scope.resource().to_string();
    let mut calls = Vec::new();
    for tail in ["x", "x/y"] {
        let resource = resource.replace("**", tail).replace('*', "x");
        for action in scope.actions() {
            let text = match kind {
                Kind::Fetch if resource.starts_with("http://") => format!("fetch {action} {resource}"),
                Kind::Fetch => format!("fetch {action} https://{resource}"),
                _ => format!("{kind} {action} {resource}"),
            };
            // Scopes are percent-encoded and paths are not, so that of a file this may be another call.
            let same_text = kind == Kind::Fetch || !resource.contains('%');
            if let Ok(call) = Request::parse(&text) {
                assert!(scope.covers(&call) || !same_text, "{scope} does not cover {call}");
                calls.push(call);
            }
        }
    }
    calls
}

fn compare(a: &Scope, b: &Scope, calls: &[Request]) {
    let both = a.intersect(b);
    assert_eq!(both, b.intersect(a), "{a} and {b}");
    assert_eq!(a.contains(b), both.as_ref() == Some(b), "{a} and {b}");
    if let Some(both) = &both {
        assert!(a.contains(both) && b.contains(both), "{a} and {b} meet in {both}");
        reads_back(both);
    }
    for call in calls {
        let covered = both.as_ref().is_some_and(|both| both.covers(call));
        assert_eq!(covered, a.covers(call) && b.covers(call), "{a}, {b} and {call}");
        assert!(!(a.contains(b) && b.covers(call)) || a.covers(call), "{a} contains {b}, and not {call}");
    }
}

fn compare_sets(a: &ScopeSet, b: &ScopeSet, calls: &[Request]) {
    if a.iter().len() > COMPARED_SCOPES || b.iter().len() > COMPARED_SCOPES {
        return;
    }
    let both = a.intersect(b);
    let contained = a.contains(b);
    assert!(a.contains(&both).is_ok() && b.contains(&both).is_ok(), "{a} and {b} meet in {both}");
    match &contained {
        Ok(()) => assert!(both.contains(b).is_ok(), "{a} contains {b}, and they meet in {both}"),
        Err(missed) => assert!(b.iter().any(|scope| scope == missed) && !a.iter().any(|scope| scope.contains(missed))),
    }
    for call in calls {
        assert_eq!(both.covers(call), a.covers(call) && b.covers(call), "{a}, {b} and {call}");
        assert!(contained.is_err() || !b.covers(call) || a.covers(call), "{a} contains {b}, and not {call}");
    }
}
