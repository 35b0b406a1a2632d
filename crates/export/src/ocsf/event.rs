//! One event, put together part by part.

use bailiwick_guard::Timestamp;
use bailiwick_guard::audit::{Context, Entry, Intent};
use serde_json::{Map, Value, json};

use super::VERSION;
use super::words::{Severity, Status};
use crate::otel;

/// The classes that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    DetectionFinding,
    Authentication,
    AuthorizeSession,
    ApiActivity,
}

/// An event that is not whole yet.
pub(super) struct Event {
    class: Class,
    members: Map<String, Value>,
    metadata: Map<String, Value>,
    profiles: Vec<&'static str>,
    observables: Vec<Value>,
    unmapped: Map<String, Value>,
    context: Option<Context>,
    at: Timestamp,
}

impl Class {
    /// The numbers and names of the class and of its category.
    const fn word(self) -> (u64, &'static str, u64, &'static str) {
        match self {
            Class::DetectionFinding => (2004, "Detection Finding", 2, "Findings"),
            Class::Authentication => (3002, "Authentication", 3, "Identity & Access Management"),
            Class::AuthorizeSession => (3003, "Authorize Session", 3, "Identity & Access Management"),
            Class::ApiActivity => (6003, "API Activity", 6, "Application Activity"),
        }
    }
}

impl Event {
    pub(super) fn new(class: Class, activity: u64, activity_name: &str, entry: &Entry) -> Event {
        let (class_uid, class_name, category_uid, category_name) = class.word();
        let members = map(json!({
            "activity_id": activity,
            "activity_name": activity_name,
            "category_uid": category_uid,
            "category_name": category_name,
            "class_uid": class_uid,
            "class_name": class_name,
            "type_uid": class_uid * 100 + activity,
            "type_name": format!("{class_name}: {activity_name}"),
            "time": entry.at.0,
        }));
        let mut metadata = map(json!({
            "version": VERSION,
            "product": { "name": "Bailiwick", "vendor_name": "Bailiwick", "version": env!("CARGO_PKG_VERSION") },
            "log_name": "audit",
            "log_format": "JSON",
            "logged_time": entry.at.0,
            "original_time": entry.at.to_string(),
            "sequence": entry.seq,
        }));
        if !entry.hash.is_empty() {
            metadata.insert("uid".into(), entry.hash.clone().into());
        }
        let mut event = Event {
            class,
            members,
            metadata,
            profiles: Vec::new(),
            observables: Vec::new(),
            unmapped: Map::new(),
            context: entry.context.clone(),
            at: entry.at,
        };
        event.place();
        event
    }

    /// What the run adds to each of its events.
    fn place(&mut self) {
        let Some(context) = self.context.clone() else { return };
        self.metadata.insert("correlation_uid".into(), context.run.clone().into());
        let digests = [("manifest", &context.manifest), ("module", &context.module), ("grant", &context.grant)];
        for (name, digest) in digests.into_iter().filter(|(_, digest)| !digest.is_empty()) {
            self.unmapped.insert(format!("{name}_sha256"), digest.clone().into());
        }
        if let Some(task) = context.task {
            self.unmapped.insert("task".into(), task.into());
        }
        self.unmapped.insert("run".into(), context.run.into());
    }

    pub(super) fn set(mut self, name: &str, value: impl Into<Value>) -> Event {
        self.members.insert(name.into(), value.into());
        self
    }

    pub(super) fn message(self, text: &str) -> Event {
        self.set("message", text)
    }

    /// A text that the schema has no place for.
    pub(super) fn text(mut self, name: &str, text: &str) -> Event {
        self.unmapped.insert(name.into(), text.into());
        self
    }

