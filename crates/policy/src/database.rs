//! A database as a whole: who is the reason that nothing may be done in it, whatever the table.

use crate::code::Code;
use crate::detail::Detail;
use crate::explain::{Explanation, LayerReport, cited, database_to_add, free_id};
use crate::grant::{Ceiling, Grant, scopes};
use crate::manifest::{Manifest, toml_string};
use crate::request::Request;
use crate::rule::Effect;
use crate::scope::Scope;
use crate::scope_set::ScopeSet;
use crate::text::Printable;
use crate::verdict::{Decision, Source, Verdict};

/// Pairs of scopes that are compared at most to find out what two sources allow together.
const MOST_PAIRS: usize = 10_000;

/// Scopes that help names at most.
const MOST_NAMED: usize = 4;

/// The source that leaves nothing of a database.
struct Blame {
    source: Source,
    code: Code,
}

impl Grant {
    /// The refusal of a statement in a database in which this grant gives no right, where nothing can be said of tables. Always
    /// a denial: whoever asks has found that there is no such right, or no such database.
    ///
    /// The source named is the first, in [`Grant::decide`]'s order, that leaves nothing of what those before it allow in the
    /// database; a deny rule does not count. [`Code::ManifestNoRule`] where all leave something.
    pub fn refuse_database(&self, database: &str) -> Verdict {
        Verdict::deny(self.blame(database, &mut None).map_or(Code::ManifestNoRule, |blame| blame.code))
    }

    /// Why [`Grant::refuse_database`] says so, and what would have to change. `asked` is the call, for people.
    pub fn explain_database(&self, database: &str, asked: &str) -> Explanation {
        let blame =
            self.blame(database, &mut None).unwrap_or(Blame { source: Source::Manifest, code: Code::ManifestNoRule });
        let unbounded = matches!(self.ceiling, Ceiling::Unbounded);
        let sources = [Source::Manifest, Source::Ceiling, Source::Token, Source::Registry, Source::Task];
        let layers = sources.into_iter().filter(|source| !(unbounded && *source == Source::Ceiling));
        let mut layers: Vec<LayerReport> = layers.map(|source| self.rights_report(source, database, &blame)).collect();
        if blame.source == Source::Parent {
            let detail = format!("the run that started this one: [{}]", blame.code);
            layers.push(LayerReport { source: Source::Parent, decision: Decision::Deny, detail, rule: None });
        }
        let help = self.database_help(database, &blame);
        Explanation { request: asked.to_owned(), layers, verdict: Verdict::deny(blame.code), help }
    }

    /// `left` is what earlier sources leave of the database; `None` before the first.
    fn blame(&self, database: &str, left: &mut Option<ScopeSet>) -> Option<Blame> {
        for source in self.order() {
            let theirs = match self.rights(source, database) {
                Err(code) => return Some(Blame { source, code }),
                Ok(None) => continue,
                Ok(Some(theirs)) => theirs,
            };
            *left = Some(match left.take() {
                None => theirs,
                Some(left) if left.iter().len().saturating_mul(theirs.iter().len()) > MOST_PAIRS => left,
                Some(left) => match left.intersect(&theirs) {
                    both if both.is_empty() => return Some(Blame { source, code: without_right(source) }),
                    both => both,
                },
            });
        }
        let of_parents = self.parents.iter().find_map(|parent| parent.blame(database, left))?;
        Some(Blame { source: Source::Parent, code: of_parents.code })
    }

    /// What a source on its own allows in a database; `None` if it restricts nothing.
    ///
    /// # Errors
    /// The code of its refusal if that is nothing at all.
    fn rights(&self, source: Source, database: &str) -> Result<Option<ScopeSet>, Code> {
        let rights = match source {
            Source::Token => {
                let details = self.authority.details.iter().flat_map(Detail::scopes);
                about(self.authority.token.iter().chain(details), database)
            }
            Source::Registry => about(self.authority.registry.iter(), database),
            Source::Manifest if !self.served => return Err(Code::ManifestAgent),
            Source::Manifest => about(scopes(&self.manifest, Effect::Allow), database),
            Source::Ceiling => match &self.ceiling {
                Ceiling::Unbounded => return Ok(None),
                Ceiling::Missing => return Err(Code::CeilingNoRule),
                Ceiling::Named(_) if !self.bounded => return Err(Code::CeilingAgent),
                Ceiling::Named(ceiling) => about(scopes(ceiling, Effect::Allow), database),
            },
            Source::Task => match &self.authority.task {
                Some(task) => about(task.iter(), database),
                None => return Ok(None),
            },
            Source::Parent => return Ok(None),
        };
        if rights.is_empty() { Err(without_right(source)) } else { Ok(Some(rights)) }
    }

