//! What is typed about interpreters.

use bailiwick::Language;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum LanguageVerb {
    /// List the interpreters, and what is missing
    List(LanguageListArguments),
    /// Install an interpreter
    Install(LanguageInstallArguments),
    /// Remove the interpreters of a language
    Remove(LanguageRemoveArguments),
}

#[derive(Debug, Args)]
pub(crate) struct LanguageListArguments {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Install an interpreter: fetch what builds it, build it, compile it for this machine.
///
/// Runs do this by themselves the first time. What is fetched is pinned by hash; building needs Python 3 with `venv`, or
/// Node.js with npm.
#[derive(Debug, Args)]
pub(crate) struct LanguageInstallArguments {
    #[arg(value_name = "LANG", value_parser = language())]
    pub(crate) language: Language,
    /// With these packages of Python code, separated by commas; versions as in `markdown==3.9`
    #[arg(long, value_name = "PACKAGES")]
    pub(crate) with: Vec<String>,
    /// Fetch nothing; say what is missing
    #[arg(long)]
    pub(crate) offline: bool,
    /// One JSON object on standard output, and no progress
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LanguageRemoveArguments {
    #[arg(value_name = "LANG", value_parser = language())]
    pub(crate) language: Language,
    /// Only the interpreter with exactly these packages
    #[arg(long, value_name = "PACKAGES")]
    pub(crate) with: Vec<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads the name of a language.
pub(crate) fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name))
        .try_map(|name| Language::named(&name).ok_or("no such language"))
}

/// What source text is written in: a language that has an interpreter, perhaps with types, which are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceLanguage {
    pub(crate) language: Language,
    pub(crate) typed: bool,
}

/// What TypeScript is called.
const TYPESCRIPT: &str = "typescript";

/// Reads the name of what source text is written in.
pub(crate) fn source_language() -> impl TypedValueParser<Value = SourceLanguage> {
    let names = Language::ALL.map(Language::name).into_iter().chain([TYPESCRIPT]);
    PossibleValuesParser::new(names).try_map(|name| match name.as_str() {
        TYPESCRIPT => Ok(SourceLanguage { language: Language::JavaScript, typed: true }),
        name => {
            Language::named(name).map(|language| SourceLanguage { language, typed: false }).ok_or("no such language")
        }
    })
}
