//! A component of the world `bailiwick:host/guest`, through the canonical ABI.

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::*;

/// Reads a file and gives its content as the result; fails with the code when it cannot.
fn reader(path: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
        (import "bailiwick:host/files@0.1.0" "read" (func $read (param i32 i32 i64 i64 i32)))
        (import "bailiwick:host/session@0.1.0" "set-result" (func $set_result (param i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 1024) "{path}")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
        (func $fail (param $code i32) (param $len i32) (result i32)
            (i32.store8 (i32.const 256) (i32.const 1))
            (i32.store offset=4 (i32.const 256) (local.get $code))
            (i32.store offset=8 (i32.const 256) (local.get $len))
            (i32.const 256))
        (func (export "run") (result i32)
            (call $read (i32.const 1024) (i32.const {len}) (i64.const 0) (i64.const 1000) (i32.const 128))
            (if (i32.load8_u (i32.const 128)) (then
                (return (call $fail (i32.load offset=8 (i32.const 128)) (i32.load offset=12 (i32.const 128))))))
            (call $set_result (i32.load offset=4 (i32.const 128)) (i32.load offset=8 (i32.const 128)) (i32.const 192))
            (if (i32.load8_u (i32.const 192)) (then
                (return (call $fail (i32.load offset=8 (i32.const 192)) (i32.load offset=12 (i32.const 192))))))
            (i32.const 256)))"#,
        len = path.len(),
    );
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path("wit").expect("our own WIT is valid");
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).and_then(|mut encoder| encoder.encode()).unwrap()
}

async fn outcome(content: Option<&str>, path: &str) -> (Option<Value>, Option<String>) {
    let world = World::new(Value::Null, &[]);
    if let Some(content) = content {
        std::fs::write(world.mount().join("a"), content).unwrap();
    }
    let component = reader(path);
    let message = match world.run(&component).await.expect("no trap") {
        Ok(()) => None,
        Err(Failure::Message(message)) => Some(message),
        Err(Failure::Exit(code)) => panic!("exit {code}"),
    };
    (world.io.output.take().result, message)
}

#[tokio::test]
async fn a_guest_of_our_world_reads_and_returns() {
    assert_eq!(outcome(Some(r#"{"total": 12}"#), "/m/a").await, (Some(json!({"total": 12})), None));
}

#[tokio::test]
async fn errors_reach_it_as_codes() {
    let failed = |code: &str| (None, Some(code.to_owned()));
    assert_eq!(outcome(None, "/etc/passwd").await, failed("deny.manifest.no_rule"));
    assert_eq!(outcome(None, "/m/../m/a").await, failed("deny.request.ambiguous"));
    assert_eq!(outcome(None, "/m/a").await, failed("failed.not_found"));
    assert_eq!(outcome(Some("no json"), "/m/a").await, failed("failed.not_json"));
}
