//! The manifest: what its author grants, on what terms, within which limits.

mod about;
mod budgets;
mod conditions;
mod data;
mod declared;
mod diagnostic;
mod fields;
mod json;
mod lint;
mod mounts;
mod quantity;
mod rules;
mod secrets;
mod servers;
mod tables;
mod terms;
mod tree;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

pub use self::data::{DatabasePlace, Sharing};
use self::declared::Declared;
use self::diagnostic::Report;
pub use self::diagnostic::{Diagnostic, DiagnosticCode, Severity};
use self::fields::{Fields, Schema};
pub use self::mounts::{Backing, MountPoint, Writes};
use self::rules::{Lines, Reader, is_id};
pub(crate) use self::rules::{ManifestRule, toml_key, toml_string};
pub use self::servers::{ToolProgram, ToolServer, ToolSource};
use self::tree::Place;
use crate::kind::{ActionName, Kind};
use crate::limits::Limits;
use crate::names::SecretName;
use crate::pattern::Authority;
use crate::rule::{Effect, Rule};
use crate::scope_set::ScopeSet;
use crate::text::{Printable, is_hidden};

/// Most bytes in the text of a manifest.
pub const MAX_MANIFEST: usize = 1 << 20;

/// A manifest without errors. It is immutable, and [`Manifest::parse`] is the only way to one.
#[derive(Debug)]
pub struct Manifest {
    id: String,
    origin: String,
    agents: Vec<String>,
    description: Option<String>,
    ceiling: Option<String>,
    limits: Limits,
    mounts: Vec<MountPoint>,
    tools: Vec<ToolServer>,
    stores: Vec<(String, Sharing)>,
    databases: Vec<(String, DatabasePlace)>,
    allow: Vec<ManifestRule>,
    deny: Vec<ManifestRule>,
    warnings: Vec<Diagnostic>,
    text: Box<str>,
    digest: [u8; 32],
}

const TOP: Schema = Schema {
    what: "a manifest",
    known: &[
        "schema",
        "id",
        "agents",
        "description",
        "ceiling",
        "limits",
        "allow",
        "deny",
        "mounts",
        "tools",
        "stores",
        "databases",
    ],
    later: &["decoy", "secrets", "monitor", "egress"],
};

const LIMITS: Schema = Schema {
    what: "`[limits]`",
    known: &["fuel", "memory", "timeout", "output", "host_calls", "disk", "files"],
    later: &["calls", "sum", "rate", "concurrent", "handles", "stack"],
};

