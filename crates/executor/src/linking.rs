//! What guests can import, put together: the linkers for both forms of guest, and the catalogue that names their content.

use std::sync::Arc;

use wasmtime::component;

use crate::artifact::{Code, Loaded};
use crate::component::CATALOGUE;
use crate::load::{Catalogue, Refusal};
use crate::run::{COMPONENT_ENTRY, Entry, INTERPRETER_ENTRY, MODULE_ENTRY, RunState, Runnable, module_has_entry};
use crate::{component as glue, core_abi};

/// The imports of every run. Each linker holds exactly what the catalogue lists.
pub(crate) struct Linkers {
    components: component::Linker<RunState>,
    modules: wasmtime::Linker<RunState>,
}

/// Everything that a guest may import, and what it must export.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue { core: core_abi::IMPORTS, interfaces: CATALOGUE, entry_points: &["wasi:cli/run@0.2", "run"] }
}

/// The same for the interpreters of source languages.
pub(crate) fn interpreter_catalogue() -> Catalogue {
    Catalogue { core: &[], interfaces: CATALOGUE, entry_points: &[INTERPRETER_ENTRY] }
}

impl Linkers {
    pub(crate) fn new(engine: &wasmtime::Engine) -> wasmtime::Result<Linkers> {
        let mut components = component::Linker::new(engine);
        glue::add_to_linker(&mut components)?;
        let mut modules = wasmtime::Linker::new(engine);
        core_abi::add_to_linker(&mut modules)?;
        Ok(Linkers { components, modules })
    }

    /// Resolves a guest's imports and finds its entry point, once for all runs of it.
    pub(crate) fn link(&self, loaded: &Arc<Loaded>) -> Result<Runnable, Refusal> {
        if let Some(runnable) = loaded.runnable.get() {
            return Ok(runnable.clone());
        }
        let runnable = match loaded.code() {
            Code::Component(component) => {
                let entry = Entry::find(component).ok_or_else(|| Refusal::no_entry_point(COMPONENT_ENTRY))?;
                let pre = self.components.instantiate_pre(component).map_err(Refusal::unlinkable)?;
                Runnable::Component(pre, entry)
            }
            Code::Module(module) => {
                if !module_has_entry(module) {
                    return Err(Refusal::no_entry_point(MODULE_ENTRY));
                }
                Runnable::Module(self.modules.instantiate_pre(module).map_err(Refusal::unlinkable)?)
            }
        };
        Ok(loaded.runnable.get_or_init(|| runnable).clone())
    }
}
