//! The grant: what holds for one run, the intersection of all sources of authority.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::allowance::Charge;
use crate::code::Code;
use crate::detail::Detail;
use crate::index::{Hits, Index, Slot};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::manifest::{Manifest, ManifestRule};
use crate::principal::Principal;
use crate::request::Request;
use crate::rule::{Effect, Rule};
use crate::scope::Scope;
use crate::scope_set::ScopeSet;
use crate::verdict::{Decision, Source, Verdict};

/// Who asks and what was granted to it, besides the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub principal: Principal,
    /// What the token's `scope` claim grants.
    pub token: ScopeSet,
    /// What its `authorization_details` grant besides, and demand of the calls that they cover.
    pub details: Vec<Detail>,
    /// What the registry says that the agent is capable of.
    pub registry: ScopeSet,
    /// The task's restriction; `None` restricts nothing further.
    pub task: Option<ScopeSet>,
}

/// The intersection of manifest, ceiling, token, registry and task. A call is allowed only if each of them covers it.
///
/// - A missing source covers nothing: a manifest that names a ceiling is useless without it.
/// - A deny rule always wins, wherever it stands.
/// - Of several allow rules that cover a call, the first in the manifest decides on the terms. The call is sensitive when
///   any of them says so.
/// - A ceiling's terms narrow those of the manifest.
/// - A run that another run started has nothing that the other has not ([`Grant::within`]).
#[derive(Debug)]
pub struct Grant {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) ceiling: Ceiling,
    pub(crate) authority: Authority,
    index: Index,
    limits: Limits,
    digest: String,
    /// The manifest lists the agent.
    pub(crate) served: bool,
    /// The ceiling lists the agent, or lists none at all.
    pub(crate) bounded: bool,
    /// The token was derived from the manifest: where both refuse, the manifest is the reason.
    derived: bool,
    /// The grants of runs that this one must not exceed: of the one that started it.
    pub(crate) parents: Vec<Arc<Grant>>,
}

/// What bounds the manifest.
#[derive(Debug)]
pub(crate) enum Ceiling {
    /// The manifest names none.
    Unbounded,
    /// The manifest names one that is not here, or that names another one: nothing is within it.
    Missing,
    Named(Arc<Manifest>),
}

impl Grant {
    /// Combines the sources. `ceiling` is the manifest that `manifest` names as its ceiling, if it names one; without it
    /// everything is denied.
    pub fn new(manifest: Arc<Manifest>, ceiling: Option<Arc<Manifest>>, authority: Authority) -> Grant {
        let digest = digest(&manifest, ceiling.as_deref(), &authority);
        let ceiling = match ceiling {
            Some(ceiling) if ceiling.ceiling().is_none() => Ceiling::Named(ceiling),
            None if manifest.ceiling().is_none() => Ceiling::Unbounded,
            _ => Ceiling::Missing,
        };
        let mut limits = manifest.limits().clone();
        let mut index = Index::default();
        index.add(Slot::ManifestDeny, scopes(&manifest, Effect::Deny));
        index.add(Slot::ManifestAllow, scopes(&manifest, Effect::Allow));
        index.add(Slot::Token, authority.token.iter());
        let details = authority.details.iter().enumerate();
        index
            .add_numbered(Slot::Detail, details.flat_map(|(at, detail)| detail.scopes().map(move |scope| (at, scope))));
        index.add_numbered(Slot::ManifestSensitive, sensitive(&manifest));
        index.add(Slot::Registry, authority.registry.iter());
        if let Ceiling::Named(ceiling) = &ceiling {
            index.add(Slot::CeilingDeny, scopes(ceiling, Effect::Deny));
            index.add(Slot::CeilingAllow, scopes(ceiling, Effect::Allow));
            index.add_numbered(Slot::CeilingSensitive, sensitive(ceiling));
            limits = limits.min(ceiling.limits());
        }
        index.add(Slot::Task, authority.task.iter().flat_map(ScopeSet::iter));
        let agent = &authority.principal.agent;
        let served = manifest.agents().contains(agent);
        // A ceiling without `agents` bounds them all; a manifest without them serves nobody.
        let bounded = match &ceiling {
            Ceiling::Named(ceiling) => ceiling.agents().is_empty() || ceiling.agents().contains(agent),
            Ceiling::Unbounded | Ceiling::Missing => true,
        };
        let derived = authority.details.is_empty() && authority.token == manifest.scopes();
        Grant { manifest, ceiling, authority, index, limits, digest, served, bounded, derived, parents: Vec::new() }
    }

