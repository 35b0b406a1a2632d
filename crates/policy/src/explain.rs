//! Why a request is decided as it is: layer by layer, and what would have to change.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use crate::address::Host;
use crate::code::Code;
use crate::condition::Part;
use crate::detail::Detail;
use crate::grant::{Authority, Ceiling, Grant, Layer};
use crate::index::{Hits, Slot};
use crate::kind::Kind;
use crate::manifest::{Manifest, ManifestRule, toml_key, toml_string};
use crate::nearest::nearest;
use crate::request::Request;
use crate::resource::Resource;
use crate::rule::{Effect, Rule};
use crate::scope::Scope;
use crate::scope_set::ScopeSet;
use crate::text::{Printable, Whole};
use crate::verdict::{Decision, Source, Verdict};

/// The answer of [`Grant::explain`]. Its `Display` is for people, on several lines without a final newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub(crate) request: String,
    pub(crate) layers: Vec<LayerReport>,
    pub(crate) verdict: Verdict,
    pub(crate) help: Option<String>,
}

/// What one source of authority says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerReport {
    pub source: Source,
    pub decision: Decision,
    /// The rule or scope that covers the request, or the nearest one and what it misses.
    pub detail: String,
    /// The rule, if one of a manifest decided.
    pub rule: Option<Arc<Rule>>,
}

impl Explanation {
    /// The manifest, its ceiling if it names one, the token, the registry, the task, and the run that started this one if
    /// one did.
    pub fn layers(&self) -> &[LayerReport] {
        &self.layers
    }

    /// Exactly what [`Grant::decide`] answers.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// For a denial: the lines to add, or what to ask the issuer or registrar for.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl Grant {
    /// Decides as [`Grant::decide`] does, and says why. Reads every scope to find the nearest: not for the hot path.
    pub fn explain(&self, request: &Request) -> Explanation {
        let hits = self.hits(request);
        let verdict = self.judge(hits, request);
        let unbounded = matches!(self.ceiling, Ceiling::Unbounded);
        let sources = [Source::Manifest, Source::Ceiling, Source::Token, Source::Registry, Source::Task];
        let layers = sources.into_iter().filter(|source| !(unbounded && *source == Source::Ceiling));
        let of_parents = self.parents.iter().map(|parent| parent_report(parent, request));
        let layers = layers.map(|source| self.report(source, request, hits)).chain(of_parents).collect();
        let own_help = || self.help(&verdict, request).map(|help| help + &self.further_help(&verdict, request, hits));
        let help = self.parents_help(request, hits).or_else(own_help);
        Explanation { request: request.to_string(), layers, verdict, help }
    }

    /// Help for what only a parent refuses: its own.
    fn parents_help(&self, request: &Request, hits: Hits) -> Option<String> {
        let sources = [Source::Manifest, Source::Ceiling, Source::Token, Source::Registry, Source::Task];
        if sources.into_iter().any(|source| matches!(self.layer(source, hits, request), Layer::Deny(..))) {
            return None;
        }
        let refusing = self.parents.iter().find(|parent| parent.decide(request).decision() == Decision::Deny)?;
        let help = refusing.explain(request).help()?.to_owned();
        Some(format!("for the run that started this one: {help}"))
    }

    fn report(&self, source: Source, request: &Request, hits: Hits) -> LayerReport {
        let layer = self.layer(source, hits, request);
        let (decision, rule) = match layer {
            Layer::Allow(rule) => (Decision::Allow, rule),
            Layer::Deny(_, rule) => (Decision::Deny, rule),
        };
        let detail = match (source, &self.ceiling) {
            (Source::Token, _) => self.token_detail(hits, request),
            (Source::Registry, _) => {
                let said = detail(&self.authority.registry, "capability", hits.get(Slot::Registry), request);
                format!("agent `{}`, {said}", Printable(&self.authority.principal.agent))
            }
            (Source::Task, _) => match &self.authority.task {
                Some(task) => detail(task, "scope", hits.get(Slot::Task), request),
                None => "(no restriction)".to_owned(),
            },
            (Source::Ceiling, Ceiling::Named(ceiling)) => self.rule_detail(ceiling, layer, request),
            (Source::Ceiling, _) => {
                let named =
                    self.manifest.ceiling().map_or("the ceiling".to_owned(), |name| format!("`{}`", Printable(name)));
                format!("{named} is missing or has a ceiling itself, so nothing is within it")
            }
            (Source::Manifest | Source::Parent, _) => self.rule_detail(&self.manifest, layer, request),
        };
        LayerReport { source, decision, detail, rule: rule.map(|rule| Arc::clone(&rule.rule)) }
    }

