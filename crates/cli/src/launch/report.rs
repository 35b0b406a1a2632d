//! The report of a run, for people and for programs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bailiwick::{Anomaly, Refusal, Report, Settled, Settlement, Stop};
use bailiwick_guard::CallRecord;
use bailiwick_identity::{Authorization, Provenance, Withdrawal};
use bailiwick_policy::{Code, Decision, Manifest};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal::{BAD, BOLD, DIM, GOOD, NOTE, Untrusted, WARN, untrusted_lines};

/// Different refusals that are explained; the others are counted.
const EXPLAINED: usize = 8;

/// The withdrawal that ended the run. One that came when it had ended by itself did not.
fn revoked<'a>(report: &Report, withdrawal: Option<&'a Withdrawal>) -> Option<&'a Withdrawal> {
    withdrawal.filter(|_| report.stop == Stop::Revoked)
}

/// What was run, by whom, under what.
pub(crate) struct Described {
    guest: String,
    manifest: Arc<Manifest>,
    agent: String,
    issuer: String,
    provenance: Provenance,
    jti: String,
    /// Who acts for the agent, the one that presented the token first.
    actors: Vec<String>,
}

impl Described {
    pub(crate) fn of(guest: &Path, manifest: &Arc<Manifest>, authorization: &Authorization) -> Described {
        let principal = &authorization.authority().principal;
        Described {
            guest: if guest == Path::new("-") { "standard input".to_owned() } else { guest.display().to_string() },
            manifest: Arc::clone(manifest),
            agent: principal.agent.clone(),
            issuer: principal.issuer.clone(),
            provenance: authorization.provenance(),
            jti: authorization.jti().to_string(),
            actors: authorization.actors().iter().map(ToString::to_string).collect(),
        }
    }

    /// The one JSON object of `--json`. `withdrawal`: why the run was revoked, if it was.
    pub(crate) fn to_json(&self, report: &Report, withdrawal: Option<&Withdrawal>) -> Result<Value, Failure> {
        let mut value = serde_json::to_value(report).map_err(Failure::internal)?;
        if let Some(members) = value.as_object_mut() {
            let mut identity = json!({
                "agent": self.agent,
                "issuer": self.issuer,
                "provenance": self.provenance.as_str(),
                "jti_sha256": self.jti,
            });
            if let Some(identity) = identity.as_object_mut().filter(|_| !self.actors.is_empty()) {
                identity.insert("actors".to_owned(), self.actors.clone().into());
            }
            members.insert("identity".to_owned(), identity);
            if let (Some(withdrawal), Some(Value::Object(stop))) =
                (revoked(report, withdrawal), members.get_mut("stop"))
            {
                stop.insert("why".to_owned(), Value::from(withdrawal.to_string()));
            }
            members
                .insert("manifest".to_owned(), json!({ "id": self.manifest.id(), "origin": self.manifest.origin() }));
        }
        Ok(value)
    }

    /// The report for a person: how it ended, what it used, what was refused and how to allow it.
    pub(crate) fn draw(&self, report: &Report, withdrawal: Option<&Withdrawal>) -> String {
        let (style, word) = match report.stop {
            Stop::Finished => (GOOD, "finished".to_owned()),
            Stop::Failed(_) => (BAD, report.stop.to_string()),
            _ => (WARN, report.stop.to_string()),
        };
        // Nothing of the guest comes after the last of these lines.
        let mut text = format!("{DIM}── run {} ──{DIM:#}\n", report.run_id);
        text += &format!("{style}{}{style:#}  {}\n", Untrusted(&word), self.line());
        text += &format!("  {DIM}{}{DIM:#}\n", usage(report));
        if let Some(withdrawal) = revoked(report, withdrawal) {
            text += &format!("  {}\n", Untrusted(&withdrawal.to_string()));
        } else if let Some(help) = advice(&report.stop) {
            text += &format!("  {NOTE}help{NOTE:#}: {help}\n");
        }
        if let Some(result) = &report.result {
            text += &format!("  result  {}\n", Untrusted(&result.to_string()));
        }
        for file in &report.files {
            text += &format!("  file    {}  {}\n", Untrusted(&file.path), size(file.content.len() as u64));
        }
        for settled in &report.staged {
            text += &format!("  staged  {}\n", staged(settled));
        }
        for anomaly in &report.anomalies {
            text += &format!("  {WARN}anomaly{WARN:#} {}\n", self::anomaly(*anomaly));
        }
        text + &refusals(&report.calls)
    }

    pub(crate) fn line(&self) -> String {
        let on = match self.provenance {
            Provenance::Terminal => " (on your own word: the manifest alone decides)",
            Provenance::LocalIssuer => " (token of the local issuer)",
            Provenance::Issuer => "",
        };
        let (guest, origin) = (Untrusted(&self.guest), Untrusted(self.manifest.origin()));
        let by = match self.actors.as_slice() {
            [] => String::new(),
            actors => format!(", through {}", Untrusted(&actors.join(" ← "))),
        };
        format!("{BOLD}{guest}{BOLD:#} as `{}`{on}{by} under {origin}", Untrusted(&self.agent))
    }
}

