//! From untrusted bytes to a guest in the engine: recent guests from memory, known ones from the cache, and all others
//! through the compile child. What comes out has passed the catalogue.

mod body;
mod bounds;
mod catalogue;
mod lift;
mod measure;
mod prepare;
mod recent;
mod refusal;

use std::sync::Arc;

use crate::artifact::{self, Artifact, Code, Loaded, cache::ArtifactCache};
use crate::compile::{CompileError, CompileOptions, Compiler, Failure};
use crate::engine::Engine;
use crate::guest::{Guest, GuestDigest};
use crate::interpreter::Interpreter;
use recent::Recent;

pub(crate) use catalogue::covers;
pub use catalogue::{Catalogue, Functions, Interface};
pub use measure::Measure;
#[cfg(feature = "fuzzing")]
pub(crate) use prepare::examine;
pub(crate) use prepare::prepare;
pub use refusal::{Excerpt, Refusal};

/// A guest was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It lies in the guest.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It lies in us.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It lies in us: the engine does not take what our own compiler made.
    #[error("a compiled guest does not load: {0}")]
    Artifact(String),
    /// It lies in us: the interpreter of a source language cannot be had.
    #[error("the interpreter cannot be read: {0}")]
    Interpreter(#[source] std::io::Error),
    /// It lies in us: what was compiled for the cache cannot be kept in it.
    #[error("the cache of compiled guests cannot be written: {0}")]
    Cache(#[source] std::io::Error),
}

/// Loads guests for one engine and one catalogue.
pub struct Loader {
    inner: Arc<Inner>,
    compiler: Compiler,
}

/// What blocking work needs.
struct Inner {
    engine: Engine,
    catalogue: Catalogue,
    cache: Option<ArtifactCache>,
    recent: Recent,
}

impl Loader {
    /// Loads into `engine`, compiling as `options` say. Without a `cache`, guests are compiled once a process.
    pub fn new(engine: Engine, catalogue: Catalogue, options: CompileOptions, cache: Option<ArtifactCache>) -> Loader {
        let compiler = Compiler::new(options, engine.fingerprint());
        Loader { compiler, inner: Arc::new(Inner { engine, catalogue, cache, recent: Recent::default() }) }
    }

    /// Loads a guest. Dropping the future stops the work.
    ///
    /// # Errors
    /// [`LoadError::Refused`] when the guest may not run, whatever its policy; the others are our own failures.
    pub async fn load(&self, guest: &Guest) -> Result<Arc<Loaded>, LoadError> {
        let digest = guest.digest();
        if let Some(loaded) = self.inner.recent.get(digest) {
            return Ok(loaded);
        }
        if let Some(loaded) = self.blocking(move |inner| inner.find_cached(digest)).await?? {
            return Ok(loaded);
        }
        let artifact = self.compiler.compile(guest).await.map_err(|failure| match failure {
            Failure::Refused(refusal) => LoadError::Refused(refusal),
            Failure::Compile(error) => LoadError::Compile(error),
        })?;
        self.blocking(move |inner| inner.accept(digest, &artifact)).await?
    }

    /// Loads an interpreter, which is compiled here and without bounds when it is not in the cache.
    ///
    /// # Errors
    /// When it cannot be read, compiled or loaded, or imports what no guest gets.
    pub(crate) async fn load_interpreter(&self, interpreter: &Interpreter) -> Result<Arc<Loaded>, LoadError> {
        let digest = interpreter.digest();
        if let Some(loaded) = self.inner.recent.get(digest) {
            return Ok(loaded);
        }
        let interpreter = interpreter.clone();
        self.blocking(move |inner| match inner.find_cached(digest)? {
            Some(loaded) => Ok(loaded),
            None => inner.accept(digest, &interpreter.compile(inner.engine.fingerprint())?),
        })
        .await?
    }

    /// Authenticating megabytes of code must not hold up other runs.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, LoadError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.map_err(|error| LoadError::Artifact(error.to_string()))
    }
}

impl Inner {
    fn find_cached(&self, guest: GuestDigest) -> Result<Option<Arc<Loaded>>, LoadError> {
        let Some(cache) = &self.cache else { return Ok(None) };
        let Some(artifact) = cache.get(guest, self.engine.fingerprint()) else { return Ok(None) };
        // An entry that does not load is compiled again, and overwritten.
        let Ok(loaded) = artifact::load_kept(self.engine.wasmtime(), &artifact) else { return Ok(None) };
        self.admit(guest, loaded).map(Some)
    }

    fn accept(&self, guest: GuestDigest, artifact: &Artifact) -> Result<Arc<Loaded>, LoadError> {
        let loaded = artifact::load(self.engine.wasmtime(), artifact)
            .map_err(|error| LoadError::Artifact(format!("{error:#}")))?;
        let loaded = self.admit(guest, loaded)?;
        if let Some(cache) = &self.cache {
            // A cache that cannot be written costs a compilation next time, and this run nothing.
            let _ = cache.put(guest, self.engine.fingerprint(), artifact);
        }
        Ok(loaded)
    }

    fn admit(&self, guest: GuestDigest, loaded: Loaded) -> Result<Arc<Loaded>, LoadError> {
        match loaded.code() {
            Code::Component(component) => self.catalogue.admit_component(component)?,
            Code::Module(module) => self.catalogue.admit_module(module)?,
        }
        let loaded = Arc::new(loaded);
        self.recent.put(guest, Arc::clone(&loaded));
        Ok(loaded)
    }
}
