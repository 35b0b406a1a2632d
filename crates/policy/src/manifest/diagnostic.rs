//! What is wrong, or doubtful, in a manifest: with a place to point at and a way to fix it.

use std::ops::Range;

use super::tree::Place;

/// Whether a manifest can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One finding in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: DiagnosticCode,
    pub message: String,
    /// Bytes of the manifest's text; the whole text where the place is not known more exactly.
    pub span: Range<usize>,
    pub help: Option<String>,
}

macro_rules! diagnostic_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// What sort of finding it is; a stable identifier.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DiagnosticCode { $($(#[$doc])* $name),+ }

        impl DiagnosticCode {
            pub const ALL: &'static [DiagnosticCode] = &[$(DiagnosticCode::$name),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(DiagnosticCode::$name => $text),+ }
            }
        }
    };
}

diagnostic_codes! {
    /// Not TOML, or not JSON.
    Syntax = "manifest.syntax";
    /// The text is longer than 1 MiB.
    TooLarge = "manifest.too_large";
    /// Tables or lists nested too deeply.
    TooDeep = "manifest.too_deep";
    /// More than 100,000 rules.
    TooManyRules = "manifest.too_many_rules";
    /// There are more findings than are shown.
    More = "manifest.more";
    /// A `schema` that this version does not read.
    Schema = "manifest.schema";
    MissingField = "manifest.missing_field";
    UnknownField = "manifest.unknown_field";
    /// A field of a later version.
    NotSupported = "manifest.not_supported";
    DuplicateField = "manifest.duplicate_field";
    WrongType = "manifest.wrong_type";
    /// A field that does not belong to this kind of rule.
    MisplacedField = "manifest.misplaced_field";
    /// An `id`, agent, ceiling or mount that is not written as such a name is.
    BadName = "manifest.bad_name";
    DuplicateId = "manifest.duplicate_id";
    /// A size, duration or count that is zero, too large, or no such thing.
    BadQuantity = "manifest.bad_quantity";
    /// A URL, path or key pattern outside the grammar of scopes.
    BadResource = "manifest.bad_resource";
    BadAction = "manifest.bad_action";
    BadHeader = "manifest.bad_header";
    /// A file rule for a mount that `[mounts]` does not have; of a deny rule, a warning.
    NoMount = "manifest.no_mount";
    /// A mount that is not just one of a folder, memory, and the report.
    BadMount = "manifest.bad_mount";
    /// Warning: the folder of a mount is not there.
    NoFolder = "manifest.no_folder";
    /// A rule for a tool server that `[tools]` does not have; of a deny rule, a warning.
    NoToolServer = "manifest.no_tool_server";
    /// A rule for a key-value store that `[stores]` does not have; of a deny rule, a warning.
    NoStore = "manifest.no_store";
    /// A store that is neither private nor shared.
    BadStore = "manifest.bad_store";
    /// A rule for a database that `[databases]` does not have; of a deny rule, a warning.
    NoDatabase = "manifest.no_database";
    /// A database that is neither `sqlite:` and the path of a file nor `postgres:` and a name.
    BadDatabase = "manifest.bad_database";
    /// Columns of a table that are none, or not what the action takes.
    BadColumn = "manifest.bad_column";
    /// A tool server's command that is none.
    BadCommand = "manifest.bad_command";
    /// A condition on an argument that nothing or everything fulfils.
    BadCondition = "manifest.bad_condition";
    /// A secret without a name or a place, or that would go out unencrypted.
    BadSecret = "manifest.bad_secret";
    /// Warning: a secret goes along where one usually does not mean it to.
    SecretReach = "manifest.secret_reach";
    /// Warning: no agent may run under it.
    NoAgents = "manifest.no_agents";
    /// Warning: an allow rule that deny rules cover entirely.
    Impossible = "manifest.impossible_rule";
    /// Warning: an allow rule that never decides.
    Shadowed = "manifest.shadowed_rule";
    /// Warning: a rule that covers more than one usually means.
    Broad = "manifest.broad_rule";
    /// Warning: a deny of `x/**` that leaves `x` itself.
    DenyLeavesParent = "manifest.deny_leaves_parent";
}

/// Most findings of each severity that are kept.
const KEPT: usize = 100;

/// Collects findings; the manifest is usable if no error came in.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// There were more errors than are kept.
    more_errors: bool,
    more_warnings: bool,
}

impl Report {
    pub(super) fn error(&mut self, code: DiagnosticCode, place: &Place, message: String) {
        self.add(Severity::Error, code, place, message, None);
    }

    pub(super) fn error_with(&mut self, code: DiagnosticCode, place: &Place, message: String, help: String) {
        self.add(Severity::Error, code, place, message, Some(help));
    }

    pub(super) fn warning(&mut self, code: DiagnosticCode, place: &Place, message: String, help: String) {
        self.add(Severity::Warning, code, place, message, Some(help));
    }

    /// Whether further errors would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.more_errors
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, or the errors followed by the warnings; each in the order of the text.
    pub(super) fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.errors.sort_by_key(|finding| finding.span.start);
        self.warnings.sort_by_key(|finding| finding.span.start);
        if self.more_warnings {
            note_more(&mut self.warnings, Severity::Warning, "warnings");
        }
        if self.errors.is_empty() {
            return Ok(self.warnings);
        }
        if self.more_errors {
            note_more(&mut self.errors, Severity::Error, "errors");
        }
        self.errors.append(&mut self.warnings);
        Err(self.errors)
    }

    fn add(&mut self, severity: Severity, code: DiagnosticCode, place: &Place, message: String, help: Option<String>) {
        let (list, more) = match severity {
            Severity::Error => (&mut self.errors, &mut self.more_errors),
            Severity::Warning => (&mut self.warnings, &mut self.more_warnings),
        };
        if list.len() == KEPT {
            *more = true;
            return;
        }
        // A JSON manifest has no spans: there the message itself says where.
        let message = match &place.path {
            Some(path) => format!("at `{path}`: {message}"),
            None => message,
        };
        list.push(Diagnostic { severity, code, message, span: place.span.clone(), help });
    }
}

fn note_more(list: &mut Vec<Diagnostic>, severity: Severity, what: &str) {
    let span = list.last().map_or(0..0, |finding| finding.span.clone());
    let message = format!("there are more {what} than the {KEPT} shown");
    list.push(Diagnostic { severity, code: DiagnosticCode::More, message, span, help: None });
}

impl std::fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