/// One call on one line, for `--trace`.
pub(crate) fn call_line(record: &CallRecord) -> String {
    let (style, word) = match (record.decision, record.outcome) {
        (Decision::Allow, Some(outcome)) if outcome.code().is_none() => (GOOD, outcome.as_str()),
        (Decision::Allow, Some(outcome)) => (WARN, outcome.as_str()),
        (Decision::Allow, None) => (DIM, "allowed"),
        _ => (BAD, "denied"),
    };
    let code = record.outcome.and_then(|outcome| outcome.code()).unwrap_or(record.code);
    let rule = record.rule.as_ref().map(|rule| format!("  rule `{}`, {}", rule.id(), Untrusted(rule.location())));
    let milliseconds = record.took.as_secs_f64() * 1000.0;
    format!(
        "{style}{word:<8}{style:#} {} {}{DIM}  [{code}]{}  {milliseconds:.1} ms{DIM:#}\n",
        record.action,
        Untrusted(&record.resource),
        rule.unwrap_or_default(),
    )
}

fn usage(report: &Report) -> String {
    let usage = &report.usage;
    let mut parts = vec![
        format!("{:.1} ms", usage.wall.as_secs_f64() * 1000.0),
        format!("{} fuel", grouped(usage.fuel)),
        format!("{} memory", size(usage.peak_memory_bytes)),
        format!("{} {}", grouped(usage.host_calls), if usage.host_calls == 1 { "call" } else { "calls" }),
        format!("{} output", size(usage.output_bytes)),
    ];
    if usage.disk_bytes > 0 {
        parts.push(format!("{} written", size(usage.disk_bytes)));
    }
    if usage.files_made > 0 {
        parts.push(format!("{} made", grouped(usage.files_made)));
    }
    parts.join(", ")
}

/// What to do about how the guest ended.
fn advice(stop: &Stop) -> Option<&'static str> {
    Some(match stop {
        Stop::OutOfFuel => "raise `fuel` under [limits] in the manifest, or look for an endless loop",
        Stop::OutOfMemory => "raise `memory` under [limits] in the manifest",
        Stop::OutOfTime => "raise `timeout` under [limits] in the manifest",
        Stop::OutOfBudget(_) => "raise that budget under [limits] in the manifest",
        Stop::Refused(Refusal::CompileTimeout { .. }) => {
            "raise `time` under [compile] in bailiwick.toml, or make the guest smaller"
        }
        Stop::Refused(Refusal::CompileMemory { .. }) => {
            "raise `memory` under [compile] in bailiwick.toml, or make the guest smaller"
        }
        Stop::NotApplied(Code::Conflict) => "somebody else changed a file that it had staged; run it again",
        Stop::NotApplied(_) => "look at the refused calls below: nobody sees what was staged",
        Stop::Revoked => "the token expired or was revoked; get a new one and run again",
        _ => return None,
    })
}

fn staged(settled: &Settled) -> String {
    let Settled { mount, changes, outcome, stuck } = settled;
    let word = if *changes == 1 { "change" } else { "changes" };
    let because = stuck.as_ref().map_or_else(String::new, |path| format!(", because of `{}`", Untrusted(path)));
    match outcome {
        Settlement::Applied => format!("/{mount}: {changes} {word} applied"),
        Settlement::Discarded => format!("/{mount}: {changes} {word} discarded, because the run did not finish"),
        Settlement::Refused(code) => format!("/{mount}: none of {changes} {word} applied{because}  [{code}]"),
        Settlement::Partial(done, code) => {
            format!("/{mount}: {done} of {changes} {word} applied, then it failed{because}  [{code}]")
        }
    }
}

fn anomaly(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::AuditIncomplete => "the end of the run could not be written to the audit log",
        Anomaly::JournalIncomplete => "the run has no whole journal and cannot be replayed to its end",
    }
}

/// Every different refusal with its explanation, and what else went wrong in a line each.
fn refusals(calls: &[CallRecord]) -> String {
    let mut text = String::new();
    let (mut seen, mut left) = (BTreeSet::new(), 0_usize);
    for record in calls {
        let code = record.outcome.and_then(|outcome| outcome.code());
        if record.decision == Decision::Allow && code.is_none() {
            continue;
        }
        let rule = record.rule.as_ref().map(|rule| rule.location().to_owned());
        let code = code.unwrap_or(record.code);
        // What is left of a budget differs each time, and says nothing new.
        let reason = record.explanation.clone().filter(|_| !code.as_str().starts_with("limit."));
        let key = (record.action.to_string(), Arc::clone(&record.resource), code, rule, reason);
        if !seen.insert(key) {
            continue;
        }
        if seen.len() > EXPLAINED {
            left += 1;
            continue;
        }
        text.push('\n');
        text += &match &record.explanation {
            Some(explanation) => untrusted_lines(explanation, ""),
            None => call_line(record),
        };
        if let Some(help) = hint(code) {
            text += &format!("  {NOTE}help{NOTE:#}: {help}\n");
        }
    }
    if left > 0 {
        text += &format!("\n… and {left} more; --json lists every call\n");
    }
    text
}

