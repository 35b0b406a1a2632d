//! A small world in which every question can also be answered by trying everything.

use std::sync::{Arc, LazyLock};

use bailiwick_policy::{Authority, Grant, Manifest, Principal, Request, ScopeSet};
use proptest::prelude::*;
use proptest::sample::select;

/// Every request of the world. Patterns name the segments `a` and `b` at most three deep; `z` stands for all others,
/// and paths are one longer than any pattern.
pub(crate) static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let mut paths = vec![String::new()];
    let mut last = paths.clone();
    for _ in 0..4 {
        last = last.iter().flat_map(|path| ["a", "b", "z"].map(|segment| format!("{path}/{segment}"))).collect();
        paths.extend(last.iter().cloned());
    }
    let mut texts = Vec::new();
    for path in &paths {
        for site in ["//x.test", "//a.x.test", "//z.x.test", "//a.a.x.test", "//x.test:8443"] {
            texts.extend(["GET", "POST"].map(|method| format!("fetch {method} https:{site}{path}")));
        }
        texts.extend(["GET", "POST"].map(|method| format!("fetch {method} http://x.test{path}")));
        for mount in ["m", "n"] {
            texts.extend(["read", "write"].map(|action| format!("file {action} /{mount}{path}")));
        }
        texts.push(format!("kv get s{path}"));
    }
    for key in ["a", "b", "z"] {
        for ring in ["r", "s"] {
            texts.extend(["sign", "verify"].map(|action| format!("crypto {action} {ring}/{key}")));
        }
        texts.push(format!("sql select d/{key}"));
        texts.push(format!("tool call s/{key}"));
        texts.push(format!("secret use {key}"));
        texts.push(format!("run start {key}"));
    }
    texts.extend(["crypto hash", "crypto random", "file list /"].map(str::to_owned));
    texts.iter().map(|text| Request::parse(text).expect(text)).collect()
});

pub(crate) fn request() -> impl Strategy<Value = Request> {
    select(REQUESTS.as_slice())
}

/// A segment path such as `/a/*/**`.
fn path() -> impl Strategy<Value = String> {
    (prop::collection::vec(select(vec!["a", "b", "*"]), 0..=3), any::<bool>()).prop_map(|(segments, tail)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if tail { format!("{path}/**") } else { path }
    })
}

/// Kind, actions and resource of one scope.
pub(crate) fn parts() -> impl Strategy<Value = (&'static str, &'static str, String)> {
    let sites = vec!["x.test", "a.x.test", "*.x.test", "*.a.x.test", "http://x.test", "x.test:8443"];
    let fetch = (select(vec!["get", "post", "get,post"]), select(sites), path())
        .prop_map(|(actions, site, path)| ("fetch", actions, format!("{site}{path}")));
    let file = (select(vec!["read", "write", "read,write"]), select(vec!["m", "n"]), path())
        .prop_map(|(actions, mount, path)| ("file", actions, format!("{mount}{path}")));
    let keys = (select(vec!["sign", "verify", "sign,verify"]), select(vec!["r/a", "r/*", "r/**", "s/b"]))
        .prop_map(|(actions, key)| ("crypto", actions, key.to_owned()));
    let keyless = select(vec!["hash", "random", "hash,random"]).prop_map(|actions| ("crypto", actions, "-".to_owned()));
    prop_oneof![4 => fetch, 3 => file, 1 => keys, 1 => keyless]
}

/// One scope of any kind.
pub(crate) fn scope() -> impl Strategy<Value = String> {
    let rest = select(vec![
        "kv:get:s",
        "kv:get:s/a/**",
        "sql:select:d/a",
        "sql:select:d/*",
        "sql:select:d/**",
        "tool:call:s/b",
        "tool:call:s/*",
        "secret:use:a",
        "run:start:b",
    ]);
    let kinds = parts().prop_map(|(kind, actions, resource)| format!("{kind}:{actions}:{resource}"));
    prop_oneof![8 => kinds, 1 => rest.prop_map(str::to_owned)]
}

pub(crate) fn scopes() -> impl Strategy<Value = ScopeSet> {
    let wide =
        "fetch:get,post:x.test/** fetch:get:*.x.test/** file:read,write:m/** crypto:hash,random:- crypto:sign:r/*";
    let any = prop::collection::vec(scope(), 0..5).prop_map(|scopes| scopes.join(" "));
    prop_oneof![Just(wide.to_owned()), any].prop_map(|text| ScopeSet::parse_strict(&text).expect("scopes of the world"))
}

/// One rule's lines, without the header and the id.
pub(crate) fn rule() -> impl Strategy<Value = String> {
    parts().prop_map(|(kind, actions, resource)| {
        let field = if kind == "fetch" { "methods" } else { "actions" };
        let actions: Vec<String> = actions.split(',').map(|action| format!("{action:?}")).collect();
        let actions = actions.join(", ");
        let actions = if kind == "fetch" { actions.to_uppercase() } else { actions };
        let https = if kind == "fetch" && !resource.starts_with("http://") { "https://" } else { "" };
        format!("{kind} = \"{https}{resource}\"\n{field} = [{actions}]\n")
    })
}

/// The text of a manifest with these allow and deny rules.
pub(crate) fn manifest_text(allow: &[String], deny: &[String]) -> String {
    let mut text = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nmounts = { m = \"./m\", n = \"./n\" }\nstores.s = \"private\"\ndatabases.d = \"sqlite:d\"\ntools.s.command = [\"s\"]\n".to_owned();
    for (effect, rules) in [("allow", allow), ("deny", deny)] {
        for (number, rule) in rules.iter().enumerate() {
            text.push_str(&format!("[[{effect}]]\nid = \"{effect}-{number}\"\n{rule}"));
        }
    }
    text
}

pub(crate) fn manifest(text: &str) -> Arc<Manifest> {
    Arc::new(Manifest::parse(text, "m.toml").unwrap_or_else(|errors| panic!("{errors:#?}\n{text}")))
}

pub(crate) fn authority(token: &str, registry: &str, task: Option<&str>) -> Authority {
    let strict = |text: &str| ScopeSet::parse_strict(text).expect("scopes");
    Authority {
        principal: Principal { issuer: "local".into(), subject: "ada".into(), agent: "bot".into() },
        token: strict(token),
        details: Vec::new(),
        registry: strict(registry),
        task: task.map(strict),
    }
}

/// A grant in which token and registry cover whatever the manifest allows.
pub(crate) fn grant(text: &str) -> Grant {
    let manifest = manifest(text);
    let scopes = manifest.scopes().to_string();
    Grant::new(manifest, None, authority(&scopes, &scopes, None))
}
