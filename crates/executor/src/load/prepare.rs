//! From bytes to machine code: text, validation within bounds, lifting, compilation, in this order. Runs in the compile child.

use std::borrow::Cow;

use super::lift::{Shape, lift, shape};
use super::{Refusal, bounds};
use crate::artifact::{Form as ArtifactForm, Prepared};
use crate::guest::{Form, MAX_GUEST_BYTES};

/// Compiles a guest. Everything that parses hostile bytes is below this call.
///
/// # Errors
/// Every refusal but those of time and memory, which the parent of this process gives.
pub(crate) fn prepare(engine: &wasmtime::Engine, form: Form, bytes: &[u8]) -> Result<Prepared, Refusal> {
    let binary = binary(form, bytes)?;
    bounds::check(&binary)?; // and validity: an invalid guest never reaches the compiler

    if wasmparser::Parser::is_component(&binary) {
        let code = engine.precompile_component(&binary).map_err(compile_error)?;
        return Ok(Prepared { form: ArtifactForm::Component, code });
    }
    match shape(&binary)? {
        Shape::Bare => {
            let code = engine.precompile_module(&binary).map_err(compile_error)?;
            Ok(Prepared { form: ArtifactForm::Module, code })
        }
        shape => {
            let component = lift(&binary, shape)?;
            let code = engine.precompile_component(&component).map_err(compile_error)?;
            Ok(Prepared { form: ArtifactForm::Lifted, code })
        }
    }
}

fn binary(form: Form, bytes: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    if form != Form::Text {
        return Ok(Cow::Borrowed(bytes));
    }
    let binary = wat::parse_bytes(bytes).map_err(Refusal::invalid)?;
    if binary.len() > MAX_GUEST_BYTES {
        return Err(Refusal::TooLarge { found: binary.len(), limit: MAX_GUEST_BYTES });
    }
    Ok(binary)
}

/// Running out of memory has its own refusal, which needs the limit: the parent knows it and puts it in.
fn compile_error(error: wasmtime::Error) -> Refusal {
    if error.is::<wasmtime::OutOfMemory>() {
        return Refusal::CompileMemory { limit: 0 };
    }
    Refusal::compiler(format_args!("{error:#}"))
}
