//! Journals as somebody else may have written them: no bytes panic the reader or make it grow, and what is read of the records
//! is what a journal of those records has.
//!
//! The input is read twice: as a file, and as the records of one, which are compressed here, so that what lies behind the
//! compression is reached too.
#![no_main]

use std::io::Write;

use bailiwick_guard::journal::files::{JournalError, Recorded, read};
use libfuzzer_sys::fuzz_target;

/// Bytes of all that crossed; also of a value in a file of its own, which is all zeros here.
const MOST: u64 = 1 << 20;
const MAGIC: &[u8] = b"\x50\x2a\x4d\x18\x13\0\0\0bailiwick journal 1";

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut frame = zstd::Encoder::new(MAGIC.to_vec(), 1).expect("memory can be written");
    frame.write_all(data).expect("memory can be written");
    let whole = frame.finish().expect("memory can be written");
    let Ok(recorded) = check(&whole) else { return };
    // Its beginning is a beginning of it.
    let (half, _) = data.split_at(data.len() / 2);
    let mut frame = zstd::Encoder::new(MAGIC.to_vec(), 1).expect("memory can be written");
    frame.write_all(half).expect("memory can be written");
    frame.flush().expect("memory can be written");
    let torn = frame.get_ref().clone();
    match check(&torn) {
        Ok(first) => {
            assert!(recorded.crossings.starts_with(&first.crossings) && first.header == recorded.header);
            assert_eq!(first.end, None);
        }
        Err(error) => assert!(matches!(error, JournalError::Damaged { what: "there is no header", .. }), "{error}"),
    }
});

fn check(bytes: &[u8]) -> Result<Recorded, JournalError> {
    let zeros = |_: &_, length: u64| match usize::try_from(length.min(MOST)) {
        Ok(length) => Ok(vec![0; length]),
        Err(_) => Err(JournalError::NotAJournal),
    };
    let recorded = read(bytes, MOST, zeros)?;
    let given: usize = recorded.crossings.iter().map(|crossing| crossing.given.len()).sum();
    assert!(given as u64 <= MOST);
    Ok(recorded)
}
