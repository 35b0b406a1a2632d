//! What is shown while the guest runs: its output, its calls, and a line of progress.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bailiwick::{Listen, Stream};
use bailiwick_guard::{CallRecord, Observe};
use indicatif::{ProgressBar, ProgressStyle};

use super::report;
use crate::arguments::RunArguments;
use crate::terminal::{self, Visible};

/// Passes what happens to a thread of its own, so that a slow terminal or pipe never holds the guest up. What waits is
/// bounded by the run's output and call limits.
pub(super) struct Live {
    events: Sender<Event>,
    /// Whether the guest's output is shown as it comes.
    streams: bool,
    printer: Option<JoinHandle<()>>,
}

enum Event {
    Output(Stream, Vec<u8>),
    Call(CallRecord),
    End,
}

struct Listener {
    events: Sender<Event>,
    streams: bool,
}

struct Observer {
    events: Sender<Event>,
}

impl Live {
    pub(super) fn start(arguments: &RunArguments) -> Live {
        let (events, received) = channel();
        let printer = Printer { trace: arguments.trace, bar: bar(arguments), calls: 0 };
        let printer = std::thread::Builder::new().name("printer".into()).spawn(move || printer.run(&received)).ok();
        Live { events, streams: !arguments.json, printer }
    }

    pub(super) fn listener(&self) -> Arc<dyn Listen> {
        Arc::new(Listener { events: self.events.clone(), streams: self.streams })
    }

    pub(super) fn observer(&self) -> Arc<dyn Observe> {
        Arc::new(Observer { events: self.events.clone() })
    }

    /// Waits until everything is shown.
    pub(super) fn finish(self) {
        // A printer that is gone has nothing left to show.
        let _ = self.events.send(Event::End);
        if let Some(printer) = self.printer {
            let _ = printer.join();
        }
    }
}

impl Listen for Listener {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        if self.streams {
            let _ = self.events.send(Event::Output(stream, bytes.to_vec()));
        }
    }
}

impl Observe for Observer {
    fn call_ended(&self, record: &CallRecord) {
        let _ = self.events.send(Event::Call(record.clone()));
    }
}

struct Printer {
    trace: bool,
    bar: Option<ProgressBar>,
    calls: u64,
}

impl Printer {
    fn run(mut self, events: &Receiver<Event>) {
        let mut stdout = Sink::new(io::stdout().is_terminal());
        let mut stderr = Sink::new(io::stderr().is_terminal());
        while let Ok(event) = events.recv() {
            match event {
                Event::Output(Stream::Stdout, bytes) => {
                    self.make_way(&stdout);
                    stdout.write(&mut io::stdout().lock(), &bytes);
                }
                Event::Output(Stream::Stderr, bytes) => {
                    self.make_way(&stderr);
                    stderr.write(&mut io::stderr().lock(), &bytes);
                }
                Event::Call(record) => self.call(&record),
                Event::End => break,
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        stdout.end(&mut io::stdout().lock());
        stderr.end(&mut io::stderr().lock());
    }

    fn call(&mut self, record: &CallRecord) {
        self.calls += 1;
        if self.trace {
            let line = report::call_line(record);
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

/// One of our own streams: bytes go through as they are, unless somebody looks at them on a terminal.
struct Sink {
    visible: Option<Visible>,
    broken: bool,
}

impl Sink {
    fn new(terminal: bool) -> Sink {
        Sink { visible: terminal.then(Visible::default), broken: false }
    }

    fn write(&mut self, stream: &mut impl Write, bytes: &[u8]) {
        if self.broken {
            return;
        }
        let written = match &mut self.visible {
            Some(visible) => stream.write_all(visible.push(bytes).as_bytes()),
            None => stream.write_all(bytes),
        };
        // Whoever read it has stopped; the guest's output is still in its report.
        self.broken = written.and_then(|()| stream.flush()).is_err();
    }

    /// Leaves a terminal at the beginning of a line.
    fn end(&mut self, stream: &mut impl Write) {
        if let Some(visible) = self.visible.take()
            && !self.broken
        {
            let _ = stream.write_all(visible.end().as_bytes()).and_then(|()| stream.flush());
        }
    }
}

fn bar(arguments: &RunArguments) -> Option<ProgressBar> {
    if arguments.json || !terminal::is_live() {
        return None;
    }
    let style = ProgressStyle::with_template("{spinner} running {elapsed} {wide_msg:.dim}").ok()?;
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}
