//! What a core module is, and how one that speaks WASI preview 1 becomes a component: one guarded surface for all.

use std::collections::BTreeSet;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::ComponentEncoder;

use super::Refusal;
use super::bounds::WORLD_SECTION;
use super::catalogue::unknown;
use super::refusal::Excerpt;

/// What a core module turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Speaks the core ABI, or nothing: runs as it is.
    Bare,
    /// A program with `_start`: lifted to `wasi:cli/command`.
    Command,
    /// Carries its world, as the bindings generators write it, and no `_start`: lifted to that world.
    World,
}

/// Tells what a valid core module is, from its imports, exports and custom sections.
///
/// # Errors
/// [`Refusal::NoEntryPoint`] when it exports neither `_start`, nor a world, nor `memory` and `run`;
/// [`Refusal::UnknownImport`] for an import that no adapter serves.
pub(crate) fn shape(module: &[u8]) -> Result<Shape, Refusal> {
    let mut surface = Surface::default();
    for payload in Parser::new(0).parse_all(module) {
        surface.see(payload.map_err(Refusal::invalid)?)?;
    }
    let exports = |name: &str, kind: ExternalKind| surface.exports.contains(&(name, kind as u8));
    let start = exports("_start", ExternalKind::Func);
    let speaks_wasi = surface.imports.iter().any(|(module, _)| module.starts_with("wasi_"));

    let shape = match (surface.has_world, start, speaks_wasi) {
        (_, true, _) => Shape::Command,
        (true, false, _) => Shape::World,
        (false, false, true) => {
            return Err(Refusal::NoEntryPoint {
                expected: Excerpt::new("`_start`: build a command, not a library (reactor)"),
            });
        }
        (false, false, false) if exports("memory", ExternalKind::Memory) && exports("run", ExternalKind::Func) => {
            return Ok(Shape::Bare);
        }
        (false, false, false) => {
            return Err(Refusal::NoEntryPoint { expected: Excerpt::new("`memory` and `run`, or `_start`") });
        }
    };
    surface.check_imports()?;
    Ok(shape)
}

/// Makes a component of a core module.
///
/// # Errors
/// [`Refusal::Unliftable`] when its imports and exports do not fit the world that it claims.
pub(crate) fn lift(module: &[u8], shape: Shape) -> Result<Vec<u8>, Refusal> {
    let adapter = if shape == Shape::Command { COMMAND } else { REACTOR };
    ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.adapter(PREVIEW1, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| Refusal::Unliftable { why: Excerpt::new(&format!("{error:#}")) })
}

#[derive(Default)]
struct Surface<'a> {
    imports: Vec<(&'a str, &'a str)>,
    exports: BTreeSet<(&'a str, u8)>,
    has_world: bool,
}

impl<'a> Surface<'a> {
    fn see(&mut self, payload: Payload<'a>) -> Result<(), Refusal> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(Refusal::invalid)?;
                    self.imports.push((import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(Refusal::invalid)?;
                    self.exports.insert((export.name, export.kind as u8));
                }
            }
            Payload::CustomSection(section) => self.has_world |= section.name().starts_with(WORLD_SECTION),
            _ => {}
        }
        Ok(())
    }

    /// Refuses by name what the encoder would refuse in its own words. Interfaces of the guest's world are left to the
    /// encoder, and then to the catalogue.
    fn check_imports(&self) -> Result<(), Refusal> {
        let of_a_world = |module: &str| self.has_world && (module.contains([':', '[']) || module == "$root");
        let served = preview1_functions()?;
        for (module, name) in &self.imports {
            if of_a_world(module) || *module == PREVIEW1 && served.contains(name) {
                continue;
            }
            let known = served.iter().map(|known| format!("{PREVIEW1}::{known}"));
            return Err(unknown(&format!("{module}::{name}"), known));
        }
        Ok(())
    }
}

/// The preview 1 functions that the adapter has.
fn preview1_functions() -> Result<BTreeSet<&'static str>, Refusal> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(REACTOR) {
        if let Payload::ExportSection(section) = payload.map_err(Refusal::compiler)? {
            for export in section {
                names.insert(export.map_err(Refusal::compiler)?.name);
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Shape, Refusal> {
        shape(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn shapes() {
        let bare = r#"(module (import "bailiwick" "call" (func (param i32 i32 i32 i32) (result i64)))
            (memory (export "memory") 1) (func (export "run")))"#;
        assert_eq!(of(bare), Ok(Shape::Bare));
        let command = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (func (export "_start")))"#;
        assert_eq!(of(command), Ok(Shape::Command));
        assert_eq!(of(r#"(module (func (export "_start")))"#), Ok(Shape::Command));
    }

    #[test]
    fn no_entry_point() {
        for text in [
            "(module)",
            r#"(module (func (export "run")))"#,
            r#"(module (memory (export "memory") 1) (global (export "run") i32 (i32.const 0)))"#,
            r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (func (export "_initialize")))"#,
        ] {
            assert!(matches!(of(text), Err(Refusal::NoEntryPoint { .. })), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn an_unknown_preview_1_import_names_the_nearest() {
        let text = r#"(module (import "wasi_snapshot_preview1" "fd_writ" (func)) (func (export "_start")))"#;
        let Err(Refusal::UnknownImport { nearest_known: Some(nearest), .. }) = of(text) else {
            panic!("{:?}", of(text))
        };
        assert_eq!(nearest.as_str(), "wasi_snapshot_preview1::fd_write");
        let text = r#"(module (import "env" "system" (func)) (func (export "_start")))"#;
        assert!(matches!(of(text), Err(Refusal::UnknownImport { .. })));
    }

    #[test]
    fn lifting_gives_a_command() {
        let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 0))))"#;
        let component = lift(&wat::parse_str(text).unwrap(), Shape::Command).unwrap();
        assert!(component.starts_with(b"\0asm\x0d\0\x01\0"));
    }

    #[test]
    fn a_module_that_does_not_fit_is_unliftable() {
        // The adapter needs a memory, and this program has none.
        let text =
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))) (func (export "_start")))"#;
        let refusal = lift(&wat::parse_str(text).unwrap(), Shape::Command).unwrap_err();
        assert!(matches!(refusal, Refusal::Unliftable { .. }), "{refusal:?}");
    }
}
