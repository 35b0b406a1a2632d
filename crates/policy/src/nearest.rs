//! Which scope comes nearest to covering a request, and what it misses.

use std::fmt;

use crate::kind::ActionName;
use crate::pattern::{Authority, Pattern, Site};
use crate::request::Request;
use crate::resource::Resource;
use crate::scope::Scope;
use crate::text::Printable;

/// Everything that keeps a scope from covering a request of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    action: Option<ActionName>,
    authority: Option<String>,
    path: Option<String>,
    closeness: (usize, usize, usize),
}

/// The scope that misses least, by its number; `None` if no scope is of the request's kind. The first of equals.
pub(crate) fn nearest<'a>(scopes: impl Iterator<Item = &'a Scope>, request: &Request) -> Option<(usize, Miss)> {
    let misses = scopes.enumerate().filter_map(|(number, scope)| Some((number, Miss::of(scope, request)?)));
    misses.reduce(|best, next| if next.1.closeness > best.1.closeness { next } else { best })
}

impl Miss {
    /// `None` if the kinds differ.
    fn of(scope: &Scope, request: &Request) -> Option<Miss> {
        if scope.kind() != request.kind() {
            return None;
        }
        let action = (!scope.action_set().has(request.action())).then(|| request.action());
        let pattern = scope.pattern();
        let authority = miss_authority(&pattern.authority, request.resource());
        let (path, matched) = miss_path(pattern, request.resource());
        let met = [action.is_none(), authority.is_none(), path.is_none()].into_iter().filter(|met| *met).count();
        // Somewhere in another host or mount is further away than another path or action.
        let place =
            if authority.is_none() { usize::MAX } else { common_labels(&pattern.authority, request.resource()) };
        Some(Miss { action, authority, path, closeness: (place, met, matched) })
    }
}

fn miss_authority(authority: &Authority, resource: &Resource) -> Option<String> {
    match (authority, resource) {
        (Authority::Site(site), Resource::Fetch(target)) => {
            if !site.covers_host(target.host()) {
                let star = if site.wildcard { "*." } else { "" };
                Some(format!("host `{}` is not `{star}{}`", target.host(), site.host))
            } else if site.scheme != target.scheme() {
                Some(format!("scheme `{}` is not `{}`", target.scheme(), site.scheme))
            } else {
                (site.port != target.port()).then(|| format!("port {} is not {}", target.port(), site.port))
            }
        }
        (Authority::Name(name), _) if name == resource.authority() => None,
        (Authority::Name(name), _) => {
            Some(format!("`{}` is not `{}`", Printable(resource.authority()), Printable(name)))
        }
        (Authority::Site(_), _) => Some("it is no host".to_owned()),
    }
}

/// What is wrong with the segments, and how many of them match from the left.
fn miss_path(pattern: &Pattern, resource: &Resource) -> (Option<String>, usize) {
    let segments = resource.segments();
    let pairs = pattern.segments.iter().zip(segments);
    let matched = pairs.clone().take_while(|(piece, segment)| piece.covers(segment)).count();
    let miss = if let Some((piece, segment)) = pairs.clone().nth(matched) {
        Some(format!("segment `{}` is not `{piece}`", Printable(segment)))
    } else if segments.len() < pattern.segments.len() {
        Some("the path is too short".to_owned())
    } else if !pattern.tail && segments.len() > pattern.segments.len() {
        Some("the path is too long".to_owned())
    } else if pattern.tail && segments.len() == pattern.segments.len() {
        Some("`**` needs at least one more segment".to_owned())
    } else {
        None
    };
    (miss, matched)
}

fn common_labels(authority: &Authority, resource: &Resource) -> usize {
    match authority {
        Authority::Site(Site { host, .. }) => {
            let (mine, theirs) = (host.to_string(), resource.authority());
            mine.rsplit('.').zip(theirs.rsplit('.')).take_while(|(a, b)| a == b).count()
        }
        Authority::Name(_) => 0,
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action.map(|action| format!("action `{action}` is missing"));
        let misses = [&action, &self.authority, &self.path].into_iter().flatten();
        for (index, miss) in misses.enumerate() {
            write!(f, "{}{miss}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn miss(scope: &str, request: &str) -> Option<String> {
        Miss::of(&Scope::parse(scope).unwrap(), &Request::parse(request).unwrap()).map(|miss| miss.to_string())
    }

    #[test]
    fn each_field_that_misses_is_named() {
        for (scope, request, text) in [
            ("fetch:get:a.example/x", "fetch POST https://a.example/x", "action `post` is missing"),
            ("fetch:get:a.example/x", "fetch GET https://b.example/x", "host `b.example` is not `a.example`"),
            ("fetch:get:*.a.example/x", "fetch GET https://a.example/x", "host `a.example` is not `*.a.example`"),
            ("fetch:get:a.example/x", "fetch GET http://a.example/x", "scheme `http` is not `https`"),
            ("fetch:get:a.example/x", "fetch GET https://a.example:8443/x", "port 8443 is not 443"),
            ("fetch:get:a.example/x", "fetch GET https://a.example/y", "segment `y` is not `x`"),
            ("fetch:get:a.example/x", "fetch GET https://a.example/x/y", "the path is too long"),
            ("fetch:get:a.example/x/*", "fetch GET https://a.example/x", "the path is too short"),
            ("file:read:m/**", "file read /m", "`**` needs at least one more segment"),
            ("file:read:m/a", "file write /n/a", "action `write` is missing, `n` is not `m`"),
        ] {
            assert_eq!(miss(scope, request).as_deref(), Some(text), "{scope} {request}");
        }
        assert_eq!(miss("file:read:m/a", "crypto hash"), None);
        assert_eq!(miss("file:read:m/a", "file read /m/a").as_deref(), Some(""));
    }

    #[test]
    fn the_nearest_shares_the_place_first() {
        let scopes: Vec<Scope> = [
            "file:read:m/a",
            "fetch:post:other.test/v1/payments",
            "fetch:get:api.bank.example/**",
            "fetch:get:api.bank.example/v2/x",
        ]
        .map(|text| Scope::parse(text).unwrap())
        .into();
        let request = Request::parse("fetch POST https://api.bank.example/v1/payments").unwrap();
        let (number, miss) = nearest(scopes.iter(), &request).unwrap();
        assert_eq!((number, miss.to_string().as_str()), (2, "action `post` is missing"));
        assert!(nearest(scopes.iter(), &Request::parse("crypto hash").unwrap()).is_none());
    }
}
