//! The interpreters of this machine: installed, listed, removed, and handed to whoever runs source text.

use std::ffi::OsString;
use std::path::PathBuf;

use bailiwick::{ArtifactCache, GuestDigest, Interpreter, Language};

use crate::build::{self, MAX_COMPONENT, Times};
use crate::error::LanguageError;
use crate::installation::{self, COMPONENT, Installations, Lock, RUNTIME};
use crate::package::Packages;
use crate::progress::{Event, Progress, Step};
use crate::recipe::Recipe;
use crate::runner::Sources;
use crate::runtime::{self, Runtime, Seal};
use crate::tool;

/// The interpreters in a folder.
///
/// - Each is built once, from the sources in this program and from builders that are pinned by hash.
/// - What it is, and the digest of its component, is sealed with a key. What the seal does not hold for is not loaded.
/// - Several processes may share the folder; one at a time changes it.
pub struct Languages {
    installations: Installations,
    seal: Seal,
    environment: Vec<(OsString, OsString)>,
    sources: fn(Language) -> Sources,
    times: Times,
    offline: bool,
}

/// An interpreter that is there, or could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub language: Language,
    /// The name of its folder.
    pub id: String,
    pub standing: Standing,
    /// What it says about itself; absent when it is missing or damaged.
    pub runtime: Option<Runtime>,
}

/// What an interpreter can be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Runs start at once.
    Ready,
    /// Installed; the first run compiles it for this machine.
    NotCompiled,
    /// Of another version of this program, which this one does not use.
    Outdated,
    /// Not what was installed. Installing makes it anew.
    Damaged(String),
    /// Not installed.
    Missing,
}

impl Standing {
    /// The word for it in lists.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::NotCompiled => "not compiled",
            Standing::Outdated => "outdated",
            Standing::Damaged(_) => "damaged",
            Standing::Missing => "missing",
        }
    }

    /// Whether runs start at once.
    pub fn is_ready(&self) -> bool {
        *self == Standing::Ready
    }
}

