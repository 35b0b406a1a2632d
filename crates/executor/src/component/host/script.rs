//! `bailiwick:host/script`.

use std::time::Duration;

use super::HostView;
use super::wit::script::{Host, Stream as Channel};
use crate::component::trap;
use crate::ops;
use crate::run::Stream;

impl Host for HostView<'_> {
    fn print(&mut self, to: Channel, bytes: Vec<u8>) -> wasmtime::Result<()> {
        let stream = match to {
            Channel::Stdout => Stream::Stdout,
            Channel::Stderr => Stream::Stderr,
        };
        self.io.output.write(stream, &bytes).map_err(trap)
    }

    async fn sleep(&mut self, milliseconds: u64) -> wasmtime::Result<()> {
        // Longer than any run may take is as good as for ever; the supervisor ends it.
        let time = Duration::from_millis(milliseconds.min(ops::LONGEST_SLEEP_MS));
        self.door.told().sleep(time).await.map_err(trap)
    }

    fn abilities(&mut self) -> wasmtime::Result<String> {
        ops::abilities(&self.door).map_err(trap)
    }

    fn refusal(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.door.guard().refusal().map(|code| code.as_str().to_owned()))
    }
}
