//! `bailiwick:host/tools`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::tools::Host;
use crate::ops;

impl Host for HostView<'_> {
    async fn call(&mut self, server: String, tool: String, arguments: String) -> Result<String, CallError> {
        let arguments = ops::parse_tool_arguments(&self.door, &server, &tool, &arguments)?;
        Ok(ops::call_tool(&self.door, &server, &tool, arguments).await?.to_json())
    }
}
