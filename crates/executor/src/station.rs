//! Everything that runs guests of one sort: an engine with room for them, what loads them into it, what they may import.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::artifact::Loaded;
use crate::engine::{Engine, Room};
use crate::run::{RunError, Runnable, Stop};
use crate::{ArtifactCache, CompileOptions, Guest, Interpreter, Language, LoadError, Loader, linking};

/// An engine, its loader and its linkers.
pub(crate) struct Station {
    engine: Engine,
    loader: Loader,
    linkers: linking::Linkers,
}

impl Station {
    /// For guests in WebAssembly.
    pub(crate) fn for_wasm(
        runs: NonZeroU32,
        options: CompileOptions,
        cache: Option<ArtifactCache>,
    ) -> Result<Station, RunError> {
        Station::new(Engine::with_room(runs, Room::WASM)?, linking::catalogue(), options, cache)
    }

    /// For the interpreter of a language.
    pub(crate) fn for_language(
        language: Language,
        runs: NonZeroU32,
        options: CompileOptions,
        cache: Option<ArtifactCache>,
    ) -> Result<Station, RunError> {
        Station::new(Engine::with_room(runs, Room::of(language))?, linking::interpreter_catalogue(), options, cache)
    }

    fn new(
        engine: Engine,
        catalogue: crate::Catalogue,
        options: CompileOptions,
        cache: Option<ArtifactCache>,
    ) -> Result<Station, RunError> {
        let linkers = linking::Linkers::new(engine.wasmtime()).map_err(RunError::wasmtime)?;
        let loader = Loader::new(engine.clone(), catalogue, options, cache);
        Ok(Station { engine, loader, linkers })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The guest, linked. The inner error is the guest's fault, the outer one ours.
    pub(crate) async fn load(&self, guest: &Guest) -> Result<Result<Runnable, Stop>, RunError> {
        match self.loader.load(guest).await {
            Ok(loaded) => Ok(self.link(&loaded)),
            Err(LoadError::Refused(refusal)) => Ok(Err(Stop::Refused(refusal))),
            Err(error) => Err(RunError::Load(error)),
        }
    }

    /// The interpreter, linked. It is the host's own, so nothing about it is a guest's fault.
    pub(crate) async fn load_interpreter(&self, interpreter: &Interpreter) -> Result<Runnable, RunError> {
        let loaded = self.loader.load_interpreter(interpreter).await.map_err(RunError::Load)?;
        self.linkers.link(&loaded).map_err(|refusal| RunError::Load(LoadError::Refused(refusal)))
    }

    fn link(&self, loaded: &Arc<Loaded>) -> Result<Runnable, Stop> {
        self.linkers.link(loaded).map_err(Stop::Refused)
    }
}
