//! The audit log's verifier: no bytes panic it, a whole log is accounted for to the last byte, and no byte of it can be
//! changed unnoticed.
//!
//! The input is read twice: as a log, and, line by line, as the content of entries that are numbered, chained and hashed
//! here, so that what lies behind the hash is reached too.
#![no_main]

use bailiwick_guard::audit::{Summary, verify};
use data_encoding::HEXLOWER;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut log = seal(data);
    let whole = check(&log);
    // Some byte, whose choice the input has a hand in.
    let at = data.iter().fold(data.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = at.checked_rem(log.len()).unwrap_or(0);
    if let (None, Some(byte)) = (&whole.fault, log.get_mut(at)) {
        *byte ^= 0x20;
        assert_ne!(check(&log), whole, "byte {at} was changed unnoticed");
    }
});

fn check(log: &[u8]) -> Summary {
    let summary = verify(log).expect("memory can be read");
    let length = log.len() as u64;
    let accounted = summary.bytes + summary.torn_bytes;
    match &summary.fault {
        None => assert_eq!(accounted, length),
        Some(fault) => {
            assert!(summary.torn_bytes == 0 && accounted < length);
            assert_eq!(fault.line, summary.entries + 1);
        }
    }
    // What comes before the end or the fault is a log of its own.
    let good = log.get(..usize::try_from(summary.bytes).expect("it fits")).expect("it lies within the log");
    let again = verify(good).expect("memory can be read");
    assert_eq!((again.entries, &again.head, &again.dangling), (summary.entries, &summary.head, &summary.dangling));
    assert!(again.fault.is_none() && again.torn_bytes == 0);
    summary
}

/// A log whose entries have these lines for members, after `seq` and `prev`.
fn seal(lines: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut head = "0".repeat(64);
    for (seq, members) in lines.split(|byte| *byte == b'\n').enumerate() {
        let mut line = format!(r#"{{"seq":{seq},"prev":"{head}","#).into_bytes();
        line.extend_from_slice(members);
        head = HEXLOWER.encode(&Sha256::new_with_prefix(&line).chain_update(b"}").finalize());
        log.extend_from_slice(&line);
        log.extend_from_slice(format!(",\"hash\":\"{head}\"}}\n").as_bytes());
    }
    log
}
