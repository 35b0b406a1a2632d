//! A journal while its run goes on.

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zstd::stream::write::Encoder;

use super::blob::Blobs;
use super::prune::Tally;
use super::record::{self, Kind, MAX_INLINE, MAX_JSON, Value};
use crate::journal::{ContentDigest, Contents, Crossing, End, Header, Sink, SinkError};

/// The first bytes of every journal: a skippable frame, so that the whole file is one that Zstandard's tools read.
pub(super) const MAGIC: &[u8; 27] = b"\x50\x2a\x4d\x18\x13\0\0\0bailiwick journal 1";
/// How many of them are the same in every version.
pub(super) const MAGIC_OF_ALL: usize = MAGIC.len() - 1;

/// Recording must be cheap; the highest speed still finds what repeats.
pub(super) const LEVEL: i32 = 1;

/// Records that wait to be compressed together.
const BATCH: usize = 16 * 1024;

/// A guest that goes on for longer than this without asking for anything has all that it asked for before in its journal.
const FLUSH_EVERY: Duration = Duration::from_millis(1);

/// What a crossing counts besides the bytes that were given: so that what crosses without bytes counts, too.
pub(super) const OVERHEAD: u64 = 48;

/// A journal that is being written. The file is locked for as long as it is.
pub(super) struct Writer {
    /// Until the end is written.
    out: Option<Encoder<'static, Hashing>>,
    pending: Vec<u8>,
    flushed: Instant,
    blobs: Blobs,
    used: u64,
    max: u64,
    written: u64,
    tally: Tally,
}

/// A file, and the digest of what was written to it.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Writer {
    /// Writes the beginning into an empty file.
    ///
    /// # Errors
    /// When it cannot be written, or the header is too long.
    pub(super) fn begin(
        file: File,
        blobs: Blobs,
        tally: Tally,
        max: u64,
        header: &Header,
        contents: &Contents,
    ) -> Result<Writer, SinkError> {
        let header = json(header)?;
        let mut out = Hashing { file, hash: Sha256::new() };
        out.write_all(MAGIC)?;
        let mut out = Encoder::new(out, LEVEL)?;
        out.include_checksum(true)?;
        let (pending, flushed) = (Vec::with_capacity(BATCH), Instant::now());
        let mut writer = Writer { out: Some(out), pending, flushed, blobs, used: 0, max, written: 0, tally };
        for (_, bytes) in contents.iter() {
            let value = writer.value(bytes)?;
            writer.write(Kind::Content, &value)?;
        }
        writer.write(Kind::Header, &Value::Inline(header))?;
        writer.flush()?;
        Ok(writer)
    }

    fn value(&mut self, bytes: &[u8]) -> io::Result<Value> {
        if bytes.len() <= MAX_INLINE {
            return Ok(Value::Inline(bytes.to_vec()));
        }
        let (digest, written) = self.blobs.put(bytes)?;
        self.written = self.written.saturating_add(written);
        Ok(Value::Blob { digest, length: u64::try_from(bytes.len()).unwrap_or(u64::MAX) })
    }

    fn write(&mut self, kind: Kind, value: &Value) -> io::Result<()> {
        record::write(&mut self.pending, kind, value);
        if self.pending.len() >= BATCH { self.compress() } else { Ok(()) }
    }

    /// Hands on what waits. The encoder waits for more of it.
    fn compress(&mut self) -> io::Result<()> {
        if let Some(out) = &mut self.out {
            out.write_all(&self.pending)?;
        }
        self.written = self.written.saturating_add(u64::try_from(self.pending.len()).unwrap_or(u64::MAX));
        self.pending.clear();
        Ok(())
    }

    /// Writes everything into the file.
    fn flush(&mut self) -> io::Result<()> {
        self.compress()?;
        if let Some(out) = &mut self.out {
            out.flush()?;
        }
        self.flushed = Instant::now();
        Ok(())
    }
}

impl Sink for Writer {
    fn take(&mut self, crossing: Crossing) -> Result<(), SinkError> {
        let Crossing { lane, asked, given } = crossing;
        let length = u64::try_from(given.len()).unwrap_or(u64::MAX);
        self.used = self.used.saturating_add(length).saturating_add(OVERHEAD);
        if self.used > self.max || length > record::MAX_BLOB {
            return Err(SinkError::Full);
        }
        let value = if given.len() <= MAX_INLINE { Value::Inline(given) } else { self.value(&given)? };
        self.write(Kind::Crossing(lane, asked), &value)?;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, end: &End) -> Result<ContentDigest, SinkError> {
        self.write(Kind::End, &Value::Inline(json(end)?))?;
        self.compress()?;
        let out = self.out.take().ok_or(SinkError::Io)?;
        Ok(ContentDigest::from_bytes(out.finish()?.hash.finalize().into()))
    }
}

impl Drop for Writer {
    /// A run that nobody ended has what it was given until then.
    fn drop(&mut self) {
        if self.out.is_some() {
            let _ = self.flush();
        }
        self.tally.add(self.written);
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, SinkError> {
    serde_json::to_vec(value).ok().filter(|json| json.len() <= MAX_JSON).ok_or(SinkError::Unwritable)
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<io::Error> for SinkError {
    fn from(_: io::Error) -> SinkError {
        SinkError::Io
    }
}