impl Languages {
    /// Interpreters in `folder`, which should belong to this program alone, sealed with `key`: that of the cache, because
    /// both decide what machine code runs here.
    pub fn new(folder: impl Into<PathBuf>, key: &[u8; 32]) -> Languages {
        let folder = folder.into();
        // The tools are started elsewhere. It fails only without a current folder, where no relative path leads anywhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Languages {
            installations: Installations::at(folder),
            seal: Seal::new(key),
            environment: Vec::new(),
            sources: Sources::of,
            times: Times::default(),
            offline: false,
        }
    }

    /// The environment in which pip, npm and the builders are found and find what they need. They get their search path,
    /// home, proxies, certificates and package indexes out of it, and nothing else. Without it nothing can be installed.
    #[must_use]
    pub fn environment(mut self, all: impl IntoIterator<Item = (OsString, OsString)>) -> Languages {
        self.environment = tool::passed(all);
        self
    }

    /// With `true`, nothing is fetched or built: what is not installed stays so.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Languages {
        self.offline = offline;
        self
    }

    /// The interpreter with exactly these packages. Starts nothing, and reads little: the component itself is read when it
    /// must be compiled, and then only if its digest holds.
    ///
    /// # Errors
    /// [`LanguageError::NotInstalled`], [`LanguageError::Damaged`], and [`LanguageError::NoPackages`].
    pub fn interpreter(&self, language: Language, packages: &Packages) -> Result<Interpreter, LanguageError> {
        let recipe = self.recipe(language, packages)?;
        let runtime = self.runtime(&recipe)?;
        let digest = runtime.digest().ok_or_else(|| damaged(&recipe, "its digest is none"))?;
        let path = self.installations.of(&recipe.folder()).join(COMPONENT);
        let read = move || installation::read(&path, MAX_COMPONENT);
        Ok(Interpreter::new(language, digest, read))
    }

    /// The interpreter whose component has this digest, with whatever packages, also one that is outdated: what it has run is run
    /// again by it alone. `None` when it is not installed.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn with_digest(&self, language: Language, digest: GuestDigest) -> Result<Option<Interpreter>, LanguageError> {
        for name in self.installations.names()? {
            if !belongs(&name, language) || self.read(&name).and_then(|runtime| runtime.digest()) != Some(digest) {
                continue;
            }
            let path = self.installations.of(&name).join(COMPONENT);
            let read = move || installation::read(&path, MAX_COMPONENT);
            return Ok(Some(Interpreter::new(language, digest, read)));
        }
        Ok(None)
    }

    /// Installs an interpreter, and compiles it for this machine into `cache`. Does only what is missing: an interpreter
    /// that is whole stays, one that is damaged is built anew. Dropping the future stops everything that was started.
    ///
    /// # Errors
    /// Every [`LanguageError`]; [`LanguageError::NotInstalled`] and [`LanguageError::Damaged`] only when offline. Nothing
    /// that could be taken for an interpreter is left.
    pub async fn install(
        &self,
        language: Language,
        packages: &Packages,
        cache: &ArtifactCache,
        progress: &dyn Progress,
    ) -> Result<Interpreter, LanguageError> {
        let recipe = self.recipe(language, packages)?;
        let lock = self.lock(progress).await?;
        if let Err(missing) = self.verify(&recipe) {
            if self.offline {
                return Err(missing);
            }
            let workshop = self.installations.workshop(&lock)?;
            let finished =
                build::build(&recipe, &workshop, &self.environment, self.times, &self.seal, progress).await?;
            self.installations.publish(&lock, &finished, &recipe.folder())?;
        }
        let interpreter = self.interpreter(language, packages)?;
        if !interpreter.is_precompiled(cache)? {
            progress.event(Event::Began(Step::Compile));
            let (compiled, cache) = (interpreter.clone(), cache.clone());
            let done = tokio::task::spawn_blocking(move || compiled.precompile(&cache)).await;
            done.map_err(|error| LanguageError::Internal(error.to_string()))??;
        }
        Ok(interpreter)
    }

    /// Every interpreter in the folder, and for each language the plain one whether it is there or not.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self, cache: &ArtifactCache) -> Result<Vec<Listed>, LanguageError> {
        let mut list = Vec::new();
        let names = self.installations.names()?;
        for language in Language::ALL {
            let plain = Recipe::new(language, Packages::none(), (self.sources)(language)).folder();
            if !names.contains(&plain) {
                list.push(Listed { language, id: plain.clone(), standing: Standing::Missing, runtime: None });
            }
            let mut own: Vec<&String> = names.iter().filter(|name| belongs(name, language)).collect();
            own.sort_by_key(|name| **name != plain);
            for name in own {
                list.push(self.look(language, name, cache)?);
            }
        }
        Ok(list)
    }

    /// Removes the interpreters of a language, or with `packages` the one that has exactly these, and what `cache` has
    /// compiled of them. Returns what was removed, by the names of the folders.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub async fn remove(
        &self,
        language: Language,
        packages: Option<&Packages>,
        cache: &ArtifactCache,
        progress: &dyn Progress,
    ) -> Result<Vec<String>, LanguageError> {
        let only = packages.map(|packages| self.recipe(language, packages)).transpose()?.map(|recipe| recipe.folder());
        let lock = self.lock(progress).await?;
        let mut removed = Vec::new();
        for name in self.installations.names()? {
            if !belongs(&name, language) || only.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            if let Some(digest) = self.read(&name).and_then(|runtime| runtime.digest()) {
                let unread = || Err(std::io::ErrorKind::NotFound.into());
                Interpreter::new(language, digest, unread).forget(cache)?;
            }
            self.installations.remove(&lock, &name)?;
            removed.push(name);
        }
        Ok(removed)
    }

    fn recipe(&self, language: Language, packages: &Packages) -> Result<Recipe, LanguageError> {
        if language != Language::Python && !packages.is_empty() {
            return Err(LanguageError::NoPackages(language));
        }
        Ok(Recipe::new(language, packages.clone(), (self.sources)(language)))
    }

    async fn lock(&self, progress: &dyn Progress) -> Result<Lock, LanguageError> {
        if let Some(lock) = self.installations.try_lock()? {
            return Ok(lock);
        }
        progress.event(Event::Began(Step::Wait));
        let installations = self.installations.clone();
        let waited = tokio::task::spawn_blocking(move || installations.lock()).await;
        waited.map_err(|error| LanguageError::Internal(error.to_string()))?
    }

    fn look(&self, language: Language, name: &str, cache: &ArtifactCache) -> Result<Listed, LanguageError> {
        let mut listed =
            Listed { language, id: name.to_owned(), standing: Standing::Outdated, runtime: self.read(name) };
        let Some(runtime) = &listed.runtime else {
            listed.standing = Standing::Damaged("runtime.json is not ours".to_owned());
            return Ok(listed);
        };
        let recipe = Packages::parse(&runtime.requested).map(|packages| self.recipe(language, &packages));
        if let Ok(Ok(recipe)) = recipe
            && recipe.folder() == name
        {
            listed.standing = match self.interpreter(language, &recipe.packages) {
                Err(error) => Standing::Damaged(error.to_string()),
                Ok(interpreter) if interpreter.is_precompiled(cache)? => Standing::Ready,
                Ok(_) => Standing::NotCompiled,
            };
        }
        Ok(listed)
    }

    /// Sealed, of this recipe, and with a component of the right size.
    fn runtime(&self, recipe: &Recipe) -> Result<Runtime, LanguageError> {
        let name = recipe.folder();
        let folder = self.installations.of(&name);
        if !folder.exists() {
            return Err(LanguageError::NotInstalled(recipe.language, recipe.packages.clone()));
        }
        let runtime = self.read(&name).ok_or_else(|| damaged(recipe, "runtime.json is not ours"))?;
        if runtime.recipe != recipe.digest() {
            return Err(damaged(recipe, "it is another interpreter"));
        }
        match std::fs::metadata(folder.join(COMPONENT)) {
            Ok(metadata) if metadata.is_file() && metadata.len() == runtime.bytes => Ok(runtime),
            Ok(_) => Err(damaged(recipe, "the component has another size")),
            Err(error) => Err(damaged(recipe, &format!("the component cannot be read: {error}"))),
        }
    }

    /// All of that, and the component's digest.
    fn verify(&self, recipe: &Recipe) -> Result<(), LanguageError> {
        let runtime = self.runtime(recipe)?;
        let path = self.installations.of(&recipe.folder()).join(COMPONENT);
        let read = installation::read(&path, MAX_COMPONENT);
        let component = read.map_err(|error| damaged(recipe, &format!("the component cannot be read: {error}")))?;
        if GuestDigest::of(&component).to_string() != runtime.component {
            return Err(damaged(recipe, "the component is another one"));
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Option<Runtime> {
        let text = installation::read(&self.installations.of(name).join(RUNTIME), runtime::MAX_BYTES).ok()?;
        self.seal.open(&text)
    }
}

impl std::fmt::Debug for Languages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Languages").field("installations", &self.installations).finish_non_exhaustive()
    }
}

/// Whether a folder of that name holds an interpreter of the language.
fn belongs(name: &str, language: Language) -> bool {
    name.strip_prefix(language.name()).is_some_and(|rest| rest.starts_with('-'))
}

fn damaged(recipe: &Recipe, what: &str) -> LanguageError {
    LanguageError::Damaged { language: recipe.language, packages: recipe.packages.clone(), what: what.to_owned() }
}

#[cfg(test)]
mod tests;