    pub(super) fn maybe(self, name: &str, text: Option<&str>) -> Event {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(super) fn number(mut self, name: &str, number: u64) -> Event {
        self.unmapped.insert(name.into(), number.into());
        self
    }

    pub(super) fn status(self, status: Status, severity: Severity) -> Event {
        let ((status_id, status), (severity_id, severity)) = (status.word(), severity.word());
        let event = self.set("status_id", status_id).set("status", status);
        event.set("severity_id", severity_id).set("severity", severity)
    }

    /// The reason's stable code.
    pub(super) fn code(mut self, code: &str) -> Event {
        self.metadata.insert("event_code".into(), code.into());
        self.set("status_code", code)
    }

    /// When it began, for something that took time.
    pub(super) fn since(self, began: Timestamp) -> Event {
        let ended = self.at.0.max(began.0);
        let event = self.set("start_time", began.0).set("end_time", ended);
        event.set("duration", ended.saturating_sub(began.0))
    }

    pub(super) fn allowed(self) -> Event {
        self.control(1, "Allowed", 1, "Allowed")
    }

    pub(super) fn blocked(self) -> Event {
        self.control(2, "Denied", 2, "Blocked")
    }

    fn control(mut self, action: u64, action_name: &str, disposition: u64, disposition_name: &str) -> Event {
        self.profiles.push("security_control");
        let event = self.set("action_id", action).set("action", action_name);
        event.set("disposition_id", disposition).set("disposition", disposition_name)
    }

    /// The agent, and the run as its session.
    pub(super) fn actor(mut self) -> Event {
        let Some(context) = self.context.clone() else { return self.set("actor", json!({ "app_name": "bailiwick" })) };
        self.observables
            .push(json!({ "name": "actor.user.name", "type_id": 4, "type": "User Name", "value": context.agent }));
        let (user, session) = (user(&context), session(&context));
        let issuer = &context.issuer;
        self.set("actor", json!({ "user": user, "session": session, "idp": { "name": issuer, "issuer": issuer } }))
    }

    /// The agent as the user of a class that is about one.
    pub(super) fn run_user(mut self) -> Event {
        let Some(context) = self.context.clone() else {
            return self.set("user", json!({ "name": "unknown" })).set("privileges", json!([]));
        };
        self.observables
            .push(json!({ "name": "user.name", "type_id": 4, "type": "User Name", "value": context.agent }));
        // What was granted is known by its digest; the schema wants a privilege or a group.
        let privileges = json!([format!("grant sha256:{}", context.grant)]);
        self.set("user", user(&context)).set("session", session(&context)).set("privileges", privileges)
    }

    /// Whoever presented a token, and whose it is.
    pub(super) fn logon(mut self, issuer: &str, agent: &str, jti: &str, actors: &[String]) -> Event {
        self.observables.push(json!({ "name": "user.name", "type_id": 4, "type": "User Name", "value": agent }));
        // A token that cannot be read names nobody.
        let agent = if agent.is_empty() { "unknown" } else { agent };
        let mut event = self
            .set("user", json!({ "name": agent, "uid": agent }))
            .set("service", json!({ "name": "bailiwick" }))
            .set("auth_protocol_id", 6)
            .set("auth_protocol", "OAUTH 2.0")
            .set("session", json!({ "issuer": issuer, "credential_uid": jti }));
        if !actors.is_empty() {
            event.unmapped.insert("actors".into(), actors.into());
        }
        event
    }

    pub(super) fn administrator(self, by: &str) -> Event {
        self.set("actor", json!({ "user": { "name": by, "uid": by } }))
    }

    /// What was called, at the sandbox's wall.
    pub(super) fn api(self, service: &str, operation: &str, call: Option<u64>) -> Event {
        let mut api = map(json!({ "operation": operation, "service": { "name": service } }));
        let run = self.context.as_ref().map_or("", |context| &context.run).to_owned();
        if let Some(call) = call {
            api.insert("request".into(), json!({ "uid": format!("{run}/{call}") }));
        }
        let endpoint = match run.is_empty() {
            true => json!({ "svc_name": "bailiwick" }),
            false => json!({ "svc_name": "bailiwick", "uid": run }),
        };
        self.set("api", api).set("src_endpoint", endpoint)
    }

    pub(super) fn resource(self, intent: &Intent) -> Event {
        let kind = intent.action.split('.').next().unwrap_or_default();
        self.set("resources", json!([{ "name": intent.resource, "type": kind }]))
    }

    /// What an administrator's act is about.
    pub(super) fn target(self, target: &str) -> Event {
        self.set("resources", json!([{ "name": target }]))
    }

    /// Which rule decided.
    pub(super) fn rule(mut self, intent: &Intent) -> Event {
        let Some(rule) = &intent.rule else { return self };
        self = self.text("rule", rule);
        if let Some(location) = &intent.location {
            self = self.text("rule_location", location);
        }
        if self.members.contains_key("finding_info") {
            return self;
        }
        let policy = json!({ "name": rule, "is_applied": true });
        self.set("authorizations", json!([{ "decision": intent.decision.as_str(), "policy": policy }]))
    }

    /// The call that a finding is about.
    pub(super) fn evidence(self, intent: &Intent) -> Event {
        let run = self.context.as_ref().map_or("", |context| &context.run);
        let request = format!("{run}/{}", intent.call);
        let mut evidence = map(json!({ "api": { "operation": intent.action, "request": { "uid": request } } }));
        if let Some(context) = &self.context {
            evidence.insert("actor".into(), json!({ "user": user(context), "session": session(context) }));
        }
        self.set("evidences", json!([evidence]))
    }

    pub(super) fn observable(mut self, name: &str, (type_id, type_name): (u64, &str), value: &str) -> Event {
        self.observables.push(json!({ "name": name, "type_id": type_id, "type": type_name, "value": value }));
        self
    }

    pub(super) fn build(mut self) -> Value {
        if let Some(trace) = self.trace() {
            self.profiles.push("trace");
            self.members.insert("trace".into(), trace);
        }
        self.metadata.insert("profiles".into(), self.profiles.into());
        self.members.insert("metadata".into(), self.metadata.into());
        if !self.observables.is_empty() {
            self.members.insert("observables".into(), self.observables.into());
        }
        if !self.unmapped.is_empty() {
            self.members.insert("unmapped".into(), self.unmapped.into());
        }
        self.members.into()
    }

    /// The trace that the run belongs to, the same as in its OpenTelemetry export, in the class that has a place for it.
    fn trace(&self) -> Option<Value> {
        if self.class != Class::ApiActivity {
            return None;
        }
        let context = self.context.as_ref()?;
        Some(json!({ "uid": otel::trace_id(context), "service": { "name": "bailiwick" } }))
    }
}

fn user(context: &Context) -> Value {
    let uid = if context.subject.is_empty() { &context.agent } else { &context.subject };
    json!({ "name": context.agent, "uid": uid })
}

fn session(context: &Context) -> Value {
    json!({ "uid": context.run, "issuer": context.issuer })
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
