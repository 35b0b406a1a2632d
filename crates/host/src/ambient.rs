//! Where power enters: the only functions of this crate that use the authority of the process itself.
//!
//! Everything else works on what these return: a directory handle below which cap-std keeps it, a list of addresses to
//! be checked, a stream to a checked address. `clippy.toml` forbids the underlying functions elsewhere in the crate.
#![expect(clippy::disallowed_methods, reason = "this is the file that they are allowed in")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use tokio::net::TcpStream;

/// Opens a directory of the host.
pub(crate) fn open_dir(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, cap_std::ambient_authority())
}

/// Opens a directory of the host for secrets, and makes it, and its parents, for the owner alone if it is missing.
pub(crate) fn open_private_dir(path: &Path) -> io::Result<Dir> {
    match open_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Dir::create_ambient_dir_all(parent, cap_std::ambient_authority())?;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = open_dir(parent)?;
    make_private_dir(&parent, Path::new(name))?;
    parent.open_dir(name)
}

/// Makes a directory that only the owner can enter; one that exists stays as it is.
pub(crate) fn make_private_dir(parent: &Dir, name: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    match parent.create_dir_with(name, &builder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The addresses that the system's resolver gives for a host name.
pub(crate) async fn lookup(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// A TCP connection to an address that was checked.
pub(crate) async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
