//! What a guest gives back.

use bailiwick_guard::CallError;
use bailiwick_policy::Code;

use crate::run::GuestIo;

/// Most bytes of a result's JSON text. As a value it takes up to about forty times as many.
pub(crate) const MAX_RESULT_BYTES: usize = 1 << 20;

/// Takes the guest's result. A later one replaces an earlier one; both count as output.
///
/// # Errors
/// `limit.argument_bytes` over [`MAX_RESULT_BYTES`]; `failed.not_json`; the end of the run over its output limit.
pub(crate) fn set_result(io: &GuestIo, json: &str) -> Result<(), CallError> {
    if json.len() > MAX_RESULT_BYTES {
        return Err(CallError::Limit(Code::ArgumentBytes));
    }
    let value = serde_json::from_str(json).map_err(|_| CallError::Failed(Code::NotJson))?;
    Ok(io.output.set_result(value, json.len())?)
}
