//! The part of WASI that needs no decision: arguments, standard streams, clocks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bailiwick_guard::StopCause;
use bytes::Bytes;
use serde_json::Value;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, async_trait};

use crate::run::{GuestIo, Output, Outside, Stream};

/// Most bytes that a guest may hand over in one write.
const WRITE_BYTES: usize = 64 << 10;

/// WASI's context for one run.
///
/// - arguments: `guest`, then the job's; environment: empty but for `TMPDIR` when there is a `/tmp`; working directory: none;
/// - stdin: the job's input as JSON text, nothing when it is `null`;
/// - stdout and stderr: the run's output, metered; none of the three is a terminal;
/// - clocks: `outside`;
/// - files, sockets, names: none. Files are linked with an implementation of our own, and sockets not at all.
pub(crate) fn wasi_ctx(io: &GuestIo, outside: &Arc<dyn Outside>) -> WasiCtx {
    let stream = |stream| Pipe { output: io.output.clone(), stream };
    let mut builder = WasiCtx::builder();
    if io.has_tmp {
        builder.env("TMPDIR", "/tmp");
    }
    builder
        .arg("guest")
        .args(&io.args)
        .stdin(MemoryInputPipe::new(input_text(&io.input)))
        .stdout(stream(Stream::Stdout))
        .stderr(stream(Stream::Stderr))
        .wall_clock(Clock(Arc::clone(outside)))
        .monotonic_clock(Clock(Arc::clone(outside)))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// What a guest reads from stdin.
fn input_text(input: &Value) -> String {
    if input.is_null() { String::new() } else { input.to_string() }
}

struct Clock(Arc<dyn Outside>);

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0.wall()
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Stdout or stderr of a guest. Always ready; a write over the budget ends the run.
#[derive(Clone)]
struct Pipe {
    output: Output,
    stream: Stream,
}

impl Pipe {
    fn take(&self, bytes: &[u8]) -> Result<(), StopCause> {
        self.output.write(self.stream, bytes)
    }
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes).map_err(|cause| StreamError::Trap(cause.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

#[async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.take(bytes).map(|()| bytes.len()).map_err(std::io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Outside for Fixed {
        fn wall(&self) -> Duration {
            Duration::new(1_700_000_000, 5)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_nanos(42)
        }

        fn random(&self, _: &mut [u8]) {}
    }

    #[test]
    fn both_clocks_are_those_of_the_outside() {
        let clock = Clock(Arc::new(Fixed));
        assert_eq!(HostWallClock::now(&clock), Duration::new(1_700_000_000, 5));
        assert_eq!(HostMonotonicClock::now(&clock), 42);
    }
}
