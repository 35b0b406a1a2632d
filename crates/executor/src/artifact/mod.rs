//! Artifacts: guests in machine code, on their way from the compile child or the cache into the engine.

pub(crate) mod cache;
mod digest;
mod frozen;
mod native;
pub(crate) mod seal;

use std::sync::OnceLock;

use seal::Authentic;

use crate::run::Runnable;

pub(crate) use native::{load, load_kept};

/// The largest artifact that is accepted, in bytes. The largest guests known make 60 MB.
pub(crate) const MAX_ARTIFACT_BYTES: usize = 128 << 20;

/// What a guest became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A component that came as one.
    Component,
    /// A component that was made of a core module.
    Lifted,
    /// A core module that speaks the core ABI.
    Module,
}

impl Form {
    /// What stands for it beside the code.
    const fn letter(self) -> u8 {
        match self {
            Form::Component => b'C',
            Form::Lifted => b'L',
            Form::Module => b'M',
        }
    }

    fn of_letter(letter: u8) -> Option<Form> {
        [Form::Component, Form::Lifted, Form::Module].into_iter().find(|form| form.letter() == letter)
    }
}

/// Fresh from the compiler, in the process that compiled: not yet an [`Artifact`].
pub(crate) struct Prepared {
    pub(crate) form: Form,
    pub(crate) code: Vec<u8>,
}

impl Prepared {
    /// The bytes to seal: a letter for the form, then the code.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.code.len().saturating_add(1));
        payload.push(self.form.letter());
        payload.extend_from_slice(&self.code);
        payload
    }
}

/// Machine code that this program, or a child of it, made just now. The only thing that [`load`] takes; [`load_kept`]
/// takes what the cache gives.
#[derive(Debug)]
pub(crate) struct Artifact {
    form: Form,
    authentic: Authentic,
}

impl Artifact {
    /// Reads an authentic payload; `None` when it holds something else.
    pub(crate) fn read(authentic: Authentic) -> Option<Artifact> {
        let form = Form::of_letter(*authentic.payload().first()?)?;
        Some(Artifact { form, authentic })
    }

    fn form(&self) -> Form {
        self.form
    }

    fn code(&self) -> &[u8] {
        self.authentic.payload().get(1..).unwrap_or_default()
    }
}

/// A guest that is ready to be linked. Cheap to clone.
#[derive(Clone)]
pub struct Loaded {
    pub(crate) form: Form,
    pub(crate) code: Code,
    pub(crate) bytes: usize,
    /// Its imports resolved, once the first run needed it.
    pub(crate) runnable: OnceLock<Runnable>,
}

/// Compiled code in the engine.
#[derive(Clone)]
pub enum Code {
    Component(wasmtime::component::Component),
    Module(wasmtime::Module),
}

impl Loaded {
    /// What the guest became.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What the engine holds of it.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// Size of the machine code, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("form", &self.form).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
