//! `bailiwick:host/extension`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::extension::Host;
use crate::ops;

impl Host for HostView<'_> {
    async fn call(
        &mut self,
        kind: String,
        action: String,
        resource: String,
        arguments: String,
    ) -> Result<String, CallError> {
        let result = ops::extension(&self.door, &kind, &action, &resource, &arguments).await?;
        Ok(result.to_string())
    }
}
