//! Every rule and scope of a grant in one trie: authority, then segments. Matching costs about the same for ten and for
//! ten thousand rules, and allocates nothing.

use std::collections::{BTreeMap, HashMap};

use crate::actions::Actions;
use crate::address::Scheme;
use crate::kind::Kind;
use crate::pattern::{Authority, Pattern, Piece};
use crate::request::Request;
use crate::resource::Resource;
use crate::scope::Scope;

/// Which list a scope came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    ManifestDeny,
    ManifestAllow,
    CeilingDeny,
    CeilingAllow,
    Token,
    Registry,
    Task,
    /// The token's `authorization_details`.
    Detail,
    /// The allow rules that are sensitive.
    ManifestSensitive,
    CeilingSensitive,
}

const SLOTS: usize = 10;

/// Per list, the first scope that covers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hits([u32; SLOTS]);

#[derive(Debug, Default)]
pub(crate) struct Index {
    names: HashMap<Kind, HashMap<Box<str>, NodeId>>,
    /// By host as URLs write it.
    sites: HashMap<Box<str>, BTreeMap<(Scheme, u16), NodeId>>,
    /// By the domain below `*.`.
    wildcards: HashMap<Box<str>, BTreeMap<(Scheme, u16), NodeId>>,
    nodes: Vec<Node>,
}

type NodeId = usize;

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, NodeId>,
    any: Option<NodeId>,
    /// Scopes that end here.
    end: Vec<Entry>,
    /// Scopes whose `**` stands here.
    tail: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) slot: Slot,
    pub(crate) actions: Actions,
    pub(crate) number: u32,
}

/// What is looked up: a request's resource, or a whole pattern.
struct Probe<'a, S> {
    segments: &'a [S],
    tail: bool,
}

/// A segment of a request, or of a pattern (where `*` matches `*` only).
trait Step {
    fn literal(&self) -> Option<&str>;
}

impl Hits {
    const NONE: u32 = u32::MAX;

    pub(crate) fn get(self, slot: Slot) -> Option<usize> {
        let number = self.0.get(slot as usize).copied().filter(|number| *number != Hits::NONE);
        number.and_then(|number| usize::try_from(number).ok())
    }

    fn add(&mut self, entry: &Entry) {
        if let Some(first) = self.0.get_mut(entry.slot as usize) {
            *first = entry.number.min(*first);
        }
    }
}

