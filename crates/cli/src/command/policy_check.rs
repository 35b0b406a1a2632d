//! `bailiwick policy check`

use std::path::{Path, PathBuf};

use bailiwick_policy::{Diagnostic, DiagnosticCode, Manifest, MountPoint, Severity};
use serde_json::json;

use crate::arguments::PolicyCheckArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{BAD, GOOD, Untrusted, WARN};
use crate::{diagnostics, manifest, terminal};

struct Checked {
    text: String,
    origin: String,
    parsed: Result<Manifest, Vec<Diagnostic>>,
    /// Those of the text, and what the disk says.
    findings: Vec<Diagnostic>,
}

/// Shows every finding in each manifest, and in the ceilings that they name.
pub(crate) fn run(arguments: &PolicyCheckArguments) -> Outcome {
    let mut all = Vec::new();
    for path in &arguments.manifests {
        let checked = check(path)?;
        let ceiling = checked.ceiling(path);
        all.push(checked);
        let Some(path) = ceiling else { continue };
        let above = check(&path)?;
        if let (Some(Ok(manifest)), Ok(ceiling)) = (all.last().map(|checked| &checked.parsed), &above.parsed) {
            manifest::check_ceiling(manifest, Some(ceiling))?;
        }
        if !arguments.manifests.contains(&path) {
            all.push(above);
        }
    }
    if arguments.json {
        let manifests: Vec<_> = all.iter().map(Checked::to_json).collect();
        terminal::out_json(&json!({ "manifests": manifests }))?;
    } else {
        for checked in &all {
            checked.print();
        }
    }
    Ok(if all.iter().all(|checked| checked.parsed.is_ok()) { Exit::Success } else { Exit::Manifest })
}

fn check(path: &Path) -> Result<Checked, Failure> {
    let (text, origin) = manifest::read(path)?;
    let parsed = Manifest::parse(&text, &origin);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut findings = match &parsed {
        Ok(manifest) => manifest.warnings().to_vec(),
        Err(findings) => findings.clone(),
    };
    findings.extend(parsed.iter().flat_map(|manifest| missing_folders(manifest, folder)));
    Ok(Checked { text, origin, parsed, findings })
}

/// Mounts whose folder is not there: here, for whoever checks a manifest on another machine than the one it is for.
fn missing_folders(manifest: &Manifest, base: &Path) -> Vec<Diagnostic> {
    let missing = manifest.mounts().iter().filter(|mount| mount.folder().is_some_and(|path| !base.join(path).is_dir()));
    let warning = |mount: &MountPoint| Diagnostic {
        severity: Severity::Warning,
        code: DiagnosticCode::NoFolder,
        message: format!("the folder of the mount `{}` is not there", mount.name()),
        span: mount.span(),
        help: Some(help(mount)),
    };
    missing.map(warning).collect()
}

/// What a folder of that name was meant to be, where it was hardly meant to be a folder.
fn help(mount: &MountPoint) -> String {
    let name = Untrusted(mount.name());
    match mount.folder().unwrap_or_default() {
        "memory" | "mem" | ":memory:" | "tmpfs" | "ram" => {
            format!("for files in memory, gone after the run, write `{name} = {{ memory = true }}`")
        }
        "report" => {
            format!("for files that come back in the report of the run, write `{name} = {{ report = true }}`")
        }
        "staged" | "direct" => {
            format!("name the folder and how it is written to: `{name} = {{ path = \"./…\", writes = \"staged\" }}`")
        }
        _ => "create it, relative to the manifest's folder; without it no run can start".to_owned(),
    }
}

impl Checked {
    fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// The path of the ceiling that a valid manifest at `path` names.
    fn ceiling(&self, path: &Path) -> Option<PathBuf> {
        let name = self.parsed.as_ref().ok()?.ceiling()?;
        Some(path.parent().map_or_else(|| PathBuf::from(name), |folder| folder.join(name)))
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "manifest": self.origin,
            "valid": self.parsed.is_ok(),
            "id": self.parsed.as_ref().ok().map(Manifest::id),
            "diagnostics": diagnostics::to_json(&self.text, self.findings()),
        })
    }

    fn print(&self) {
        let findings = self.findings();
        terminal::err(&diagnostics::draw(&self.text, &self.origin, findings, terminal::colours()));
        let (style, word) = match (&self.parsed, findings.is_empty()) {
            (Ok(_), true) => (GOOD, "valid"),
            (Ok(_), false) => (WARN, "valid"),
            (Err(_), _) => (BAD, "not valid"),
        };
        let summary = diagnostics::summary(findings);
        terminal::err(&format!("{}: {style}{word}{style:#} ({summary})\n", Untrusted(&self.origin)));
    }
}
