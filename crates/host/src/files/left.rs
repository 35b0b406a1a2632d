//! What a guest left in mounts whose files come back in the report.

use bytes::Bytes;

use super::Files;

/// A file that the guest left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftFile {
    /// As the guest wrote it: absolute, below its mount. Its segments are names, none is `.` or `..`.
    pub path: String,
    /// No more than the run's memory, all files together.
    pub content: Bytes,
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
