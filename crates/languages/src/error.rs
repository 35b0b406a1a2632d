//! Why there is no interpreter.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bailiwick::{Language, LoadError};

use crate::package::{PackageError, Packages};
use crate::progress::Step;

/// There is no interpreter. Split by who must act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// It was never installed, by this version and with these packages.
    #[error("{} is not installed", described(*.0, .1))]
    NotInstalled(Language, Packages),
    /// It was, and what is there now is not what was installed. Installing makes it anew.
    #[error("{} is damaged: {what}", described(*.language, .packages))]
    Damaged { language: Language, packages: Packages, what: String },
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Packages of this language are not supported.
    #[error("packages can be added to python only, not to {0}")]
    NoPackages(Language),
    /// A package cannot work in an interpreter that is WebAssembly.
    #[error("package `{package}` cannot be used: {reason}")]
    Unusable { package: String, reason: String },
    /// A program that builds interpreters is not there.
    #[error("building the {language} interpreter needs {what}, which this machine does not have")]
    Tool {
        language: Language,
        what: &'static str,
        /// The command that gets it on Debian.
        install: &'static str,
    },
    /// A program that builds interpreters failed.
    #[error("{step} failed: `{program}` {how}")]
    Failed {
        step: Step,
        program: String,
        how: String,
        /// The last lines that it printed: untrusted text.
        lines: Vec<String>,
    },
    #[error("{step} took longer than {} s and was stopped", after.as_secs())]
    Late { step: Step, after: Duration, lines: Vec<String> },
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Files { verb: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Compile(#[from] LoadError),
    /// A defect of ours.
    #[error("internal error: {0}; please report it")]
    Internal(String),
}

/// `python`, or `python with markdown, six`.
fn described(language: Language, packages: &Packages) -> String {
    if packages.is_empty() {
        return language.to_string();
    }
    format!("{language} with {}", packages.iter().collect::<Vec<_>>().join(", "))
}
