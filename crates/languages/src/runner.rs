//! The sources of the runners, which are in this program.

use bailiwick::Language;

/// A file of a runner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    /// Relative to the runner's folder, with `/`.
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static [u8],
}

mod embedded {
    use super::File;

    include!(concat!(env!("OUT_DIR"), "/runners.rs"));
}

/// What an interpreter is built from: a runner, and the interfaces that it may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    pub(crate) files: &'static [File],
    /// Names and texts.
    pub(crate) wit: &'static [(&'static str, &'static str)],
}

impl Sources {
    /// Those of this version.
    pub(crate) fn of(language: Language) -> Sources {
        let files = match language {
            Language::Python => embedded::PYTHON,
            Language::JavaScript => embedded::JAVASCRIPT,
        };
        Sources { files, wit: bailiwick::WIT }
    }

    /// A file's text; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &'static str {
        let found = self.files.iter().find(|file| file.name == name);
        found.and_then(|file| std::str::from_utf8(file.bytes).ok()).unwrap_or_default()
    }
}
