//! The resource part of a scope: which resources it names, and the exact algebra of such sets.

use std::fmt;

use psl::Psl as _;

use crate::address::{Host, Scheme, split_port};
use crate::kind::Kind;
use crate::resource::{Resource, ResourceError};
use crate::segment::{MAX_SEGMENTS, check_guest, check_name, check_table, check_url, percent_decode, write_encoded};

/// Most bytes in a pattern: room for the longest URL and guest path with every byte percent-encoded.
pub(crate) const MAX_PATTERN: usize = 32 * 1024;

/// A set of resources of one kind: an authority, segments, and perhaps a tail of one or more further segments.
///
/// INVARIANT: it is never empty, because every literal in it could stand in a request of its kind
/// (except that a request also has a longest length in bytes).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) authority: Authority,
    pub(crate) segments: Vec<Piece>,
    /// Ends with `**`.
    pub(crate) tail: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Authority {
    Site(Site),
    /// A mount, store, database, key ring, tool server, secret or manifest; `-` for the keyless crypto actions.
    Name(String),
}

/// Scheme, host and port of a fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Site {
    pub(crate) scheme: Scheme,
    /// Written `*.host`: exactly one more label.
    pub(crate) wildcard: bool,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Piece {
    Literal(String),
    Any,
}

/// Why a text is not a resource pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("{0}")]
    Resource(#[from] ResourceError),
    #[error("`**` may only be the last segment")]
    InnerTail,
    #[error("`*` stands for a whole segment; write `%2A` for the character")]
    PartialWildcard,
    #[error("the first part must be named: `*` is not allowed there")]
    WildcardAuthority,
    #[error("`*.` needs a host name after it")]
    WildcardHost,
    #[error("`*.{0}` would cover hosts of many owners, because `{0}` is a public suffix; name a domain below it")]
    PublicSuffix(String),
    #[error("`?` and `#` end a path; write `%3F` or `%23` for the characters (the query is not matched)")]
    Query,
    #[error("https is the default of a scope and is not written; start with the host")]
    HttpsWritten,
    #[error("`{0}` has {1} after `{2}`")]
    Arity(Kind, &'static str, String),
    #[error("it has more than 64 segments or 32 KiB")]
    TooLong,
}

impl Pattern {
    /// Reads the resource part of a scope of that kind.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Pattern, PatternError> {
        if text.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        let (scheme, rest) = match (kind, text.strip_prefix("http://")) {
            (Kind::Fetch, Some(rest)) => (Scheme::Http, rest),
            (Kind::Fetch, None) if text.starts_with("https://") => return Err(PatternError::HttpsWritten),
            _ => (Scheme::Https, text),
        };
        let mut parts = rest.split('/');
        let first = parts.next().unwrap_or_default();
        let authority = match kind {
            Kind::Fetch => Authority::Site(Site::parse(first, scheme)?),
            _ => Authority::Name(parse_name(kind, first)?),
        };
        let (segments, tail) = parse_segments(kind, parts)?;
        Pattern { authority, segments, tail }.fit(kind)
    }

    /// The pattern that covers exactly `resource`; `None` for the root of the mounts, which no scope can name.
    pub(crate) fn exact(resource: &Resource) -> Option<Pattern> {
        let authority = match resource {
            Resource::Fetch(target) => Authority::Site(Site {
                scheme: target.scheme(),
                wildcard: false,
                host: target.host().clone(),
                port: target.port(),
            }),
            Resource::File(path) if path.is_root() => return None,
            _ => Authority::Name(resource.authority().to_owned()),
        };
        let segments = resource.segments().iter().cloned().map(Piece::Literal).collect();
        Some(Pattern { authority, segments, tail: false })
    }

    pub(crate) fn covers(&self, resource: &Resource) -> bool {
        let segments = resource.segments();
        self.authority.covers(resource)
            && self.fits_length(segments.len())
            && self.segments.iter().zip(segments).all(|(piece, segment)| piece.covers(segment))
    }

    /// Whether every resource that `other` covers is covered by this pattern.
    pub(crate) fn contains(&self, other: &Pattern) -> bool {
        let long_enough = if self.tail {
            other.segments.len() + usize::from(other.tail) > self.segments.len()
        } else {
            !other.tail && other.segments.len() == self.segments.len()
        };
        long_enough
            && self.authority.contains(&other.authority)
            && self.segments.iter().zip(&other.segments).all(|(mine, theirs)| mine.contains(theirs))
    }

    /// The pattern that covers what both cover, unless that is nothing.
    pub(crate) fn intersect(&self, other: &Pattern) -> Option<Pattern> {
        let (short, long) = if self.segments.len() <= other.segments.len() { (self, other) } else { (other, self) };
        let lengths_meet = match (short.tail, long.tail) {
            (true, true) => true,
            (true, false) => long.segments.len() > short.segments.len(),
            (false, true) => false,
            (false, false) => long.segments.len() == short.segments.len(),
        };
        // Of equal length, the one with a tail needs more segments than the other has.
        if !lengths_meet {
            return None;
        }
        let authority = self.authority.intersect(&other.authority)?;
        let mut segments = Vec::with_capacity(long.segments.len());
        for (index, piece) in long.segments.iter().enumerate() {
            segments.push(match short.segments.get(index) {
                Some(other) => piece.intersect(other)?,
                None => piece.clone(),
            });
        }
        Some(Pattern { authority, segments, tail: short.tail && long.tail })
    }

    /// This pattern restricted to resources of exactly `length` segments.
    pub(crate) fn of_length(&self, length: usize) -> Option<Pattern> {
        if !self.fits_length(length) {
            return None;
        }
        let mut fixed = self.clone();
        fixed.segments.resize(length, Piece::Any);
        fixed.tail = false;
        Some(fixed)
    }

    fn fits_length(&self, length: usize) -> bool {
        if self.tail { length > self.segments.len() } else { length == self.segments.len() }
    }

    /// Kinds whose resources have a fixed number of parts get patterns with that number, so that the algebra stays exact.
    fn fit(mut self, kind: Kind) -> Result<Pattern, PatternError> {
        let wanted = match (kind, &self.authority) {
            (Kind::Fetch | Kind::File | Kind::Kv | Kind::Custom(_), _) => {
                let longest = self.segments.len() + usize::from(self.tail);
                return if longest < MAX_SEGMENTS { Ok(self) } else { Err(PatternError::TooLong) };
            }
            (Kind::Crypto, Authority::Name(name)) if name == "-" => 0,
            (Kind::Sql | Kind::Crypto | Kind::Tool, _) => 1,
            (Kind::Secret | Kind::Run, _) => 0,
        };
        if wanted == 1 && self.segments.is_empty() && self.tail {
            self.segments.push(Piece::Any);
            self.tail = false;
        }
        if self.segments.len() == wanted && !self.tail {
            return Ok(self);
        }
        let parts = if wanted == 0 { "nothing" } else { "exactly one segment" };
        Err(PatternError::Arity(kind, parts, self.authority.to_string()))
    }
}

