//! The folder of all journals.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blob::Blobs;
use super::prune::Tally;
use super::writer::Writer;
use super::{JournalError, JournalOptions, Recorded, read, reader};
use crate::Timestamp;
use crate::journal::{ContentDigest, Contents, Header, Journals, Sink, SinkError};

/// Where values are that several runs were given.
pub(super) const SHARED: &str = "blobs";
/// A run's journal, in its folder.
pub(super) const JOURNAL: &str = "journal";

/// A folder of journals, its owner's alone. Cheap to clone; several processes may use one.
#[derive(Clone, Debug)]
pub struct JournalFolder {
    pub(super) root: Arc<Path>,
    pub(super) options: JournalOptions,
}

impl JournalFolder {
    /// The folder at `path`. Made (mode 0700) when the first run is recorded.
    pub fn at(path: impl Into<PathBuf>, options: JournalOptions) -> JournalFolder {
        JournalFolder { root: path.into().into(), options }
    }

    /// The runs that have a journal, the one that began first being the first.
    ///
    /// # Errors
    /// When the folder cannot be read. One that is not there is empty.
    pub fn runs(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()));
        let mut runs: Vec<String> = names.filter(|name| is_run(name)).collect();
        runs.sort_unstable();
        Ok(runs)
    }

    /// Whether the run has a journal.
    pub fn has(&self, run: &str) -> bool {
        is_run(run) && self.root.join(run).join(JOURNAL).is_file()
    }

    /// Reads the journal of a run.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn read(&self, run: &str) -> Result<Recorded, JournalError> {
        let folder = self.folder(run)?;
        let recorded = read(self.open(run)?, JournalOptions::MOST, reader::value_of(&folder))?;
        // A journal that was put in the place of another one.
        if recorded.header.run == run { Ok(recorded) } else { Err(JournalError::NotAJournal) }
    }

    /// SHA-256 of a run's journal, which [`read`](JournalFolder::read) gives too: this is for one that cannot be read.
    ///
    /// # Errors
    /// When there is none, or its file cannot be read.
    pub fn digest(&self, run: &str) -> Result<ContentDigest, JournalError> {
        self.open(run)?;
        Ok(reader::digest(&self.folder(run)?.join(JOURNAL))?)
    }

    pub fn options(&self) -> &JournalOptions {
        &self.options
    }

    /// The same folder with other bounds.
    #[must_use]
    pub fn with(self, options: JournalOptions) -> JournalFolder {
        JournalFolder { options, ..self }
    }

    fn folder(&self, run: &str) -> Result<PathBuf, JournalError> {
        if is_run(run) { Ok(self.root.join(run)) } else { Err(JournalError::None(run.to_owned())) }
    }

    fn open(&self, run: &str) -> Result<File, JournalError> {
        match File::open(self.folder(run)?.join(JOURNAL)) {
            Ok(file) if file.metadata()?.is_file() => Ok(file),
            Ok(_) => Err(JournalError::NotAJournal),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(JournalError::None(run.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    fn begin(&self, header: &Header, contents: &Contents) -> Result<Writer, SinkError> {
        if !is_run(&header.run) {
            return Err(SinkError::Unwritable);
        }
        let (run, shared) = (self.root.join(&header.run), self.root.join(SHARED));
        private_folder(&shared)?;
        DirBuilder::new().mode(0o700).create(&run)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(run.join(JOURNAL))?;
        // Whoever deletes journals leaves this one alone for as long as it is written.
        file.lock()?;
        let max = self.options.max.get().min(JournalOptions::MOST);
        Writer::begin(file, Blobs::new(run, shared), Tally::of(self), max, header, contents)
    }
}

impl Journals for JournalFolder {
    fn begin(&self, header: &Header, contents: &Contents) -> Result<Option<Box<dyn Sink>>, SinkError> {
        match JournalFolder::begin(self, header, contents) {
            Ok(writer) => Ok(Some(Box::new(writer))),
            Err(error) => {
                // Half a beginning is of no use to anybody.
                if is_run(&header.run) {
                    let _ = fs::remove_dir_all(self.root.join(&header.run));
                }
                Err(error)
            }
        }
    }
}

/// Whether a name is a run's: a UUID in its usual form.
pub fn is_run(name: &str) -> bool {
    let dash = |at| matches!(at, 8 | 13 | 18 | 23);
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.len() == 36 && name.bytes().enumerate().all(|(at, byte)| if dash(at) { byte == b'-' } else { is_hex(byte) })
}

/// When a run began, by its name (UUIDv7).
pub fn began(run: &str) -> Option<Timestamp> {
    let digits: String = run.chars().filter(|c| *c != '-').take(12).collect();
    u64::from_str_radix(&digits, 16).ok().filter(|_| is_run(run)).map(Timestamp)
}

/// A folder with mode 0700, made when it is not there; those above it, too.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
