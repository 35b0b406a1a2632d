use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bailiwick_policy::{Authority, Grant, Manifest, Principal};

use super::*;
use crate::{Failure, Guest, GuestDigest, Interpreter, MAX_SOURCE_BYTES};

/// An interpreter of one-letter scripts: `o` returns; every other one fails with its own text, `M` after it was refused
/// memory, and `c` after it looked at the clock.
const LETTERS: &str = r#"(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core module $m
    (import "clock" "now" (func $now (result i64)))
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
      (local.get $at))
    (func (export "execute") (param $text i32) (param $length i32) (param i32 i32) (result i32) (local $letter i32)
      (local.set $letter (i32.load8_u (local.get $text)))
      (if (i32.eq (local.get $letter) (i32.const 99)) (then (drop (call $now))))
      (if (i32.eq (local.get $letter) (i32.const 77)) (then (drop (memory.grow (i32.const 60000)))))
      (i32.store8 (i32.const 0) (i32.ne (local.get $letter) (i32.const 111)))
      (i32.store (i32.const 4) (local.get $text))
      (i32.store (i32.const 8) (local.get $length))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "clock" (instance (export "now" (func $now))))))
  (func (export "execute") (param "source" string) (param "name" string) (result (result (error string)))
    (canon lift (core func $i "execute") (memory $i "memory") (realloc (func $i "realloc")))))"#;

fn builder() -> ExecutorBuilder {
    Executor::builder(AuditLog::in_memory().unwrap().0).runs(NonZeroU32::MIN)
}

/// `read`: called when the component is read, which is before it is compiled.
fn job(source: &str, timeout: &str, read: impl Fn() + Send + Sync + 'static) -> Job {
    let text = format!("schema = 1\nid = \"m\"\nagents = [\"bot\"]\n[limits]\ntimeout = \"{timeout}\"\n");
    let manifest = Arc::new(Manifest::parse(&text, "m.toml").unwrap());
    let authority = Authority {
        principal: Principal { issuer: "i".into(), subject: "bot".into(), agent: "bot".into() },
        token: manifest.scopes(),
        details: Vec::new(),
        registry: manifest.scopes(),
        task: None,
    };
    let component = wat::parse_str(LETTERS).unwrap();
    let digest = GuestDigest::of(&component);
    let interpreter = Interpreter::new(Language::Python, digest, move || {
        read();
        Ok(component.clone())
    });
    let guest = Guest::from_source(interpreter, source.as_bytes().to_vec(), "script").unwrap();
    Job::new(guest, Grant::new(manifest, None, authority), ".")
}

fn failed(message: &str) -> Stop {
    Stop::Failed(Failure::Message(message.to_owned()))
}

#[tokio::test]
async fn compiling_an_interpreter_takes_none_of_the_runs_time() {
    let executor = builder().build().unwrap();
    // A machine on which it takes longer than the run has.
    let slow = job("o", "2s", || thread::sleep(Duration::from_millis(2100)));
    assert_eq!(executor.run(slow).await.unwrap().stop, Stop::Finished);

    let executor = builder().build().unwrap();
    let slow = job("o", "2s", || thread::sleep(Duration::from_millis(2100)));
    let mut session = executor.session(slow).await.unwrap();
    assert_eq!(session.execute("o").await.unwrap().stop, Stop::Finished);
}

#[tokio::test]
async fn a_run_that_is_cancelled_does_not_wait_for_its_interpreter() {
    let executor = builder().build().unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let (read, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let fired = cancel.clone();
    let endless = job("o", "60s", move || {
        fired.cancel();
        // Until the test is over.
        let _ = blocked.lock().unwrap().recv();
    });
    let report = executor.run(endless.cancelled_by(cancel)).await.unwrap();
    assert_eq!(report.stop, Stop::Cancelled);
    drop(read);
}

#[tokio::test]
async fn refused_memory_is_forgotten_when_a_script_has_outlived_it() {
    let executor = builder().build().unwrap();
    let report = executor.run(job("M: ordinary", "60s", || ())).await.unwrap();
    assert_eq!(report.stop, failed("M: ordinary"));
    let report = executor.run(job("MemoryError", "60s", || ())).await.unwrap();
    assert_eq!(report.stop, Stop::OutOfMemory);

    let mut session = executor.session(job("", "60s", || ())).await.unwrap();
    assert_eq!(session.execute("M: ordinary").await.unwrap().stop, failed("M: ordinary"));
    assert_eq!(session.execute("ValueError: ordinary").await.unwrap().stop, failed("ValueError: ordinary"));
    for _ in 0..200 {
        assert_eq!(session.execute("M").await.unwrap().stop, failed("M"), "each piece may try anew");
    }
    assert!(session.over().is_none());
    assert_eq!(session.execute("MemoryError").await.unwrap().stop, Stop::OutOfMemory);
    assert_eq!(session.over(), Some(&Stop::OutOfMemory));
}

#[tokio::test]
async fn a_piece_is_held_to_what_holds_for_a_script() {
    let executor = builder().build().unwrap();
    let mut session = executor.session(job("", "60s", || ())).await.unwrap();
    for bad in ["x".repeat(MAX_SOURCE_BYTES + 1), "a\0".to_owned()] {
        let stop = session.execute(&bad).await.unwrap().stop;
        assert!(matches!(stop, Stop::Refused(_)), "{stop:?}");
    }
    assert_eq!(session.execute("o").await.unwrap().stop, Stop::Finished);
    assert_eq!(session.end().await.unwrap().stop, Stop::Finished);
}

/// Breaks when somebody looks at the clock while it is armed.
struct Broken {
    armed: Arc<AtomicBool>,
}

impl Outside for Broken {
    fn wall(&self) -> Duration {
        Duration::ZERO
    }

    fn monotonic(&self) -> Duration {
        assert!(!self.armed.load(Ordering::Relaxed), "a clock that broke");
        Duration::ZERO
    }

    fn random(&self, _bytes: &mut [u8]) {}
}

#[tokio::test]
async fn a_panic_of_ours_ends_one_session_and_not_the_process() {
    let armed = Arc::new(AtomicBool::new(false));
    let clock = Arc::clone(&armed);
    let executor = builder().outside(move || Arc::new(Broken { armed: Arc::clone(&clock) })).build().unwrap();
    let mut session = executor.session(job("", "60s", || ())).await.unwrap();
    assert_eq!(session.execute("c").await.unwrap().stop, failed("c"));
    armed.store(true, Ordering::Relaxed);
    let error = session.execute("c").await.unwrap_err();
    assert!(matches!(&error, RunError::Panic(text) if text.contains("a clock that broke")), "{error}");
    assert_eq!(session.execute("o").await.unwrap().stop, Stop::Cancelled, "nothing is executed in it any more");
    drop(session);
    assert_eq!(executor.panics(), 1);

    let executor = builder().outside(|| panic!("no outside")).build().unwrap();
    let error = executor.session(job("", "60s", || ())).await.unwrap_err();
    assert!(matches!(&error, RunError::Panic(text) if text.contains("no outside")), "{error}");
}
