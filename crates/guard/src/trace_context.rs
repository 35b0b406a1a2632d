//! Whose trace a run belongs to, as W3C Trace Context tells it.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A span in its trace, as a W3C `traceparent` names it: that which started a run, a run's own, or a call's. It says what
/// belongs together and nothing else; no decision looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a W3C `traceparent`; write `00-`, 32 hexadecimal digits, `-`, 16 more, `-` and two for the flags, all in lower case"
)]
pub struct TraceContextError;

/// Somebody has recorded the span.
const SAMPLED: u8 = 1;

impl TraceContext {
    /// The span of a run: in the trace of what started it, or in one of its own, which has the run's id. It follows from its
    /// arguments alone, so that whoever reads the log finds it again.
    pub fn of_run(run: &str, started_by: Option<&TraceContext>) -> TraceContext {
        let (trace, flags) = match started_by {
            Some(context) => (context.trace, context.flags),
            None => (own_trace(run), SAMPLED),
        };
        TraceContext { trace, span: digest("run", run, 0), flags }
    }

    /// The span of one of a run's calls, below the run's own.
    pub fn of_call(run: &str, call: u64, started_by: Option<&TraceContext>) -> TraceContext {
        TraceContext { span: digest("call", run, call), ..TraceContext::of_run(run, started_by) }
    }

    /// The trace, in 32 characters of hex.
    pub fn trace_id(&self) -> String {
        HEXLOWER.encode(&self.trace)
    }

    /// The span, in 16 characters of hex.
    pub fn span_id(&self) -> String {
        HEXLOWER.encode(&self.span)
    }

    pub fn flags(&self) -> u8 {
        self.flags
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    /// Reads version 00, and of a later version what that has in common with it (§4.3 of the recommendation).
    fn from_str(text: &str) -> Result<TraceContext, TraceContextError> {
        parse(text).ok_or(TraceContextError)
    }
}

fn parse(text: &str) -> Option<TraceContext> {
    let mut parts = text.splitn(5, '-');
    let [version] = bytes(parts.next()?)?;
    let context =
        TraceContext { trace: bytes(parts.next()?)?, span: bytes(parts.next()?)?, flags: flags(parts.next()?)? };
    let has_more = parts.next().is_some();
    let is_set = context.trace != [0; 16] && context.span != [0; 8];
    (is_set && version != 0xff && (version > 0 || !has_more)).then_some(context)
}

/// A UUID is a trace's id as it is.
fn own_trace(run: &str) -> [u8; 16] {
    let id: String = run.chars().filter(|c| *c != '-').collect();
    bytes(&id).filter(|id| *id != [0; 16]).unwrap_or_else(|| digest("trace", run, 0))
}

fn digest<const N: usize>(what: &str, run: &str, call: u64) -> [u8; N] {
    let mut hash = Sha256::new();
    hash.update(what.as_bytes());
    hash.update(call.to_be_bytes());
    hash.update(run.as_bytes());
    let id = hash.finalize().first_chunk().copied().unwrap_or([1; N]);
    // One of zeros would be none.
    if id == [0; N] { [1; N] } else { id }
}

fn flags(text: &str) -> Option<u8> {
    bytes(text).map(|[flags]| flags)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id(), self.span_id(), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_written_is_read() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!((context.to_string().as_str(), context.flags()), (GOOD, 1));
        let later = format!("cc{}-what-comes", GOOD.strip_prefix("00").unwrap());
        assert_eq!(later.parse(), Ok(context));
    }

    #[test]
    fn identifiers_follow_from_the_run_and_are_never_zeros() {
        const RUN: &str = "01a2073c-98c0-71fc-a73f-61b2a372d2f7";
        let own = TraceContext::of_run(RUN, None);
        assert_eq!((own.trace_id(), own.flags()), (RUN.replace('-', ""), 1));
        assert_eq!(own.to_string().parse(), Ok(own));
        let parent: TraceContext = GOOD.parse().unwrap();
        let joined = TraceContext::of_run(RUN, Some(&parent));
        assert_eq!((joined.trace_id(), joined.span_id()), (parent.trace_id(), own.span_id()));
        let (first, second) = (TraceContext::of_call(RUN, 1, None), TraceContext::of_call(RUN, 2, None));
        assert!(first.span_id() != second.span_id() && first.trace_id() == own.trace_id());
        for run in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            let context = TraceContext::of_run(run, None);
            assert_eq!(context.to_string().parse(), Ok(context), "{run}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            String::new(),
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            format!(" {GOOD}"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace('-', "_"),
            GOOD.replacen("4b", "4", 1),
            GOOD.replacen("4b", "4g", 1),
            GOOD.trim_end_matches('1').to_owned(),
        ] {
            assert_eq!(bad.parse::<TraceContext>(), Err(TraceContextError), "{bad}");
        }
    }
}