    /// The same grant for a run that another run starts: nothing is allowed that `parent` does not allow, on terms and
    /// within limits that satisfy both. What the parent was itself started by bounds it, too.
    #[must_use]
    pub fn within(self, parent: Arc<Grant>) -> Grant {
        let mut hash = Sha256::new();
        for part in ["bailiwick grant within 1", &self.digest, &parent.digest] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = HEXLOWER.encode(&hash.finalize());
        let limits = self.limits.min(&parent.limits);
        let parents = self.parents.into_iter().chain([parent]).collect();
        Grant { limits, digest, parents, ..self }
    }

    /// Decides on a request. Total, and without allocation unless a ceiling narrows the terms.
    ///
    /// Of several sources that refuse, the one named is, in this order: a deny rule of the manifest, the token, the
    /// registry, the manifest, its ceiling, the task, the run that started this one. Where the token says exactly what the
    /// manifest says, because it was derived from it, the manifest comes before the token.
    pub fn decide(&self, request: &Request) -> Verdict {
        self.judge(self.index.find(request), request)
    }

    /// Whether the call would be allowed with some arguments or other. For telling a guest what it may call.
    pub fn allows_some(&self, request: &Request) -> bool {
        self.decide(&request.clone().with_anything()).decision() == Decision::Allow
    }

    pub fn principal(&self) -> &Principal {
        &self.authority.principal
    }

    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// The rule of that id that stands there (`FILE:LINE`): of the manifest, its ceiling, or what bounds the run that started
    /// this one. If none does, one of that id.
    pub fn rule(&self, id: &str, location: &str) -> Option<&Arc<Rule>> {
        let ceiling = match &self.ceiling {
            Ceiling::Named(ceiling) => Some(ceiling),
            Ceiling::Unbounded | Ceiling::Missing => None,
        };
        let ours = [Some(&self.manifest), ceiling].into_iter().flatten().filter_map(|manifest| manifest.rule(id));
        let mut known: Vec<&Arc<Rule>> = ours.collect();
        known.extend(self.parents.iter().filter_map(|parent| parent.rule(id, location)));
        known.iter().find(|rule| rule.location() == location).or(known.first()).copied()
    }

    /// The minimum of the manifest's limits, its ceiling's, and what they were tightened to.
    pub fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// What all sources together cover, deny rules aside, for telling the guest what it may ask for. Decisions do not come
    /// from here: what is listed may still be denied, what is not listed is.
    ///
    /// Of sources so large that intersecting them would take long, the manifest's scopes alone.
    pub fn scopes(&self) -> ScopeSet {
        /// Pairs of scopes that are compared at most: some milliseconds.
        const MOST_PAIRS: usize = 100_000;
        let manifest = self.manifest.scopes();
        let bound = match &self.ceiling {
            Ceiling::Unbounded => None,
            Ceiling::Missing => return ScopeSet::empty(),
            Ceiling::Named(ceiling) => Some(ceiling.scopes()),
        };
        if !self.served || !self.bounded {
            return ScopeSet::empty();
        }
        let Authority { registry, task, .. } = &self.authority;
        let mut scopes = manifest.clone();
        for source in
            [Some(&self.authority.token_scopes()), Some(registry), task.as_ref(), bound.as_ref()].into_iter().flatten()
        {
            if scopes == *source {
                continue;
            }
            if scopes.iter().len().saturating_mul(source.iter().len()) > MOST_PAIRS {
                return manifest;
            }
            scopes = scopes.intersect(source);
        }
        for parent in &self.parents {
            let theirs = parent.scopes();
            if scopes.iter().len().saturating_mul(theirs.iter().len()) > MOST_PAIRS {
                return scopes;
            }
            scopes = scopes.intersect(&theirs);
        }
        scopes
    }

    /// The same grant, narrowed to these scopes. What an earlier restriction left out stays out.
    #[must_use]
    pub fn restrict(self, scopes: &ScopeSet) -> Grant {
        let Grant { manifest, ceiling, authority, limits, parents, .. } = self;
        let task = match &authority.task {
            None => scopes.clone(),
            Some(earlier) => earlier.intersect(scopes),
        };
        let ceiling = match ceiling {
            Ceiling::Named(ceiling) => Some(ceiling),
            Ceiling::Unbounded | Ceiling::Missing => None,
        };
        let narrowed = Grant::new(manifest, ceiling, Authority { task: Some(task), ..authority });
        parents.into_iter().fold(narrowed, Grant::within).tighten(&limits)
    }

    /// The same grant with limits that are at most these.
    #[must_use]
    pub fn tighten(self, limits: &Limits) -> Grant {
        Grant { limits: self.limits.min(limits), ..self }
    }

