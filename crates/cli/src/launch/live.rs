//! What is shown while the guest runs: its output, its calls, and a line of progress.

mod queue;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use bailiwick::{Listen, Stream};
use bailiwick_guard::{CallRecord, Observe};
use indicatif::{ProgressBar, ProgressStyle};

use self::queue::{Event, Events, Queue, queue};
use super::report;
use crate::terminal::{self, Visible};

/// Calls that may wait to be shown. A guest makes them faster than a stalled terminal takes them.
const WAITING: u64 = 1000;

/// Passes what happens to a thread of its own, so that a slow terminal or pipe never holds the guest up. What waits is
/// bounded by the run's output limit, and by [`WAITING`].
pub(crate) struct Live {
    events: Queue,
    /// Whether the guest's output is shown as it comes.
    streams: bool,
    calls: Option<Arc<Calls>>,
    printer: Option<JoinHandle<Ended>>,
}

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show {
    /// The guest's output.
    pub(crate) output: bool,
    /// Every call.
    pub(crate) trace: bool,
    /// On a terminal, that something is under way.
    pub(crate) progress: bool,
}

/// How the streams stand when everything is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// The guest's last line has no end.
    pub(crate) mid_line: bool,
}

/// Calls on their way to the printer.
#[derive(Default)]
struct Calls {
    waiting: AtomicU64,
    dropped: AtomicU64,
}

struct Listener {
    events: Queue,
    streams: bool,
}

struct Observer {
    events: Queue,
    /// `None` when nobody is shown calls.
    calls: Option<Arc<Calls>>,
}

impl Live {
    pub(crate) fn start(show: Show) -> Live {
        let (events, received) = queue();
        let bar = bar(show);
        let calls = (show.trace || bar.is_some()).then(Arc::<Calls>::default);
        let printer = Printer { trace: show.trace, bar, calls: 0, waiting: calls.clone() };
        let printer = std::thread::Builder::new().name("printer".into()).spawn(move || printer.run(&received)).ok();
        Live { events, streams: show.output, calls, printer }
    }

    pub(crate) fn listener(&self) -> Arc<dyn Listen> {
        Arc::new(Listener { events: self.events.clone(), streams: self.streams })
    }

    pub(crate) fn observer(&self) -> Arc<dyn Observe> {
        Arc::new(Observer { events: self.events.clone(), calls: self.calls.clone() })
    }

    /// Waits until everything so far is shown.
    pub(crate) fn catch_up(&self) {
        let (done, shown) = channel();
        // A printer that is gone drops the sender.
        self.events.send(Event::CatchUp(done));
        let _ = shown.recv();
    }

    /// Waits until everything is shown.
    pub(crate) fn finish(mut self) -> Ended {
        self.events.send(Event::End);
        self.printer.take().and_then(|printer| printer.join().ok()).unwrap_or_default()
    }
}

impl Drop for Live {
    /// A printer that nobody waits for ends, too.
    fn drop(&mut self) {
        self.events.send(Event::End);
    }
}

impl Listen for Listener {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        if self.streams {
            self.events.output(stream, bytes);
        }
    }
}

impl Observe for Observer {
    fn call_ended(&self, record: &CallRecord) {
        let Some(calls) = &self.calls else { return };
        if calls.enter() {
            self.events.send(Event::Call(Box::new(without_explanation(record))));
        }
    }
}

