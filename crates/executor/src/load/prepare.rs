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
    let (form, binary) = examine(form, bytes)?;
    let code = match form {
        ArtifactForm::Module => engine.precompile_module(&binary),
        ArtifactForm::Component | ArtifactForm::Lifted => engine.precompile_component(&binary),
    };
    Ok(Prepared { form, code: code.map_err(compile_error)? })
}

/// What there is to compile, and what it is: everything before the compiler.
pub(crate) fn examine(form: Form, bytes: &[u8]) -> Result<(ArtifactForm, Cow<'_, [u8]>), Refusal> {
    let binary = binary(form, bytes)?;
    bounds::check(&binary)?; // and validity: an invalid guest never reaches the compiler

    if wasmparser::Parser::is_component(&binary) {
        return Ok((ArtifactForm::Component, binary));
    }
    match shape(&binary)? {
        Shape::Bare => Ok((ArtifactForm::Module, binary)),
        shape => Ok((ArtifactForm::Lifted, Cow::Owned(lift(&binary, shape)?))),
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
