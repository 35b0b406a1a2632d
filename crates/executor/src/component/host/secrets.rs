//! `bailiwick:host/secrets`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::secrets::Host;
use crate::ops;

impl Host for HostView<'_> {
    async fn placeholder(&mut self, name: String) -> Result<String, CallError> {
        ops::secret_placeholder(&self.door, &name).await
    }
}
