//! Decompression, bounded in size and ratio.

use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};

/// Codings that may lie over each other.
const MAX_CODINGS: usize = 2;
/// Bytes that one compressed byte may become, beyond [`FREE`].
const MAX_RATIO: u64 = 200;
/// Bytes that any body may become.
const FREE: u64 = 64 << 10;
/// The largest zstd window, as a power of two: the 8 MiB that RFC 9659 allows over HTTP.
const ZSTD_WINDOW: u32 = 23;

/// Undoes the codings of a `Content-Encoding` field, last one first.
///
/// # Errors
/// `limit.decompressed_bytes` when the result would be longer than `cap` bytes or than the ratio allows, `failed.http`
/// for an unknown coding or damaged data.
pub(super) async fn decode(codings: &str, body: Bytes, cap: u64) -> Result<Bytes, HostError> {
    let cap = cap.min(room(u64::try_from(body.len()).unwrap_or(u64::MAX)));
    let mut body = body;
    for coding in self::codings(codings)?.into_iter().rev() {
        body = read(undo(coding, io::Cursor::new(body))?, cap).await?;
    }
    Ok(body)
}

/// The codings of a `Content-Encoding` field, first one first.
///
/// # Errors
/// `failed.http` when there are more than may be.
pub(super) fn codings(field: &str) -> Result<Vec<&str>, HostError> {
    let codings: Vec<&str> = field.split(',').map(str::trim).filter(|coding| !coding.is_empty()).collect();
    if codings.len() > MAX_CODINGS { Err(HostError::Failed(Code::HttpFailed)) } else { Ok(codings) }
}

/// How many bytes `sent` bytes may become.
pub(super) fn room(sent: u64) -> u64 {
    sent.saturating_mul(MAX_RATIO).saturating_add(FREE)
}

/// Undoes one coding.
///
/// # Errors
/// `failed.http` when it is unknown.
pub(super) fn undo(
    coding: &str,
    body: impl AsyncBufRead + Send + Unpin + 'static,
) -> Result<Box<dyn AsyncRead + Send + Unpin>, HostError> {
    Ok(match coding.to_ascii_lowercase().as_str() {
        "identity" => Box::new(body),
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(body);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        "deflate" => Box::new(ZlibDecoder::new(body)),
        "br" => Box::new(BrotliDecoder::new(body)),
        "zstd" => Box::new(ZstdDecoder::with_params(body, &[DParameter::window_log_max(ZSTD_WINDOW)])),
        _ => return Err(HostError::Failed(Code::HttpFailed)),
    })
}

async fn read(mut decoder: impl AsyncRead + Unpin, cap: u64) -> Result<Bytes, HostError> {
    let mut text = Vec::new();
    let mut chunk = vec![0; 32 << 10];
    loop {
        let read = decoder.read(&mut chunk).await.map_err(|_| HostError::Failed(Code::HttpFailed))?;
        if read == 0 {
            return Ok(text.into());
        }
        text.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if u64::try_from(text.len()).is_ok_and(|len| len > cap) {
            return Err(HostError::Limit(Code::DecompressedBytes));
        }
        // The input is in memory: without this, a large body would be decompressed in one go on a shared thread.
        tokio::task::yield_now().await;
    }
}
