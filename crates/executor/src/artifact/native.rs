//! Machine code enters the process here, and nowhere else.
#![expect(
    unsafe_code,
    reason = "wasmtime cannot check machine code; `Artifact` is only made of bytes whose seal held, so the code is what \
              this program's compiler wrote"
)]

use std::sync::OnceLock;

use wasmtime::Module;
use wasmtime::component::Component;

use super::{Artifact, Code, Form, Loaded};

/// Puts an artifact into the engine. Wasmtime checks that version, settings and processor fit.
///
/// # Errors
/// When they do not fit, or the machine has no memory for the code.
pub(crate) fn load(engine: &wasmtime::Engine, artifact: &Artifact) -> wasmtime::Result<Loaded> {
    let bytes = artifact.code();
    let code = match artifact.form {
        // SAFETY: the bytes are `precompile_component`'s output: their seal held, and only such output is sealed with
        // these letters.
        Form::Component | Form::Lifted => Code::Component(unsafe { Component::deserialize(engine, bytes) }?),
        // SAFETY: the same, of `precompile_module`.
        Form::Module => Code::Module(unsafe { Module::deserialize(engine, bytes) }?),
    };
    Ok(Loaded { form: artifact.form, code, bytes: bytes.len(), runnable: OnceLock::new() })
}
