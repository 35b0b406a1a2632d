//! Where power enters: the only functions of this crate that use the authority of the process itself.
//!
//! Everything else works on what these return: a directory handle below which cap-std keeps it, a list of addresses to
//! be checked, a stream to a checked address. `clippy.toml` forbids the underlying functions elsewhere in the crate.
#![expect(clippy::disallowed_methods, reason = "this is the file that they are allowed in")]

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use rustix::fs::{FileType, Mode, mknodat};
use rustix::io::Errno;
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};

/// Most links on the way to a path, as on Linux.
const MAX_LINKS: usize = 40;

/// Device and number: what the system itself tells two places apart by.
pub(crate) type Identity = (u64, u64);

/// The way that a path takes through the host's file system.
#[derive(Debug)]
pub(crate) struct Route {
    /// Where it leads: absolute, without links, whether or not something exists there.
    pub(crate) end: PathBuf,
    /// The links that it goes through, each by its own path without links.
    pub(crate) links: Vec<PathBuf>,
}

/// Follows a path, component by component; what does not exist is taken to be no link.
pub(crate) fn route(path: &Path) -> io::Result<Route> {
    enum Step {
        Root,
        Up,
        Down(OsString),
    }
    // The next step is the last one.
    fn steps(path: &Path) -> impl Iterator<Item = Step> {
        path.components().rev().filter_map(|component| match component {
            Component::RootDir => Some(Step::Root),
            Component::ParentDir => Some(Step::Up),
            Component::Normal(name) => Some(Step::Down(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
    }
    let mut end = if path.is_absolute() { PathBuf::from("/") } else { std::fs::canonicalize(".")? };
    let mut links = Vec::new();
    let mut ahead: Vec<Step> = steps(path).collect();
    while let Some(step) = ahead.pop() {
        match step {
            Step::Root => end = PathBuf::from("/"),
            Step::Up => drop(end.pop()),
            Step::Down(name) => {
                let next = end.join(name);
                match existing(std::fs::symlink_metadata(&next))? {
                    Some(found) if found.is_symlink() => {
                        ahead.extend(steps(&std::fs::read_link(&next)?));
                        links.push(next);
                        if links.len() > MAX_LINKS {
                            return Err(Errno::LOOP.into());
                        }
                    }
                    _ => end = next,
                }
            }
        }
    }
    Ok(Route { end, links })
}

/// What stands at a path, a link itself if it is one; `None` when nothing does.
pub(crate) fn identity(path: &Path) -> io::Result<Option<Identity>> {
    Ok(existing(std::fs::symlink_metadata(path))?.map(|found| (found.dev(), found.ino())))
}

fn existing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a database of the host.
pub(crate) fn open_database(path: &Path, flags: rusqlite::OpenFlags) -> rusqlite::Result<rusqlite::Connection> {
    bailiwick_sqlite::divide();
    rusqlite::Connection::open_with_flags(path, flags)
}

/// Whether a regular file stands at a path, which has no links.
pub(crate) fn is_regular_file(path: &Path) -> io::Result<bool> {
    Ok(std::fs::symlink_metadata(path)?.is_file())
}

/// How many bytes may still be written to the file system that a path is on, by who is not privileged.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Makes a file, and the folder that it is in, for the owner alone; one that exists stays as it is.
///
/// Never opens it: closing a database would give up the locks that SQLite holds on it elsewhere in this process.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    let (folder, name) = (open_private_dir(folder_of(path))?, path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    match mknodat(&folder, name, FileType::RegularFile, Mode::RUSR | Mode::WUSR, 0) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes a turn of those who use a file, among all processes: waits for the lock of `.NAME.lock` in its folder, which is
/// given up when the file is dropped.
pub(crate) fn lock_beside(path: &Path) -> io::Result<std::fs::File> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(".lock");
    let mut options = cap_std::fs::OpenOptions::new();
    cap_std::fs::OpenOptionsExt::mode(options.write(true).create(true).truncate(false), 0o600);
    let file = open_dir(folder_of(path))?.open_with(name, &options)?.into_std();
    file.lock()?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

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
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = open_dir(folder_of(path))?;
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

/// A TCP connection to a server that the host's operator named, by its name or address.
pub(crate) async fn dial_server(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection to a socket that the host's operator named.
pub(crate) async fn dial_socket(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// Starts a program of the manifest's author: in a process group of its own, with these variables and no others, and with
/// pipes for all three streams.
pub(crate) fn spawn(command: &[String], env: &[(String, OsString)], cwd: &Path) -> io::Result<Child> {
    let (program, words) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(words).env_clear().envs(env.iter().map(|(name, value)| (name, value))).current_dir(cwd);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true).spawn()
}

/// Whether a regular file stands there, behind links.
pub(crate) fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file())
}
