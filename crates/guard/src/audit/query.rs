//! Questions to a log: which of its entries, in words that an operator types.

use std::collections::BTreeMap;

use bailiwick_policy::Decision;

use super::reader::{Entry, EntryBody, Intent};
use crate::Timestamp;

/// Bytes of a question, at most.
const MAX_QUERY: usize = 4096;

/// Calls under way that are remembered, at most. Those of the oldest runs are forgotten first: a process that was killed left
/// them without an outcome.
const MAX_OPEN: usize = 65_536;

/// What an entry must be for somebody to see it: all terms must hold, and without terms every entry is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<(Field, Glob)>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Why a text is no [`Query`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("`{0}` is no term; a term is `name=value`, with quotes around a value that has blanks")]
    Term(String),
    #[error("there is no term `{0}`; there are {names}", names = names())]
    Unknown(String),
    #[error("`{name}` cannot be `{value}`; it is one of {choices}")]
    Choice { name: &'static str, value: String, choices: String },
    #[error("`{0}` is no time; write how long ago, such as `90s`, `15m`, `1h` or `7d`, or `2026-11-23T07:09:01Z`")]
    Time(String),
    #[error("the term `{0}` stands there twice")]
    Twice(&'static str),
    #[error("a quote is not closed")]
    Quote,
    #[error("the query is longer than {MAX_QUERY} bytes")]
    TooLong,
}

/// The calls of a log that are under way, so that an outcome can be told with what it is the outcome of.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    open: BTreeMap<(String, u64), Entry>,
}

/// What a term looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Act,
    Action,
    Agent,
    Code,
    Decision,
    Issuer,
    Kind,
    Outcome,
    Resource,
    Rule,
    Run,
    Stop,
    Task,
    Type,
}

impl Field {
    const ALL: [(&'static str, Field); 14] = [
        ("act", Field::Act),
        ("action", Field::Action),
        ("agent", Field::Agent),
        ("code", Field::Code),
        ("decision", Field::Decision),
        ("issuer", Field::Issuer),
        ("kind", Field::Kind),
        ("outcome", Field::Outcome),
        ("resource", Field::Resource),
        ("rule", Field::Rule),
        ("run", Field::Run),
        ("stop", Field::Stop),
        ("task", Field::Task),
        ("type", Field::Type),
    ];

    /// The words that it can have, when there are few: another one is a slip that would find nothing.
    const fn choices(self) -> &'static [&'static str] {
        match self {
            Field::Decision => &["allow", "ask", "deny"],
            Field::Outcome => &["done", "denied", "failed", "limit", "abandoned"],
            Field::Type => {
                &["authentication", "administration", "run_started", "intent", "outcome", "run_ended", "recovered"]
            }
            _ => &[],
        }
    }
}

impl Query {
    /// Reads `name=value` terms with blanks between them. `now` is what times such as `1h` are counted back from.
    ///
    /// | term | holds for |
    /// |---|---|
    /// | `agent`, `issuer` | entries of its runs, and its authentications |
    /// | `run`, `task` | entries of such runs |
    /// | `decision` | `allow`, `ask` or `deny`: calls, and authentications |
    /// | `outcome` | `done`, `denied`, `failed`, `limit` or `abandoned` |
    /// | `code` | calls, outcomes and authentications with that reason |
    /// | `kind`, `action` | calls: `file`, and `file.read` or `read` |
    /// | `resource`, `rule` | calls about it, or decided by it |
    /// | `stop`, `act` | ends of runs, acts of administrators |
    /// | `type` | entries of that type |
    /// | `since`, `until` | entries from then on, or before then |
    ///
    /// An outcome is found by what its call was, too. In values `*` stands for any text.
    ///
    /// # Errors
    /// What is wrong with the first term that is.
    pub fn parse(text: &str, now: Timestamp) -> Result<Query, QueryError> {
        if text.len() > MAX_QUERY {
            return Err(QueryError::TooLong);
        }
        let mut query = Query::default();
        for word in words(text)? {
            let split = word.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
            let Some((name, value)) = split else { return Err(QueryError::Term(shown(&word))) };
            match name {
                "since" => once(&mut query.since, "since", time(value, now)?)?,
                "until" => once(&mut query.until, "until", time(value, now)?)?,
                _ => query.terms.push(term(name, value)?),
            }
        }
        Ok(query)
    }

    /// Whether it has no term at all.
    pub fn is_empty(&self) -> bool {
        *self == Query::default()
    }

    /// Whether every term holds for an entry. `intent` is what an outcome is the outcome of, where that is known.
    pub fn admits(&self, entry: &Entry, intent: Option<&Intent>) -> bool {
        self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.terms.iter().all(|(field, glob)| field.holds(glob, entry, intent))
    }
}

