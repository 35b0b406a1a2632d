//! Machine code enters the process here, and nowhere else.
#![expect(
    unsafe_code,
    reason = "wasmtime cannot check machine code; `Artifact` and `AuthenticCode` are only made of bytes whose seal held, \
              so the code is what this program's compiler wrote"
)]

use std::sync::OnceLock;

use wasmtime::Module;
use wasmtime::component::Component;

use super::seal::AuthenticCode;
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

/// The same for an artifact that was kept, without copying it: the engine maps it, and reads what it needs of it when it
/// needs it.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_kept(engine: &wasmtime::Engine, artifact: &AuthenticCode) -> wasmtime::Result<Loaded> {
    let path = artifact.code().path();
    let code = match artifact.form() {
        // SAFETY: as above, and the file is sealed: what is mapped now and touched later is what its seal held for.
        Form::Component | Form::Lifted => Code::Component(unsafe { Component::deserialize_file(engine, path) }?),
        // SAFETY: the same.
        Form::Module => Code::Module(unsafe { Module::deserialize_file(engine, path) }?),
    };
    Ok(Loaded { form: artifact.form(), code, bytes: artifact.code().bytes(), runnable: OnceLock::new() })
}
