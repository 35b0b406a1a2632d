//! The interpreters of source languages, as components: pinned, built, authenticated, kept.
//!
//! A table of contents, from what an interpreter is made of to one that can run.

// What an interpreter is made of.
mod package;
mod recipe;
mod runner;

// How it is built.
mod build;
mod javascript;
mod progress;
mod python;
mod tool;

// Where it is kept, and what tells ours from anything else.
mod installation;
mod languages;
mod runtime;

mod error;

pub use bailiwick::Language;
pub use error::LanguageError;
pub use languages::{Languages, Listed, Standing};
pub use package::{PackageError, Packages};
pub use progress::{Event, Progress, Quiet, Step};
pub use runtime::{Package, Runtime};