impl Calls {
    /// Whether there is room for one more; counts it either way.
    fn enter(&self) -> bool {
        let room = |waiting| (waiting < WAITING).then_some(waiting + 1);
        let entered = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if !entered {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many found no room since this was last asked.
    fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

/// Explanations are long, and a line about a call does not show them.
fn without_explanation(record: &CallRecord) -> CallRecord {
    CallRecord {
        call: record.call,
        action: record.action,
        resource: Arc::clone(&record.resource),
        decision: record.decision,
        code: record.code,
        rule: record.rule.clone(),
        outcome: record.outcome,
        took: record.took,
        explanation: None,
    }
}

struct Printer {
    trace: bool,
    bar: Option<ProgressBar>,
    calls: u64,
    waiting: Option<Arc<Calls>>,
}

impl Printer {
    fn run(mut self, events: &Events) -> Ended {
        let mut stdout = Sink::new(io::stdout().is_terminal());
        let mut stderr = Sink::new(io::stderr().is_terminal());
        loop {
            match events.next() {
                Event::Output(written) => {
                    if !written.stdout.is_empty() {
                        self.make_way(&stdout);
                        stdout.write(&mut io::stdout().lock(), &written.stdout);
                    }
                    if !written.stderr.is_empty() {
                        self.make_way(&stderr);
                        stderr.write(&mut io::stderr().lock(), &written.stderr);
                    }
                }
                Event::Call(record) => self.call(&record, &mut stderr),
                Event::CatchUp(done) => {
                    stdout.fresh_line(&mut io::stdout().lock());
                    stderr.fresh_line(&mut io::stderr().lock());
                    let _ = done.send(());
                }
                Event::End => break,
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        stdout.end(&mut io::stdout().lock());
        stderr.end(&mut io::stderr().lock());
        let dropped = self.take_dropped();
        if self.trace && dropped > 0 {
            terminal::err(&missed(dropped));
        }
        Ended { mid_line: stdout.mid_line || stderr.mid_line }
    }

    fn take_dropped(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |calls| calls.take_dropped())
    }

    fn call(&mut self, record: &CallRecord, stderr: &mut Sink) {
        let dropped = self.take_dropped();
        if let Some(calls) = &self.waiting {
            calls.leave();
        }
        self.calls += 1 + dropped;
        if self.trace {
            stderr.fresh_line(&mut io::stderr().lock());
            let mut line = report::call_line(record);
            if dropped > 0 {
                line += &missed(dropped);
            }
            match &self.bar {
                Some(bar) => bar.suspend(|| terminal::err(&line)),
                None => terminal::err(&line),
            }
        }
        if let Some(bar) = &self.bar {
            let calls = if self.calls == 1 { "call" } else { "calls" };
            bar.set_message(format!("{} {calls}, last {}", self.calls, record.action));
        }
    }

    /// A guest that prints on the terminal shows that it is alive; redrawing our line would erase an unfinished one of its.
    fn make_way(&mut self, sink: &Sink) {
        if sink.visible.is_some()
            && let Some(bar) = self.bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

fn missed(calls: u64) -> String {
    let calls = if calls == 1 { "1 call is".to_owned() } else { format!("{calls} calls are") };
    format!("… {calls} not shown, because standard error was not read fast enough; the audit log has them\n")
}

/// One of our own streams: bytes go through as they are, unless somebody looks at them on a terminal.
struct Sink {
    visible: Option<Visible>,
    broken: bool,
    /// The last thing written was not the end of a line.
    mid_line: bool,
}

impl Sink {
    fn new(terminal: bool) -> Sink {
        Sink { visible: terminal.then(Visible::default), broken: false, mid_line: false }
    }

    fn write(&mut self, stream: &mut impl Write, bytes: &[u8]) {
        if self.broken {
            return;
        }
        let shown = self.visible.as_mut().map(|visible| visible.push(bytes).into_bytes());
        let shown = shown.as_deref().unwrap_or(bytes);
        if let Some(last) = shown.last() {
            self.mid_line = *last != b'\n';
        }
        let written = stream.write_all(shown);
        // Whoever read it has stopped; the guest's output is still in its report.
        self.broken = written.and_then(|()| stream.flush()).is_err();
    }

    /// Makes room for a line of ours.
    fn fresh_line(&mut self, stream: &mut impl Write) {
        if self.mid_line {
            self.write(stream, b"\n");
        }
    }

    /// Leaves a terminal at the beginning of a line.
    fn end(&mut self, stream: &mut impl Write) {
        if let Some(visible) = self.visible.take()
            && !self.broken
        {
            self.mid_line = false;
            let _ = stream.write_all(visible.end().as_bytes()).and_then(|()| stream.flush());
        }
    }
}

fn bar(show: Show) -> Option<ProgressBar> {
    if !show.progress || !terminal::is_live() {
        return None;
    }
    let style = ProgressStyle::with_template("{spinner} running {elapsed} {wide_msg:.dim}").ok()?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bailiwick_guard::ActionWord;
    use bailiwick_policy::{ActionName, Code, Decision, Kind};

    use super::*;

    fn refused() -> CallRecord {
        CallRecord {
            call: 1,
            action: ActionWord { kind: Kind::File, action: ActionName::Read },
            resource: "/x".into(),
            decision: Decision::Deny,
            code: Code::ManifestNoRule,
            rule: None,
            outcome: None,
            took: Duration::ZERO,
            explanation: Some("long".into()),
        }
    }

    fn taken(events: &Queue, received: &Events) -> Vec<Event> {
        events.send(Event::End);
        std::iter::from_fn(|| Some(received.next()).filter(|event| !matches!(event, Event::End))).collect()
    }

    /// Nobody receives: that is a terminal which has stalled.
    #[test]
    fn a_stalled_terminal_holds_a_bounded_number_of_calls() {
        let (events, received) = queue();
        let calls = Arc::new(Calls::default());
        let observer = Observer { events: events.clone(), calls: Some(Arc::clone(&calls)) };
        for _ in 0..WAITING + 5 {
            observer.call_ended(&refused());
        }
        let waiting = taken(&events, &received);
        assert_eq!(waiting.len() as u64, WAITING);
        let explained = |event: &Event| matches!(event, Event::Call(record) if record.explanation.is_some());
        assert!(!waiting.iter().any(explained), "explanations stay where they are");
        assert_eq!((calls.take_dropped(), calls.take_dropped()), (5, 0));
        assert!(missed(5).contains("5 calls are not shown"));
        calls.leave();
        observer.call_ended(&refused());
        assert_eq!((taken(&events, &received).len(), calls.take_dropped()), (1, 0));

        Observer { events: events.clone(), calls: None }.call_ended(&refused());
        assert_eq!(taken(&events, &received).len(), 0, "nothing waits when nothing is shown");
    }

    #[test]
    fn a_line_of_ours_begins_a_line() {
        let mut sink = Sink::new(false);
        let mut stream = Vec::new();
        sink.write(&mut stream, b"no end");
        assert!(sink.mid_line);
        sink.fresh_line(&mut stream);
        sink.fresh_line(&mut stream);
        sink.write(&mut stream, b"");
        assert!(!sink.mid_line);
        assert_eq!(stream, b"no end\n");
        let mut terminal = Sink::new(true);
        terminal.write(&mut stream, b"x");
        terminal.end(&mut stream);
        assert!(stream.ends_with(b"x\n") && !terminal.mid_line);
    }
}
