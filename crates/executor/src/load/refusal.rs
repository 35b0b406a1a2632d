//! Why a guest is not run at all. Every reason is the guest's own; faults of ours are [`super::LoadError`]s.

use std::fmt;

use bailiwick_policy::is_hidden;
use serde::{Deserialize, Serialize};

use super::measure::Measure;

/// Why a guest never starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// More bytes than any guest may have.
    #[error("the guest has {found} bytes; at most {limit} are accepted")]
    TooLarge { found: usize, limit: usize },
    /// Not a form of guest that this version knows.
    #[error("not a guest: {why}")]
    Unrecognised { why: Excerpt },
    /// Not valid WebAssembly, or of a proposal that is off.
    #[error("invalid WebAssembly: {why}")]
    Invalid { why: Excerpt },
    /// Over one of the bounds that keep compiling short.
    #[error("too complex: {what} {found}; at most {limit} are accepted")]
    TooComplex { what: Measure, found: u64, limit: u64 },
    /// Imports something that no guest gets.
    #[error("unknown import `{import}`{}", nearest(nearest_known.as_ref()))]
    UnknownImport { import: Excerpt, nearest_known: Option<Excerpt> },
    /// Exports nothing that could be called.
    #[error("no entry point: export {expected}")]
    NoEntryPoint { expected: Excerpt },
    /// A module that cannot be made a component, because its imports and exports do not fit its world.
    #[error("cannot be made a component: {why}")]
    Unliftable { why: Excerpt },
    /// Compiling took longer than allowed.
    #[error("compiling took longer than {limit_ms} ms")]
    CompileTimeout { limit_ms: u64 },
    /// Compiling took more memory than allowed.
    #[error("compiling took more than {limit} bytes of memory")]
    CompileMemory { limit: u64 },
    /// The compiler refused the guest, or died of it.
    #[error("the compiler failed: {why}")]
    CompileFailed { why: Excerpt },
}

fn nearest(known: Option<&Excerpt>) -> String {
    known.map_or_else(
        || "; the guest may import nothing of that kind".into(),
        |name| format!("; the nearest permitted is `{name}`"),
    )
}

impl Refusal {
    pub(crate) fn unrecognised(why: &str) -> Refusal {
        Refusal::Unrecognised { why: Excerpt::new(why) }
    }

    pub(crate) fn invalid(why: impl fmt::Display) -> Refusal {
        Refusal::Invalid { why: Excerpt::new(&why.to_string()) }
    }

    pub(crate) fn no_entry_point(expected: &str) -> Refusal {
        Refusal::NoEntryPoint { expected: Excerpt::new(expected) }
    }

    /// An import of a known name whose type is not ours.
    pub(crate) fn unlinkable(why: wasmtime::Error) -> Refusal {
        Refusal::invalid(format_args!("an import has another type than the host's: {why:#}"))
    }

    pub(crate) fn compiler(why: impl fmt::Display) -> Refusal {
        Refusal::CompileFailed { why: Excerpt::new(&why.to_string()) }
    }

    /// The reason's stable name, as in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::TooLarge { .. } => "too_large",
            Refusal::Unrecognised { .. } => "unrecognised",
            Refusal::Invalid { .. } => "invalid",
            Refusal::TooComplex { .. } => "too_complex",
            Refusal::UnknownImport { .. } => "unknown_import",
            Refusal::NoEntryPoint { .. } => "no_entry_point",
            Refusal::Unliftable { .. } => "unliftable",
            Refusal::CompileTimeout { .. } => "compile_timeout",
            Refusal::CompileMemory { .. } => "compile_memory",
            Refusal::CompileFailed { .. } => "compile_failed",
        }
    }
}

/// Text that a guest had a hand in, fit to be shown: one line, at most [`Excerpt::MAX_CHARS`] characters, and nothing in
/// it that moves a terminal's cursor or reverses reading order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Excerpt(String);

impl Excerpt {
    pub const MAX_CHARS: usize = 300;

    pub fn new(text: &str) -> Excerpt {
        let mut shown = String::new();
        for (at, c) in text.trim().chars().enumerate() {
            if at == Self::MAX_CHARS {
                shown.push('…');
                break;
            }
            shown.push(match c {
                '\n' | '\t' => ' ',
                c if is_hidden(c) => '\u{fffd}',
                c => c,
            });
        }
        Excerpt(shown)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Excerpt {
    fn from(text: String) -> Excerpt {
        Excerpt::new(&text)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_short_harmless_line() {
        let excerpt = Excerpt::new("a\nb\u{1b}[31m\u{202e}\u{e0041}c");
        assert_eq!(excerpt.as_str(), "a b\u{fffd}[31m\u{fffd}\u{fffd}c");
        assert_eq!(Excerpt::new(&"é".repeat(10_000)).as_str().chars().count(), Excerpt::MAX_CHARS + 1);
    }

    #[test]
    fn what_comes_back_from_the_child_is_cleaned_again() {
        let json = r#"{"reason":"invalid","why":"x\u001b[2J"}"#;
        assert_eq!(
            serde_json::from_str::<Refusal>(json).unwrap(),
            Refusal::Invalid { why: Excerpt::new("x\u{fffd}[2J") }
        );
    }

    #[test]
    fn an_unknown_import_names_the_nearest() {
        let refusal = Refusal::UnknownImport {
            import: Excerpt::new("bailiwick::cal"),
            nearest_known: Some(Excerpt::new("bailiwick::call")),
        };
        assert_eq!(refusal.to_string(), "unknown import `bailiwick::cal`; the nearest permitted is `bailiwick::call`");
    }
}
