//! The compile child: the same program, started again for one guest, confined before it reads the first byte of it.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::linux;
use super::protocol::{REFUSAL, ReplyHeader, RequestHeader};
use crate::artifact::seal::{About, Purpose, Seal};
use crate::engine::{Fingerprint, compiling_engine};
use crate::guest::GuestDigest;
use crate::load::{Refusal, prepare};

/// The first argument of a process that is to compile.
pub(super) const CHILD_ARGUMENT: &str = "__bailiwick-compile";

/// The compiler's own stack: deep recursion over types and text ends in a refusal before it ends the stack.
const STACK_BYTES: usize = 64 << 20;

/// Compiles one guest, if this process was started for that. Call it first thing in `main`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     if let Some(code) = bailiwick::compile_child() {
///         return code;
///     }
///     // … the program proper …
///     std::process::ExitCode::SUCCESS
/// }
/// ```
///
/// `None` in every other process, at the cost of a look at the arguments.
#[must_use = "a process that has compiled must end with this code"]
pub fn compile_child() -> Option<ExitCode> {
    if std::env::args_os().nth(1).as_deref() != Some(OsStr::new(CHILD_ARGUMENT)) {
        return None;
    }
    Some(match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent shows it to the operator; with a closed pipe there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    })
}

fn serve() -> io::Result<()> {
    linux::settle()?;
    let mut stdin = io::stdin().lock();
    let header = RequestHeader::read(&mut stdin)?;
    linux::confine(header.memory, header.cpu_seconds)?;

    let engine = compiling_engine().map_err(io::Error::other)?;
    let fingerprint = Fingerprint::of(&engine);
    if *fingerprint.as_bytes() != header.fingerprint {
        return Err(io::Error::other("this program compiles for another engine than its parent runs"));
    }
    let guest = header.read_guest(&mut stdin)?;
    let about =
        About { purpose: Purpose::ChildReply, nonce: header.nonce, guest: GuestDigest::of(&guest), fingerprint };

    let form = header.form;
    let prepared = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || prepare(&engine, form, &guest))?
        .join()
        .unwrap_or_else(|_| Err(Refusal::compiler("it panicked"))); // by the guest's doing: nothing else was given to it
    let payload = match prepared {
        Ok(prepared) => prepared.into_payload(),
        Err(refusal) => refusal_payload(&refusal)?,
    };

    let tag = Seal::new(&header.key).tag(&about, &payload);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&ReplyHeader { tag, payload_bytes: payload.len() }.encode())?;
    stdout.write_all(&payload)?;
    stdout.flush()
}

fn refusal_payload(refusal: &Refusal) -> io::Result<Vec<u8>> {
    let mut payload = vec![REFUSAL];
    serde_json::to_writer(&mut payload, refusal)?;
    Ok(payload)
}
