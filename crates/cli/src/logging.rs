//! What Bailiwick tells its operator about itself, on standard error: the one place that installs a subscriber.
//!
//! `RUST_LOG` says how much, warnings by default. Only our own events are shown, whatever it says: those of libraries hold what
//! went over a wire, and with it what no log may hold. Ours name runs, agents, actions and codes, and never an argument, a
//! resource or a secret. Every text is shown as untrusted.

use std::fmt::{self, Write as _};

use bailiwick_guard::{Clock, SystemClock};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::arguments::LogFormat;
use crate::environment;
use crate::terminal::{self, Untrusted, WARN};

/// Ours are `bailiwick`, `bailiwick_guard` and so on.
const OURS: &str = "bailiwick";

/// Shows events from now on. Called once, by the program that is Bailiwick; an embedder has a subscriber of their own.
pub(crate) fn install(format: LogFormat) {
    let asked = environment::text(environment::LOG).ok().flatten();
    let targets = asked.as_deref().map(str::parse::<Targets>);
    let is_wrong = matches!(targets, Some(Err(_)));
    let targets = targets.and_then(Result::ok).unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    // An embedder's tests may have installed one before.
    let _ = tracing_subscriber::registry().with(Lines { format, targets }).try_init();
    if is_wrong {
        terminal::err(&format!(
            "{WARN}warning{WARN:#}: RUST_LOG is left out, because it is not understood; write levels as in `debug` or `bailiwick_guard=debug`\n"
        ));
    }
}

/// Writes each event as one line.
struct Lines {
    format: LogFormat,
    targets: Targets,
}

/// Fields of an event or a span, in their order.
#[derive(Default)]
struct Fields {
    members: Map<String, Value>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        is_ours(metadata.target()) && self.targets.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&self.targets)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let spans = spans.map(|span| {
            let members = span.extensions().get::<Fields>().map(|fields| fields.members.clone());
            (span.name(), members.unwrap_or_default())
        });
        let spans: Vec<_> = spans.collect();
        let line = match self.format {
            LogFormat::Text => text(event.metadata(), fields.members, &spans),
            LogFormat::Json => json_line(event.metadata(), fields.members, &spans),
        };
        terminal::err(&line);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.members.insert(field.name().to_owned(), Untrusted(&format!("{value:?}")).to_string().into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.members.insert(field.name().to_owned(), Untrusted(value).to_string().into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.members.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.members.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.members.insert(field.name().to_owned(), value.into());
    }
}

fn is_ours(target: &str) -> bool {
    let rest = target.strip_prefix(OURS);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('_'))
}

/// `2026-11-23T07:09:01.572Z DEBUG bailiwick_guard::call: call refused code=deny.manifest.no_rule  run{run=… agent=bot} call{call=1}`
fn text(metadata: &Metadata<'_>, mut members: Map<String, Value>, spans: &[(&str, Map<String, Value>)]) -> String {
    let message = members.remove("message");
    let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("{} {:>5} {}: {message}", SystemClock.now(), metadata.level(), metadata.target());
    for (name, value) in &members {
        let _ = write!(line, " {name}={}", plain(value));
    }
    for (name, members) in spans {
        let fields: Vec<_> = members.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let _ = write!(line, "  {name}{{{}}}", fields.join(" "));
    }
    line.push('\n');
    line
}

/// A text without its quotes, unless it has blanks.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"') => text.to_owned(),
        _ => value.to_string(),
    }
}

fn json_line(metadata: &Metadata<'_>, mut members: Map<String, Value>, spans: &[(&str, Map<String, Value>)]) -> String {
    let message = members.remove("message").unwrap_or_default();
    let spans: Vec<_> = spans
        .iter()
        .map(|(name, members)| {
            let mut span = Map::new();
            span.insert("name".to_owned(), (*name).into());
            span.extend(members.clone());
            Value::from(span)
        })
        .collect();
    let line = json!({
        "timestamp": SystemClock.now().to_string(),
        "level": level(metadata.level()),
        "target": metadata.target(),
        "message": message,
        "fields": members,
        "spans": spans,
    });
    terminal::visible_json(&line.to_string()) + "\n"
}

fn level(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_targets_are_ours() {
        for target in ["bailiwick", "bailiwick::run", "bailiwick_guard::call", "bailiwick_cli"] {
            assert!(is_ours(target), "{target}");
        }
        for target in ["h2::codec", "rmcp", "hyper", "bailiwicked", "not_bailiwick", ""] {
            assert!(!is_ours(target), "{target}");
        }
    }

    #[test]
    fn texts_stay_on_their_line() {
        assert_eq!(plain(&"a b".into()), "\"a b\"");
        assert_eq!(plain(&"a".into()), "a");
        assert_eq!(plain(&7.into()), "7");
        let mut fields = Fields::default();
        let subscriber = tracing_subscriber::registry();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::error_span!("run", agent = "a\n\u{1b}[31mb");
            let metadata = span.metadata().unwrap();
            let field = metadata.fields().field("agent").unwrap();
            fields.record_str(&field, "a\n\u{1b}[31mb");
        });
        assert_eq!(fields.members["agent"], "a\\u{a}\\u{1b}[31mb");
    }
}
