//! A journal as it is read back. Whoever wrote it is not trusted: memory is bounded, and every byte is looked at.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zstd::stream::read::Decoder;

use super::record::{self, Kind, MAX_BLOB, RecordError, Value};
use super::writer::{MAGIC, MAGIC_OF_ALL};
use super::{JournalError, blob};
use crate::journal::{ContentDigest, Contents, Crossing, End, Header};

/// The largest window that is decompressed: 2²³ bytes; what we write has 2¹⁹.
const WINDOW: u32 = 23;

/// Bytes of what headers refer to, at most, all together: the largest guest, and the largest input, and manifests.
const MAX_CONTENTS: u64 = 128 << 20;

/// A run that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub header: Header,
    pub contents: Contents,
    pub crossings: Vec<Crossing>,
    /// `None`: the process was killed before the run ended, or the last bytes are lost. What is there is the beginning.
    pub end: Option<End>,
    /// SHA-256 of the journal's file, as the audit log has it. Values in files of their own are bound by it through their names.
    pub digest: ContentDigest,
}

/// Reads a journal. `value`: what the file of that digest and length holds. `most`: bytes of all that crossed.
///
/// # Errors
/// [`JournalError`]: what was cut off at its end is no error, everything else is.
pub fn read(
    journal: impl Read,
    most: u64,
    mut value: impl FnMut(&ContentDigest, u64) -> Result<Vec<u8>, JournalError>,
) -> Result<Recorded, JournalError> {
    let mut file = Hashing { file: journal, hash: Sha256::new() };
    begin(&mut file)?;
    let mut records = Records { from: BufReader::new(decoder(file)?), read: 0, used: 0, most: MAX_CONTENTS };
    let mut contents = Contents::default();
    let header = loop {
        match records.next(&mut value)? {
            Some((Kind::Content, bytes)) => _ = contents.add(bytes),
            Some((Kind::Header, bytes)) => {
                break serde_json::from_slice(&bytes).map_err(|_| records.damaged("it is not a header"))?;
            }
            Some(_) => return Err(records.damaged("it comes before the header")),
            None => return Err(records.damaged("there is no header")),
        }
    };
    (records.used, records.most) = (0, most);
    let mut crossings = Vec::new();
    let end = loop {
        match records.next(&mut value)? {
            Some((Kind::Crossing(lane, asked), given)) => crossings.push(Crossing { lane, asked, given }),
            Some((Kind::End, bytes)) => {
                let end = serde_json::from_slice(&bytes).map_err(|_| records.damaged("it is not an end"))?;
                match records.is_over()? {
                    Some(true) => break Some(end),
                    Some(false) => return Err(records.damaged("something comes after the end")),
                    None => break None,
                }
            }
            Some(_) => return Err(records.damaged("it comes after the header")),
            None => break None,
        }
    };
    let Hashing { mut file, mut hash } = records.from.into_inner().finish().into_inner();
    // What is still to come belongs to the digest; of a whole journal there is nothing.
    let mut rest = [0; 8192];
    loop {
        match file.read(&mut rest)? {
            0 => break,
            count => hash.update(rest.get(..count).unwrap_or_default()),
        }
    }
    let digest = ContentDigest::from_bytes(hash.finalize().into());
    Ok(Recorded { header, contents, crossings, end, digest })
}

/// SHA-256 of a file.
pub(super) fn digest(path: &Path) -> io::Result<ContentDigest> {
    let mut file = Hashing { file: File::open(path)?, hash: Sha256::new() };
    io::copy(&mut file, &mut io::sink())?;
    Ok(ContentDigest::from_bytes(file.hash.finalize().into()))
}

/// What decompresses our frames, in bounded memory.
pub(super) fn decoder<R: Read>(file: R) -> io::Result<Decoder<'static, BufReader<R>>> {
    let mut decoder = Decoder::new(file)?;
    decoder.window_log_max(WINDOW)?;
    Ok(decoder)
}

fn begin(file: &mut impl Read) -> Result<(), JournalError> {
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(JournalError::NotAJournal),
        other => other?,
    }
    match magic {
        magic if magic == *MAGIC => Ok(()),
        magic if magic.get(..MAGIC_OF_ALL) == MAGIC.get(..MAGIC_OF_ALL) => Err(JournalError::Version),
        _ => Err(JournalError::NotAJournal),
    }
}

struct Records<R: Read> {
    from: BufReader<Decoder<'static, BufReader<R>>>,
    read: u64,
    used: u64,
    most: u64,
}

impl<R: Read> Records<R> {
    /// The next record with its value; `None` where the journal was cut off.
    fn next(
        &mut self,
        load: &mut impl FnMut(&ContentDigest, u64) -> Result<Vec<u8>, JournalError>,
    ) -> Result<Option<(Kind, Vec<u8>)>, JournalError> {
        self.read = self.read.saturating_add(1);
        let (kind, value) = match record::read(&mut self.from) {
            Ok(Some(record)) => record,
            Ok(None) | Err(RecordError::Torn) => return Ok(None),
            Err(RecordError::Bad(what)) => return Err(self.damaged(what)),
            Err(RecordError::Io(error)) => return Err(error.into()),
        };
        let length = match &value {
            Value::Inline(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Value::Blob { length, .. } => (*length).min(MAX_BLOB),
        };
        self.used = self.used.saturating_add(length).saturating_add(super::writer::OVERHEAD);
        // A header and an end are bounded by themselves.
        if self.used > self.most && !matches!(kind, Kind::Header | Kind::End) {
            return Err(JournalError::TooLong(self.most));
        }
        let bytes = match value {
            Value::Inline(bytes) => bytes,
            Value::Blob { digest, length } => load(&digest, length)?,
        };
        Ok(Some((kind, bytes)))
    }

    /// Whether nothing follows; `None` when the frame's own end is missing.
    fn is_over(&mut self) -> Result<Option<bool>, JournalError> {
        let mut one = [0];
        match self.from.read(&mut one).map_err(RecordError::from) {
            Ok(count) => Ok(Some(count == 0)),
            Err(RecordError::Torn) => Ok(None),
            Err(RecordError::Bad(what)) => Err(self.damaged(what)),
            Err(RecordError::Io(error)) => Err(error.into()),
        }
    }

    fn damaged(&self, what: &'static str) -> JournalError {
        JournalError::Damaged { record: self.read, what }
    }
}

/// What is read, and its digest.
struct Hashing<R> {
    file: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The value of a run's folder.
pub(super) fn value_of(run: &Path) -> impl FnMut(&ContentDigest, u64) -> Result<Vec<u8>, JournalError> {
    move |digest, length| blob::get(run, digest, length)
}