/// How to fix what an effect refused or could not do, where that is known.
fn hint(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::NoKey => {
            "make it with `bailiwick key create RING/KEY`, or let its ring make its keys: `create` under [keys.RING] in \
             bailiwick.toml, your own or the one in the current folder"
        }
        Code::KeyExpired => {
            "make its next version with `bailiwick key rotate RING/KEY`, or let its ring do that: `create`, and how often with \
             `rotate`, under [keys.RING] in bailiwick.toml"
        }
        Code::KeyStore => "`bailiwick key list` says what is wrong with it",
        Code::PrivateAddress => {
            "the rule must say `private = true`; a link-local address must also stand in the URL itself, not behind a name"
        }
        Code::RequestHeader => {
            "the rule's `headers` must name every header that the guest sets; one with a credential is the place of a `secret` \
             of the rule, kept with `bailiwick secret set`"
        }
        Code::SecretPlace => {
            "write the placeholder once, where the rule says; a body with one is a JSON object with `content-type: application/json`"
        }
        Code::KeyUse => {
            "`bailiwick key list` says what each key is for (a public key only verifies); `bailiwick key create RING/KEY \
             --algorithm ALGORITHM` makes one for something else"
        }
        Code::SqlStatement => {
            "the error that the guest got has the database's own words; whoever writes the code needs the names of tables and \
             columns, and passes values as parameters"
        }
        Code::TlsFailed => {
            "name the certificate authority that signed the server's certificate: `ca_file` under [fetch]"
        }
        Code::ToolUnaccepted | Code::ToolChanged => {
            "`bailiwick tool list MANIFEST` shows what its server says of it; `bailiwick tool accept MANIFEST SERVER` accepts that"
        }
        Code::ToolServer | Code::NoTool => {
            "`bailiwick tool list MANIFEST` starts the server and says what is wrong with it"
        }
        _ => return None,
    })
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn size(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bailiwick_guard::{ActionWord, Outcome};
    use bailiwick_policy::{ActionName, Code, Kind};

    use super::*;

    fn record(resource: &str, decision: Decision, code: Code, outcome: Option<Outcome>) -> CallRecord {
        CallRecord {
            call: 1,
            action: ActionWord { kind: Kind::File, action: ActionName::Read },
            resource: resource.into(),
            decision,
            code,
            rule: None,
            outcome,
            took: Duration::from_micros(1500),
            explanation: None,
        }
    }

    #[test]
    fn quantities_are_readable() {
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!((size(1023), size(1536), size(3 << 30)), ("1023 B".into(), "1.5 KiB".into(), "3.0 GiB".into()));
    }

    #[test]
    fn refusals_are_shown_once_and_safely() {
        let hostile = record("/a\u{1b}[2J\u{202e}\nallowed", Decision::Deny, Code::ManifestNoRule, None);
        let fine = record("/ok", Decision::Allow, Code::Allowed, Some(Outcome::Done));
        let missing = record("/gone", Decision::Allow, Code::Allowed, Some(Outcome::Failed(Code::NotFound)));
        let text = refusals(&[hostile.clone(), fine, hostile, missing]);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "{plain:?}");
        assert_eq!(plain.matches("file.read").count(), 2, "{plain}");
        assert!(plain.contains("[deny.manifest.no_rule]") && plain.contains("[failed.not_found]"), "{plain}");
        assert!(!plain.contains("/ok"));

        // What differs in its code, its rule or its reason is not the same.
        let other = record("/a", Decision::Deny, Code::ManifestRule, None);
        let mut reasons = ["header `a`", "header `b`"].map(|reason| {
            let mut record = record("/a", Decision::Allow, Code::Allowed, Some(Outcome::Denied(Code::RequestHeader)));
            record.explanation = Some(format!("denied: {reason}"));
            record
        });
        let [first, second] = &mut reasons;
        let text = refusals(&[other, first.clone(), second.clone(), first.clone()]);
        assert_eq!(text.matches("header `a`").count() + text.matches("header `b`").count(), 2, "{text}");
        assert!(text.contains("deny.manifest.rule"), "{text}");

        let many: Vec<_> =
            (0..20).map(|n| record(&format!("/{n}"), Decision::Deny, Code::ManifestNoRule, None)).collect();
        assert!(refusals(&many).contains("… and 12 more"));
    }

    #[test]
    fn a_guest_that_does_not_compile_has_its_limits_named() {
        let advised = |refusal| advice(&Stop::Refused(refusal)).unwrap_or_default();
        assert!(advised(Refusal::CompileTimeout { limit_ms: 1 }).contains("`time` under [compile] in bailiwick.toml"));
        assert!(advised(Refusal::CompileMemory { limit: 1 }).contains("`memory` under [compile] in bailiwick.toml"));
        assert_eq!(advised(Refusal::TooLarge { found: 2, limit: 1 }), "");
    }

    #[test]
    fn explanations_cannot_forge_lines_of_ours() {
        let mut forged = record("/x", Decision::Deny, Code::ManifestNoRule, None);
        forged.explanation = Some("denied: file read /x\u{1b}[1A\n  help: add".into());
        let text = refusals(&[forged]);
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.ends_with("  help: add\n"));
    }
}
