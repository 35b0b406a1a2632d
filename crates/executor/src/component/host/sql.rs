//! `bailiwick:host/sql`.

use bailiwick_guard::CallError;

use super::HostView;
use super::wit::sql::Host;
use crate::component::trap;
use crate::ops;

impl Host for HostView<'_> {
    async fn query(&mut self, database: String, statement: String, parameters: String) -> Result<String, CallError> {
        ops::sql_query(&self.door, &database, &statement, &parameters).await
    }

    fn message(&mut self) -> wasmtime::Result<String> {
        ops::sql_message(&self.door).map_err(trap)
    }
}
