//! Files below mounts.
//!
//! A mount is a directory of the host that a manifest names; [`Mounts::open`] opens it once, and nothing above it can be
//! reached afterwards. What may be done below it is decided path by path, and the path that was decided is exactly the
//! path that is touched:
//!
//! - **No link is ever followed inside an effect.** Each component is opened by itself. Where one is a symbolic link the
//!   effect does nothing and answers [`Reached::Link`] with the path that the link leads to; [`reach`] then makes a *new
//!   call* for that path, which is decided and recorded like any other. So a grant on `docs/**` gives nothing through a
//!   link from `docs` to `private`, and a link that is swapped in while a call runs changes nothing.
//! - A link that leads out of its mount, or to an absolute path, is refused with `deny.file.outside_mount`.
//! - Guests make no links. A hard link that somebody else put into a mount is an ordinary file there: whoever can link
//!   into a mount can also copy into it.
//! - Devices, FIFOs and sockets are refused (`deny.file.special`) without being opened, and so is all that shows the
//!   kernel (procfs, sysfs, …).
//! - No two mounts overlap, and none exposes what the host itself lives on
//!   ([`ServicesBuilder::protect_secret`](crate::ServicesBuilder::protect_secret)).
//!
//! | action | scope action | effect |
//! |---|---|---|
//! | [`OpenRead`], [`ReadFile`], [`Stat`] | `read` | reads |
//! | [`OpenWrite`], [`WriteFile`], [`MakeDir`], [`SetTimes`] | `write` | may create and truncate |
//! | [`ListDir`], [`OpenDir`] | `list` | names and kinds of entries |
//! | [`Remove`] | `delete` | a file, a link itself, or an empty directory |
//! | [`ClaimRead`], then [`OpenWrite::with_read`] | `read`, then `write` | opens for both |
//! | [`ClaimRead`], [`ClaimSource`], [`Rename`] | `read`, `delete` (old path), `write` (new path) | moves a file |
//!
//! Work on an open [`FileHandle`] needs no further decision: it is bounded by the run's budgets and ends with its
//! authority. Every file function runs on a thread for blocking work and owns what it uses. A file system that hangs
//! blocks that thread only; the call ends at its deadline, and whether the effect happened is then unknown.

mod application;
mod apply;
mod change;
mod content;
mod folder;
mod handle;
mod left;
mod link;
mod list;
mod memory;
mod mount;
mod open;
mod overlay;
mod place;
mod rename;
mod staging;
mod stat;
mod whole;

pub use apply::{ApplyByDelete, ApplyByWrite, ApplyRight, ClaimDelete, ClaimWrite, Settled, Settlement, settle};
pub use change::{MakeDir, Removal, Remove, SetTimes};
pub use handle::{Access, FileHandle, MAX_HANDLE_READ, MAX_HANDLE_WRITE};
pub use left::LeftFile;
pub use link::{Follow, MAX_LINKS, Reached, reach};
pub use list::{DirEntry, DirHandle, ListDir, MAX_ENTRIES, MAX_NAME_BYTES, OpenDir};
pub use mount::{Files, MountError, MountSource, Mounts};
pub use open::{ClaimRead, Create, OpenRead, OpenWrite, Opening, ReadRight, open};
pub(crate) use place::{Place, Protected};
pub use rename::{ClaimSource, Rename, RenameRight, Renamed, rename};
pub use stat::{FileId, FileKind, FileStat, Links, SetTime, Stat, Times};
pub use whole::{MAX_FILE_READ, MAX_FILE_WRITE, ReadFile, WriteFile, WriteMode};
