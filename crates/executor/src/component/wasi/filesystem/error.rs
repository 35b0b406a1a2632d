//! From reason codes to the error codes of POSIX, which is all that a program written for files understands.

use bailiwick_guard::{CallError, HostError};
use bailiwick_policy::Code;
use wasmtime::component::ResourceTableError;

use super::ErrorCode;
use crate::component::error::trap;

/// How a file function ends badly.
#[derive(Debug)]
pub(crate) enum FsError {
    /// The guest gets the code.
    Code(ErrorCode),
    /// The run ends.
    Trap(wasmtime::Error),
}

impl FsError {
    pub(super) fn into_code(self) -> wasmtime::Result<ErrorCode> {
        match self {
            FsError::Code(code) => Ok(code),
            FsError::Trap(error) => Err(error),
        }
    }
}

impl From<ErrorCode> for FsError {
    fn from(code: ErrorCode) -> FsError {
        FsError::Code(code)
    }
}

impl From<CallError> for FsError {
    fn from(error: CallError) -> FsError {
        match error {
            CallError::Denied(denied) => FsError::Code(refused(denied.code())),
            CallError::Failed(code) => FsError::Code(failed(code)),
            CallError::Limit(code) => FsError::Code(limited(code)),
            CallError::Stopped(cause) => FsError::Trap(trap(cause)),
        }
    }
}

/// Of an open handle.
impl From<HostError> for FsError {
    fn from(error: HostError) -> FsError {
        match error {
            HostError::Denied(code) => FsError::Code(refused(code)),
            HostError::Failed(code) => FsError::Code(failed(code)),
            HostError::Limit(code) => FsError::Code(limited(code)),
            HostError::Stopped(cause) => FsError::Trap(trap(cause)),
        }
    }
}

/// A handle that the guest does not have, or one too many.
impl From<ResourceTableError> for FsError {
    fn from(error: ResourceTableError) -> FsError {
        FsError::Trap(error.into())
    }
}

fn refused(code: Code) -> ErrorCode {
    match code {
        Code::Malformed => ErrorCode::Invalid,
        _ => ErrorCode::NotPermitted,
    }
}

fn failed(code: Code) -> ErrorCode {
    match code {
        Code::NotFound => ErrorCode::NoEntry,
        Code::Exists => ErrorCode::Exist,
        Code::NotDirectory => ErrorCode::NotDirectory,
        Code::IsDirectory => ErrorCode::IsDirectory,
        Code::NotEmpty => ErrorCode::NotEmpty,
        Code::HostPermission => ErrorCode::Access,
        Code::NoSpace => ErrorCode::InsufficientSpace,
        _ => ErrorCode::Io,
    }
}

fn limited(code: Code) -> ErrorCode {
    match code {
        Code::DiskBytes | Code::MemoryBytes => ErrorCode::InsufficientSpace,
        Code::ArgumentBytes => ErrorCode::FileTooLarge,
        Code::CallDeadline => ErrorCode::Io,
        _ => ErrorCode::Quota,
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_guard::{Budget, StopCause};

    use super::*;

    fn code(error: impl Into<FsError>) -> ErrorCode {
        error.into().into_code().unwrap()
    }

    #[test]
    fn programs_get_the_error_that_they_know() {
        for (from, to) in [
            (HostError::Denied(Code::OutsideMount), ErrorCode::NotPermitted),
            (HostError::Denied(Code::ManifestNoRule), ErrorCode::NotPermitted),
            (HostError::Denied(Code::Ambiguous), ErrorCode::NotPermitted),
            (HostError::Denied(Code::Unsupported), ErrorCode::NotPermitted),
            (HostError::Denied(Code::Malformed), ErrorCode::Invalid),
            (HostError::Failed(Code::NotFound), ErrorCode::NoEntry),
            (HostError::Failed(Code::Exists), ErrorCode::Exist),
            (HostError::Failed(Code::NotDirectory), ErrorCode::NotDirectory),
            (HostError::Failed(Code::IsDirectory), ErrorCode::IsDirectory),
            (HostError::Failed(Code::NotEmpty), ErrorCode::NotEmpty),
            (HostError::Failed(Code::HostPermission), ErrorCode::Access),
            (HostError::Failed(Code::NoSpace), ErrorCode::InsufficientSpace),
            (HostError::Failed(Code::Internal), ErrorCode::Io),
            (HostError::Limit(Code::DiskBytes), ErrorCode::InsufficientSpace),
            (HostError::Limit(Code::MemoryBytes), ErrorCode::InsufficientSpace),
            (HostError::Limit(Code::ArgumentBytes), ErrorCode::FileTooLarge),
            (HostError::Limit(Code::OpenHandles), ErrorCode::Quota),
            (HostError::Limit(Code::CallDeadline), ErrorCode::Io),
        ] {
            assert_eq!(code(from), to, "{from}");
        }
        assert_eq!(code(CallError::Failed(Code::NotFound)), ErrorCode::NoEntry);
        assert_eq!(code(CallError::Limit(Code::DiskBytes)), ErrorCode::InsufficientSpace);
    }

    #[test]
    fn the_end_of_the_run_is_never_an_error_code() {
        for cause in [StopCause::Revoked, StopCause::Budget(Budget::Disk)] {
            for error in [FsError::from(HostError::Stopped(cause)), FsError::from(CallError::Stopped(cause))] {
                let trap = error.into_code().unwrap_err();
                assert_eq!(trap.downcast_ref::<StopCause>(), Some(&cause));
            }
        }
    }
}
