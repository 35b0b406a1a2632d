//! The linker has exactly what the catalogue lists.

use super::program::Program;
use super::*;

/// Something of an interface that a component may import: a function or, in brackets, a resource.
type Item = &'static str;

/// Every interface of WASI 0.2 and some beyond, with something that it has.
const WASI: &[(&str, Item)] = &[
    ("cli/environment", "get-environment"),
    ("cli/exit", "exit"),
    ("cli/run", "run"),
    ("cli/stderr", "get-stderr"),
    ("cli/stdin", "get-stdin"),
    ("cli/stdout", "get-stdout"),
    ("cli/terminal-input", "[terminal-input]"),
    ("cli/terminal-output", "[terminal-output]"),
    ("cli/terminal-stderr", "get-terminal-stderr"),
    ("cli/terminal-stdin", "get-terminal-stdin"),
    ("cli/terminal-stdout", "get-terminal-stdout"),
    ("clocks/monotonic-clock", "now"),
    ("clocks/timezone", "utc-offset"),
    ("clocks/wall-clock", "now"),
    ("filesystem/preopens", "get-directories"),
    ("filesystem/types", "[descriptor]"),
    ("http/incoming-handler", "handle"),
    ("http/outgoing-handler", "handle"),
    ("http/types", "[fields]"),
    ("io/error", "[error]"),
    ("io/poll", "poll"),
    ("io/streams", "[input-stream]"),
    ("random/insecure", "get-insecure-random-u64"),
    ("random/insecure-seed", "insecure-seed"),
    ("random/random", "get-random-u64"),
    ("sockets/instance-network", "instance-network"),
    ("sockets/ip-name-lookup", "resolve-addresses"),
    ("sockets/network", "[network]"),
    ("sockets/tcp", "[tcp-socket]"),
    ("sockets/tcp-create-socket", "create-tcp-socket"),
    ("sockets/udp", "[udp-socket]"),
    ("sockets/udp-create-socket", "create-udp-socket"),
];

const OURS: &[(&str, Item)] = &[
    ("bailiwick:host/crypto@0.1.0", "hash"),
    ("bailiwick:host/fetch@0.1.0", "send"),
    ("bailiwick:host/files@0.1.0", "read"),
    ("bailiwick:host/session@0.1.0", "input"),
    ("bailiwick:host/script@0.1.0", "abilities"),
    ("bailiwick:host/script@0.1.0", "refusal"),
    ("bailiwick:host/kv@0.1.0", "get"),
    ("bailiwick:host/secrets@0.1.0", "placeholder"),
    ("bailiwick:host/sql@0.1.0", "query"),
    ("bailiwick:host/tools@0.1.0", "call"),
    ("bailiwick:host/extension@0.1.0", "call"),
    // A draft, which is another interface than the drafts around it.
    ("wasi:keyvalue/atomics@0.2.0-draft2", "increment"),
    ("wasi:keyvalue/batch@0.2.0-draft2", "get-many"),
    ("wasi:keyvalue/store@0.2.0-draft2", "open"),
];

/// Whether the linker has this of an interface, whatever its type.
fn has(linker: &Linker<RunState>, interface: &str, item: Item) -> bool {
    let (name, ty) = match item.strip_prefix('[').and_then(|item| item.strip_suffix(']')) {
        Some(resource) => (resource, "(type (sub resource))"),
        None => (item, "(func)"),
    };
    let text = format!(r#"(component (import "{interface}" (instance (export "{name}" {ty}))))"#);
    let component = Component::new(linker.engine(), wat::parse_str(text).unwrap()).unwrap();
    match linker.instantiate_pre(&component) {
        Ok(_) => true,
        Err(error) => !format!("{error:#}").contains("implementation is missing"),
    }
}

#[test]
fn wasi_is_linked_as_far_as_the_catalogue_goes() {
    let (_, linker) = linker();
    for (interface, item) in WASI {
        let listed = CATALOGUE.iter().any(|known| known.name == format!("wasi:{interface}@0.2"));
        for version in ["0.2.0", "0.2.12"] {
            assert_eq!(has(&linker, &format!("wasi:{interface}@{version}"), item), listed, "{interface}@{version}");
        }
        for version in ["0.1.0", "0.2.0-rc-2023-11-10", "0.3.0", "1.0.0"] {
            assert!(!has(&linker, &format!("wasi:{interface}@{version}"), item), "{interface}@{version}");
        }
    }
}

#[test]
fn the_catalogue_names_what_is_linked() {
    let (_, linker) = linker();
    for (interface, item) in OURS {
        assert!(has(&linker, interface, item), "{interface}");
    }
    let known = |name: &str| {
        let wasi = WASI.iter().any(|(interface, _)| format!("wasi:{interface}@0.2") == name);
        // `types` has nothing that could be called.
        wasi || OURS.iter().any(|(interface, _)| *interface == name) || name == "bailiwick:host/types@0.1.0"
    };
    for interface in CATALOGUE {
        assert!(known(interface.name), "{} is not tested", interface.name);
        assert!(matches!(interface.functions, crate::load::Functions::Linked));
    }
    for draft in ["0.2.0-draft", "0.2.0-draft3", "0.2.0", "0.2.1", "0.1.0"] {
        assert!(!has(&linker, &format!("wasi:keyvalue/store@{draft}"), "open"), "{draft}");
    }
    for other in
        ["bailiwick:host/mail@0.1.0", "bailiwick:host/files@0.2.0", "bailiwick:host/files", "bailiwick:files/files"]
    {
        assert!(!has(&linker, other, "read"), "{other}");
    }
}

#[test]
fn a_function_that_an_interface_does_not_have_is_refused() {
    let (engine, linker) = linker();
    for (function, is_linked) in [("get-random-u64", true), ("get-seed", false)] {
        let instance = format!(r#"(instance (export "{function}" (func (result u64))))"#);
        let text = format!(r#"(component (import "wasi:random/random@0.2.0" {instance}))"#);
        let component = Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        assert_eq!(linker.instantiate_pre(&component).is_ok(), is_linked, "{function}");
    }
}

#[test]
fn everything_that_the_adapter_imports_is_in_the_catalogue() {
    let (engine, _) = linker();
    let component = Component::new(&engine, Program::default().component()).unwrap();
    let catalogue = crate::linking::catalogue();
    assert_eq!(catalogue.admit_component(&component).map_err(|refusal| refusal.to_string()), Ok(()));
}
