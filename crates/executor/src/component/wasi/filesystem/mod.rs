//! `wasi:filesystem`, wholly ours: every path is an action through the guard.
//!
//! A guest gets one preopened directory, `/`: a virtual one that cannot be written to and whose entries are the mounts
//! (see [`list_root`](crate::ops::list_root)). It is no resource, so that looking at it is no call. Every path below it is
//! absolute for the guard, whatever descriptor it was given relative to; so an absolute path that a program tries, such
//! as `/etc/passwd`, reaches the guard as it is and is on record.
//!
//! | WASI | what happens |
//! |---|---|
//! | `open-at` | `read`, `write` or both; with the `directory` flag, `list` |
//! | `read-directory` | `list` |
//! | `stat-at` | `read` |
//! | `create-directory-at`, `set-times-at`, `set-times` of a directory | `write` |
//! | `unlink-file-at`, `remove-directory-at` | `delete` |
//! | `rename-at` | `read` and `delete` of the old path, `write` of the new one |
//! | `link-at`, `symlink-at`, `readlink-at` | refused: `deny.request.unsupported` |
//! | a path that has no single reading | refused: `deny.request.ambiguous` or `deny.request.malformed` |
//! | the rest, on an open file | no new decision: the handle, within the run's budgets |
//! | `stat` of an open directory | no call: it says that it is a directory, and nothing else |
//!
//! Links are followed whether or not the guest asks for it, each hop by a decision of its own (`stat-at` alone shows the
//! link itself when it is not to be followed). Streams and lists of entries take a place among the run's open handles,
//! as files and directories do.
//!
//! What a guest learns of a file is its kind, size and times. Owner, mode, device, inode and number of links are not
//! shown; identity is that of the path.

mod calls;
mod convert;
mod descriptor;
mod error;
mod paths;
mod streams;
#[cfg(test)]
mod tests;

use bailiwick_policy::GuestPath;
use wasmtime::component::{HasData, Resource, ResourceTable};

use self::descriptor::{Descriptor, Listing};
use crate::run::{Door, RunState};

pub(super) use self::error::FsError;
pub(super) use self::generated::wasi::filesystem::types::ErrorCode;
pub(super) use self::generated::wasi::filesystem::{preopens, types};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "wasi:filesystem/imports",
        imports: {
            "wasi:filesystem/preopens.get-directories": trappable,
            "wasi:filesystem/types.filesystem-error-code": trappable,
            "wasi:filesystem/types.[drop]descriptor": trappable,
            "wasi:filesystem/types.[drop]directory-entry-stream": trappable,
            "wasi:filesystem/types.[method]descriptor.advise": trappable,
            "wasi:filesystem/types.[method]descriptor.append-via-stream": trappable,
            "wasi:filesystem/types.[method]descriptor.get-flags": trappable,
            "wasi:filesystem/types.[method]descriptor.get-type": trappable,
            "wasi:filesystem/types.[method]descriptor.is-same-object": trappable,
            "wasi:filesystem/types.[method]descriptor.link-at": trappable,
            "wasi:filesystem/types.[method]descriptor.metadata-hash": trappable,
            "wasi:filesystem/types.[method]descriptor.metadata-hash-at": trappable,
            "wasi:filesystem/types.[method]descriptor.read-via-stream": trappable,
            "wasi:filesystem/types.[method]descriptor.readlink-at": trappable,
            "wasi:filesystem/types.[method]descriptor.symlink-at": trappable,
            "wasi:filesystem/types.[method]descriptor.write-via-stream": trappable,
            "wasi:filesystem/types.[method]directory-entry-stream.read-directory-entry": trappable,
            default: async | trappable,
        },
        trappable_error_type: {
            "wasi:filesystem/types.error-code" => super::FsError,
        },
        with: {
            "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": super::descriptor::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": super::descriptor::Listing,
        },
    });
}

/// Most bytes that one read gives, or one write to a stream takes.
const CHUNK: usize = 64 << 10;

/// What `wasi:filesystem` is linked with: the way out, and the guest's handles.
pub(super) struct Filesystem<'a> {
    door: Door,
    table: &'a mut ResourceTable,
}

/// Names [`Filesystem`] for the linker.
pub(super) struct HasFilesystem;

impl HasData for HasFilesystem {
    type Data<'a> = Filesystem<'a>;
}

impl Filesystem<'_> {
    pub(super) fn of(state: &mut RunState) -> Filesystem<'_> {
        Filesystem { door: state.door(), table: state.table() }
    }
}

impl preopens::Host for Filesystem<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let root = self.table.push(Descriptor::root())?;
        Ok(vec![(root, GuestPath::root().to_string())])
    }
}

impl types::Host for Filesystem<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.into_code()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime_wasi::p2::IoError>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}
