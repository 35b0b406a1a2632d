//! `bailiwick:host/session`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::session::Host;
use crate::ops;

impl Host for HostView<'_> {
    fn input(&mut self) -> wasmtime::Result<String> {
        Ok(self.io.input.clone())
    }

    fn arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.io.args.clone())
    }

    fn set_result(&mut self, json: String) -> Result<(), CallError> {
        ops::set_result(&self.io, &json)
    }
}