    fn rights_report(&self, source: Source, database: &str, blame: &Blame) -> LayerReport {
        let word = match source {
            Source::Manifest | Source::Ceiling => "rule",
            Source::Registry => "capability",
            Source::Token | Source::Task | Source::Parent => "scope",
        };
        let shown = Printable(database);
        let (decision, said) = match self.rights(source, database) {
            Err(code @ (Code::ManifestAgent | Code::CeilingAgent)) => {
                let agent = Printable(&self.authority.principal.agent);
                (Decision::Deny, format!("agent `{agent}` is not among its `agents` [{code}]"))
            }
            Err(_) if source == Source::Ceiling && matches!(self.ceiling, Ceiling::Missing) => {
                (Decision::Deny, "it is missing or has a ceiling itself, so nothing is within it".to_owned())
            }
            Err(_) => (Decision::Deny, format!("no {word} is about database `{shown}`")),
            Ok(None) => (Decision::Allow, "(no restriction)".to_owned()),
            Ok(Some(_)) if source == blame.source => {
                (Decision::Deny, format!("no {word} about database `{shown}` meets what the others allow there"))
            }
            Ok(Some(rights)) => (Decision::Allow, self.cited_rights(source, &rights)),
        };
        let detail = match source {
            Source::Registry => format!("agent `{}`, {said}", Printable(&self.authority.principal.agent)),
            _ => said,
        };
        LayerReport { source, decision, detail, rule: None }
    }

    fn cited_rights(&self, source: Source, rights: &ScopeSet) -> String {
        let manifest = match (source, &self.ceiling) {
            (Source::Manifest, _) => Some(&self.manifest),
            (Source::Ceiling, Ceiling::Named(ceiling)) => Some(ceiling),
            _ => None,
        };
        let Some(first) = rights.iter().next() else { return String::new() };
        let rule =
            manifest.and_then(|manifest| manifest.rules_of(Effect::Allow).iter().find(|rule| rule.scope == *first));
        match rule {
            Some(rule) => cited(rule),
            None => format!("`{}`", Printable(&first.to_string())),
        }
    }

    fn database_help(&self, database: &str, blame: &Blame) -> Option<String> {
        // Any table does: what is not a name of a database forms no request.
        let Ok(request) = Request::parse(&format!("sql select {database}/t")) else {
            return Some(
                "name a database as `[databases]` does, alone: the tables are named in the statement".to_owned(),
            );
        };
        let agent = Printable(&self.authority.principal.agent);
        let wanted = self.wanted(database);
        let mut help = match blame.code {
            _ if blame.source == Source::Parent => {
                let refusing = self.parents.iter().find(|parent| parent.blame(database, &mut None).is_some());
                let theirs = refusing.and_then(|parent| parent.explain_database(database, "").help)?;
                return Some(format!("for the run that started this one: {theirs}"));
            }
            Code::TokenScope => format!("the issuer must add scopes, such as {wanted}"),
            Code::RegistryCapability => {
                format!("the registry entry of agent `{agent}` must add capabilities, such as {wanted}")
            }
            Code::TaskRestriction => format!("the task's restriction must add scopes, such as {wanted}"),
            Code::ManifestAgent => self.agent_to_add(&self.manifest),
            Code::ManifestNoRule => rule_to_add(&self.manifest, database, &request),
            Code::CeilingAgent | Code::CeilingNoRule => match &self.ceiling {
                Ceiling::Named(ceiling) if blame.code == Code::CeilingAgent => self.agent_to_add(ceiling),
                Ceiling::Named(ceiling) => rule_to_add(ceiling, database, &request),
                _ => "load the manifest that `ceiling` names; it must not name a ceiling itself".to_owned(),
            },
            _ => return None,
        };
        if blame.code == Code::TokenScope && self.rights(Source::Registry, database).is_err() {
            help += &format!("\nbefore that, the registry entry of agent `{agent}` must add the same as capabilities");
        }
        if matches!(blame.code, Code::TokenScope | Code::RegistryCapability)
            && self.rights(Source::Manifest, database) == Err(Code::ManifestNoRule)
        {
            help += &format!("\nand {}", rule_to_add(&self.manifest, database, &request));
        }
        Some(help)
    }

    /// The scopes that a source would have to have: those of the manifest, if it has any.
    fn wanted(&self, database: &str) -> String {
        let rights = about(scopes(&self.manifest, Effect::Allow), database);
        let named: Vec<String> =
            rights.iter().take(MOST_NAMED).map(|scope| format!("`{}`", Printable(&scope.to_string()))).collect();
        if named.is_empty() { format!("`sql:select:{database}/…`, with a table") } else { named.join(", ") }
    }
}

fn about<'a>(scopes: impl Iterator<Item = &'a Scope>, database: &str) -> ScopeSet {
    scopes.filter(|scope| scope.database() == Some(database)).cloned().collect()
}

fn without_right(source: Source) -> Code {
    match source {
        Source::Token => Code::TokenScope,
        Source::Registry => Code::RegistryCapability,
        Source::Manifest | Source::Parent => Code::ManifestNoRule,
        Source::Ceiling => Code::CeilingNoRule,
        Source::Task => Code::TaskRestriction,
    }
}

/// An `[[allow]]` block for the database. Which tables it has is not told to whoever has no right in it.
fn rule_to_add(manifest: &Manifest, database: &str, request: &Request) -> String {
    format!(
        "add to {}, with the tables that the statement uses and what it does to each:\n\n[[allow]]\nid = \"{}\"\nsql = {}\n\
         tables = {{ \"…\" = [\"select\"] }}{}",
        Printable(manifest.origin()),
        free_id(manifest, request),
        toml_string(database),
        database_to_add(manifest, database)
    )
}
