//! The grammar of scopes, row by row.

use bailiwick_policy::{Request, Scope, ScopeError, ScopeSet};
use proptest::prelude::*;

#[test]
fn scopes_read_back_in_their_canonical_text() {
    for (text, canonical) in [
        ("fetch:get,head:api.example.com/v1/orders/**", None),
        ("fetch:head,get:api.example.com", Some("fetch:get,head:api.example.com")),
        ("fetch:get:http://a.example/x", None),
        ("fetch:get:http://a.example:80/x", Some("fetch:get:http://a.example/x")),
        ("fetch:get:http://a.example:443", None),
        ("fetch:get:a.example:443", Some("fetch:get:a.example")),
        ("fetch:post:*.example.com:8443/*/x/**", None),
        ("fetch:get:[2001:db8::1]:8443/x", None),
        ("fetch:get:10.0.0.1/**", None),
        ("fetch:get:a.example/%61%20b/%2A", Some("fetch:get:a.example/a%20b/%2A")),
        ("fetch:get:a.example/x:y,z=1", None),
        ("file:read:workspace/reports/**", None),
        ("file:list:workspace", None),
        ("file:read:m/%C3%BC", None),
        ("kv:get,set,delete,list:cache/users/*", None),
        ("sql:select:crm/customers", None),
        ("sql:select:crm/**", Some("sql:select:crm/*")),
        ("crypto:sign:release/2026", None),
        ("crypto:hash,random:-", None),
        ("tool:call:github/create_issue", None),
        ("secret:use:bank-token", None),
        ("run:start:expense-bot", None),
    ] {
        let scope = Scope::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(scope.to_string(), canonical.unwrap_or(text));
        assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
    }
}

#[test]
fn what_is_not_exactly_the_grammar_is_refused() {
    for text in [
        "",
        ":",
        "::",
        "fetch",
        "fetch:",
        "fetch:get",
        "fetch:get:",
        "fetch::a.example",
        "fetch:*:a.example",
        "fetch:GET:a.example",
        "fetch:get,get:a.example",
        "fetch:get,:a.example",
        "fetch:get:,a.example",
        "Fetch:get:a.example",
        "smtp:send:a.example",
        "fetch:trace:a.example",
        "file:get:m",
        // hosts
        "fetch:get:*",
        "fetch:get:**",
        "fetch:get:*/x",
        "fetch:get:*.com",
        "fetch:get:*.co.uk",
        "fetch:get:*.github.io",
        "fetch:get:*.*.example.com",
        "fetch:get:a.*.example.com",
        "fetch:get:a*.example.com",
        "fetch:get:*.1.2.3.4",
        "fetch:get:A.example",
        "fetch:get:a.example.",
        "fetch:get:u@a.example",
        "fetch:get:https://a.example",
        "fetch:get:ftp://a.example",
        "fetch:get:127.1",
        "fetch:get:0x7f.0.0.1",
        "fetch:get:[::ffff:1.2.3.4]",
        "fetch:get:a.example:0",
        "fetch:get:a.example:080",
        "fetch:get:a.example:*",
        "fetch:get:*.localhost",
        // segments
        "fetch:get:a.example/",
        "fetch:get:a.example//x",
        "fetch:get:a.example/x/",
        "fetch:get:a.example/**/x",
        "fetch:get:a.example/x*",
        "fetch:get:a.example/***",
        "fetch:get:a.example/..",
        "fetch:get:a.example/%2e%2e",
        "fetch:get:a.example/a%2fb",
        "fetch:get:a.example/%252f",
        "fetch:get:a.example/%",
        "fetch:get:a.example/x?y",
        "fetch:get:a.example/x#y",
        "fetch:get:a.example?x",
        "fetch:get:a.example/%00",
        "fetch:get:a.example/v1/admin;a=b",
        "fetch:get:a.example/v1/admin%3b/**",
        "fetch:get:a.example/v1/admin%20",
        "fetch:get:a.example/v1/%20admin",
        "fetch:get:a.example/v1/admin.",
        "fetch:get:a.example/v1/%E2%80%8Badmin",
        "fetch:get:a.example/\u{fc}",
        "fetch:get:a.example/a b",
        "fetch:get:a.example/\"",
        "fetch:get:a.example/\\",
        // authorities and numbers of parts of the other kinds
        "file:read:*",
        "file:read:*/x",
        "file:read:/m",
        "file:read:..",
        "file:read:m/../n",
        "sql:select:crm",
        "sql:select:crm/a/b",
        "sql:select:crm/*/**",
        "crypto:sign:release",
        "crypto:sign:-",
        "crypto:hash:release/2026",
        "crypto:hash,sign:-",
        "crypto:hash,sign:release/2026",
        "crypto:hash:-/x",
        "tool:call:github",
        "secret:use:a/b",
        "secret:use:*",
        "run:start:a/**",
        "crypto:sign:rel%20ease/x",
    ] {
        assert!(Scope::parse(text).is_err(), "{text:?}");
        assert!(ScopeSet::parse_strict(&format!("file:read:m {text}")).is_err(), "{text:?}");
    }
    let deep = format!("file:read:m{}", "/a".repeat(64));
    assert!(Scope::parse(&deep).is_err());
}

