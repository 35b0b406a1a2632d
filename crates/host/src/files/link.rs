//! Symbolic links: never followed by an effect, only by a new call.

use std::path::Path;

use bailiwick_guard::journal::{Crossed, Place, Unwritable};
use bailiwick_guard::{Action, CallError, Guard, HostError, Perform};
use bailiwick_policy::{Code, GuestPath};

use super::Files;

/// Links that one request may lead through.
pub const MAX_LINKS: usize = 8;

/// What came of an action on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached<T> {
    /// The path is what it says, and this is the result.
    Here(T),
    /// A component of the path is a link. Nothing was done; the link leads to this path of the same mount.
    Link(GuestPath),
}

/// An action that can be asked again for the path that a link leads to.
pub trait Follow: Action<Output = Reached<Self::Found>> + Clone {
    type Found: Send;

    /// The same action on another path.
    fn at(self, path: GuestPath) -> Self;
}

/// Calls `action`, and follows links with a new call each, at most [`MAX_LINKS`] of them.
///
/// # Errors
/// As [`Guard::call`]; `failed.io` when there are more links than that.
pub async fn reach<A: Follow>(guard: &Guard, files: &Files, action: A) -> Result<A::Found, CallError>
where
    Files: Perform<A>,
{
    let mut action = action;
    for _ in 0..=MAX_LINKS {
        match guard.call(files, action.clone()).await? {
            Reached::Here(found) => return Ok(found),
            Reached::Link(to) => action = action.at(to),
        }
    }
    Err(CallError::Failed(Code::Io))
}

impl<T> Reached<T> {
    /// Goes on with what was found, or passes the link on.
    pub(super) fn then<U>(self, next: impl FnOnce(T) -> Result<U, HostError>) -> Result<Reached<U>, HostError> {
        match self {
            Reached::Here(found) => next(found).map(Reached::Here),
            Reached::Link(to) => Ok(Reached::Link(to)),
        }
    }

    pub(super) fn and_then<U>(
        self,
        next: impl FnOnce(T) -> Result<Reached<U>, HostError>,
    ) -> Result<Reached<U>, HostError> {
        match self {
            Reached::Here(found) => next(found),
            Reached::Link(to) => Ok(Reached::Link(to)),
        }
    }
}

/// With a byte behind it that says which of them it is.
impl<T: Crossed> Crossed for Reached<T> {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let (mut bytes, is_link) = match self {
            Reached::Here(found) => (found.write()?, 0),
            Reached::Link(to) => (write_path(to)?, 1),
        };
        bytes.push(is_link);
        Ok(bytes)
    }

    fn read(bytes: &[u8], place: &Place<'_>) -> Option<Reached<T>> {
        match bytes.split_last()? {
            (0, found) => T::read(found, place).map(Reached::Here),
            (1, to) => read_path(to).map(Reached::Link),
            _ => None,
        }
    }
}

/// A path as it crosses.
pub(super) fn write_path(path: &GuestPath) -> Result<Vec<u8>, Unwritable> {
    Ok(path.to_string().into_bytes())
}

pub(super) fn read_path(bytes: &[u8]) -> Option<GuestPath> {
    GuestPath::parse(std::str::from_utf8(bytes).ok()?).ok()
}

/// The path that `path` means when its segment number `depth` is a link to `target`.
///
/// `..` may only stand at the start of a target: there it goes up directories that were entered without a link. Behind
/// a name it would depend on what that name is, and is refused as ambiguous.
pub(super) fn resolve(path: &GuestPath, depth: usize, target: &Path) -> Result<GuestPath, HostError> {
    let outside = HostError::Denied(Code::OutsideMount);
    let target = target.to_str().ok_or(HostError::Denied(Code::Ambiguous))?;
    if target.starts_with('/') {
        return Err(outside);
    }
    let mut segments: Vec<&str> = path.segments().iter().take(depth).map(String::as_str).collect();
    let mut named = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if named => return Err(HostError::Denied(Code::Ambiguous)),
            ".." => {
                segments.pop().ok_or(outside)?;
            }
            name => {
                segments.push(name);
                named = true;
            }
        }
    }
    segments.extend(path.segments().iter().skip(depth.saturating_add(1)).map(String::as_str));
    let mut text = format!("/{}", path.mount());
    for segment in segments {
        text.push('/');
        text.push_str(segment);
    }
    GuestPath::parse(&text).map_err(|error| HostError::Denied(error.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(path: &str, depth: usize, target: &str) -> Result<String, HostError> {
        resolve(&GuestPath::parse(path).unwrap(), depth, Path::new(target)).map(|path| path.to_string())
    }

    #[test]
    fn a_link_leads_from_where_it_stands() {
        assert_eq!(leads("/m/a/l/x", 1, "b"), Ok("/m/a/b/x".into()));
        assert_eq!(leads("/m/a/l/x", 1, "../b/./c"), Ok("/m/b/c/x".into()));
        assert_eq!(leads("/m/a/l", 1, "./b//"), Ok("/m/a/b".into()));
        assert_eq!(leads("/m/a/l", 1, ".."), Ok("/m".into()));
    }

    #[test]
    fn a_link_out_of_the_mount_is_refused() {
        for target in ["/etc/passwd", "/", "../..", "../../m/a", "../../../etc"] {
            assert_eq!(leads("/m/a/l", 1, target), Err(HostError::Denied(Code::OutsideMount)), "{target}");
        }
    }

    #[test]
    fn a_target_with_two_readings_is_refused() {
        for target in ["b/..", "b/../c", "b/../../..", "a\\b", "a\nb", "%2e%2e"] {
            assert_eq!(leads("/m/a/l", 1, target), Err(HostError::Denied(Code::Ambiguous)), "{target:?}");
        }
    }
}