    /// Hexadecimal SHA-256 over all sources: the manifests' texts, the principal, and each set of scopes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn hits(&self, request: &Request) -> Hits {
        self.index.find(request)
    }

    /// What the call takes of the budgets of the rules that decided. Most have none.
    fn charges(&self, rules: [Option<&ManifestRule>; 2], request: &Request) -> Result<Vec<Charge>, Code> {
        let with_budgets = rules.into_iter().flatten().filter(|rule| rule.rule.allowance().is_some());
        with_budgets
            .map(|rule| {
                // INVARIANT: conditions make sure that it is an amount. Were they not to, nothing would be allowed.
                let amount = rule.amount(request).ok_or(Code::ManifestArgument)?;
                let agent = self.authority.principal.agent.clone();
                Ok(Charge { agent, rule: Arc::clone(&rule.rule), amount })
            })
            .collect()
    }

    /// What each source says, in the order in which they are blamed. Deciding and explaining both come from here.
    pub(crate) fn judge(&self, hits: Hits, request: &Request) -> Verdict {
        // A deny rule beats everything, so it is the reason even if other sources would refuse too.
        let order = match self.layer(Source::Manifest, hits, request) {
            Layer::Deny(code @ Code::ManifestRule, Some(rule)) => {
                return Verdict::deny_by(code, Arc::clone(&rule.rule));
            }
            _ => self.order(),
        };
        let mut allowed = None;
        let mut bound = None;
        for source in order {
            match self.layer(source, hits, request) {
                Layer::Deny(code, Some(rule)) => return Verdict::deny_by(code, Arc::clone(&rule.rule)),
                Layer::Deny(code, None) => return Verdict::deny(code),
                Layer::Allow(rule) if source == Source::Manifest => allowed = rule,
                Layer::Allow(rule) if source == Source::Ceiling => bound = rule,
                Layer::Allow(_) => {}
            }
        }
        let own = match allowed {
            Some(rule) => {
                let sensitive = self.sensitive(hits, request).map(|rule| Arc::clone(&rule.rule));
                let charges = match self.charges([Some(rule), bound], request) {
                    Ok(charges) => charges,
                    Err(code) => return Verdict::deny_by(code, Arc::clone(&rule.rule)),
                };
                let verdict = Verdict::allow(Arc::clone(&rule.rule), bound.map(|rule| rule.rule.terms()), sensitive);
                if charges.is_empty() { verdict } else { verdict.charged(charges) }
            }
            None => return Verdict::deny(Code::ManifestNoRule),
        };
        self.parents.iter().fold(own, |verdict, parent| verdict.stricter(parent.decide(request)))
    }

    /// Of several sources that refuse, the first of these is the reason.
    pub(crate) fn order(&self) -> [Source; 5] {
        if self.derived { BLAME_DERIVED } else { BLAME }
    }

    pub(crate) fn layer(&self, source: Source, hits: Hits, request: &Request) -> Layer<'_> {
        match source {
            Source::Token => match hits.get(Slot::Detail) {
                None => covered(hits, Slot::Token, Code::TokenScope),
                Some(_) if self.detail(hits, request).is_some() => Layer::Allow(None),
                Some(_) => Layer::Deny(Code::TokenArgument, None),
            },
            Source::Registry => covered(hits, Slot::Registry, Code::RegistryCapability),
            Source::Task if self.authority.task.is_none() => Layer::Allow(None),
            Source::Task => covered(hits, Slot::Task, Code::TaskRestriction),
            // Decided by its own sources, which judge their own way.
            Source::Parent => Layer::Allow(None),
            Source::Manifest => {
                let unmet = if request.kind() == Kind::Sql { Code::ManifestColumn } else { Code::ManifestArgument };
                let codes = [Code::ManifestRule, Code::ManifestAgent, Code::ManifestNoRule, unmet];
                self.rules(&self.manifest, hits, request, [Slot::ManifestDeny, Slot::ManifestAllow], codes)
            }
            Source::Ceiling => match &self.ceiling {
                Ceiling::Unbounded => Layer::Allow(None),
                Ceiling::Missing => Layer::Deny(Code::CeilingNoRule, None),
                Ceiling::Named(ceiling) => {
                    let unmet = if request.kind() == Kind::Sql { Code::CeilingColumn } else { Code::CeilingArgument };
                    let codes = [Code::CeilingRule, Code::CeilingAgent, Code::CeilingNoRule, unmet];
                    self.rules(ceiling, hits, request, [Slot::CeilingDeny, Slot::CeilingAllow], codes)
                }
            },
        }
    }

    /// The first of the token's details that covers the request and accepts its arguments.
    pub(crate) fn detail(&self, hits: Hits, request: &Request) -> Option<(usize, &Detail)> {
        let later = self.authority.details.iter().enumerate().skip(hits.get(Slot::Detail)?);
        let mut covering = later.filter(|(_, detail)| detail.covers(request));
        covering.find(|(_, detail)| detail.check(request).is_ok())
    }

    /// The rule that makes a call sensitive which others allow: the first that covers it, and accepts its arguments.
    fn sensitive(&self, hits: Hits, request: &Request) -> Option<&ManifestRule> {
        first_sensitive(&self.manifest, hits.get(Slot::ManifestSensitive), request).or_else(|| match &self.ceiling {
            Ceiling::Named(ceiling) => first_sensitive(ceiling, hits.get(Slot::CeilingSensitive), request),
            Ceiling::Unbounded | Ceiling::Missing => None,
        })
    }

    fn rules<'a>(
        &self,
        manifest: &'a Manifest,
        hits: Hits,
        request: &Request,
        slots: [Slot; 2],
        codes: [Code; 4],
    ) -> Layer<'a> {
        let ([deny, allow], [by_rule, by_agent, no_rule, unmet]) = (slots, codes);
        let rule = |slot, effect| hits.get(slot).and_then(|number| manifest.rules_of(effect).get(number));
        if hits.get(deny).is_some() {
            return Layer::Deny(by_rule, rule(deny, Effect::Deny));
        }
        if !(if deny == Slot::ManifestDeny { self.served } else { self.bounded }) {
            return Layer::Deny(by_agent, None);
        }
        match rule(allow, Effect::Allow) {
            Some(first) if first.accepts(request) => Layer::Allow(Some(first)),
            // The index knows nothing of arguments and columns. Only rules with conditions on them come here.
            Some(first) => {
                let mut later = manifest.rules_of(Effect::Allow).iter();
                match later.find(|rule| rule.scope.covers(request) && rule.accepts(request)) {
                    Some(rule) => Layer::Allow(Some(rule)),
                    None => Layer::Deny(first.refusal(request).unwrap_or(unmet), Some(first)),
                }
            }
            None => Layer::Deny(no_rule, None),
        }
    }
}