    fn token_detail(&self, hits: Hits, request: &Request) -> String {
        let Authority { token, details, .. } = &self.authority;
        let cited = |at: usize, detail: &Detail| {
            let scope = detail.scopes().find(|scope| scope.covers(request)).map(ToString::to_string);
            format!("`authorization_details` {}, `{}`", at + 1, Printable(&scope.unwrap_or_default()))
        };
        if let Some((at, detail)) = self.detail(hits, request) {
            return cited(at, detail);
        }
        let first = hits.get(Slot::Detail).and_then(|at| Some((at, details.get(at)?)));
        match first.map(|(at, first)| (cited(at, first), first.check(request))) {
            Some((cited, Err(mismatch))) => format!("{cited}: {mismatch}"),
            Some((cited, Ok(()))) => cited,
            None if hits.get(Slot::Token).is_some() || details.is_empty() => {
                detail(token, "scope", hits.get(Slot::Token), request)
            }
            None => detail(&self.authority.token_scopes(), "scope", None, request),
        }
    }

    fn rule_detail(&self, manifest: &Manifest, layer: Layer<'_>, request: &Request) -> String {
        match layer {
            Layer::Allow(Some(rule)) => cited(rule),
            Layer::Allow(None) => "(no restriction)".to_owned(),
            Layer::Deny(Code::ManifestArgument | Code::CeilingArgument | Code::RequestBody, Some(rule)) => {
                match (rule.query.as_ref().map(|query| query.check(request)), rule.conditions.check(request.passed())) {
                    (Some(Err(mismatch)), _) => format!("{}: {mismatch}", cited(rule)),
                    (_, Err(mismatch)) => format!("{}: {mismatch}", cited(rule)),
                    (_, Ok(())) => cited(rule),
                }
            }
            Layer::Deny(Code::ManifestColumn | Code::CeilingColumn, Some(rule)) => match rule.unmet_columns(request) {
                Some(beyond) => format!("{}: {beyond}", cited(rule)),
                None => cited(rule),
            },
            Layer::Deny(_, Some(rule)) => format!("{}, a deny rule", cited(rule)),
            Layer::Deny(Code::ManifestAgent | Code::CeilingAgent, None) => {
                let agent = Printable(&self.authority.principal.agent);
                format!("agent `{agent}` is not among the `agents` of {}", Printable(manifest.origin()))
            }
            Layer::Deny(_, None) => {
                let rules = manifest.rules_of(Effect::Allow);
                match nearest(rules.iter().map(|rule| &rule.scope), request) {
                    Some((number, miss)) => {
                        let rule = rules.get(number).map(cited).unwrap_or_default();
                        format!("no rule covers it; nearest {rule}: {miss}")
                    }
                    None => format!("no rule is about `{}`", request.kind()),
                }
            }
        }
    }

    fn help(&self, verdict: &Verdict, request: &Request) -> Option<String> {
        let agent = Printable(&self.authority.principal.agent);
        let scope = Scope::exact(request);
        if scope.is_none() && verdict.decision() == Decision::Deny {
            return Some("the directory that holds the mounts is in no grant; name a mount".to_owned());
        }
        let scope = scope.map(|scope| scope.to_string()).unwrap_or_default();
        Some(match verdict.code() {
            Code::TokenScope => format!("the issuer must add scope `{scope}`"),
            Code::TokenArgument => {
                "call it with other arguments, or ask the issuer for a token whose `authorization_details` accept them"
                    .to_owned()
            }
            Code::RegistryCapability => format!("the registry entry of agent `{agent}` must add capability `{scope}`"),
            Code::TaskRestriction => format!("the task's restriction must add scope `{scope}`"),
            Code::ManifestNoRule => lines_to_add(&self.manifest, request),
            Code::ManifestAgent => self.agent_to_add(&self.manifest),
            Code::CeilingAgent | Code::CeilingNoRule => match &self.ceiling {
                Ceiling::Named(ceiling) if verdict.code() == Code::CeilingAgent => self.agent_to_add(ceiling),
                Ceiling::Named(ceiling) => lines_to_add(ceiling, request),
                _ => "load the manifest that `ceiling` names; it must not name a ceiling itself".to_owned(),
            },
            Code::ManifestRule | Code::CeilingRule => {
                let rule = verdict.rule().map(|rule| format!("`{}` at {}", rule.id(), Printable(rule.location())));
                format!("a deny always wins: narrow or remove rule {}", rule.unwrap_or_default())
            }
            Code::ManifestArgument | Code::CeilingArgument => {
                let by_query = self.refuses_query(verdict, request);
                let rule = verdict.rule().map(|rule| format!("`{}` at {}", rule.id(), Printable(rule.location())));
                let (what, field) = match request.kind() {
                    Kind::Fetch if by_query => ("another query", "query"),
                    Kind::Fetch => ("another body", Part::Body.field()),
                    _ => ("other arguments", Part::Arguments.field()),
                };
                format!("call it with {what}, or change `{field}` of rule {}", rule.unwrap_or_default())
            }
            Code::RequestBody => {
                "send one JSON object, with `content-type: application/json` and no `content-encoding`".to_owned()
            }
            Code::ManifestColumn | Code::CeilingColumn => {
                let rule = verdict.rule().map(|rule| format!("`{}` at {}", rule.id(), Printable(rule.location())));
                let (rule, action) = (rule.unwrap_or_default(), request.action());
                format!(
                    "leave the column out, also from conditions, order and `*`; or add it to `{action}` of the table in rule \
                     {rule}: one rule must have all columns of a statement"
                )
            }
            _ => return None,
        })
    }

