//! Reads a log in blocks of lines, and checks the lines of several blocks at once.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::canonical::Entry;
use crate::tlog::{Hash, MAX_ENTRY};

/// Bytes that a block has at least, but for the last.
const BLOCK: usize = 1 << 20;

/// Threads that check blocks. Whoever reads them joins what they found.
const WORKERS: usize = 4;

pub(super) const TOO_LONG: &str = "the line is too long";

/// Lines that were each checked by themselves, up to the first that is not whole.
pub(super) struct Block {
    pub(super) lines: Vec<Line>,
    /// What is wrong with the line after them.
    pub(super) fault: Option<&'static str>,
}

/// An entry whose hash is right.
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) prev: [u8; 32],
    pub(super) hash: [u8; 32],
    /// As a leaf of the tree.
    pub(super) leaf: Hash,
    /// In bytes, with the break.
    pub(super) length: u64,
    pub(super) step: Option<Step>,
}

/// The beginning or the end of a call, as (run, call). The run is written as in the log, with escapes.
pub(super) enum Step {
    Begun(Box<str>, u64),
    Ended(Box<str>, u64),
}

/// Cuts what it reads into blocks of whole lines.
pub(super) struct Blocks<R> {
    log: R,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(log: R) -> Blocks<R> {
        Blocks { log, rest: Vec::new() }
    }

    /// The next lines, each with its break; `None` at the end, or at a line that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = std::mem::take(&mut self.rest);
        while bytes.len() <= MAX_ENTRY {
            let known = bytes.len();
            bytes.reserve(BLOCK);
            let read = self.log.by_ref().take(BLOCK as u64).read_to_end(&mut bytes)?;
            let end = bytes.iter().skip(known).rposition(|byte| *byte == b'\n');
            if let Some(end) = end {
                self.rest = bytes.split_off(known.saturating_add(end).saturating_add(1));
                return Ok(Some(bytes));
            }
            if read == 0 {
                break;
            }
        }
        self.rest = bytes;
        Ok(None)
    }

    /// Bytes of a last line that has no end, once there is no next block.
    pub(super) fn torn(&self) -> u64 {
        self.rest.len() as u64
    }
}

/// Checks what `next` gives, and hands the blocks to `each` in their order until it has enough.
///
/// # Errors
/// Those of `next`, and when no thread can be started.
pub(super) fn check_all(
    mut next: impl FnMut() -> io::Result<Option<Vec<u8>>>,
    mut each: impl FnMut(Block) -> ControlFlow<()>,
) -> io::Result<()> {
    let Some(first) = next()? else { return Ok(()) };
    let mut second = next()?;
    if second.is_none() {
        let _ = each(check(&first));
        return Ok(());
    }
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(WORKERS);
    thread::scope(|scope| {
        let mut lanes = Vec::new();
        for _ in 0..workers {
            let (work, todo) = mpsc::channel::<Vec<u8>>();
            let (done, results) = mpsc::channel();
            thread::Builder::new().spawn_scoped(scope, move || {
                todo.iter().map(|bytes| check(&bytes)).try_for_each(|block| done.send(block))
            })?;
            lanes.push((work, results));
        }
        let mut first = Some(first);
        let mut next = || first.take().or_else(|| second.take()).map_or_else(&mut next, |bytes| Ok(Some(bytes)));
        let gone = |_| io::Error::other("a thread that checks the log ended");
        // INVARIANT: block n goes through lane n modulo lanes, so that they come back in order; two of each at most.
        let (mut sent, mut done, mut ended) = (0_usize, 0_usize, false);
        loop {
            while !ended && sent.saturating_sub(done) < workers.saturating_mul(2) {
                match (next()?, lanes.get(sent % workers)) {
                    (Some(bytes), Some((work, _))) => work.send(bytes).map_err(|_| gone(mpsc::RecvError))?,
                    _ => {
                        ended = true;
                        break;
                    }
                }
                sent = sent.saturating_add(1);
            }
            let Some((_, results)) = lanes.get(done % workers).filter(|_| done < sent) else { return Ok(()) };
            done = done.saturating_add(1);
            if each(results.recv().map_err(gone)?).is_break() {
                return Ok(());
            }
        }
    })
}

/// Checks each line of a block by itself.
fn check(bytes: &[u8]) -> Block {
    let mut block = Block { lines: Vec::new(), fault: None };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match check_line(line.strip_suffix(b"\n").unwrap_or(line)) {
            Ok(line) => block.lines.push(line),
            Err(fault) => {
                block.fault = Some(fault);
                break;
            }
        }
    }
    block
}

fn check_line(line: &[u8]) -> Result<Line, &'static str> {
    if line.len() > MAX_ENTRY {
        return Err(TOO_LONG);
    }
    let entry = Entry::of(line)?;
    let [before, after] = entry.content;
    let hash = Sha256::new().chain_update(before).chain_update(after).finalize();
    if bytes_of(entry.hash) != Some(hash.into()) {
        return Err("the entry is not the one that was hashed");
    }
    let prev = bytes_of(entry.prev).ok_or("the line is not an entry")?;
    let step = match (entry.kind, entry.run, entry.call) {
        ("intent", Some(run), Some(call)) if entry.decision == Some("allow") => Some(Step::Begun(run.into(), call)),
        ("outcome", Some(run), Some(call)) => Some(Step::Ended(run.into(), call)),
        _ => None,
    };
    let length = (line.len() as u64).saturating_add(1);
    Ok(Line { seq: entry.seq, prev, hash: hash.into(), leaf: Hash::leaf(line), length, step })
}

/// The bytes that 64 lower-case hexadecimal digits are.
fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    (hex.len() == 64).then(|| HEXLOWER.decode_mut(hex.as_bytes(), &mut bytes).ok()).flatten()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut blocks = Blocks::new(text);
        let mut found = Vec::new();
        while let Some(block) = blocks.next().unwrap() {
            found.push(block);
        }
        (found, blocks.torn())
    }

    #[test]
    fn blocks_are_whole_lines_and_nothing_is_lost() {
        let line = [vec![b'x'; 700], vec![b'\n']].concat();
        for (lines, torn) in [(0, 0), (1, 0), (1, 5), (5_000, 17), (3_000, 0)] {
            let text = [line.repeat(lines), vec![b'y'; torn]].concat();
            let (found, rest) = all(&text);
            assert!(found.iter().all(|block| block.ends_with(b"\n")));
            assert_eq!((found.concat().len(), rest), (lines * 701, torn as u64));
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_read_for_ever() {
        let (found, torn) = all(&vec![b'x'; 10 << 20]);
        assert!(found.is_empty() && torn > MAX_ENTRY as u64 && torn < 3 << 20, "{torn}");
    }

    #[test]
    fn blocks_come_back_in_their_order_and_reading_stops_when_it_is_enough() {
        let mut left = 40;
        let mut given = 0;
        check_all(
            || {
                left -= 1;
                Ok((left > 0).then(|| format!("{left}\n").into_bytes()))
            },
            |block| {
                assert!(block.fault.is_some());
                given += 1;
                if given == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )
        .unwrap();
        assert!(given == 10 && left > 10, "{given} {left}");
    }
}
