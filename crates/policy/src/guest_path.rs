//! Paths as guests see them: a mount, then segments.

use std::fmt;
use std::path::PathBuf;

use crate::resource::ResourceError;
use crate::segment::{MAX_SEGMENTS, check_guest};

/// Most bytes in a guest path.
pub const MAX_GUEST_PATH: usize = 4096;

/// A path below one mount, or the root: the virtual directory whose entries are the mounts.
///
/// At most 4096 bytes and 64 segments of at most 255 bytes. Nothing is resolved or normalised: a path with `.`, `..`, an
/// empty segment, a backslash, a control character or an encoded separator is refused as ambiguous.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuestPath {
    /// Empty for the root, and only then.
    mount: String,
    segments: Vec<String>,
}

impl GuestPath {
    /// Reads `/invoices/2026/a.csv` or `invoices/2026/a.csv` (mount `invoices`), or `/` for the root.
    ///
    /// # Errors
    /// [`Code::Ambiguous`](crate::Code::Ambiguous) or [`Code::Malformed`](crate::Code::Malformed), as above.
    pub fn parse(text: &str) -> Result<GuestPath, ResourceError> {
        match text {
            "" => Err(ResourceError::malformed("the path is empty")),
            "/" => Ok(GuestPath::root()),
            _ => GuestPath::root().extend(text.strip_prefix('/').unwrap_or(text)),
        }
    }

    /// The virtual directory that holds the mounts.
    pub fn root() -> GuestPath {
        GuestPath { mount: String::new(), segments: Vec::new() }
    }

    pub fn is_root(&self) -> bool {
        self.mount.is_empty()
    }

    /// The first segment; empty for the root.
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// The segments after the mount; none for the mount itself.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The path `relative` below this one; `.` alone is this path itself. As strict as [`GuestPath::parse`].
    ///
    /// # Errors
    /// As [`GuestPath::parse`]; an absolute path is ambiguous here.
    pub fn join(&self, relative: &str) -> Result<GuestPath, ResourceError> {
        match relative {
            "" => Err(ResourceError::malformed("the path is empty")),
            "." => Ok(self.clone()),
            _ => self.clone().extend(relative),
        }
    }

    /// As [`GuestPath::join`], for a path that must be a directory: one slash at its end is tolerated.
    ///
    /// # Errors
    /// As [`GuestPath::join`].
    pub fn join_dir(&self, relative: &str) -> Result<GuestPath, ResourceError> {
        self.join(relative.strip_suffix('/').unwrap_or(relative))
    }

    /// The path below the mount as the host's file functions want it; `.` for the mount itself.
    pub fn relative(&self) -> PathBuf {
        if self.segments.is_empty() { PathBuf::from(".") } else { self.segments.iter().collect() }
    }

    fn extend(mut self, relative: &str) -> Result<GuestPath, ResourceError> {
        if relative.len() > MAX_GUEST_PATH {
            return Err(too_long());
        }
        for segment in relative.split('/') {
            check_guest(segment)?;
            if self.is_root() {
                segment.clone_into(&mut self.mount);
            } else {
                self.segments.push(segment.to_owned());
            }
        }
        if self.segments.len() >= MAX_SEGMENTS {
            return Err(ResourceError::malformed("the path has more than 64 segments"));
        }
        let bytes = self.segments.iter().fold(1 + self.mount.len(), |sum, segment| sum + 1 + segment.len());
        if bytes > MAX_GUEST_PATH { Err(too_long()) } else { Ok(self) }
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.mount)?;
        self.segments.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

fn too_long() -> ResourceError {
    ResourceError::malformed("the path is longer than 4096 bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Code;

    fn code(result: Result<GuestPath, ResourceError>) -> Option<Code> {
        result.err().map(|e| e.code())
    }

    #[test]
    fn mounts_and_segments() {
        let path = GuestPath::parse("/invoices/2026/a b.csv").unwrap();
        assert_eq!((path.mount(), path.segments()), ("invoices", &["2026".to_owned(), "a b.csv".to_owned()][..]));
        assert_eq!(path.relative(), PathBuf::from("2026/a b.csv"));
        assert_eq!(GuestPath::parse("invoices/2026/a b.csv").unwrap(), path);
        assert_eq!(path.to_string(), "/invoices/2026/a b.csv");
        let mount = GuestPath::parse("/invoices").unwrap();
        assert_eq!((mount.relative(), mount.segments().len()), (PathBuf::from("."), 0));
        assert!(GuestPath::parse("/").unwrap().is_root());
        assert_eq!(GuestPath::root().to_string(), "/");
    }

    #[test]
    fn joins() {
        let mount = GuestPath::parse("/m").unwrap();
        assert_eq!(mount.join("a/b").unwrap().to_string(), "/m/a/b");
        assert_eq!(mount.join(".").unwrap(), mount);
        assert_eq!(GuestPath::root().join("m").unwrap(), mount);
        assert_eq!(GuestPath::root().join(".").unwrap(), GuestPath::root());
        assert_eq!(mount.join_dir("a/").unwrap().to_string(), "/m/a");
        assert_eq!(mount.join_dir("./").unwrap(), mount);
        for text in ["..", "a/..", "/a", "a/", "./a", "a//b", "a/./b"] {
            assert_eq!(code(mount.join(text)), Some(Code::Ambiguous), "{text:?}");
        }
        for text in ["..", "a//", "../", "//"] {
            assert_eq!(code(mount.join_dir(text)), Some(Code::Ambiguous), "{text:?}");
        }
        assert_eq!(code(mount.join("")), Some(Code::Malformed));
        assert_eq!(code(mount.join_dir("/")), Some(Code::Malformed));
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for text in
            [".", "..", "//", "//a", "/a/", "/a//b", "/a/../b", "/a/./b", "a\\b", "/a\0", "/a\n", "/a%2fb", "/%252e"]
        {
            assert_eq!(code(GuestPath::parse(text)), Some(Code::Ambiguous), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(code(GuestPath::parse("")), Some(Code::Malformed));
        assert_eq!(code(GuestPath::parse(&format!("/{}", "a".repeat(256)))), Some(Code::Malformed));
        assert_eq!(code(GuestPath::parse(&"/a".repeat(64))), None);
        assert_eq!(code(GuestPath::parse(&"/a".repeat(65))), Some(Code::Malformed));
        assert_eq!(code(GuestPath::parse(&format!("/{}", "a".repeat(200)).repeat(21))), Some(Code::Malformed));
        let long = GuestPath::parse(&format!("/{}", "a".repeat(200)).repeat(20)).unwrap();
        assert_eq!(code(long.join(&"b".repeat(200))), Some(Code::Malformed));
    }

    proptest! {
        #[test]
        fn what_is_read_reads_back_equal(text in prop_oneof![".*", "[/a.% *\\\\]{0,12}"]) {
            if let Ok(path) = GuestPath::parse(&text) {
                prop_assert_eq!(GuestPath::parse(&path.to_string()).unwrap(), path);
            }
        }
    }
}
