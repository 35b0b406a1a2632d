//! Containment, intersection and emptiness against trying every request of a small world.

use bailiwick_policy::{Scope, ScopeSet};
use proptest::prelude::*;

use crate::world::{REQUESTS, scope, scopes};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn contains_is_exact(a in scope(), b in scope()) {
        let (a, b) = (Scope::parse(&a).unwrap(), Scope::parse(&b).unwrap());
        let expected = REQUESTS.iter().all(|request| !b.covers(request) || a.covers(request));
        prop_assert_eq!(a.contains(&b), expected, "{} {}", a, b);
        prop_assert_eq!(a.contains(&b) && b.contains(&a), a == b, "{} {}", a, b);
    }

    #[test]
    fn intersection_is_exact(a in scope(), b in scope()) {
        let (a, b) = (Scope::parse(&a).unwrap(), Scope::parse(&b).unwrap());
        let both = a.intersect(&b);
        prop_assert_eq!(&both, &b.intersect(&a));
        for request in REQUESTS.iter() {
            let covered = both.as_ref().is_some_and(|both| both.covers(request));
            prop_assert_eq!(covered, a.covers(request) && b.covers(request), "{} {} {}", a, b, request);
        }
        // What is not empty covers something.
        prop_assert_eq!(both.is_some(), REQUESTS.iter().any(|request| a.covers(request) && b.covers(request)));
        if let Some(both) = both {
            prop_assert!(a.contains(&both) && b.contains(&both));
            prop_assert_eq!(Scope::parse(&both.to_string()), Ok(both));
        }
    }

    #[test]
    fn sets_contain_exactly(a in prop::collection::vec(scope(), 0..8), b in scope()) {
        let (a, b) = (ScopeSet::parse_strict(&a.join(" ")).unwrap(), ScopeSet::parse_strict(&b).unwrap());
        let expected = REQUESTS.iter().all(|request| !b.covers(request) || a.covers(request));
        prop_assert_eq!(a.contains(&b).is_ok(), expected, "{} contains {}", a, b);
    }

    #[test]
    fn sets_intersect_exactly(a in scopes(), b in scopes()) {
        let both = a.intersect(&b);
        for request in REQUESTS.iter() {
            prop_assert_eq!(both.covers(request), a.covers(request) && b.covers(request), "{}", request);
        }
        prop_assert!(a.contains(&both).is_ok() && b.contains(&both).is_ok());
    }
}

#[test]
fn scopes_that_contain_only_together() {
    for (set, scope, expected) in [
        ("file:read:m/* file:read:m/*/**", "file:read:m/**", true),
        ("file:read:m/* file:read:m/*/* file:read:m/*/*/**", "file:read:m/**", true),
        ("file:read:m/* file:read:m/*/*/**", "file:read:m/**", false),
        ("file:read:m/* file:read:m/*/*", "file:read:m/**", false),
        ("file:read:m/a/** file:read:m/b/**", "file:read:m/*/**", false),
        ("file:read:m/x file:write:m/x", "file:read,write:m/x", true),
        ("fetch:get:*.x.test/* fetch:get:a.x.test/*/**", "fetch:get:a.x.test/**", true),
        ("fetch:get:*.x.test/* fetch:get:a.x.test/*/**", "fetch:get:*.x.test/**", false),
    ] {
        let (set, scope) = (ScopeSet::parse_strict(set).unwrap(), ScopeSet::parse_strict(scope).unwrap());
        assert_eq!(set.contains(&scope).is_ok(), expected, "{set} contains {scope}");
    }
}
