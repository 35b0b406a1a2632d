//! What a guest left in mounts whose files come back in the report.

use std::fmt;

use bytes::Bytes;

use super::Files;

/// A file that the guest left.
#[derive(Clone, PartialEq, Eq)]
pub struct LeftFile {
    /// As the guest wrote it: absolute, below its mount. Its segments are names, none is `.` or `..`.
    pub path: String,
    /// No more than the run's memory, all files together.
    pub content: Bytes,
}

/// The content may be anything, a secret as well: its length is shown.
impl fmt::Debug for LeftFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LeftFile { path, content } = self;
        f.debug_struct("LeftFile").field("path", path).field("bytes", &content.len()).finish()
    }
}

impl Files {
    /// Takes out the files of all such mounts, by path.
    pub fn take_left(&self) -> Vec<LeftFile> {
        let mut left = Vec::new();
        for (mount, tree) in self.mounts().reported() {
            for (path, content) in tree.take() {
                left.push(LeftFile { path: format!("/{mount}/{}", path.join("/")), content });
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_not_shown() {
        let left = LeftFile { path: "/out/a".to_owned(), content: Bytes::from_static(b"hunter2") };
        assert_eq!(format!("{left:?}"), r#"LeftFile { path: "/out/a", bytes: 7 }"#);
    }
}
