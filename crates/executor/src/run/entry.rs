//! A guest that is ready to be instantiated, and how its entry point is called.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{self, ComponentExportIndex, Type};
use wasmtime::{Instance, Module, Store, bail};
use wasmtime_wasi::I32Exit;

use super::{Failure, RunState};
use crate::core_abi;
use crate::load::Excerpt;

/// A guest with its imports resolved: what is left is to give it a store.
#[derive(Clone)]
pub(crate) enum Runnable {
    Component(component::InstancePre<RunState>, Entry),
    Module(wasmtime::InstancePre<RunState>),
}

/// Which export starts a component.
#[derive(Clone)]
pub(crate) enum Entry {
    /// `run` of `wasi:cli/run`.
    Command(ComponentExportIndex),
    /// `run: func() -> result<_, string>` of the world `bailiwick:host/guest`.
    World(ComponentExportIndex),
    /// `execute: func(source: string, name: string) -> result<_, string>` of the world `bailiwick:host/interpreter`.
    Interpreter(ComponentExportIndex),
}

/// Source text, and what tracebacks call it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) name: &'a str,
}

/// An interpreter, ready for source text. What it keeps between two calls is the session's.
pub(crate) struct Interpreting {
    execute: component::TypedFunc<(String, String), (Result<(), String>,)>,
}

/// How a guest's entry point came back, if it came back.
pub(crate) type Returned = Result<(), Failure>;

/// Exports that start a component, for the error of one that has neither.
pub(crate) const COMPONENT_ENTRY: &str = "`wasi:cli/run@0.2`, or `run: func() -> result<_, string>`";
/// The export of an interpreter.
pub(crate) const INTERPRETER_ENTRY: &str = "execute";
/// The same as [`COMPONENT_ENTRY`], for a bare module.
pub(crate) const MODULE_ENTRY: &str = "`run` with no parameters and at most an `i32` result, and `memory`";

impl Entry {
    /// The entry point of `component`, by what it exports.
    pub(crate) fn find(component: &component::Component) -> Option<Entry> {
        let engine = component.engine();
        let names: Vec<String> = component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect();
        let command = names.iter().find(|name| name.starts_with("wasi:cli/run@0.2."));
        if let Some(interface) = command {
            let interface = component.get_export_index(None, interface)?;
            let (item, run) = component.get_export(Some(&interface), "run")?;
            return returns(&item, false).then_some(Entry::Command(run));
        }
        if let Some((item, run)) = component.get_export(None, "run") {
            return returns(&item, true).then_some(Entry::World(run));
        }
        let (_, execute) = component.get_export(None, INTERPRETER_ENTRY)?;
        Some(Entry::Interpreter(execute))
    }
}

/// Whether `item` is a function without parameters that gives a `result`, whose error is a `string` or nothing.
fn returns(item: &ComponentItem, message: bool) -> bool {
    let ComponentItem::ComponentFunc(function) = item else { return false };
    let mut results = function.results();
    let (Some(Type::Result(result)), None) = (results.next(), results.next()) else { return false };
    let error = if message { matches!(result.err(), Some(Type::String)) } else { result.err().is_none() };
    function.params().len() == 0 && result.ok().is_none() && error
}

impl Runnable {
    /// Instantiates the guest, which runs its start function, and calls its entry point. An interpreter gets `source`.
    ///
    /// # Errors
    /// The trap, or the exit by `proc_exit` or `wasi:cli/exit`, as wasmtime gives it.
    pub(crate) async fn start(
        &self,
        store: &mut Store<RunState>,
        source: Option<Source<'_>>,
    ) -> wasmtime::Result<Returned> {
        match self {
            Runnable::Component(pre, entry) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                match source {
                    Some(source) => entry.interpreting(store, &instance)?.execute(store, source).await,
                    None => entry.call(store, &instance).await,
                }
            }
            Runnable::Module(pre) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                call_module(store, &instance).await
            }
        }
    }
}

impl Runnable {
    /// Instantiates an interpreter, to give it source text afterwards.
    ///
    /// # Errors
    /// As [`Runnable::start`].
    pub(crate) async fn open(&self, store: &mut Store<RunState>) -> wasmtime::Result<Interpreting> {
        let Runnable::Component(pre, entry) = self else { bail!("a bare module is no interpreter") };
        let instance = pre.instantiate_async(&mut *store).await?;
        entry.interpreting(store, &instance)
    }
}

impl Interpreting {
    /// Runs source text.
    ///
    /// # Errors
    /// As [`Runnable::start`]; the instance is of no use then.
    pub(crate) async fn execute(&self, store: &mut Store<RunState>, source: Source<'_>) -> wasmtime::Result<Returned> {
        let arguments = (source.text.to_owned(), source.name.to_owned());
        let (result,) = self.execute.call_async(store, arguments).await?;
        Ok(result.map_err(|message| message_of(&message)))
    }
}

impl Entry {
    fn interpreting(
        &self,
        store: &mut Store<RunState>,
        instance: &component::Instance,
    ) -> wasmtime::Result<Interpreting> {
        let Entry::Interpreter(execute) = self else { bail!("it has no export `{INTERPRETER_ENTRY}`") };
        Ok(Interpreting { execute: instance.get_typed_func(store, execute)? })
    }

    async fn call(&self, store: &mut Store<RunState>, instance: &component::Instance) -> wasmtime::Result<Returned> {
        match self {
            Entry::Command(run) => {
                let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, run)?;
                let (result,) = run.call_async(&mut *store, ()).await?;
                Ok(result.map_err(|()| Failure::Exit(1)))
            }
            Entry::World(run) => {
                let run = instance.get_typed_func::<(), (Result<(), String>,)>(&mut *store, run)?;
                let (result,) = run.call_async(&mut *store, ()).await?;
                Ok(result.map_err(|message| message_of(&message)))
            }
            Entry::Interpreter(_) => bail!("an interpreter without source text"),
        }
    }
}

fn message_of(message: &str) -> Failure {
    Failure::Message(Excerpt::new(message).to_string())
}

async fn call_module(store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<Returned> {
    let Some(run) = instance.get_func(&mut *store, core_abi::ENTRY) else { bail!("no export `{}`", core_abi::ENTRY) };
    if let Ok(run) = run.typed::<(), i32>(&*store) {
        let code = run.call_async(&mut *store, ()).await?;
        return Ok(if code == 0 { Ok(()) } else { Err(Failure::Exit(code)) });
    }
    run.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await?;
    Ok(Ok(()))
}

/// Whether `module` exports what the core ABI asks for.
pub(crate) fn module_has_entry(module: &Module) -> bool {
    let run = module.get_export(core_abi::ENTRY).and_then(|export| {
        let function = export.func()?.clone();
        let results = function.results().len();
        let fits = function.params().len() == 0
            && (results == 0 || results == 1 && function.result(0).is_some_and(|result| result.is_i32()));
        fits.then_some(())
    });
    run.is_some() && module.get_export("memory").is_some_and(|export| export.memory().is_some())
}

/// The exit code that a guest gave through WASI, 0 included.
pub(crate) fn exit_code(error: &wasmtime::Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}
