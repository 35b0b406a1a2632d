//! What a guest is given, and what it prints.

use bailiwick_guard::{Budget, StopCause};
use serde_json::{Value, json};

use super::program::*;
use super::*;

#[tokio::test]
async fn stdin_is_the_input_as_json() {
    for (input, text) in [(json!({"n": [1, null]}), r#"{"n":[1,null]}"#), (Value::Null, "")] {
        let world = World::new(input, &[]);
        let mut program = Program::default();
        program.transfer("fd_read", "(i32.const 0)", &format!("(i32.const {BUFFER}) (i32.const 100)"));
        program.print_buffer(&format!("(i32.load (i32.const {RESULT}))"));
        let output = world.errnos(&program).await;
        assert_eq!(output.split_first(), Some((&OK, text.as_bytes())));
    }
}

#[tokio::test]
async fn output_over_the_budget_ends_the_run() {
    let world = World::new(Value::Null, &[]);
    let mut program = Program::default();
    for descriptor in [1, 2, 1] {
        let descriptor = format!("(i32.const {descriptor})");
        program.transfer("fd_write", &descriptor, &format!("(i32.const {BUFFER}) (i32.const 500)"));
    }
    let trap = world.run(&program.component()).await.unwrap_err();
    assert_eq!(trap.downcast_ref(), Some(&StopCause::Budget(Budget::Output)), "{trap:?}");
    let kept = world.io.output.take();
    assert_eq!(kept.stdout.len() + kept.stderr.len(), 1024, "what fits is kept, the rest is cut");
    assert_eq!(kept.stderr.len(), 500);
}

#[tokio::test]
async fn randomness_is_bounded() {
    let world = World::new(Value::Null, &[]);
    let mut program = Program::default();
    program.call("random_get", "(i32.const 4096) (i32.const 64)");
    assert_eq!(world.errnos(&program).await, [OK]);
    program.call("random_get", "(i32.const 4096) (i32.const 65537)");
    assert!(world.run(&program.component()).await.unwrap_err().is::<BadCall>());
}

#[tokio::test]
async fn revocation_ends_the_run_at_the_next_call() {
    let world = World::new(Value::Null, &[]);
    world.door.guard().meter().life().revoker().revoke();
    let mut program = Program::default();
    program.open(ROOT, "m/a", 0, READ);
    let trap = world.run(&program.component()).await.unwrap_err();
    assert_eq!(trap.downcast_ref(), Some(&StopCause::Revoked), "{trap:?}");
    assert!(world.calls().is_empty());
}
