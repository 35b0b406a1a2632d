//! Panics of ours, caught at the edge of runs: one run's is no other's.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;

use super::RunError;

/// How many were caught. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panics {
    count: Arc<AtomicU64>,
}

impl Panics {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Does `work`. What it worked on must not be used again when it panicked.
    pub(crate) async fn catch<T>(&self, work: impl Future<Output = Result<T, RunError>>) -> Result<T, RunError> {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                Err(RunError::Panic(text(&*panic)))
            }
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