/// What one source says about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer<'a> {
    Allow(Option<&'a ManifestRule>),
    Deny(Code, Option<&'a ManifestRule>),
}

const BLAME: [Source; 5] = [Source::Token, Source::Registry, Source::Manifest, Source::Ceiling, Source::Task];

const BLAME_DERIVED: [Source; 5] = [Source::Manifest, Source::Token, Source::Registry, Source::Ceiling, Source::Task];

fn covered<'a>(hits: Hits, slot: Slot, code: Code) -> Layer<'a> {
    if hits.get(slot).is_some() { Layer::Allow(None) } else { Layer::Deny(code, None) }
}

pub(crate) fn scopes(manifest: &Manifest, effect: Effect) -> impl Iterator<Item = &Scope> {
    manifest.rules_of(effect).iter().map(|rule| &rule.scope)
}

/// The allow rules that are sensitive, with their places among all of them.
fn sensitive(manifest: &Manifest) -> impl Iterator<Item = (usize, &Scope)> {
    let rules = manifest.rules_of(Effect::Allow).iter().enumerate();
    rules.filter(|(_, rule)| rule.rule.terms().sensitive).map(|(at, rule)| (at, &rule.scope))
}

/// The index knows nothing of arguments: from the one that it found, the first that accepts these.
fn first_sensitive<'a>(manifest: &'a Manifest, found: Option<usize>, request: &Request) -> Option<&'a ManifestRule> {
    let rules = manifest.rules_of(Effect::Allow).get(found?..)?;
    rules.iter().find(|rule| rule.rule.terms().sensitive && rule.scope.covers(request) && rule.accepts(request))
}

impl Authority {
    /// What the token covers, the conditions of its details aside.
    pub fn token_scopes(&self) -> ScopeSet {
        self.token.iter().chain(self.details.iter().flat_map(Detail::scopes)).cloned().collect()
    }
}

/// A hash over all sources, each with its length, so that no two different grants read the same.
fn digest(manifest: &Manifest, ceiling: Option<&Manifest>, authority: &Authority) -> String {
    let Authority { principal, token, details, registry, task } = authority;
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"bailiwick grant 1");
    part(manifest.digest());
    part(ceiling.map_or(&[], |ceiling| ceiling.digest().as_slice()));
    for text in [&principal.issuer, &principal.subject, &principal.agent] {
        part(text.as_bytes());
    }
    part(token.to_string().as_bytes());
    part(registry.to_string().as_bytes());
    // No restriction and a restriction to nothing differ.
    part(task.as_ref().map_or("none".to_owned(), |task| format!("task {task}")).as_bytes());
    for detail in details {
        part(detail.to_json().to_string().as_bytes());
    }
    HEXLOWER.encode(&hash.finalize())
}