impl Field {
    fn holds(self, glob: &Glob, entry: &Entry, intent: Option<&Intent>) -> bool {
        let intent = match &entry.body {
            EntryBody::Intent(intent) => Some(intent),
            EntryBody::Outcome { .. } => intent,
            _ => None,
        };
        let context = entry.context.as_ref();
        let text = match (self, &entry.body) {
            (Field::Act, EntryBody::Administration { act, .. }) => Some(act.as_str()),
            (Field::Agent, EntryBody::Authentication { agent, .. }) => Some(agent.as_str()),
            (Field::Issuer, EntryBody::Authentication { issuer, .. }) => Some(issuer.as_str()),
            (Field::Code, EntryBody::Outcome { code, .. }) => code.as_deref(),
            (Field::Code, EntryBody::Authentication { code, .. }) => Some(code.as_str()),
            (Field::Decision, EntryBody::Authentication { code, .. }) => {
                Some(if code == "allow" { "allow" } else { "deny" })
            }
            (Field::Outcome, EntryBody::Outcome { outcome, .. }) => Some(outcome.as_str()),
            (Field::Stop, EntryBody::RunEnded { stop, .. }) => Some(stop.as_str()),
            (Field::Type, _) => Some(entry.kind()),
            (Field::Agent, _) => context.map(|context| context.agent.as_str()),
            (Field::Issuer, _) => context.map(|context| context.issuer.as_str()),
            (Field::Run, _) => context.map(|context| context.run.as_str()),
            (Field::Task, _) => context.and_then(|context| context.task.as_deref()),
            (Field::Action, _) => {
                let whole = intent.map(|intent| intent.action.as_str());
                let word = whole.and_then(|action| action.split_once('.')).map(|(_, word)| word);
                return whole.is_some_and(|whole| glob.matches(whole)) || word.is_some_and(|word| glob.matches(word));
            }
            (Field::Code, _) => intent.map(|intent| intent.code.as_str()),
            (Field::Decision, _) => intent.map(|intent| intent.decision.as_str()),
            (Field::Kind, _) => intent.and_then(|intent| intent.action.split('.').next()),
            (Field::Resource, _) => intent.map(|intent| intent.resource.as_str()),
            (Field::Rule, _) => intent.and_then(|intent| intent.rule.as_deref()),
            (Field::Act | Field::Outcome | Field::Stop, _) => None,
        };
        text.is_some_and(|text| glob.matches(text))
    }
}

impl Calls {
    /// Takes note of an entry. Of an outcome it gives the intent and when that was recorded, unless it was not seen.
    pub fn follow(&mut self, entry: &Entry) -> Option<(Timestamp, Intent)> {
        let run = entry.run()?;
        match &entry.body {
            EntryBody::Intent(intent) if intent.decision == Decision::Allow => {
                self.open.insert((run.to_owned(), intent.call), entry.clone());
                if self.open.len() > MAX_OPEN {
                    // Ids of runs sort by their time.
                    self.open.pop_first();
                }
                None
            }
            EntryBody::Outcome { call, .. } => {
                let Entry { at, body, .. } = self.open.remove(&(run.to_owned(), *call))?;
                if let EntryBody::Intent(intent) = body { Some((at, intent)) } else { None }
            }
            _ => None,
        }
    }

    /// The intents of calls without an outcome: under way, or left so by a process that was killed.
    pub fn unfinished(self) -> impl Iterator<Item = Entry> {
        self.open.into_values()
    }
}

/// A text in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Glob {
    /// What stands between the stars; one piece is a text without any.
    pieces: Vec<String>,
}

impl Glob {
    fn new(text: &str) -> Glob {
        Glob { pieces: text.split('*').map(str::to_owned).collect() }
    }

    /// Takes each piece where it first fits, in one pass: between stars no later place can do better.
    fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return text.is_empty() };
        let Some((last, between)) = rest.split_last() else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()).and_then(|left| left.strip_suffix(last.as_str())) else {
            return false;
        };
        for piece in between {
            let Some((_, after)) = left.split_once(piece.as_str()) else { return false };
            left = after;
        }
        true
    }
}

/// Words with blanks between them; a quoted part of a word may have blanks.
fn words(text: &str) -> Result<Vec<String>, QueryError> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err(QueryError::Quote);
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

fn term(name: &str, value: &str) -> Result<(Field, Glob), QueryError> {
    let found = Field::ALL.iter().find(|(known, _)| *known == name);
    let (name, field) = *found.ok_or_else(|| QueryError::Unknown(shown(name)))?;
    let (glob, choices) = (Glob::new(value), field.choices());
    // A log of a later version may have other types, so a pattern is taken as it is.
    if !choices.is_empty() && !value.contains('*') && !choices.contains(&value) {
        let choices = choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
        return Err(QueryError::Choice { name, value: shown(value), choices });
    }
    Ok((field, glob))
}

fn once(place: &mut Option<Timestamp>, name: &'static str, value: Timestamp) -> Result<(), QueryError> {
    match place.replace(value) {
        Some(_) => Err(QueryError::Twice(name)),
        None => Ok(()),
    }
}

/// So long ago, or a point in time.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, QueryError> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let ago = text.split_at_checked(digits).and_then(|(number, unit)| {
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    });
    let ago = ago.ok_or_else(|| QueryError::Time(shown(text)))?;
    Ok(Timestamp(now.0.saturating_sub(ago)))
}

fn names() -> String {
    let mut names: Vec<_> = Field::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.extend(["`since`".to_owned(), "`until`".to_owned()]);
    names.join(", ")
}

