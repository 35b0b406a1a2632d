//! Where folders are, so that two names of one place are seen to be one.

use std::io;
use std::path::{Path, PathBuf};

use bailiwick_policy::Manifest;

use super::{MountError, Mounts};
use crate::ambient::{self, Identity};

/// A place in the host's file system: its path without links, and what the system calls it and everything above it.
///
/// The path tells for what does not exist yet, the identities for a file system that is mounted at two places and for
/// one that ignores case.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: PathBuf,
    own: Option<Identity>,
    /// Itself first, the root last; what does not exist is left out.
    chain: Vec<Identity>,
}

/// What no mount may expose: paths of the host itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protected {
    pub(crate) secrets: Vec<PathBuf>,
    pub(crate) integrity: Vec<PathBuf>,
}

impl Place {
    /// Where `path` leads.
    pub(crate) fn find(path: &Path) -> io::Result<Place> {
        Place::at(ambient::route(path)?.end)
    }

    /// Where `path` leads, and every link on the way: whoever can replace one of them decides where it leads.
    pub(crate) fn find_all(path: &Path) -> io::Result<Vec<Place>> {
        let route = ambient::route(path)?;
        route.links.into_iter().chain([route.end]).map(Place::at).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path.parent().is_none() || (self.own.is_some() && self.own.as_ref() == self.chain.last())
    }

    /// Whether the same thing stands at the same path.
    pub(crate) fn is_same(&self, other: &Place) -> bool {
        self.path == other.path && self.own == other.own
    }

    /// Whether one contains the other, or both are the same.
    pub(crate) fn overlaps(&self, other: &Place) -> bool {
        self.contains(other) || other.contains(self)
    }

    fn contains(&self, other: &Place) -> bool {
        other.path.starts_with(&self.path) || self.own.is_some_and(|own| other.chain.contains(&own))
    }

    fn at(path: PathBuf) -> io::Result<Place> {
        let mut chain = Vec::new();
        let mut own = None;
        for ancestor in path.ancestors() {
            let found = ambient::identity(ancestor)?;
            chain.extend(found);
            if ancestor == path {
                own = found;
            }
        }
        Ok(Place { path, own, chain })
    }
}

impl Protected {
    /// Refuses mounts that expose what is protected; `programs` are protected like what decides what guests may do. Looked up for each run: files come and go.
    ///
    /// # Errors
    /// [`MountError::Secret`], [`MountError::Integrity`], or [`MountError::Unknown`] when it cannot be told.
    pub(crate) fn check(&self, mounts: &Mounts, manifest: &Manifest, programs: &[PathBuf]) -> Result<(), MountError> {
        if let Some((name, path, protected)) = exposed(&self.secrets, mounts.places())? {
            return Err(MountError::Secret { name, path, protected });
        }
        let changed = mounts.places().filter(|(name, _)| manifest.changes(name));
        let integrity: Vec<PathBuf> = self.integrity.iter().chain(programs).cloned().collect();
        if let Some((name, path, protected)) = exposed(&integrity, changed)? {
            return Err(MountError::Integrity { name, path, protected });
        }
        Ok(())
    }
}

type Exposed = Option<(String, PathBuf, PathBuf)>;

fn exposed<'m>(
    protected: &[PathBuf],
    mounts: impl Iterator<Item = (&'m str, &'m Place)>,
) -> Result<Exposed, MountError> {
    let mounts: Vec<_> = mounts.collect();
    if mounts.is_empty() {
        return Ok(None);
    }
    for path in protected {
        let places = Place::find_all(path).map_err(|error| MountError::Unknown { path: path.clone(), error })?;
        for (name, mount) in &mounts {
            if places.iter().any(|place| place.overlaps(mount)) {
                return Ok(Some(((*name).to_owned(), mount.path().to_owned(), path.clone())));
            }
        }
    }
    Ok(None)
}
