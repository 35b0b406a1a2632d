//! What a grant was made of, as text: it can be kept, and the same grant made again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::detail::Detail;
use crate::grant::{Authority, Ceiling, Grant};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::principal::Principal;
use crate::scope_set::ScopeSet;

/// The sources of a [`Grant`]. Read from a file it grants nothing by itself: whoever runs something under it must know where
/// the file comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantSources {
    pub manifest: ManifestSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<ManifestSource>,
    pub issuer: String,
    pub subject: String,
    pub agent: String,
    /// Scopes, separated by spaces.
    pub token: String,
    /// As [`Detail::to_json`] writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Map<String, Value>>,
    pub registry: String,
    /// `None` restricts nothing further; an empty text restricts to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    pub limits: Limits,
    /// The grants that this one was made within.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<GrantSources>,
    /// [`Grant::digest`] of all of it.
    pub digest: String,
}

/// A manifest as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestSource {
    /// The file's name as reports cite it.
    pub origin: String,
    pub text: String,
}

/// Why no grant can be made of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    #[error("a manifest in it is not valid for this version")]
    Manifest,
    #[error("scopes or details in it are not valid for this version")]
    Scopes,
    #[error("the grant that is made of it has another digest than it says")]
    Digest,
}

impl Grant {
    /// What it was made of.
    pub fn sources(&self) -> GrantSources {
        let Authority { principal, token, details, registry, task } = &self.authority;
        let ceiling = match &self.ceiling {
            Ceiling::Named(ceiling) => Some(ManifestSource::of(ceiling)),
            Ceiling::Unbounded | Ceiling::Missing => None,
        };
        let members = |detail: &Detail| match detail.to_json() {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        GrantSources {
            manifest: ManifestSource::of(&self.manifest),
            ceiling,
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            agent: principal.agent.clone(),
            token: token.to_string(),
            details: details.iter().map(members).collect(),
            registry: registry.to_string(),
            task: task.as_ref().map(ToString::to_string),
            limits: self.limits(),
            parents: self.parents.iter().map(|parent| parent.sources()).collect(),
            digest: self.digest().to_owned(),
        }
    }
}

impl GrantSources {
    /// The same grant again.
    ///
    /// # Errors
    /// [`SourcesError`] when it would not be the same.
    pub fn grant(&self) -> Result<Grant, SourcesError> {
        let scopes = |text: &str| ScopeSet::parse_strict(text).map_err(|_| SourcesError::Scopes);
        let details: Result<_, _> = self.details.iter().map(Detail::parse).collect();
        let authority = Authority {
            principal: Principal {
                issuer: self.issuer.clone(),
                subject: self.subject.clone(),
                agent: self.agent.clone(),
            },
            token: scopes(&self.token)?,
            details: details.map_err(|_| SourcesError::Scopes)?,
            registry: scopes(&self.registry)?,
            task: self.task.as_deref().map(scopes).transpose()?,
        };
        let ceiling = self.ceiling.as_ref().map(ManifestSource::manifest).transpose()?;
        let mut grant = Grant::new(self.manifest.manifest()?, ceiling, authority);
        for parent in &self.parents {
            grant = grant.within(Arc::new(parent.grant()?));
        }
        let grant = grant.tighten(&self.limits);
        if grant.digest() == self.digest { Ok(grant) } else { Err(SourcesError::Digest) }
    }
}

impl GrantSources {
    /// What would hold with `manifest` in place of the one that this says, for the same agent with the same token, registry entry,
    /// restriction and parents. On the word of whoever started the run, token and registry entry say what the manifest says: then they
    /// say what the other says. The limits are those of `manifest`.
    ///
    /// # Errors
    /// When these are not the sources of a grant.
    pub fn under(&self, manifest: Arc<Manifest>, ceiling: Option<Arc<Manifest>>) -> Result<Grant, SourcesError> {
        let recorded = self.grant()?;
        let mut authority = recorded.authority;
        let derived = recorded.manifest.scopes();
        if authority.details.is_empty() && authority.token == derived && authority.registry == derived {
            (authority.token, authority.registry) = (manifest.scopes(), manifest.scopes());
        }
        Ok(recorded.parents.into_iter().fold(Grant::new(manifest, ceiling, authority), Grant::within))
    }
}

impl ManifestSource {
    fn of(manifest: &Manifest) -> ManifestSource {
        ManifestSource { origin: manifest.origin().to_owned(), text: manifest.text().to_owned() }
    }

