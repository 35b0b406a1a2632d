//! What the fuzz targets reach in for. Not part of the API.

use crate::{Guest, Refusal, load};

/// Parses, bounds, validates and lifts a guest, in this process. Gives the binary that would be compiled.
///
/// # Errors
/// As loading the guest, without the reasons that lie in compiling it.
pub fn examine(guest: &Guest) -> Result<Vec<u8>, Refusal> {
    load::examine(guest.form(), guest.bytes()).map(|(_, binary)| binary.into_owned())
}
