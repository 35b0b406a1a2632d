//! Conditions on the query of a URL, as decisions and explanations have them.

use std::sync::Arc;

use bailiwick_policy::{Code, Dialect, Grant, Manifest, Request, prompt};

use crate::world::{authority, grant, manifest};

const HEAD: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\n";

fn rule(id: &str, query: &str) -> String {
    format!("[[allow]]\nid = \"{id}\"\nfetch = \"https://a.example/x\"\n{query}\n")
}

fn decide(manifest: &str, url: &str) -> (Code, Option<String>) {
    let verdict = grant(manifest).decide(&Request::parse(&format!("fetch GET {url}")).unwrap());
    (verdict.code(), verdict.rule().map(|rule| rule.id().to_owned()))
}

#[test]
fn a_rule_without_it_allows_any_query_and_one_with_it_what_it_names() {
    let any = format!("{HEAD}{}", rule("a", ""));
    let none = format!("{HEAD}{}", rule("a", "query = {}"));
    let page = format!("{HEAD}{}", rule("a", "query = { page = { max = 9 } }"));
    for (url, expected) in [
        ("https://a.example/x", [true, true, false]),
        ("https://a.example/x?", [true, true, false]),
        ("https://a.example/x?page=9", [true, false, true]),
        ("https://a.example/x?page=10", [true, false, false]),
        ("https://a.example/x?page=9&page=9", [true, false, false]),
        ("https://a.example/x?page=9&data=secret", [true, false, false]),
        ("https://a.example/x?page=9;data=secret", [true, false, false]),
    ] {
        let allowed = [&any, &none, &page].map(|manifest| decide(manifest, url).0 == Code::Allowed);
        assert_eq!(allowed, expected, "{url}");
    }
    assert_eq!(decide(&page, "https://a.example/x?page=10").0, Code::ManifestArgument);
}

#[test]
fn the_first_rule_that_accepts_the_query_decides() {
    let text = format!(
        "{HEAD}{}{}{}",
        rule("first", "query = { page = { max = 9 } }"),
        rule("second", "query = { all = { equals = true } }\nsensitive = true"),
        rule("third", "query = {}")
    );
    for (query, id) in [("?page=1", "first"), ("?all=true", "second"), ("", "third")] {
        assert_eq!(decide(&text, &format!("https://a.example/x{query}")).1.as_deref(), Some(id), "{query}");
    }
    let sensitive = |query: &str| {
        let request = Request::parse(&format!("fetch GET https://a.example/x{query}")).unwrap();
        grant(&text).decide(&request).terms().sensitive
    };
    assert!(sensitive("?all=true") && !sensitive("?page=1"));
    assert_eq!(decide(&text, "https://a.example/x?x=1").0, Code::ManifestArgument);
}

#[test]
fn a_ceiling_has_its_own() {
    let under = manifest(&format!("ceiling = \"org.toml\"\n{HEAD}{}", rule("a", "")));
    let over = manifest(&format!("schema = 1\nid = \"org\"\n{}", rule("a", "query = { page = { max = 9 } }")));
    let scopes = under.scopes().to_string();
    let grant = Grant::new(Arc::clone(&under), Some(over), authority(&scopes, &scopes, None));
    let code = |url: &str| grant.decide(&Request::parse(&format!("fetch GET {url}")).unwrap()).code();
    assert_eq!(code("https://a.example/x?page=9"), Code::Allowed);
    assert_eq!(code("https://a.example/x?page=10"), Code::CeilingArgument);
    let explained = grant.explain(&Request::parse("fetch GET https://a.example/x?page=10").unwrap()).to_string();
    assert!(explained.contains("change `query` of rule `a`"), "{explained}");
}

#[test]
fn an_explanation_names_the_parameter_and_no_value() {
    let text = format!("{HEAD}{}", rule("a", "query = { page = { max = 9 } }"));
    for (url, says) in [
        ("https://a.example/x", "parameter `page` is missing"),
        ("https://a.example/x?page=hunter2", "parameter `page` is not a number of at most 9"),
        ("https://a.example/x?page=1&data=hunter2", "the rule's `query` does not name parameter `data`"),
        ("https://a.example/x?page=1&page=hunter2", "parameter `page` is there twice"),
        ("https://a.example/x?page=1;hunter2", "the conditions on the query cannot be checked"),
    ] {
        let explained = grant(&text).explain(&Request::parse(&format!("fetch GET {url}")).unwrap()).to_string();
        assert!(explained.contains(says) && explained.contains("call it with another query"), "{explained}");
        assert!(!explained.contains("hunter2"), "{explained}");
    }
}

#[test]
fn a_rule_with_it_shadows_nothing_and_the_prompt_tells_it() {
    let warnings = |text: &str| Manifest::parse(text, "m.toml").unwrap().warnings().len();
    assert_eq!(warnings(&format!("{HEAD}{}{}", rule("a", ""), rule("b", "query = {}"))), 1, "`b` never decides");
    assert_eq!(warnings(&format!("{HEAD}{}{}", rule("a", "query = {}"), rule("b", ""))), 0);
    let told = |query: &str| {
        let parsed = Manifest::parse(&format!("{HEAD}{}", rule("a", query)), "m.toml").unwrap();
        prompt(&parsed, None, Dialect::Python, None)
    };
    assert!(told("query = { page = { max = 9 } }").contains("in the query only `page`"));
    assert!(told("query = {}").contains("without a query"));
}