    fn manifest(&self) -> Result<Arc<Manifest>, SourcesError> {
        Manifest::parse(&self.text, &self.origin).map(Arc::new).map_err(|_| SourcesError::Manifest)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use serde_json::json;

    use super::*;
    use crate::request::Request;

    const MANIFEST: &str = "schema = 1\nid = \"m\"\nagents = [\"bot\"]\nceiling = \"c.toml\"\n[[allow]]\nid = \"all\"\ncrypto = \"-\"\nactions = [\"hash\", \"random\"]\n[[allow]]\nid = \"pay\"\ntool = \"bank/transfer\"\n[tools.bank]\nembedded = true\n";
    const CEILING: &str = "schema = 1\nid = \"c\"\n[limits]\nfuel = 1000\n[[allow]]\nid = \"some\"\ncrypto = \"-\"\nactions = [\"hash\"]\n";

    fn grant() -> Grant {
        let manifest = Arc::new(Manifest::parse(MANIFEST, "m.toml").unwrap());
        let ceiling = Arc::new(Manifest::parse(CEILING, "c.toml").unwrap());
        let Value::Object(detail) = json!({"type": "bailiwick", "kind": "tool", "actions": ["call"],
            "locations": ["bank/transfer"], "args": {"amount": {"max": 5}}})
        else {
            panic!("an object")
        };
        let authority = Authority {
            principal: Principal { issuer: "i".into(), subject: "s".into(), agent: "bot".into() },
            token: manifest.scopes(),
            details: vec![Detail::parse(&detail).unwrap()],
            registry: manifest.scopes(),
            task: None,
        };
        let parent = Arc::new(Grant::new(Arc::clone(&manifest), Some(Arc::clone(&ceiling)), authority.clone()));
        let scopes = ScopeSet::parse_strict("crypto:hash:-").unwrap();
        Grant::new(manifest, Some(ceiling), authority).within(parent).restrict(&scopes)
    }

    #[test]
    fn a_grant_is_made_again() {
        let grant = grant().tighten(&Limits::default().fuel_at_most(NonZeroU64::new(10).unwrap()));
        let sources = grant.sources();
        let text = serde_json::to_string(&sources).unwrap();
        let again = serde_json::from_str::<GrantSources>(&text).unwrap().grant().unwrap();
        assert_eq!((again.digest(), again.limits()), (grant.digest(), grant.limits()));
        for call in ["crypto hash", "crypto random", "tool call bank/transfer"] {
            let request = Request::parse(call).unwrap();
            assert_eq!(again.decide(&request).code(), grant.decide(&request).code(), "{call}");
        }
        assert_eq!(again.sources(), sources);
    }

    #[test]
    fn another_manifest_takes_the_place_of_the_recorded_one() {
        let code = |grant: &Grant, call: &str| grant.decide(&Request::parse(call).unwrap()).code().as_str();
        let text = "schema = 1\nid = \"o\"\nagents = [\"bot\"]\n[[allow]]\nid = \"sign\"\ncrypto = \"r/**\"\nactions = [\"sign\"]\n";
        let other = Arc::new(Manifest::parse(text, "o.toml").unwrap());
        let held = grant().sources().under(Arc::clone(&other), None).unwrap();
        // The token and the restriction stay, and do not cover it.
        assert_eq!(code(&held, "crypto sign r/k"), "deny.token.scope");
        let mut authority = grant().authority;
        (authority.details, authority.task) = (Vec::new(), None);
        let ceiling = Arc::new(Manifest::parse(CEILING, "c.toml").unwrap());
        let on_their_word =
            Grant::new(Arc::new(Manifest::parse(MANIFEST, "m.toml").unwrap()), Some(ceiling), authority);
        let held = on_their_word.sources().under(other, None).unwrap();
        assert_eq!((code(&held, "crypto sign r/k"), code(&held, "crypto hash")), ("allow", "deny.manifest.no_rule"));
    }

    #[test]
    fn what_was_changed_makes_no_grant() {
        let sources = grant().sources();
        let changed = |change: fn(&mut GrantSources)| {
            let mut sources = sources.clone();
            change(&mut sources);
            sources.grant().map(|_| ()).unwrap_err()
        };
        assert_eq!(changed(|it| it.manifest.text.push_str("# more\n")), SourcesError::Digest);
        assert_eq!(changed(|it| it.manifest.text.push('[')), SourcesError::Manifest);
        assert_eq!(changed(|it| it.ceiling = None), SourcesError::Digest);
        assert_eq!(changed(|it| it.agent.push('s')), SourcesError::Digest);
        assert_eq!(changed(|it| it.token.push_str("  x")), SourcesError::Scopes);
        assert_eq!(changed(|it| it.task = None), SourcesError::Digest);
        assert_eq!(changed(|it| it.details.clear()), SourcesError::Digest);
        assert_eq!(changed(|it| it.parents.clear()), SourcesError::Digest);
    }
}
