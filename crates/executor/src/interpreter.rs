//! Interpreters: components that the host itself brings to run source text. Trusted to be compiled, and to nothing else:
//! at run time they are guests like all others.

use std::io;
use std::sync::Arc;

use crate::ArtifactCache;
use crate::artifact::seal::{About, Purpose, Seal};
use crate::artifact::{Artifact, Form, Prepared};
use crate::compile::CompileError;
use crate::engine::{Fingerprint, compiling_engine};
use crate::guest::GuestDigest;
use crate::load::LoadError;

/// A source language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// CPython.
    Python,
    /// QuickJS; TypeScript, too, whose types are stripped.
    JavaScript,
}

impl Language {
    /// Every language, in order.
    pub const ALL: [Language; 2] = [Language::Python, Language::JavaScript];

    /// The name in commands, files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::JavaScript => "javascript",
        }
    }

    /// The language of that name.
    pub fn named(name: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.name() == name)
    }

    /// The language that files with this extension are in.
    pub fn of_extension(extension: &str) -> Option<Language> {
        match extension {
            "py" => Some(Language::Python),
            "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" => Some(Language::JavaScript),
            _ => None,
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A component of the world `bailiwick:host/interpreter`. Cheap to clone.
///
/// It is compiled without the bounds that hold for guests, so it must come from somebody whom you let run native code.
#[derive(Clone)]
pub struct Interpreter {
    inner: Arc<Inner>,
}

struct Inner {
    language: Language,
    digest: GuestDigest,
    component: Box<dyn Fn() -> io::Result<Vec<u8>> + Send + Sync>,
}

impl Interpreter {
    /// An interpreter whose component has this digest. `component` reads it; it is only called when the cache has no
    /// compiled form, and what it gives must have the digest.
    pub fn new(
        language: Language,
        digest: GuestDigest,
        component: impl Fn() -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Interpreter {
        Interpreter { inner: Arc::new(Inner { language, digest, component: Box::new(component) }) }
    }

    /// The language of the source text that it takes.
    pub fn language(&self) -> Language {
        self.inner.language
    }

    /// SHA-256 of the component.
    pub fn digest(&self) -> GuestDigest {
        self.inner.digest
    }

    /// Compiles the component for this machine into `cache`, unless it is there. Blocks for 3 to 30 s.
    ///
    /// # Errors
    /// When the component cannot be read, is not what its digest says, or does not compile; when the cache cannot be
    /// written.
    pub fn precompile(&self, cache: &ArtifactCache) -> Result<(), LoadError> {
        let fingerprint = Fingerprint::of(&compiling_engine().map_err(CompileError::from)?);
        if cache.get(self.digest(), fingerprint).is_some() {
            return Ok(());
        }
        let artifact = self.compile(fingerprint)?;
        cache.put(self.digest(), fingerprint, &artifact).map_err(LoadError::Cache)
    }

    /// Whether `cache` has an entry for it. Whether that is authentic is found out when it is loaded.
    ///
    /// # Errors
    /// When the engine does not start.
    pub fn is_precompiled(&self, cache: &ArtifactCache) -> Result<bool, LoadError> {
        Ok(cache.has(self.digest(), Fingerprint::of(&compiling_engine().map_err(CompileError::from)?)))
    }

    /// Deletes its entry in `cache`.
    ///
    /// # Errors
    /// When the entry cannot be deleted.
    pub fn forget(&self, cache: &ArtifactCache) -> Result<(), LoadError> {
        let fingerprint = Fingerprint::of(&compiling_engine().map_err(CompileError::from)?);
        cache.remove(self.digest(), fingerprint).map_err(LoadError::Cache)
    }

    /// Machine code of the component, once its digest was found right. Blocks for 3 to 30 s.
    pub(crate) fn compile(&self, fingerprint: Fingerprint) -> Result<Artifact, LoadError> {
        let component = (self.inner.component)().map_err(LoadError::Interpreter)?;
        if GuestDigest::of(&component) != self.digest() {
            let message = format!("the {} interpreter is not the one that was installed", self.language());
            return Err(LoadError::Interpreter(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        let engine = compiling_engine().map_err(CompileError::from)?;
        let code =
            engine.precompile_component(&component).map_err(|error| LoadError::Artifact(format!("{error:#}")))?;
        let payload = Prepared { form: Form::Component, code }.into_payload();
        // Sealed for the moment between these lines, so that there is one way into the engine.
        let mut key = [0; 32];
        crate::random::fill(&mut key).map_err(|_| CompileError::Random)?;
        let seal = Seal::new(&key);
        let about = About { purpose: Purpose::ChildReply, nonce: [0; 16], guest: self.digest(), fingerprint };
        let tag = seal.tag(&about, &payload);
        let authentic = seal.open(&about, &tag, payload).map_err(|_| CompileError::NotAuthentic)?;
        Ok(Artifact::read(authentic).ok_or(CompileError::NotAuthentic)?)
    }
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter")
            .field("language", &self.language())
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}
