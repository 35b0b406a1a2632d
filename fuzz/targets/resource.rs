//! Resources: what is accepted has one reading, the same that the `url` crate and the file system give it.
//!
//! The input is text: a URL, a path, a name or a call. A second line is joined to the first as a relative path.
#![no_main]

use std::path::Component;

use bailiwick_policy::{FetchTarget, GuestPath, Kind, Request, Resource, Scheme, Scope};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(target) = FetchTarget::parse(text) {
        check_url(text, &target);
    }
    if let Ok(path) = GuestPath::parse(text) {
        check_path(&path);
    }
    if let Some((base, relative)) = text.split_once('\n') {
        check_join(base, relative);
    }
    for kind in Kind::ALL {
        if let Ok(resource) = Resource::parse(kind, text) {
            assert_eq!(resource.kind(), kind);
            reads_back(&resource);
            for action in kind.actions() {
                if let Ok(call) = Request::new(*action, resource.clone()) {
                    check_call(&call);
                }
            }
        }
    }
    if let Ok(call) = Request::parse(text) {
        check_call(&call);
    }
});

fn check_url(text: &str, target: &FetchTarget) {
    // The parser that everybody else uses sees the same request in the text that was given.
    let url = Url::parse(text).expect("an accepted URL parses");
    assert_eq!(&url, target.url());
    assert_eq!(url.host_str().expect("a host"), target.host().to_string());
    assert_eq!(url.port_or_known_default(), Some(target.port()));
    let scheme = if target.scheme() == Scheme::Https { "https" } else { "http" };
    assert_eq!(url.scheme(), scheme);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());

    let mut raw: Vec<&str> = url.path_segments().expect("a path").collect();
    raw.retain(|segment| !segment.is_empty() || url.path() != "/");
    let decoded: Vec<String> = raw.iter().map(|s| percent_decode_str(s).decode_utf8().expect("UTF-8").into()).collect();
    assert_eq!(decoded, target.segments(), "{target}");
    target.segments().iter().for_each(|segment| check_segment(segment));

    assert_eq!(FetchTarget::parse(url.as_str()).as_ref(), Ok(target), "{url}");
    // The text for records tells nothing of the query.
    let shown = target.to_string();
    assert_eq!(shown.split_once('?').map(|(_, query)| query), url.query().map(|_| "…"), "{shown}");
}

/// The text for records reads back as the same resource, or as the same without its query.
fn reads_back(resource: &Resource) {
    let shown = resource.to_string();
    let again = Resource::parse(resource.kind(), &shown).expect("what is shown can be read");
    assert_eq!(again.to_string(), shown);
    match (&again, resource) {
        (Resource::Fetch(again), Resource::Fetch(target)) if target.url().query().is_some() => {
            assert_eq!(
                (again.host(), again.port(), again.segments()),
                (target.host(), target.port(), target.segments())
            );
        }
        _ => assert_eq!(&again, resource, "{shown}"),
    }
}

fn check_path(path: &GuestPath) {
    assert_eq!(GuestPath::parse(&path.to_string()).as_ref(), Ok(path), "{path}");
    path.segments().iter().for_each(|segment| check_segment(segment));
    if path.is_root() {
        assert!(path.segments().is_empty());
    } else {
        check_segment(path.mount());
    }
    // The operating system sees as many names as we do, and no way up.
    let relative = path.relative();
    let names: Vec<_> = relative.components().filter(|part| *part != Component::CurDir).collect();
    assert!(names.iter().all(|part| matches!(part, Component::Normal(_))), "{relative:?}");
    assert_eq!(names.len(), path.segments().len(), "{relative:?}");
}

fn check_join(base: &str, relative: &str) {
    let Ok(base) = GuestPath::parse(base) else { return };
    for joined in [base.join(relative), base.join_dir(relative)].into_iter().flatten() {
        check_path(&joined);
        assert!(base.is_root() || joined.mount() == base.mount(), "{joined} left {base}");
        assert!(joined.segments().starts_with(base.segments()), "{joined} left {base}");
    }
}

fn check_segment(segment: &str) {
    assert!(!matches!(segment, "" | "." | ".."), "{segment:?}");
    assert!(!segment.contains(['/', '\\']) && !segment.chars().any(char::is_control), "{segment:?}");
}

fn check_call(call: &Request) {
    let again = Request::parse(&call.to_string()).expect("what is shown can be read");
    assert_eq!((again.action(), again.to_string()), (call.action(), call.to_string()));
    reads_back(call.resource());
    if let Some(scope) = Scope::exact(call) {
        assert!(scope.covers(call), "{scope} and {call}");
        assert_eq!(Scope::parse(&scope.to_string()).as_ref(), Ok(&scope), "{scope}");
    }
}
