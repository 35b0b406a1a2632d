//! What the environment says where the command line says nothing: a flag wins, and an empty variable is none.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;

/// The manifest of runs and sessions.
pub(crate) const POLICY: &str = "BAILIWICK_POLICY";
/// The access token of runs and sessions.
pub(crate) const TOKEN: &str = "BAILIWICK_TOKEN";
/// The host's configuration.
pub(crate) const CONFIG: &str = "BAILIWICK_CONFIG";
/// The W3C `traceparent` of whoever started us.
pub(crate) const TRACEPARENT: &str = "TRACEPARENT";
/// How much we tell about ourselves.
pub(crate) const LOG: &str = "RUST_LOG";
/// The state folder.
pub(crate) const STATE: &str = "BAILIWICK_STATE";

/// The master key, where the configuration says that it is here.
pub(crate) const MASTER_KEY: &str = "BAILIWICK_MASTER_KEY";

/// The path that was typed, or the one in that variable.
pub(crate) fn path(typed: Option<&PathBuf>, name: &str) -> Option<PathBuf> {
    typed.cloned().or_else(|| variable(name).map(PathBuf::from))
}

/// The text in that variable.
///
/// # Errors
/// When it is not UTF-8.
pub(crate) fn text(name: &str) -> Result<Option<String>, Failure> {
    let text = variable(name).map(OsString::into_string).transpose();
    text.map_err(|_| Failure::usage(format!("{name} is not UTF-8")))
}

/// The text in a variable that the operator named.
///
/// # Errors
/// When it is not UTF-8.
pub(crate) fn named(name: &str) -> Result<Option<String>, String> {
    variable(name).map(OsString::into_string).transpose().map_err(|_| format!("the variable `{name}` is not UTF-8"))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads our own variables")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