    /// Whether the rule that decided does not accept the query of the URL.
    fn refuses_query(&self, verdict: &Verdict, request: &Request) -> bool {
        let ceiling = match &self.ceiling {
            Ceiling::Named(ceiling) => Some(ceiling),
            _ => None,
        };
        let rules = [Some(&self.manifest), ceiling].into_iter().flatten().flat_map(|all| all.rules_of(Effect::Allow));
        let mut decided = rules.filter(|rule| verdict.rule().is_some_and(|decided| Arc::ptr_eq(decided, &rule.rule)));
        decided.any(|rule| !rule.accepts_query(request))
    }

    /// What else has to change, when the token or the registry is to blame and others refuse, too.
    fn further_help(&self, verdict: &Verdict, request: &Request, hits: Hits) -> String {
        let refuses = |source| matches!(self.layer(source, hits, request), Layer::Deny(_, None));
        let Some(scope) = Scope::exact(request) else { return String::new() };
        let mut text = String::new();
        if verdict.code() == Code::TokenScope && refuses(Source::Registry) {
            let agent = Printable(&self.authority.principal.agent);
            let _ = write!(text, "\nbefore that, the registry entry of agent `{agent}` must add capability `{scope}`");
        }
        if matches!(verdict.code(), Code::TokenScope | Code::RegistryCapability)
            && matches!(self.layer(Source::Manifest, hits, request), Layer::Deny(Code::ManifestNoRule, None))
        {
            let _ = write!(text, "\nand {}", lines_to_add(&self.manifest, request));
        }
        text
    }

    pub(crate) fn agent_to_add(&self, manifest: &Manifest) -> String {
        let agents = manifest.agents().iter().chain([&self.authority.principal.agent]);
        let agents: Vec<String> = agents.map(|agent| toml_string(&Printable(agent).to_string())).collect();
        format!("write in {}:\n\nagents = [{}]", Printable(manifest.origin()), agents.join(", "))
    }
}

fn parent_report(parent: &Grant, request: &Request) -> LayerReport {
    let verdict = parent.decide(request);
    let detail = match verdict.rule() {
        Some(rule) => format!("rule `{}`, {}", rule.id(), Printable(rule.location())),
        None => format!("[{}]", verdict.code()),
    };
    LayerReport {
        source: Source::Parent,
        decision: verdict.decision(),
        detail: format!("the run that started this one: {detail}"),
        rule: verdict.rule().cloned(),
    }
}

pub(crate) fn cited(rule: &ManifestRule) -> String {
    format!("rule `{}`, {}", rule.rule.id(), Printable(rule.rule.location()))
}

fn detail(scopes: &ScopeSet, word: &str, hit: Option<usize>, request: &Request) -> String {
    if let Some(scope) = hit.and_then(|number| scopes.iter().nth(number)) {
        return format!("{word} `{}`", Printable(&scope.to_string()));
    }
    match nearest(scopes.iter(), request) {
        Some((number, miss)) => {
            let scope = scopes.iter().nth(number).map(ToString::to_string).unwrap_or_default();
            format!("no {word} covers it; nearest `{}`: {miss}", Printable(&scope))
        }
        None => format!("no {word} is about `{}`", request.kind()),
    }
}

