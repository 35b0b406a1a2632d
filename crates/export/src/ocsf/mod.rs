//! Events of the Open Cybersecurity Schema Framework, 1.8.0.
//!
//! | on record | class |
//! |---|---|
//! | a call that was refused; a call's outcome; a call without one; an administrator's act | API Activity (6003) |
//! | an agent's identity that was accepted or refused | Authentication (3002) |
//! | the beginning and the end of a run | Authorize Session (3003) |
//! | a call that a rule denied or an effect refused, an ambiguous one, a run that was revoked, a log that had to be repaired | Detection Finding (2004), in addition |
//!
//! What the schema has no place for is in `unmapped`.

mod event;
mod words;

use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Entry, EntryBody, Intent};
use bailiwick_policy::Decision;
use serde_json::{Value, json};

use self::event::{Class, Event};
use self::words::{Severity, Status, activity_of, observable_of};

/// The version of the schema that the events have.
pub const VERSION: &str = "1.8.0";

/// The events of an entry; none for one that a later version wrote. `intent` is what an outcome is the outcome of, and when that
/// was recorded.
pub fn events(entry: &Entry, intent: Option<&(Timestamp, Intent)>) -> Vec<Value> {
    match &entry.body {
        EntryBody::Intent(intent) if intent.decision != Decision::Allow => {
            let call = call(entry, intent).code(&intent.code).status(Status::Failure, Severity::Medium).blocked();
            let finding = (intent.rule.is_some() || intent.code == "deny.request.ambiguous").then(|| {
                finding(entry, "A call was refused", &intent.code).rule(intent).resource(intent).evidence(intent)
            });
            [Some(call), finding].into_iter().flatten().map(Event::build).collect()
        }
        EntryBody::Intent(_) => Vec::new(),
        EntryBody::Outcome { outcome, code, .. } => {
            let Some((began, intent)) = intent else { return Vec::new() };
            let code = code.as_deref().unwrap_or(outcome);
            let event = call(entry, intent).since(*began).code(code).text("outcome", outcome);
            let event = match outcome.as_str() {
                "done" => event.status(Status::Success, Severity::Informational).allowed(),
                "denied" => event.status(Status::Failure, Severity::Medium).blocked(),
                "abandoned" => event.status(Status::Unknown, Severity::Low).allowed(),
                _ => event.status(Status::Failure, Severity::Low).allowed(),
            };
            let finding = (outcome == "denied").then(|| {
                let title = "An effect was refused that the rules had allowed";
                finding(entry, title, code).rule(intent).resource(intent).evidence(intent)
            });
            [Some(event), finding].into_iter().flatten().map(Event::build).collect()
        }
        EntryBody::RunStarted { rationale } => {
            let event = Event::new(Class::AuthorizeSession, 1, "Assign Privileges", entry);
            let event = event.status(Status::Success, Severity::Informational).run_user();
            vec![event.message("A run began").maybe("rationale", rationale.as_deref()).build()]
        }
        EntryBody::RunEnded { stop, calls, .. } => {
            let status = if stop == "finished" { Status::Success } else { Status::Failure };
            let event = Event::new(Class::AuthorizeSession, 99, "End", entry).status(status, Severity::Informational);
            let event = event.run_user().code(stop).message("A run ended").number("calls", *calls);
            let finding = (stop == "revoked").then(|| finding(entry, "A run was revoked while it ran", stop));
            [Some(event), finding].into_iter().flatten().map(Event::build).collect()
        }
        EntryBody::Authentication { issuer, agent, jti, actors, code } => {
            let (status, severity) = match code == "allow" {
                true => (Status::Success, Severity::Informational),
                false => (Status::Failure, Severity::Medium),
            };
            let event = Event::new(Class::Authentication, 1, "Logon", entry).status(status, severity).code(code);
            vec![event.logon(issuer, agent, jti, actors).build()]
        }
        EntryBody::Administration { act, target, reason, by, failed } => {
            let status = if failed.is_some() { Status::Failure } else { Status::Success };
            let (activity, name) = words::activity_of_act(act);
            let event = Event::new(Class::ApiActivity, activity, name, entry).status(status, Severity::Low);
            let event = event.administrator(by).api("administration", act, None).target(target);
            let event = if failed.is_some() { event.blocked() } else { event.allowed() };
            vec![event.maybe("reason", reason.as_deref()).maybe("failed", failed.as_deref()).build()]
        }
        EntryBody::Recovered { bytes, unsigned } => {
            let title = "A log was repaired when it was opened";
            let event = finding(entry, title, "recovered").number("bytes", *bytes).number("unsigned", *unsigned);
            vec![event.build()]
        }
        EntryBody::Other { .. } => Vec::new(),
    }
}

/// The event of a call that has no outcome: it is under way, or its process was killed. `entry` is its intent.
pub fn unfinished(entry: &Entry, intent: &Intent) -> Value {
    let event = call(entry, intent).code(&intent.code).status(Status::Unknown, Severity::Low).allowed();
    event.message("A call without an outcome: whether its effect happened is not known").build()
}

fn call(entry: &Entry, intent: &Intent) -> Event {
    let (kind, action) = intent.action.split_once('.').unwrap_or((&intent.action, ""));
    let (activity, name) = activity_of(action);
    let event = Event::new(Class::ApiActivity, activity, name, entry);
    let event = event.api(kind, &intent.action, Some(intent.call)).actor().resource(intent).rule(intent);
    event.observable("resources[].name", observable_of(kind), &intent.resource)
}

fn finding(entry: &Entry, title: &str, code: &str) -> Event {
    let event = Event::new(Class::DetectionFinding, 1, "Create", entry).status(Status::New, Severity::High);
    let uid = if entry.hash.is_empty() { entry.seq.to_string() } else { entry.hash.clone() };
    let types = json!([code.split('.').next().unwrap_or(code)]);
    let created = entry.at.0;
    event.code(code).message(title).set(
        "finding_info",
        json!({ "uid": uid, "title": title, "types": types, "created_time": created,
            "analytic": { "name": code, "uid": code, "type_id": 1, "type": "Rule" } }),
    )
}

#[cfg(test)]
mod tests;