fn shown(text: &str) -> String {
    crate::untrusted::Untrusted(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_417_741_572);

    fn parse(text: &str) -> Result<Query, QueryError> {
        Query::parse(text, NOW)
    }

    fn entry(own: &str) -> Entry {
        let line = format!(
            r#"{{"seq":0,"at":"{NOW}","context":{{"run":"r1","task":"t","agent":"bot","issuer":"https://i"}},{own}}}"#
        );
        Entry::parse(line.as_bytes()).unwrap()
    }

    fn intent() -> Entry {
        entry(
            r#""type":"intent","call":2,"action":"fetch.GET","resource":"https://a.example/b c","decision":"allow","code":"allow","rule":"read""#,
        )
    }

    #[test]
    fn every_term_looks_at_its_own_member() {
        let (intent, outcome) = (intent(), entry(r#""type":"outcome","call":2,"outcome":"denied","code":"deny.x.y""#));
        let end = entry(r#""type":"run_ended","stop":"revoked","calls":2"#);
        let token =
            entry(r#""type":"authentication","issuer":"local","agent":"spy","jti":"0","code":"deny.token.signature""#);
        let act = entry(r#""type":"administration","act":"agent.revoke","target":"bot","by":"uid 0""#);
        let all = [&intent, &outcome, &end, &token, &act];
        for (text, expected) in [
            ("", "iorta"),
            ("agent=bot", "ior a"),
            ("agent=spy", "   t "),
            ("agent=*o*", "ior a"),
            ("issuer=local", "   t "),
            ("run=r1 type=intent", "i    "),
            ("run=r2", "     "),
            ("task=t", "iorta"),
            ("decision=allow", "io   "),
            ("decision=deny", "   t "),
            ("outcome=denied", " o   "),
            ("code=deny.*", " o t "),
            ("code=allow", "i    "),
            ("kind=fetch", "io   "),
            ("action=GET", "io   "),
            ("action=fetch.GET", "io   "),
            ("action=fetch", "     "),
            ("action=fetch.*", "io   "),
            ("resource=https://a.example/*", "io   "),
            ("resource=\"*b c\"", "io   "),
            ("rule=read", "io   "),
            ("stop=revoked", "  r  "),
            ("act=agent.*", "    a"),
            ("type=run_ended", "  r  "),
            ("since=1ms", "iorta"),
            ("until=0s", "     "),
            ("since=2026-11-23T07:09:01.572Z until=2026-11-23T07:09:01.573Z", "iorta"),
            ("since=2026-11-23T07:09:01.573Z", "     "),
            ("agent=bot agent=spy", "     "),
        ] {
            let query = parse(text).unwrap();
            let mut calls = Calls::default();
            let seen: String = all
                .iter()
                .zip("iorta".chars())
                .map(|(entry, letter)| {
                    let intent = calls.follow(entry).map(|(_, intent)| intent);
                    if query.admits(entry, intent.as_ref()) { letter } else { ' ' }
                })
                .collect();
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn slips_are_told() {
        for (text, told) in [
            ("agents=bot", "there is no term `agents`; there are `act`, `action`, `agent`,"),
            ("denied", "`denied` is no term"),
            ("agent=", "`agent=` is no term"),
            ("=x", "`=x` is no term"),
            ("decision=denied", "`decision` cannot be `denied`; it is one of `allow`, `ask`, `deny`"),
            ("type=end", "`type` cannot be `end`"),
            ("since=yesterday", "`yesterday` is no time"),
            ("since=1w", "`1w` is no time"),
            ("since=h", "`h` is no time"),
            ("since=99999999999999999999h", "is no time"),
            ("since=1h since=2h", "the term `since` stands there twice"),
            ("resource=\"a", "a quote is not closed"),
            ("\u{1b}[31m=x", "`\\u{1b}[31m`"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert_eq!(parse(&format!("agent={}", "x".repeat(MAX_QUERY))), Err(QueryError::TooLong));
        assert!(parse(" \t\n ").unwrap().is_empty() && !parse("agent=a").unwrap().is_empty());
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (glob, text, matches) in [
            ("", "", true),
            ("*", "", true),
            ("**", "abc", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("ab*bc", "abc", false),
            ("*b*b*", "abc", false),
            ("*b*b*", "abbc", true),
            ("a", "ab", false),
            ("é*é", "é", false),
            ("*a*ab", "aab", true),
        ] {
            assert_eq!(Glob::new(glob).matches(text), matches, "{glob} {text}");
        }
        // A product of their lengths would take for ever.
        let hostile = Glob::new(&"a*".repeat(1_000));
        assert!(!hostile.matches(&("a".repeat(999) + &"b".repeat(60_000))));
    }

    #[test]
    fn what_has_no_end_is_forgotten() {
        let mut calls = Calls::default();
        for call in 0..=MAX_OPEN as u64 {
            let mut entry = intent();
            let EntryBody::Intent(intent) = &mut entry.body else { panic!("{entry:?}") };
            intent.call = call;
            assert_eq!(calls.follow(&entry), None);
        }
        assert_eq!(calls.open.len(), MAX_OPEN);
    }
}