/// An `[[allow]]` block that, appended to the manifest, makes it allow exactly this request.
fn lines_to_add(manifest: &Manifest, request: &Request) -> String {
    let Some(scope) = Scope::exact(request) else { return String::new() };
    let origin = Printable(manifest.origin());
    let kind = request.kind();
    if kind == Kind::Secret {
        let name = toml_string(&scope.resource().to_string());
        return format!("add to the `[[allow]]` rule of {origin} whose requests need it:\n\nsecret = {name}");
    }
    if kind == Kind::Run {
        return format!("this version's manifests cannot grant `{kind}` yet");
    }
    let mut resource = scope.resource().to_string();
    if kind == Kind::Fetch && !resource.starts_with("http://") {
        resource.insert_str(0, "https://");
    }
    let (field, action) = match kind {
        Kind::Fetch => ("methods", request.action().as_str().to_ascii_uppercase()),
        _ => ("actions", request.action().as_str().to_owned()),
    };
    let reach = reach(request);
    if reach == Reach::LinkLocal {
        return "no rule should allow this: at link-local addresses clouds serve the machine's own credentials"
            .to_owned();
    }
    let mut text = format!("add to {origin}:\n\n[[allow]]\nid = \"{}\"\n", free_id(manifest, request));
    if let Resource::Table(name) = request.resource() {
        let (database, table) = (toml_string(name.database()), toml_key(name.table()));
        let _ = write!(text, "sql = {database}\ntables = {{ {table} = [\"{action}\"] }}");
    } else {
        let _ = write!(text, "{kind} = {}", toml_string(&resource));
    }
    if !matches!(kind, Kind::Tool | Kind::Sql) {
        let _ = write!(text, "\n{field} = [\"{action}\"]");
    }
    if reach == Reach::Private {
        text.push_str("\nprivate = true   # without it, an address of this machine or its network is refused");
    }
    if let Some(mount) = scope.mount().filter(|mount| manifest.mounts().iter().all(|known| known.name() != *mount)) {
        let _ = write!(text, "\n\nand under `[mounts]` the folder it stands for:\n\n{} = \"./…\"", toml_key(mount));
    }
    if let Some(store) = scope.store().filter(|store| manifest.stores().all(|(name, _)| name != *store)) {
        let _ = write!(text, "\n\nand under `[stores]`:\n\n{} = \"private\"   # or \"shared\"", toml_key(store));
    }
    if let Some(database) = scope.database() {
        text += &database_to_add(manifest, database);
    }
    if let Some(server) = scope.tool_server().filter(|name| manifest.tools().iter().all(|known| known.name() != *name))
    {
        let _ = write!(text, "\n\nand the server:\n\n[tools.{}]\ncommand = [\"…\"]", toml_key(server));
    }
    text
}

/// The `[databases]` entry of a database that the manifest does not name.
pub(crate) fn database_to_add(manifest: &Manifest, database: &str) -> String {
    if manifest.databases().any(|(name, _)| name == database) {
        return String::new();
    }
    format!("\n\nand under `[databases]` its file:\n\n{} = \"sqlite:./…\"", toml_key(database))
}

/// Where a request's address leads, as far as its URL says.
#[derive(PartialEq, Eq)]
enum Reach {
    Anywhere,
    Private,
    LinkLocal,
}

fn reach(request: &Request) -> Reach {
    let Resource::Fetch(target) = request.resource() else { return Reach::Anywhere };
    match target.host() {
        Host::Ip(IpAddr::V4(address)) if address.is_link_local() => Reach::LinkLocal,
        Host::Ip(IpAddr::V6(address)) if address.is_unicast_link_local() => Reach::LinkLocal,
        Host::Ip(IpAddr::V4(address)) if address.is_private() || address.is_loopback() => Reach::Private,
        Host::Ip(IpAddr::V6(address)) if address.is_unique_local() || address.is_loopback() => Reach::Private,
        _ => Reach::Anywhere,
    }
}

/// An id that no rule has.
pub(crate) fn free_id(manifest: &Manifest, request: &Request) -> String {
    let authority = request.resource().authority();
    let mut id = format!("{}-{}-{authority}", request.kind(), request.action()).to_ascii_lowercase();
    id = id.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).take(48).collect();
    let base = id.trim_end_matches('-').to_owned();
    let taken: HashSet<&str> = manifest.rules().map(|rule| rule.id()).collect();
    let mut ids = (2..).map(|number: u32| format!("{base}-{number}"));
    let mut id = base.clone();
    while taken.contains(id.as_str()) {
        id = ids.next().unwrap_or_default();
    }
    id
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict.decision() {
            Decision::Allow => "allowed",
            Decision::Ask => "needs approval",
            Decision::Deny => "denied",
        };
        let head = format!("{word}: {}", Whole(&self.request));
        write!(f, "{head:<90} [{}]", self.verdict.code())?;
        for LayerReport { source, decision, detail, .. } in &self.layers {
            write!(f, "\n  {source:<8}  {decision:<5}  {detail}")?;
        }
        if let (Decision::Allow, Some(rule)) = (self.verdict.decision(), self.verdict.sensitive()) {
            let (id, location) = (rule.id(), Printable(rule.location()));
            write!(f, "\n  note: sensitive by rule `{id}`, {location}: it needs a fresh token that is bound to a key")?;
        }
        for charge in self.verdict.charges() {
            let rule = charge.rule();
            let (id, location) = (rule.id(), Printable(rule.location()));
            let allowance = rule.allowance().map(ToString::to_string).unwrap_or_default();
            write!(
                f,
                "\n  note: budget of rule `{id}`, {location}: {allowance}; what is left of it only a run can tell"
            )?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", help.replace('\n', "\n    ").replace("\n    \n", "\n\n")),
            None => Ok(()),
        }
    }
}
