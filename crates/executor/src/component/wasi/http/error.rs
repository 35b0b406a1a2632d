//! From reason codes to the error codes of `wasi:http`.

use bailiwick_guard::{CallError, HostError};
use bailiwick_policy::Code;
use wasmtime::component::ResourceTableError;

use super::types::{DnsErrorPayload, ErrorCode, HeaderError};
use crate::component::error::trap;

/// How a function ends badly whose error is an `error-code`.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings name it")]
pub enum HttpError {
    /// The guest gets the code.
    Code(ErrorCode),
    /// The run ends.
    Trap(wasmtime::Error),
}

/// How a function ends badly whose error is a `header-error`.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings name it")]
pub enum FieldError {
    Header(HeaderError),
    Trap(wasmtime::Error),
}

impl HttpError {
    pub(super) fn into_code(self) -> wasmtime::Result<ErrorCode> {
        match self {
            HttpError::Code(code) => Ok(code),
            HttpError::Trap(error) => Err(error),
        }
    }
}

impl FieldError {
    pub(super) fn into_error(self) -> wasmtime::Result<HeaderError> {
        match self {
            FieldError::Header(error) => Ok(error),
            FieldError::Trap(error) => Err(error),
        }
    }
}

impl From<ErrorCode> for HttpError {
    fn from(code: ErrorCode) -> HttpError {
        HttpError::Code(code)
    }
}

impl From<CallError> for HttpError {
    fn from(error: CallError) -> HttpError {
        match error {
            CallError::Denied(denied) => HttpError::Code(denied_code(denied.code())),
            CallError::Failed(code) => HttpError::Code(failed_code(code)),
            CallError::Limit(code) => HttpError::Code(limit_code(code)),
            CallError::Stopped(cause) => HttpError::Trap(trap(cause)),
        }
    }
}

/// Of a body that is being read.
impl From<HostError> for HttpError {
    fn from(error: HostError) -> HttpError {
        match error {
            HostError::Denied(code) => HttpError::Code(denied_code(code)),
            HostError::Failed(code) => HttpError::Code(failed_code(code)),
            HostError::Limit(code) => HttpError::Code(limit_code(code)),
            HostError::Stopped(cause) => HttpError::Trap(trap(cause)),
        }
    }
}

/// A handle that the guest does not have, or one too many.
impl From<ResourceTableError> for HttpError {
    fn from(error: ResourceTableError) -> HttpError {
        HttpError::Trap(error.into())
    }
}

impl From<HeaderError> for FieldError {
    fn from(error: HeaderError) -> FieldError {
        FieldError::Header(error)
    }
}

impl From<wasmtime::Error> for FieldError {
    fn from(error: wasmtime::Error) -> FieldError {
        FieldError::Trap(error)
    }
}

impl From<ResourceTableError> for FieldError {
    fn from(error: ResourceTableError) -> FieldError {
        FieldError::Trap(error.into())
    }
}

fn denied_code(code: Code) -> ErrorCode {
    match code {
        Code::PrivateAddress => ErrorCode::DestinationIpProhibited,
        Code::Malformed | Code::Ambiguous => ErrorCode::HttpRequestUriInvalid,
        Code::Unsupported => ErrorCode::HttpRequestMethodInvalid,
        _ => ErrorCode::HttpRequestDenied,
    }
}

fn failed_code(code: Code) -> ErrorCode {
    match code {
        Code::DnsFailed => ErrorCode::DnsError(DnsErrorPayload { rcode: None, info_code: None }),
        Code::ConnectFailed => ErrorCode::ConnectionRefused,
        Code::TlsFailed => ErrorCode::TlsProtocolError,
        Code::HttpFailed => ErrorCode::HttpProtocolError,
        _ => ErrorCode::InternalError(Some(code.as_str().to_owned())),
    }
}

fn limit_code(code: Code) -> ErrorCode {
    match code {
        Code::CallDeadline => ErrorCode::HttpResponseTimeout,
        Code::ResponseBytes | Code::DecompressedBytes => ErrorCode::HttpResponseBodySize(None),
        Code::RequestBytes => ErrorCode::HttpRequestBodySize(None),
        Code::Redirects => ErrorCode::LoopDetected,
        Code::OpenHandles => ErrorCode::ConnectionLimitReached,
        _ => ErrorCode::InternalError(Some(code.as_str().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_guard::{Budget, StopCause};

    use super::*;

    fn code(error: impl Into<HttpError>) -> String {
        format!("{:?}", error.into().into_code().unwrap())
    }

    #[test]
    fn programs_get_the_error_that_they_know() {
        for (from, to) in [
            (HostError::Denied(Code::ManifestNoRule), "ErrorCode::HttpRequestDenied"),
            (HostError::Denied(Code::RequestHeader), "ErrorCode::HttpRequestDenied"),
            (HostError::Denied(Code::TokenExpired), "ErrorCode::HttpRequestDenied"),
            (HostError::Denied(Code::PrivateAddress), "ErrorCode::DestinationIpProhibited"),
            (HostError::Denied(Code::Ambiguous), "ErrorCode::HttpRequestUriInvalid"),
            (HostError::Denied(Code::Unsupported), "ErrorCode::HttpRequestMethodInvalid"),
            (HostError::Failed(Code::ConnectFailed), "ErrorCode::ConnectionRefused"),
            (HostError::Failed(Code::TlsFailed), "ErrorCode::TlsProtocolError"),
            (HostError::Failed(Code::HttpFailed), "ErrorCode::HttpProtocolError"),
            (HostError::Limit(Code::CallDeadline), "ErrorCode::HttpResponseTimeout"),
            (HostError::Limit(Code::ResponseBytes), "ErrorCode::HttpResponseBodySize(None)"),
            (HostError::Limit(Code::DecompressedBytes), "ErrorCode::HttpResponseBodySize(None)"),
            (HostError::Limit(Code::RequestBytes), "ErrorCode::HttpRequestBodySize(None)"),
            (HostError::Limit(Code::Redirects), "ErrorCode::LoopDetected"),
            (HostError::Limit(Code::OpenHandles), "ErrorCode::ConnectionLimitReached"),
            (HostError::Limit(Code::StoreSize), "ErrorCode::InternalError(Some(\"limit.store_size\"))"),
        ] {
            assert_eq!(code(from), to, "{from}");
        }
        assert!(code(CallError::Failed(Code::DnsFailed)).starts_with("ErrorCode::DnsError"));
    }

    #[test]
    fn the_end_of_the_run_is_never_an_error_code() {
        for cause in [StopCause::Revoked, StopCause::Budget(Budget::HostCalls)] {
            for error in [HttpError::from(HostError::Stopped(cause)), HttpError::from(CallError::Stopped(cause))] {
                let trap = error.into_code().unwrap_err();
                assert_eq!(trap.downcast_ref::<StopCause>(), Some(&cause));
            }
        }
    }
}
