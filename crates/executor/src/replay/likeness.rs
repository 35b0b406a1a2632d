//! What is replayed, and what came of it.

use std::fmt;
use std::sync::Arc;

use bailiwick_guard::journal::{Contents, Crossing, Decided, Difference, End, Header};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::json;

use bailiwick_policy::{Grant, Manifest};

use super::{HeaderError, header};
use crate::{Guest, Interpreter, Report};

/// A run as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub header: Header,
    /// What the header refers to.
    pub contents: Contents,
    /// What ran source text: the one that the header names.
    pub interpreter: Option<Interpreter>,
    /// In the order in which they were taken.
    pub crossings: Vec<Crossing>,
    /// `None` when the run never came to its end, or the journal broke off before.
    pub end: Option<End>,
}

/// What a replay came to.
#[derive(Debug, Serialize)]
pub struct Replayed {
    pub likeness: Likeness,
    /// Calls about which the grant that was compared would decide differently.
    #[serde(serialize_with = "differences")]
    pub differences: Vec<Difference>,
    /// The replay's own report. Its times are those of the replay; files that a guest leaves are not in it.
    pub report: Report,
    /// Another version or another processor recorded it. Where such a replay is not exact, that may be why.
    pub is_other_engine: bool,
}

/// How alike a run and its replay are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same stop, output, result, fuel, memory, and the same calls in the same order.
    Exact,
    /// The same for as long as there is a record.
    UpTo(RecordEnd),
    /// Not the same.
    Diverged(Departure),
}

/// Why a record ends before its run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    /// Something outside ended the run: its time, a revocation, whoever started it.
    Interrupted,
    /// The journal took no more.
    Cut,
    /// The run never came to its end.
    Unfinished,
}

/// The first thing that was not the same, in words. What guests wrote is shown as untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The number of the call at which it showed, from 1, when it is about a call.
    pub call: Option<u64>,
    /// What the record says.
    pub recorded: String,
    /// What the replay came to.
    pub replayed: String,
}

impl Recorded {
    /// The guest that ran.
    ///
    /// # Errors
    /// When it is not in the contents, or source text was run by another interpreter than the one given.
    pub fn guest(&self) -> Result<Guest, HeaderError> {
        header::guest(&self.header, &self.contents, self.interpreter.as_ref())
    }

    /// Its input, as JSON text.
    ///
    /// # Errors
    /// When it is not in the contents.
    pub fn input(&self) -> Result<String, HeaderError> {
        let text = self.contents.text(&self.header.input).map(str::to_owned);
        text.filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
            .ok_or(HeaderError::Missing("its input"))
    }

    /// The grant that it ran under.
    ///
    /// # Errors
    /// When the same one cannot be made of what the journal says.
    pub fn grant(&self) -> Result<Grant, HeaderError> {
        header::grant(&self.header, &self.contents)
    }

    /// What it would have run under with another manifest; see [`GrantSources::under`](bailiwick_policy::GrantSources::under).
    ///
    /// # Errors
    /// As [`Recorded::grant`].
    pub fn grant_under(&self, manifest: Arc<Manifest>, ceiling: Option<Arc<Manifest>>) -> Result<Grant, HeaderError> {
        header::grant_under(&self.header, &self.contents, manifest, ceiling)
    }
}

impl Likeness {
    /// The stable name, as in reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Likeness::Exact => "exact",
            Likeness::UpTo(_) => "exact_as_far_as_recorded",
            Likeness::Diverged(_) => "diverged",
        }
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Likeness::Exact => f.write_str("exact"),
            Likeness::UpTo(end) => write!(f, "exact as far as it is recorded: {end}"),
            Likeness::Diverged(departure) => write!(f, "diverged {departure}"),
        }
    }
}

impl RecordEnd {
    /// The stable name, as in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            RecordEnd::Interrupted => "interrupted",
            RecordEnd::Cut => "cut",
            RecordEnd::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for RecordEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordEnd::Interrupted => "the run was ended from outside",
            RecordEnd::Cut => "the journal is not whole",
            RecordEnd::Unfinished => "the run never came to its end",
        })
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = self.call {
            write!(f, "at call {call}: ")?;
        }
        write!(f, "recorded {}, replayed {}", self.recorded, self.replayed)
    }
}

impl Serialize for Likeness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.as_str())?;
        match self {
            Likeness::Exact => {}
            Likeness::UpTo(end) => map.serialize_entry("record_end", end.as_str())?,
            Likeness::Diverged(departure) => {
                map.serialize_entry("call", &departure.call)?;
                map.serialize_entry("recorded", &departure.recorded)?;
                map.serialize_entry("replayed", &departure.replayed)?;
            }
        }
        map.end()
    }
}

fn differences<S: Serializer>(differences: &[Difference], serializer: S) -> Result<S::Ok, S::Error> {
    let decided = |decided: &Decided| {
        let rule = decided.rule.as_ref();
        json!({
            "decision": decided.decision.as_str(),
            "code": decided.code.as_str(),
            "rule": rule.map(|rule| &rule.id),
            "location": rule.map(|rule| &rule.location),
        })
    };
    serializer.collect_seq(differences.iter().map(|it| {
        json!({
            "call": it.call,
            "action": it.action.to_string(),
            "resource": &*it.resource,
            "was": decided(&it.was),
            "would_be": decided(&it.would_be),
        })
    }))
}
