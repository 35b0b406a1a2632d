//! `wasi:io/error`: what a guest learns of a stream that failed. A code, never the text of a host error.

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::IoError as Failure;
use wasmtime_wasi_io::bindings::wasi::io::error::{Host, HostError};

use super::filesystem::ErrorCode;
use super::http;
use crate::run::RunState;

/// What `wasi:io/error` is linked with.
pub(super) struct IoError<'a>(&'a mut ResourceTable);

/// Names [`IoError`] for the linker.
pub(super) struct HasIoError;

impl HasData for HasIoError {
    type Data<'a> = IoError<'a>;
}

impl IoError<'_> {
    pub(super) fn of(state: &mut RunState) -> IoError<'_> {
        IoError(state.table())
    }
}

impl Host for IoError<'_> {}

impl HostError for IoError<'_> {
    fn to_debug_string(&mut self, error: Resource<Failure>) -> wasmtime::Result<String> {
        let error = self.0.get(&error)?;
        let of_file = error.downcast_ref::<ErrorCode>().map(|code| code.name().to_owned());
        let of_request = || error.downcast_ref::<http::ErrorCode>().map(|code| format!("{code:?}"));
        Ok(of_file.or_else(of_request).unwrap_or_else(|| "error".to_owned()))
    }

    fn drop(&mut self, error: Resource<Failure>) -> wasmtime::Result<()> {
        self.0.delete(error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_error_shows_a_code_or_nothing() {
        let mut table = ResourceTable::new();
        for (failure, shown) in [
            (Failure::new(ErrorCode::InsufficientSpace), "insufficient-space"),
            (Failure::new(http::ErrorCode::HttpResponseTimeout), "ErrorCode::HttpResponseTimeout"),
            (Failure::msg("/home/operator/secret: permission denied"), "error"),
        ] {
            let error = table.push(failure).unwrap();
            assert_eq!(IoError(&mut table).to_debug_string(error).unwrap(), shown);
        }
    }
}
