//! The catalogue: everything that a guest may import, and what it must export. A guest that asks for more never starts.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;
use wasmtime::{ExternType, Module};

use super::Refusal;
use super::refusal::Excerpt;

/// What guests may import and must export. What is not listed here does not exist for them.
///
/// - `core`: functions of the core ABI, as (module, name) pairs, for bare modules.
/// - `interfaces`: interfaces for components.
/// - `entry_points`: a component exports at least one of these; a bare module exports `memory` and `run`.
///
/// Interfaces and entry points are written with a version, `wasi:cli/environment@0.2` or `bailiwick:host/files@0.1.0`; it
/// covers every version that begins with the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    pub core: &'static [(&'static str, &'static str)],
    pub interfaces: &'static [Interface],
    pub entry_points: &'static [&'static str],
}

/// One importable interface.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    pub name: &'static str,
    pub functions: Functions,
}

/// Which functions of an interface exist.
#[derive(Clone, Copy, Debug)]
pub enum Functions {
    /// Every one that the linker has; its type check refuses the rest.
    Linked,
    /// Exactly these, under their canonical names (`get-stdin`, `[method]descriptor.read`).
    Only(&'static [&'static str]),
}

impl Interface {
    pub const fn linked(name: &'static str) -> Interface {
        Interface { name, functions: Functions::Linked }
    }

    pub const fn only(name: &'static str, functions: &'static [&'static str]) -> Interface {
        Interface { name, functions: Functions::Only(functions) }
    }
}

impl Catalogue {
    /// Refuses a component that imports anything else, or exports none of the entry points.
    pub(crate) fn admit_component(&self, component: &Component) -> Result<(), Refusal> {
        let engine = component.engine();
        let ty = component.component_type();
        for (name, item) in ty.imports(engine) {
            match item.ty {
                ComponentItem::ComponentInstance(instance) => {
                    let Some(interface) = self.interfaces.iter().find(|known| covers(known.name, name)) else {
                        return Err(unknown(name, self.interfaces.iter().map(|known| known.name.to_owned())));
                    };
                    let Functions::Only(functions) = interface.functions else { continue };
                    for (function, item) in instance.exports(engine) {
                        let is_function = matches!(item.ty, ComponentItem::ComponentFunc(_));
                        if is_function && !functions.contains(&function) {
                            let known = functions.iter().map(|known| format!("{name}#{known}"));
                            return Err(unknown(&format!("{name}#{function}"), known));
                        }
                    }
                }
                ComponentItem::Type(_) => {} // a name for a type, nothing that could be called
                _ => return Err(unknown(name, self.interfaces.iter().map(|known| known.name.to_owned()))),
            }
        }
        let callable = |name: &str| self.entry_points.iter().any(|known| covers(known, name));
        if ty.exports(engine).any(|(name, _)| callable(name)) {
            return Ok(());
        }
        Err(Refusal::NoEntryPoint { expected: Excerpt::new(&one_of(self.entry_points)) })
    }

    /// Refuses a bare module that imports anything but the core ABI.
    pub(crate) fn admit_module(&self, module: &Module) -> Result<(), Refusal> {
        for import in module.imports() {
            let is_known = self.core.contains(&(import.module(), import.name()));
            if !is_known || !matches!(import.ty(), ExternType::Func(_)) {
                let known = self.core.iter().map(|(module, name)| format!("{module}::{name}"));
                return Err(unknown(&format!("{}::{}", import.module(), import.name()), known));
            }
        }
        Ok(())
    }
}

/// Does the catalogue's `known` cover `name`? Equal up to the version, and the version equal in all numbers that `known`
/// gives, or equal as a whole, as drafts are: `a:b/c@0.2` covers `a:b/c@0.2.3`, not `a:b/c@0.20.0` and not `a:b/c@0.2.0-rc`.
pub(crate) fn covers(known: &str, name: &str) -> bool {
    if known == name {
        return true;
    }
    let (Some((known, known_version)), Some((name, version))) = (known.split_once('@'), name.split_once('@')) else {
        return false;
    };
    let is_release = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let rest = version.strip_prefix(known_version);
    known == name && is_release && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The refusal of an import, with the permitted name that looks most like it, if any does.
pub(crate) fn unknown(import: &str, known: impl Iterator<Item = String>) -> Refusal {
    /// Names beyond this are not compared: the comparison takes time in proportion to the product of both lengths.
    const COMPARED_CHARS: usize = 200;
    const ALIKE: f64 = 0.6;
    let compared: String = import.chars().take(COMPARED_CHARS).collect();
    let nearest_known = known
        .map(|name| (strsim::jaro_winkler(&compared, &name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| Excerpt::new(&name));
    Refusal::UnknownImport { import: Excerpt::new(import), nearest_known }
}

fn one_of(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_covered_by_whole_numbers() {
        assert!(covers("wasi:cli/run@0.2", "wasi:cli/run@0.2.3"));
        assert!(covers("wasi:cli/run@0.2", "wasi:cli/run@0.2"));
        assert!(covers("bailiwick:host/files@0.1.0", "bailiwick:host/files@0.1.0"));
        assert!(covers("run", "run"));
        assert!(covers("wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/store@0.2.0-draft2"));
        for (known, name) in [
            ("wasi:cli/run@0.2", "wasi:cli/run@0.20.0"),
            ("wasi:cli/run@0.2", "wasi:cli/run@0.3.0"),
            ("wasi:cli/run@0.2", "wasi:cli/run@0.2.0-rc-2023-11-10"),
            ("wasi:cli/run@0.2", "wasi:cli/run"),
            ("wasi:cli/run@0.2", "wasi:cli/runs@0.2.0"),
            ("bailiwick:host/files@0.1.0", "bailiwick:host/files@0.1.01"),
            ("wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/store@0.2.0-draft"),
            ("wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/store@0.2.0-draft2.1"),
            ("run", "run@0.2.0"),
        ] {
            assert!(!covers(known, name), "{known} covers {name}");
        }
    }

    #[test]
    fn a_far_name_gets_no_suggestion() {
        let refusal = unknown("env::abort", ["bailiwick::call".to_owned()].into_iter());
        assert!(matches!(refusal, Refusal::UnknownImport { nearest_known: None, .. }), "{refusal:?}");
    }
}
