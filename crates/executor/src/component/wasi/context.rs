//! The part of WASI that needs no decision: arguments, standard streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use bailiwick_guard::StopCause;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtx, async_trait};

use crate::run::{GuestIo, Output, Stream};

/// Most bytes that a guest may hand over in one write.
const WRITE_BYTES: usize = 64 << 10;

/// WASI's context for one run.
///
/// - arguments: `guest`, then the job's; environment: empty but for `TMPDIR` when there is a `/tmp`; working directory: none;
/// - stdin: the job's input as JSON text, nothing when it is `null`;
/// - stdout and stderr: the run's output, metered; none of the three is a terminal;
/// - clocks, files, sockets, names: none. Clocks and files are linked with implementations of our own, and sockets not at all.
pub(crate) fn wasi_ctx(io: &GuestIo) -> WasiCtx {
    let stream = |stream| Pipe { output: io.output.clone(), stream };
    let mut builder = WasiCtx::builder();
    if io.has_tmp {
        builder.env("TMPDIR", "/tmp");
    }
    builder
        .arg("guest")
        .args(&io.args)
        .stdin(MemoryInputPipe::new(stdin(&io.input)))
        .stdout(stream(Stream::Stdout))
        .stderr(stream(Stream::Stderr))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// What a guest reads from stdin.
fn stdin(input: &str) -> String {
    if input == "null" { String::new() } else { input.to_owned() }
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
