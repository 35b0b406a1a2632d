//! What guests can import, put together: the linkers for both forms of guest, and the catalogue that names their content.

use std::sync::{Arc, LazyLock};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{self, ResourceType};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

use crate::artifact::{Code, Loaded};
use crate::component::{BadCall, CATALOGUE};
use crate::load::{Catalogue, Interface, Refusal, covers};
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

/// The same for the interpreters of source languages, which may also name what they were built with and cannot use.
pub(crate) fn interpreter_catalogue() -> Catalogue {
    static INTERFACES: LazyLock<Vec<Interface>> = LazyLock::new(|| {
        let absent = ABSENT.iter().map(|name| Interface::linked(name));
        CATALOGUE.iter().copied().chain(absent).collect()
    });
    Catalogue { core: &[], interfaces: &INTERFACES, entry_points: &[INTERPRETER_ENTRY] }
}

/// What the C library of an interpreter imports and no guest gets. A call of one of these functions is a trap: there is
/// nothing behind them.
const ABSENT: &[&str] = &[
    "wasi:sockets/instance-network@0.2",
    "wasi:sockets/ip-name-lookup@0.2",
    "wasi:sockets/network@0.2",
    "wasi:sockets/tcp-create-socket@0.2",
    "wasi:sockets/tcp@0.2",
    "wasi:sockets/udp-create-socket@0.2",
    "wasi:sockets/udp@0.2",
];

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
                let pre = match &entry {
                    Entry::Interpreter(_) => with_absent(self.components.clone(), component)
                        .and_then(|linker| linker.instantiate_pre(component)),
                    Entry::Command(_) | Entry::World(_) => self.components.instantiate_pre(component),
                };
                Runnable::Component(pre.map_err(Refusal::unlinkable)?, entry)
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

/// Gives the names in [`ABSENT`] that a component imports something to link with.
fn with_absent(
    mut linker: component::Linker<RunState>,
    component: &component::Component,
) -> wasmtime::Result<component::Linker<RunState>> {
    let engine = component.engine();
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        if !ABSENT.iter().any(|absent| covers(absent, name)) {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (member, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    instance.func_new(member, |_, _, _, _| Err(wasmtime::Error::new(BadCall("a socket"))))?;
                }
                ComponentItem::Resource(_) => instance.resource(member, resource(member), |_, _| Ok(()))?,
                _ => {}
            }
        }
    }
    Ok(linker)
}

/// What a resource in these interfaces is: what `wasi:io` has by that name, which they use, or their own.
fn resource(name: &str) -> ResourceType {
    match name {
        "pollable" => ResourceType::host::<DynPollable>(),
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        _ => ResourceType::host::<Absent>(),
    }
}

/// What a handle stands for that nobody can get.
struct Absent;
