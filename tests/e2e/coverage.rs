//! What the cases show of each capability, in each kind of guest: a table that is made from their reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::case::Case;
use crate::{entries, golden};

/// What can become of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Allowed,
    Denied,
    Limited,
    Failed,
}

const FATES: [Fate; 4] = [Fate::Allowed, Fate::Denied, Fate::Limited, Fate::Failed];

/// Who makes calls, by what the guest is.
const GUESTS: [&str; 7] =
    ["core ABI", "component", "preview 1", "C, AssemblyScript", "Python", "JavaScript", "TypeScript"];

/// The capabilities: what an action's name begins with.
const KINDS: [&str; 7] = ["fetch", "crypto", "file", "kv", "sql", "tool", "secret"];

/// Each capability is seen with every fate, and with each way of calling it is allowed and denied somewhere. The whole table
/// is `tests/coverage.txt`, so that what a change takes away is in its diff.
pub(crate) fn table() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seen = seen(&folder.join("cases"))?;
    let at = |kind: &str, guest: &str| seen.get(&(kind.to_owned(), guest.to_owned())).cloned().unwrap_or_default();
    let mut missing = Vec::new();
    for kind in KINDS {
        let anywhere: BTreeSet<Fate> = GUESTS.iter().flat_map(|guest| at(kind, guest)).collect();
        missing.extend(
            FATES.iter().filter(|fate| !anywhere.contains(fate)).map(|fate| format!("{kind}: {}", fate.word())),
        );
        for guest in ["core ABI", "Python", "JavaScript"] {
            let fates = at(kind, guest);
            let wanted = [Fate::Allowed, Fate::Denied].into_iter().filter(|fate| !fates.contains(fate));
            missing.extend(wanted.map(|fate| format!("{kind} from {guest}: {}", fate.word())));
        }
    }
    if !missing.is_empty() {
        return Err(format!("no case shows {missing:?}").into());
    }
    golden::compare(&folder.join("coverage.txt"), &drawn(at))
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Fate::Allowed => "allowed",
            Fate::Denied => "denied",
            Fate::Limited => "limited",
            Fate::Failed => "failed",
        }
    }

    /// Of a call in a report.
    fn of(call: &Value) -> Fate {
        let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
        let family = text("code").split('.').next().unwrap_or_default();
        match family {
            "deny" => Fate::Denied,
            "limit" => Fate::Limited,
            _ if text("decision") == "allow" && text("outcome") == "done" => Fate::Allowed,
            _ => Fate::Failed,
        }
    }
}

type Seen = BTreeMap<(String, String), BTreeSet<Fate>>;

fn seen(cases: &Path) -> Result<Seen, String> {
    let mut seen = Seen::new();
    for folder in entries(cases).into_iter().filter(|path| path.is_dir()) {
        let case = Case::load(&folder)?;
        let Ok(report) = fs::read_to_string(folder.join("report.json")) else { continue };
        let report: Value = serde_json::from_str(&report).map_err(|error| format!("{}: {error}", folder.display()))?;
        for call in report.get("calls").and_then(Value::as_array).into_iter().flatten() {
            let kind = call.get("action").and_then(Value::as_str).and_then(|action| action.split('.').next());
            let key = (kind.unwrap_or_default().to_owned(), guest(&case)?.to_owned());
            seen.entry(key).or_default().insert(Fate::of(call));
        }
    }
    Ok(seen)
}

fn guest(case: &Case) -> Result<&'static str, String> {
    let name = case.spec.guest.as_str();
    let path = Path::new(name);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok("core ABI"),
        Some("py") => Ok("Python"),
        Some("js" | "mjs") => Ok("JavaScript"),
        Some("ts" | "mts") => Ok("TypeScript"),
        Some("wasm") => Ok("C, AssemblyScript"),
        Some("wat") => {
            let own = case.folder.join(name);
            let path = if own.is_file() { own } else { crate::stage::repository().join(name) };
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(match () {
                () if text.contains("(component") => "component",
                () if text.contains("wasi_snapshot_preview1") => "preview 1",
                () => "core ABI",
            })
        }
        _ if name.starts_with("lifted/") => Ok("component"),
        _ if name.starts_with("bomb/") => Ok("core ABI"),
        _ => Err(format!("{}: what kind of guest is `{name}`?", case.folder.display())),
    }
}

fn drawn(at: impl Fn(&str, &str) -> BTreeSet<Fate>) -> String {
    let mut text = String::from("What the reports of the cases show.\n\n");
    let _ = write!(text, "{:8}", "");
    for guest in GUESTS {
        let _ = write!(text, "  {guest:31}");
    }
    text = format!("{}\n", text.trim_end());
    for kind in KINDS {
        let mut line = format!("{kind:8}");
        for guest in GUESTS {
            let fates: Vec<&str> = at(kind, guest).iter().map(|fate| fate.word()).collect();
            let _ = write!(line, "  {:31}", if fates.is_empty() { "-".to_owned() } else { fates.join(" ") });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