impl Index {
    /// Adds a list. Lists that are added to one slot twice would share their numbers: a slot gets one list.
    pub(crate) fn add<'a>(&mut self, slot: Slot, scopes: impl IntoIterator<Item = &'a Scope>) {
        self.add_numbered(slot, scopes.into_iter().enumerate());
    }

    /// Adds a list whose scopes have numbers of their own, which do not fall.
    pub(crate) fn add_numbered<'a>(&mut self, slot: Slot, scopes: impl IntoIterator<Item = (usize, &'a Scope)>) {
        for (number, scope) in scopes {
            let Ok(number) = u32::try_from(number) else { return };
            self.insert(scope, Entry { slot, actions: scope.action_set(), number });
        }
    }

    /// The first scope of each list that covers the request.
    pub(crate) fn find(&self, request: &Request) -> Hits {
        let mut hits = Hits([Hits::NONE; SLOTS]);
        let (action, resource) = (request.action(), request.resource());
        let probe = &Probe { segments: resource.segments(), tail: false };
        let mut visit = |entry: &Entry| {
            if entry.actions.has(action) {
                hits.add(entry);
            }
        };
        match resource {
            Resource::Fetch(target) => {
                let (host, site) = (target.host_text(), (target.scheme(), target.port()));
                let parent = target.host().is_name().then(|| host.split_once('.')).flatten();
                let exact = self.sites.get(host);
                let wildcard = parent.and_then(|(_, parent)| self.wildcards.get(parent));
                for sites in [exact, wildcard].into_iter().flatten() {
                    self.walk(sites.get(&site).copied(), probe, 0, &mut visit);
                }
            }
            _ => {
                let root = self.names.get(&request.kind()).and_then(|names| names.get(resource.authority()));
                self.walk(root.copied(), probe, 0, &mut visit);
            }
        }
        hits
    }

    /// Visits the entries whose patterns contain the scope's pattern; their actions are for the visitor to compare.
    pub(crate) fn containing(&self, scope: &Scope, visit: &mut impl FnMut(&Entry)) {
        let Pattern { authority, segments, tail } = scope.pattern();
        let probe = &Probe { segments, tail: *tail };
        match authority {
            Authority::Name(name) => {
                let root = self.names.get(&scope.kind()).and_then(|names| names.get(name.as_str()));
                self.walk(root.copied(), probe, 0, visit);
            }
            Authority::Site(site) => {
                let host = site.host.to_string();
                let key = (site.scheme, site.port);
                let wildcard = if site.wildcard {
                    self.wildcards.get(host.as_str())
                } else {
                    let parent = site.host.is_name().then(|| host.split_once('.')).flatten();
                    parent.and_then(|(_, parent)| self.wildcards.get(parent))
                };
                let exact = if site.wildcard { None } else { self.sites.get(host.as_str()) };
                for sites in [exact, wildcard].into_iter().flatten() {
                    self.walk(sites.get(&key).copied(), probe, 0, visit);
                }
            }
        }
    }

    fn walk<S: Step>(&self, id: Option<NodeId>, probe: &Probe<'_, S>, at: usize, visit: &mut impl FnMut(&Entry)) {
        let Some(node) = id.and_then(|id| self.nodes.get(id)) else { return };
        let Some(step) = probe.segments.get(at) else {
            let ends = if probe.tail { &node.tail } else { &node.end };
            return ends.iter().for_each(visit);
        };
        node.tail.iter().for_each(&mut *visit);
        // INVARIANT: depth is bounded by the segments of a pattern, of which there are at most 64.
        if let Some(literal) = step.literal() {
            self.walk(node.literals.get(literal).copied(), probe, at + 1, visit);
        }
        self.walk(node.any, probe, at + 1, visit);
    }

    fn insert(&mut self, scope: &Scope, entry: Entry) {
        let pattern = scope.pattern();
        let Index { names, sites, wildcards, nodes } = self;
        let root = match &pattern.authority {
            Authority::Name(name) => names.entry(scope.kind()).or_default().entry(name.as_str().into()),
            Authority::Site(site) => {
                let hosts = if site.wildcard { wildcards } else { sites };
                let ports = hosts.entry(site.host.to_string().into()).or_default();
                let root = *ports.entry((site.scheme, site.port)).or_insert_with(|| new_node(nodes));
                return self.hang(root, pattern, entry);
            }
        };
        let root = *root.or_insert_with(|| new_node(nodes));
        self.hang(root, pattern, entry);
    }

    fn hang(&mut self, root: NodeId, pattern: &Pattern, entry: Entry) {
        let mut id = root;
        for piece in &pattern.segments {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(id) else { return };
            id = match piece {
                Piece::Any => *node.any.get_or_insert(fresh),
                Piece::Literal(literal) => *node.literals.entry(literal.as_str().into()).or_insert(fresh),
            };
            if id == fresh {
                self.nodes.push(Node::default());
            }
        }
        let Some(node) = self.nodes.get_mut(id) else { return };
        let list = if pattern.tail { &mut node.tail } else { &mut node.end };
        // What earlier scopes of the same list cover already is never the first; without it the list stays short.
        let same = list.iter().filter(|earlier| earlier.slot == entry.slot);
        let covered = same.fold(Actions::NONE, |all, earlier| all.or(earlier.actions));
        let actions = entry.actions.without(covered);
        if !actions.is_empty() {
            list.push(Entry { actions, ..entry });
        }
    }
}

impl Step for String {
    fn literal(&self) -> Option<&str> {
        Some(self)
    }
}

impl Step for Piece {
    fn literal(&self) -> Option<&str> {
        match self {
            Piece::Literal(literal) => Some(literal),
            Piece::Any => None,
        }
    }
}

fn new_node(nodes: &mut Vec<Node>) -> NodeId {
    nodes.push(Node::default());
    nodes.len() - 1
}
