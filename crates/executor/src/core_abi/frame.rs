//! The frame of a call: pointers, lengths, and the reply that waits to be taken.

use wasmtime::{Caller, Extern, Linker, Memory, Result, bail};

use super::operations::{self, Reply};
use crate::component::{BadCall, trap};
use crate::run::RunState;

/// What a bare module may import.
pub(crate) const IMPORTS: &[(&str, &str)] = &[(MODULE, "call"), (MODULE, "take")];

const MODULE: &str = "bailiwick";
/// Bytes of an operation's name.
const MAX_NAME: usize = 64;
/// Bytes of an argument. It is parsed on the thread that runs guests, between two of their interruption points, and as
/// JSON it can take many times its size: larger content goes in pieces.
const MAX_ARGUMENT: usize = 2 << 20;
/// Set in the answer when the reply is an error.
const ERROR_BIT: i64 = 1 << 32;

/// The reply that the guest has not taken yet.
#[derive(Default)]
pub(crate) struct Pending(Vec<u8>);

/// Links `call` and `take`.
///
/// # Errors
/// When they are linked already, which is a defect of ours.
pub(crate) fn add_to_linker(linker: &mut Linker<RunState>) -> Result<()> {
    linker.func_wrap_async(MODULE, "call", |mut caller: Caller<'_, RunState>, frame: (i32, i32, i32, i32)| {
        Box::new(async move {
            let (name_at, name_len, argument_at, argument_len) = frame;
            // Copied out once and never looked at again: what is checked is what is used.
            let name = copy_text(&mut caller, name_at, name_len, MAX_NAME)?;
            if unsigned(argument_len) > MAX_ARGUMENT {
                return reply(&mut caller, operations::too_large());
            }
            let argument = copy_text(&mut caller, argument_at, argument_len, MAX_ARGUMENT)?;
            let (door, io, bodies) = (caller.data().door(), caller.data().io(), caller.data().bodies());
            let answer = operations::perform(&door, &io, &bodies, &name, &argument).await.map_err(trap)?;
            reply(&mut caller, answer)
        })
    })?;
    linker.func_wrap(MODULE, "take", |mut caller: Caller<'_, RunState>, at: i32, len: i32| {
        let Pending(reply) = std::mem::take(caller.data_mut().pending());
        let (at, len) = (unsigned(at), unsigned(len));
        let count = reply.len().min(len);
        let memory = memory(&mut caller)?;
        let target = at.checked_add(count).and_then(|end| memory.data_mut(&mut caller).get_mut(at..end));
        match (target, reply.get(..count)) {
            (Some(target), Some(reply)) => target.copy_from_slice(reply),
            _ => bail!(BadCall("bytes outside its memory")),
        }
        // INVARIANT: `count` is at most `len`, which came from an `i32`.
        Ok(i32::from_ne_bytes((count as u32).to_ne_bytes()))
    })?;
    Ok(())
}

/// Keeps a reply for `take`, and says how long it is.
fn reply(caller: &mut Caller<'_, RunState>, Reply { bytes, is_error }: Reply) -> Result<i64> {
    let Ok(length) = u32::try_from(bytes.len()) else { bail!(BadCall("a reply over 4 GiB")) };
    *caller.data_mut().pending() = Pending(bytes);
    Ok(i64::from(length) | if is_error { ERROR_BIT } else { 0 })
}

fn copy_text(caller: &mut Caller<'_, RunState>, at: i32, len: i32, max: usize) -> Result<String> {
    let (at, len) = (unsigned(at), unsigned(len));
    if len > max {
        bail!(BadCall("an operation longer than any is"));
    }
    let memory = memory(caller)?;
    let Some(bytes) = at.checked_add(len).and_then(|end| memory.data(&*caller).get(at..end)) else {
        bail!(BadCall("bytes outside its memory"));
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => bail!(BadCall("an operation or argument that is not UTF-8")),
    }
}

fn memory(caller: &mut Caller<'_, RunState>) -> Result<Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => bail!(BadCall("a call without exporting its memory")),
    }
}

/// Pointers and lengths are unsigned; WebAssembly's types do not say so.
fn unsigned(value: i32) -> usize {
    u32::from_ne_bytes(value.to_ne_bytes()) as usize
}
