//! What waits to be shown. A guest makes it faster than a stalled terminal or pipe takes it, so all of it is bounded.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bailiwick::Stream;
use bailiwick_guard::CallRecord;

/// Pieces of output that wait one by one, in the order in which they were written. Beyond them each of the two streams is
/// in order, and what was written between the two is not known any more.
const PIECES: usize = 1000;

pub(super) enum Event {
    Output(Written),
    Call(Box<CallRecord>),
    /// Lines begin anew, and whoever waits is told.
    CatchUp(Sender<()>),
    End,
}

/// Output of a guest. When both streams have some, the order between them is not known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Where events come in. Output that waits is joined, so that it takes about as many bytes as it has, however small the
/// pieces are in which it is written; the run's output limit bounds those. Whoever adds calls bounds them.
#[derive(Clone)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

/// Where events come out. When it is gone, nothing waits any more.
pub(super) struct Events {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// Events that are output.
    pieces: usize,
    closed: bool,
}

/// An empty queue.
pub(super) fn queue() -> (Queue, Events) {
    let shared = Arc::<Shared>::default();
    (Queue { shared: Arc::clone(&shared) }, Events { shared })
}

impl Queue {
    pub(super) fn send(&self, event: Event) {
        let mut state = self.shared.state();
        if !state.closed {
            state.events.push_back(event);
            self.shared.more.notify_one();
        }
    }

    pub(super) fn output(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.shared.state();
        if !state.closed && !bytes.is_empty() {
            state.write(stream, bytes);
            self.shared.more.notify_one();
        }
    }
}

impl Events {
    /// Waits for the next event.
    pub(super) fn next(&self) -> Event {
        let waiting = self.shared.more.wait_while(self.shared.state(), |state| state.events.is_empty());
        let mut state = waiting.unwrap_or_else(PoisonError::into_inner);
        let next = state.events.pop_front();
        if matches!(next, Some(Event::Output(_))) {
            state.pieces = state.pieces.saturating_sub(1);
        }
        // INVARIANT: there is one, or the wait would not have ended.
        next.unwrap_or(Event::End)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        // Whoever waits to be told that something was shown is not kept waiting.
        state.events.clear();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let full = self.pieces >= PIECES;
        if let Some(Event::Output(written)) = self.events.back_mut()
            && (full || written.is_only(stream))
        {
            written.of(stream).extend_from_slice(bytes);
            return;
        }
        let mut written = Written::default();
        written.of(stream).extend_from_slice(bytes);
        self.events.push_back(Event::Output(written));
        self.pieces = self.pieces.saturating_add(1);
    }
}

impl Written {
    fn is_only(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stderr.is_empty(),
            Stream::Stderr => self.stdout.is_empty(),
        }
    }

    fn of(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn waiting(queue: &Queue) -> usize {
        queue.shared.state().events.len()
    }

    /// Nobody takes the events: that is a reader which has stalled.
    #[test]
    fn output_that_waits_takes_the_bytes_that_it_has() {
        let (queue, events) = queue();
        for _ in 0..100_000 {
            queue.output(Stream::Stdout, b"");
        }
        assert_eq!(waiting(&queue), 0, "nothing is nothing");
        for _ in 0..100_000 {
            queue.output(Stream::Stdout, b"a");
        }
        assert_eq!(waiting(&queue), 1);
        for _ in 0..100_000 {
            queue.output(Stream::Stderr, b"e");
            queue.output(Stream::Stdout, b"o");
        }
        assert_eq!(waiting(&queue), PIECES);
        queue.send(Event::End);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Event::Output(written) = events.next() {
            stdout.extend(written.stdout);
            stderr.extend(written.stderr);
        }
        assert_eq!((stdout.len(), stderr.len()), (200_000, 100_000), "nothing is lost");
        queue.output(Stream::Stderr, b"e");
        queue.output(Stream::Stdout, b"o");
        assert_eq!(waiting(&queue), 2, "there is room again");
    }

    #[test]
    fn the_order_of_streams_and_of_what_comes_between_is_kept() {
        let (queue, events) = queue();
        let (done, _waits) = channel();
        queue.output(Stream::Stdout, b"1");
        queue.output(Stream::Stdout, b"2");
        queue.output(Stream::Stderr, b"3");
        queue.send(Event::CatchUp(done));
        queue.output(Stream::Stderr, b"4");
        let output = |event: Event| match event {
            Event::Output(written) => Some(written),
            _ => None,
        };
        let written = |stdout: &[u8], stderr: &[u8]| Some(Written { stdout: stdout.into(), stderr: stderr.into() });
        assert_eq!(output(events.next()), written(b"12", b""));
        assert_eq!(output(events.next()), written(b"", b"3"));
        assert_eq!(output(events.next()), None);
        assert_eq!(output(events.next()), written(b"", b"4"));
    }

    #[test]
    fn nobody_waits_for_a_printer_that_is_gone() {
        let (queue, events) = queue();
        let (done, shown) = channel();
        queue.send(Event::CatchUp(done.clone()));
        drop(events);
        queue.send(Event::CatchUp(done));
        queue.output(Stream::Stdout, b"x");
        assert!(shown.recv().is_err());
        assert_eq!(waiting(&queue), 0);
    }
}