impl Manifest {
    /// Reads a manifest: TOML, or JSON if the text starts with `{`. `origin` is the file's name as reports cite it.
    ///
    /// # Errors
    /// Every error that the text has (at most 100, then a note), each with its place, followed by the warnings.
    pub fn parse(text: &str, origin: &str) -> Result<Manifest, Vec<Diagnostic>> {
        let mut report = Report::default();
        let manifest = Manifest::read(text, origin, &mut report);
        let warnings = report.finish()?;
        // INVARIANT: without an error there is a manifest; were there none, that would still be no permission.
        manifest.map(|manifest| Manifest { warnings, ..manifest }).ok_or_else(Vec::new)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file's name as it was given to [`Manifest::parse`].
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The registry ids that may run under it.
    pub fn agents(&self) -> &[String] {
        &self.agents
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The manifest that bounds this one, by file name relative to this one; whoever loads manifests reads it too.
    pub fn ceiling(&self) -> Option<&str> {
        self.ceiling.as_deref()
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where the files are that rules name.
    pub fn mounts(&self) -> &[MountPoint] {
        &self.mounts
    }

    /// The upstream tool servers.
    pub fn tools(&self) -> &[ToolServer] {
        &self.tools
    }

    /// Key-value stores by name.
    pub fn stores(&self) -> impl Iterator<Item = (&str, Sharing)> {
        self.stores.iter().map(|(name, sharing)| (name.as_str(), *sharing))
    }

    /// SQL databases by name.
    pub fn databases(&self) -> impl Iterator<Item = (&str, &DatabasePlace)> {
        self.databases.iter().map(|(name, place)| (name.as_str(), place))
    }

    /// What the allow rules cover; the deny rules are not taken off.
    pub fn scopes(&self) -> ScopeSet {
        self.allow.iter().map(|rule| rule.scope.clone()).collect()
    }

    /// The secrets that rules for `fetch` let requests carry, by name, each once.
    pub fn secrets(&self) -> BTreeSet<&SecretName> {
        let uses = self.allow.iter().flat_map(|rule| &rule.rule.terms.secrets);
        uses.map(|secret| &secret.name).collect()
    }

    /// Whether an allow rule lets guests write to that mount or delete in it, somewhere; deny rules are not looked at.
    pub fn changes(&self, mount: &str) -> bool {
        let changing = |action| matches!(action, ActionName::Write | ActionName::Delete);
        self.allow.iter().map(|rule| &rule.scope).any(|scope| {
            scope.kind() == Kind::File
                && matches!(&scope.pattern().authority, Authority::Name(name) if name == mount)
                && scope.actions().any(changing)
        })
    }

    /// Every rule, allow rules first, each in the order of the text.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        // A rule for several tables, or with secrets, has several entries, one after the other.
        let mut before: Option<&Arc<Rule>> = None;
        let rules = self.allow.iter().chain(&self.deny).map(|rule| &rule.rule);
        rules.filter(move |rule| before.replace(rule).is_none_or(|before| before.id != rule.id))
    }

    /// The rule with that id.
    pub fn rule(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules().find(|rule| rule.id() == id)
    }

    /// What was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What is doubtful but no error.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    pub(crate) fn rules_of(&self, effect: Effect) -> &[ManifestRule] {
        match effect {
            Effect::Allow => &self.allow,
            Effect::Deny => &self.deny,
        }
    }

    fn read(text: &str, origin: &str, report: &mut Report) -> Option<Manifest> {
        if text.len() > MAX_MANIFEST {
            let message = "a manifest has at most 1 MiB of text".to_owned();
            report.error(DiagnosticCode::TooLarge, &Place::at(0..0), message);
            return None;
        }
        let entries = tree::read(text, report)?;
        let broken = report.has_errors();
        let fields = Fields::check(&entries, &TOP, report);
        let whole = Place::at(0..0);
        // In a text with syntax errors a field may be missing only because its line could not be read.
        let require = |key: &str, help: &str, report: &mut Report| {
            if fields.get(key).is_none() && !broken {
                let message = format!("the manifest has no `{key}`");
                report.error_with(DiagnosticCode::MissingField, &whole, message, help.to_owned());
            }
        };
        require("schema", "add `schema = 1` as the first line", report);
        require("id", "add a name for the manifest, as in `id = \"expense-bot\"`", report);
        if !read_schema(&fields, report) {
            return None;
        }
        let id = read_name(&fields, "id", report);
        let ceiling = read_ceiling(&fields, report);
        let agents = read_agents(&fields, report);
        let mounts = mounts::read(&fields, report);
        let tools = servers::read(&fields, report);
        let stores = data::stores(&fields, report);
        let databases = data::databases(&fields, report);
        let limits = read_limits(&fields, report);
        let description = fields.text("description", report).map(|(text, _)| text.to_owned());
        let names = |table| match fields.get(table).map(|entry| &entry.node.value) {
            Some(tree::Value::Table(entries)) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => HashSet::new(),
        };
        let sqlite = databases.iter().filter(|(_, place)| matches!(place, DatabasePlace::Sqlite(_)));
        let sqlite = sqlite.map(|(name, _)| name.as_str());
        let declared = Declared {
            mounts: names("mounts"),
            servers: names("tools"),
            stores: names("stores"),
            databases: names("databases"),
            caseless: sqlite.collect(),
        };
        let lines = Lines::of(text);
        let mut reader = Reader {
            report,
            origin,
            manifest: id.as_deref().unwrap_or_default(),
            lines,
            declared,
            ids: HashMap::new(),
            patterns: conditions::MAX_PATTERNS,
        };
        let allow = reader.read(&fields, "allow", Effect::Allow);
        let deny = reader.read(&fields, "deny", Effect::Deny);
        if agents.is_empty() && fields.get("agents").is_none() {
            let message = "no agent may run under this manifest; it can only serve as a ceiling".to_owned();
            let help = "add the registry ids, as in `agents = [\"expense-bot\"]`".to_owned();
            report.warning(DiagnosticCode::NoAgents, &whole, message, help);
        }
        lint::lint(&allow, &deny, &mounts, &stores, report);
        let digest = Sha256::digest(text.as_bytes()).into();
        let (origin, warnings) = (origin.to_owned(), Vec::new());
        let id = id?;
        Some(Manifest {
            id,
            origin,
            agents,
            description,
            ceiling,
            limits,
            mounts,
            tools,
            stores,
            databases,
            allow,
            deny,
            warnings,
            text: text.into(),
            digest,
        })
    }
}

/// Whether the rest can be judged: of another schema nothing is known.
fn read_schema(fields: &Fields<'_>, report: &mut Report) -> bool {
    let Some(entry) = fields.get("schema") else { return true };
    let known = matches!(entry.node.value, tree::Value::Integer(Some(1)));
    if !known {
        let message = "this version reads `schema = 1` only".to_owned();
        report.error(DiagnosticCode::Schema, &entry.node.place, message);
    }
    known
}

fn read_name(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<String> {
    let (text, place) = fields.text(key, report)?;
    name(key, text, place, report)
}

fn name(what: &str, text: &str, place: &Place, report: &mut Report) -> Option<String> {
    if is_id(text) {
        return Some(text.to_owned());
    }
    let message = format!(
        "`{}` is not a name for `{what}`: write 1 to 64 of `a` to `z`, `0` to `9`, `-` and `_`",
        Printable(text)
    );
    report.error(DiagnosticCode::BadName, place, message);
    None
}

fn read_ceiling(fields: &Fields<'_>, report: &mut Report) -> Option<String> {
    let (text, place) = fields.text("ceiling", report)?;
    if text.is_empty() || text.len() > 1024 {
        report.error(DiagnosticCode::BadName, place, "`ceiling` takes the name of a manifest's file".to_owned());
    }
    refuse_hidden("ceiling", text, place, report);
    Some(text.to_owned())
}

fn read_agents(fields: &Fields<'_>, report: &mut Report) -> Vec<String> {
    // Absent, or not a list, which was reported.
    let Some(items) = fields.texts("agents", report) else { return Vec::new() };
    if let (true, Some(entry)) = (items.is_empty(), fields.get("agents")) {
        let message = "`agents` is empty: nobody may run under it".to_owned();
        report.error(DiagnosticCode::BadName, &entry.node.place, message);
    }
    items.into_iter().filter_map(|(agent, place)| name("agents", agent, place, report)).collect()
}

/// A path must be what its reader takes it for. NUL, which no path can hold, is one of these characters.
fn refuse_hidden(key: &str, path: &str, place: &Place, report: &mut Report) {
    if path.chars().any(is_hidden) {
        let message = format!(
            "the path of `{}` has an invisible or direction-changing character: `{}`",
            Printable(key),
            Printable(path)
        );
        report.error_with(DiagnosticCode::BadName, place, message, "take it out, or rename what it names".to_owned());
    }
}

fn read_limits(fields: &Fields<'_>, report: &mut Report) -> Limits {
    let mut limits = Limits::default();
    let Some(entries) = fields.table("limits", report) else { return limits };
    let fields = Fields::check(entries, &LIMITS, report);
    limits.fuel = fields.count("fuel", report).unwrap_or(limits.fuel);
    limits.memory = fields.size("memory", report).unwrap_or(limits.memory);
    limits.timeout = fields.duration("timeout", report).unwrap_or(limits.timeout);
    limits.output = fields.size("output", report).unwrap_or(limits.output);
    limits.host_calls = fields.count("host_calls", report).unwrap_or(limits.host_calls);
    limits.disk = fields.size("disk", report).unwrap_or(limits.disk);
    limits.files = fields.count("files", report).unwrap_or(limits.files);
    limits
}