impl Authority {
    fn covers(&self, resource: &Resource) -> bool {
        match (self, resource) {
            (Authority::Site(site), Resource::Fetch(target)) => {
                site.scheme == target.scheme() && site.port == target.port() && site.covers_host(target.host())
            }
            (Authority::Site(_), _) | (_, Resource::Fetch(_)) => false,
            (Authority::Name(name), _) => name == resource.authority(),
        }
    }

    pub(crate) fn contains(&self, other: &Authority) -> bool {
        match (self, other) {
            (Authority::Site(mine), Authority::Site(theirs)) if mine.wildcard && !theirs.wildcard => {
                mine.scheme == theirs.scheme && mine.port == theirs.port && mine.covers_host(&theirs.host)
            }
            _ => self == other,
        }
    }

    fn intersect(&self, other: &Authority) -> Option<Authority> {
        // Two sets of hosts meet only where one contains the other: a wildcard is one label over a fixed domain.
        if self.contains(other) {
            Some(other.clone())
        } else if other.contains(self) {
            Some(self.clone())
        } else {
            None
        }
    }
}

impl Site {
    fn parse(text: &str, scheme: Scheme) -> Result<Site, PatternError> {
        if text.contains(['?', '#']) {
            return Err(PatternError::Query);
        }
        let (host, port) = split_port(text, scheme)?;
        let (wildcard, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None if host.contains('*') => return Err(PatternError::WildcardAuthority),
            None => (false, host),
        };
        if wildcard && name.contains('*') {
            return Err(PatternError::WildcardHost);
        }
        let host = Host::parse(name)?;
        if wildcard && (!host.is_name() || name.len() > 251) {
            return Err(PatternError::WildcardHost);
        }
        if wildcard && is_public_suffix(name) {
            return Err(PatternError::PublicSuffix(name.to_owned()));
        }
        Ok(Site { scheme, wildcard, host, port })
    }

