//! The numbers and captions of the schema that are used.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Informational,
    Low,
    Medium,
    High,
}

/// How it went; of a finding, where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Unknown,
    Success,
    Failure,
    /// Of a finding alone.
    New,
}

impl Severity {
    pub(super) const fn word(self) -> (u64, &'static str) {
        match self {
            Severity::Informational => (1, "Informational"),
            Severity::Low => (2, "Low"),
            Severity::Medium => (3, "Medium"),
            Severity::High => (4, "High"),
        }
    }
}

impl Status {
    pub(super) const fn word(self) -> (u64, &'static str) {
        match self {
            Status::Unknown => (0, "Unknown"),
            Status::Success => (1, "Success"),
            Status::New => (1, "New"),
            Status::Failure => (2, "Failure"),
        }
    }
}

/// The activity of API Activity that a guest's action is.
pub(super) fn activity_of(action: &str) -> (u64, &'static str) {
    match action {
        "post" | "insert" | "create" | "start" => (1, "Create"),
        "get" | "head" | "options" | "read" | "list" | "select" | "verify" | "hash" => (2, "Read"),
        "put" | "patch" | "write" | "set" | "update" => (3, "Update"),
        "delete" => (4, "Delete"),
        _ => (99, "Other"),
    }
}

/// The same of an administrator's act.
pub(super) fn activity_of_act(act: &str) -> (u64, &'static str) {
    match act.split('.').nth(1).unwrap_or_default() {
        "register" | "issue" | "create" | "import" => (1, "Create"),
        "delete" => (4, "Delete"),
        "rotate" | "rotate_key" | "suspend" | "resume" | "revoke" | "set" | "rekey" | "end" => (3, "Update"),
        _ => (99, "Other"),
    }
}

/// What a resource of that kind is to observe.
pub(super) fn observable_of(kind: &str) -> (u64, &'static str) {
    match kind {
        "fetch" => (6, "URL String"),
        "file" => (45, "File Path"),
        _ => (38, "Resource Details Object: name"),
    }
}