#[test]
fn refusals_say_what_to_write() {
    for (text, message) in [
        ("fetch:get", "`fetch:get` is not a scope; write `kind:actions:resource`"),
        (
            "fetch:get:*.co.uk",
            "resource `*.co.uk`: `*.co.uk` would cover hosts of many owners, because `co.uk` is a public suffix; name a domain below it",
        ),
        ("file:get:m", "`get` is not an action of `file`; there are `read`, `write`, `list`, `delete`"),
        ("fetch:get,get:a.example", "action `get` of `fetch` is named twice"),
        ("sql:select:crm", "resource `crm`: `sql` has exactly one segment after `crm`"),
        ("secret:use:a/b", "resource `a/b`: `secret` has nothing after `a`"),
        ("crypto:hash:r/k", "`hash` and `random` take `-` in place of a key, and every other action takes a key"),
        (
            "fetch:get:a.example/x*",
            "resource `a.example/x*`: `*` stands for a whole segment; write `%2A` for the character",
        ),
    ] {
        assert_eq!(Scope::parse(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn whole_segments_are_compared() {
    let covers = |scope: &str, request: &str| Scope::parse(scope).unwrap().covers(&Request::parse(request).unwrap());
    for (scope, request, expected) in [
        ("file:read:etc/host", "file read /etc/hostname", false),
        ("file:read:etc/host", "file read /etc/host", true),
        ("file:read:a/**", "file read /a", false),
        ("file:read:a/**", "file read /a/b", true),
        ("file:read:a/**", "file read /a/b/c", true),
        ("file:read:a/*", "file read /a/b/c", false),
        ("file:read:a/*", "file read /a", false),
        ("file:read:a/b", "file write /a/b", false),
        ("fetch:get:a.example/admin", "fetch GET https://a.example/%61dmin", true),
        ("fetch:get:a.example/x", "fetch GET https://a.example/x?y=1", true),
        ("fetch:get:a.example", "fetch GET https://a.example/", true),
        ("fetch:get:a.example/**", "fetch GET https://a.example/", false),
        ("fetch:get:a.example/x", "fetch GET http://a.example/x", false),
        ("fetch:get:http://a.example/x", "fetch GET http://a.example/x", true),
        ("fetch:get:a.example/x", "fetch GET https://a.example:8443/x", false),
        ("fetch:get:a.example/x", "fetch GET https://a.example.evil.example/x", false),
        ("fetch:get:*.a.example/x", "fetch GET https://b.a.example/x", true),
        ("fetch:get:*.a.example/x", "fetch GET https://a.example/x", false),
        ("fetch:get:*.a.example/x", "fetch GET https://c.b.a.example/x", false),
        ("fetch:get:*.a.example/x", "fetch GET https://ba.example/x", false),
        ("fetch:get:10.0.0.1/x", "fetch GET https://10.0.0.1/x", true),
        ("fetch:get:[::1]/x", "fetch GET https://[::1]/x", true),
        ("file:read:m/%2A", "file read /m/*", true),
        ("file:read:m/%2A", "file read /m/x", false),
        ("file:read:m/a%2541", "file read /m/a%41", true),
        ("kv:get:s/a", "kv get s/a", true),
        ("crypto:hash:-", "crypto random", false),
    ] {
        assert_eq!(covers(scope, request), expected, "{scope} {request}");
    }
}

#[test]
fn tokens_may_hold_scopes_of_other_systems() {
    let set =
        ScopeSet::parse_token("openid profile urn:x:y file:read:m/** https://x.example/scope Fetch:get:x").unwrap();
    assert_eq!(set.to_string(), "file:read:m/**");
    assert!(ScopeSet::parse_token("").unwrap().is_empty());
    assert!(ScopeSet::parse_token("openid").unwrap().is_empty());
    assert_eq!(ScopeSet::parse_token("file:read:m file:read:m").unwrap().iter().len(), 1);
}

#[test]
fn a_malformed_scope_of_a_known_kind_spoils_the_token() {
    for text in [
        "openid fetch",
        "openid fetch:get",
        "file:read:m fetch:get:",
        "file:read:m  file:read:n",
        " file:read:m",
        "file:read:m ",
        "file:read:m\tx:y",
        "file:read:m x:\u{fc}",
        "x:\"",
        "x:\\",
        "file:read:m\nfile:read:n",
        " ",
    ] {
        assert!(ScopeSet::parse_token(text).is_err(), "{text:?}");
    }
    assert!(matches!(ScopeSet::parse_strict("openid"), Err(ScopeError::Shape(_))));
    assert!(matches!(ScopeSet::parse_strict("smtp:send:x"), Err(ScopeError::Kind(_))));
    assert_eq!(ScopeSet::parse_token(&"x ".repeat(1 << 20)), Err(ScopeError::TooLong));
}

#[test]
fn privilege_injection_is_found() {
    let registry =
        ScopeSet::parse_strict("fetch:get:*.example.com/v1/** fetch:post:a.example.com/v1/x file:read:m/*").unwrap();
    let first =
        |token: &str| registry.contains(&ScopeSet::parse_token(token).unwrap()).map_err(|scope| scope.to_string());
    assert_eq!(first("fetch:get:b.example.com/v1/y openid"), Ok(()));
    assert_eq!(first("fetch:get,post:a.example.com/v1/x"), Ok(()));
    assert_eq!(first(""), Ok(()));
    assert_eq!(
        first("file:read:m/a fetch:get,post:a.example.com/v1/y"),
        Err("fetch:get,post:a.example.com/v1/y".into())
    );
    assert_eq!(first("file:read:m/**"), Err("file:read:m/**".into()));
    assert_eq!(first("file:write:m/a"), Err("file:write:m/a".into()));
    assert_eq!(
        ScopeSet::empty().contains(&registry).map_err(|scope| scope.to_string()),
        Err(registry.iter().next().unwrap().to_string())
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![".*", "(fetch|file|kv|sql|crypto):[a-z,*]{0,8}:[a-z.*:/%0-9\\[\\]-]{0,30}"]) {
        let _ = ScopeSet::parse_token(&text);
        let _ = ScopeSet::parse_strict(&text);
        if let Ok(scope) = Scope::parse(&text) {
            prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
        }
    }

    #[test]
    fn any_request_has_a_scope_of_its_own(segments in prop::collection::vec("[^/\\\\\\p{Cc}]{1,12}", 1..4)) {
        let path = format!("/{}", segments.join("/"));
        for text in [format!("file read /m{path}"), format!("fetch GET https://a.example{path}"), format!("kv get s{path}")] {
            let Ok(request) = Request::parse(&text) else { continue };
            let scope = Scope::exact(&request).unwrap();
            prop_assert!(scope.covers(&request));
            prop_assert!(scope.to_string().bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
            prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
        }
    }
}