    pub(crate) fn covers_host(&self, host: &Host) -> bool {
        match (self.wildcard, &self.host, host) {
            (false, _, _) => self.host == *host,
            (true, Host::Name(domain), Host::Name(name)) => {
                name.split_once('.').is_some_and(|(_, parent)| parent == domain)
            }
            (true, _, _) => false,
        }
    }
}

impl Piece {
    pub(crate) fn covers(&self, segment: &str) -> bool {
        match self {
            Piece::Any => true,
            Piece::Literal(literal) => literal == segment,
        }
    }

    fn contains(&self, other: &Piece) -> bool {
        *self == Piece::Any || self == other
    }

    fn intersect(&self, other: &Piece) -> Option<Piece> {
        match (self, other) {
            (Piece::Any, piece) | (piece, Piece::Any) => Some(piece.clone()),
            _ => (self == other).then(|| self.clone()),
        }
    }
}

fn parse_name(kind: Kind, text: &str) -> Result<String, PatternError> {
    if text.contains('*') {
        return Err(PatternError::WildcardAuthority);
    }
    let name = percent_decode(text)?;
    match kind {
        Kind::Crypto if name == "-" => {}
        Kind::File => check_guest(&name)?,
        _ => check_name(&name)?,
    }
    Ok(name)
}

fn parse_segments<'a>(kind: Kind, parts: impl Iterator<Item = &'a str>) -> Result<(Vec<Piece>, bool), PatternError> {
    let mut segments = Vec::new();
    let mut tail = false;
    for part in parts {
        if tail {
            return Err(PatternError::InnerTail);
        }
        match part {
            "**" => tail = true,
            "*" => segments.push(Piece::Any),
            _ => segments.push(Piece::Literal(parse_literal(kind, part)?)),
        }
    }
    Ok((segments, tail))
}

fn parse_literal(kind: Kind, text: &str) -> Result<String, PatternError> {
    if text.contains('*') {
        return Err(PatternError::PartialWildcard);
    }
    if kind == Kind::Fetch && text.contains(['?', '#']) {
        return Err(PatternError::Query);
    }
    let literal = percent_decode(text)?;
    match kind {
        Kind::Fetch => check_url(&literal)?,
        Kind::File | Kind::Kv | Kind::Custom(_) => check_guest(&literal)?,
        Kind::Sql => check_table(&literal)?,
        _ => check_name(&literal)?,
    }
    Ok(literal)
}

/// Whether anybody may register names directly below: `com`, `co.uk`, `github.io`, and every name of one label.
fn is_public_suffix(name: &str) -> bool {
    psl::List.suffix(name.as_bytes()).is_none_or(|suffix| suffix.as_bytes() == name.as_bytes())
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.authority.fmt(f)?;
        self.segments.iter().try_for_each(|piece| write!(f, "/{piece}"))?;
        if self.tail { f.write_str("/**") } else { Ok(()) }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Piece::Any => f.write_str("*"),
            Piece::Literal(literal) => write_encoded(literal, f),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authority::Site(site) => site.fmt(f),
            Authority::Name(name) => write_encoded(name, f),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Http {
            f.write_str("http://")?;
        }
        if self.wildcard {
            f.write_str("*.")?;
        }
        self.host.fmt(f)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}
