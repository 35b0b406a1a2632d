//! What a guest prints and returns: metered, kept, and streamed to whoever listens.

use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_guard::{Meter, StopCause};
use serde_json::Value;

use super::Sums;

/// Which stream a piece of output belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Gets a guest's output while it runs. Must not block: the guest waits for it.
pub trait Listen: Send + Sync {
    /// `bytes` are the guest's own: untrusted, and not necessarily UTF-8.
    fn output(&self, stream: Stream, bytes: &[u8]);
}

/// The output of one run. Clones share it.
#[derive(Clone)]
pub(crate) struct Output {
    meter: Arc<Meter>,
    listener: Option<Arc<dyn Listen>>,
    kept: Arc<Mutex<Kept>>,
    /// Of everything that was ever kept, when somebody will ask for them.
    sums: Option<Arc<Mutex<Sums>>>,
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) result: Option<Value>,
}

impl Output {
    pub(crate) fn new(meter: Arc<Meter>, listener: Option<Arc<dyn Listen>>) -> Output {
        Output { meter, listener, kept: Arc::default(), sums: None }
    }

    /// Also sums up what goes through, for a journal.
    pub(crate) fn summed(self) -> Output {
        Output { sums: Some(Arc::default()), ..self }
    }

    pub(crate) fn sums(&self) -> Option<Sums> {
        Some(self.sums.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Takes output that the guest wrote. What no longer fits is cut, and the run ends.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), StopCause> {
        // Nothing counts as nothing, so that nobody may be told of it without end.
        if bytes.is_empty() {
            return Ok(());
        }
        let left = usize::try_from(self.meter.output_left()).unwrap_or(usize::MAX);
        let fits = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        self.meter.take_output(fits.len() as u64)?;
        self.keep(stream, fits);
        if fits.len() < bytes.len() { self.meter.take_output((bytes.len() - fits.len()) as u64) } else { Ok(()) }
    }

    /// Takes the guest's result, which had `bytes` bytes as JSON text; a later one replaces an earlier one, and both count as
    /// output.
    pub(crate) fn set_result(&self, value: Value, bytes: usize) -> Result<(), StopCause> {
        self.meter.take_output(bytes as u64)?;
        if let Some(sums) = &self.sums {
            sums.lock().unwrap_or_else(PoisonError::into_inner).set_result(&value);
        }
        self.kept().result = Some(value);
        Ok(())
    }

    pub(crate) fn take(&self) -> Kept {
        std::mem::take(&mut *self.kept())
    }

    fn keep(&self, stream: Stream, bytes: &[u8]) {
        if let Some(listener) = &self.listener {
            listener.output(stream, bytes);
        }
        if let Some(sums) = &self.sums {
            sums.lock().unwrap_or_else(PoisonError::into_inner).add(stream, bytes);
        }
        let mut kept = self.kept();
        match stream {
            Stream::Stdout => kept.stdout.extend_from_slice(bytes),
            Stream::Stderr => kept.stderr.extend_from_slice(bytes),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
