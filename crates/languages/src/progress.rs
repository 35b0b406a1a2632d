//! What an installation is doing, for whoever wants to show it.

use std::fmt;

/// A part of an installation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The same interpreter is being installed by another process.
    Wait,
    /// The tools that build it are fetched, pinned by hash.
    Fetch,
    /// The packages that were asked for are resolved and fetched.
    Packages,
    /// The interpreter is built.
    Build,
    /// It is compiled for this machine.
    Compile,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Wait => "waiting for another installation",
            Step::Fetch => "fetching the builder",
            Step::Packages => "fetching packages",
            Step::Build => "building the interpreter",
            Step::Compile => "compiling it for this machine",
        })
    }
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step begins, and with it the one before has ended.
    Began(Step),
    /// A line that a tool printed: untrusted text.
    Line(&'a str),
}

/// Hears of an installation's progress. Called from the threads that do the work; must not block.
pub trait Progress: Send + Sync {
    fn event(&self, event: Event<'_>);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn event(&self, _event: Event<'_>) {}
}
