//! The golden decision matrix: for every manifest in `policies/`, calls and how they are decided.
//!
//! A file has a call on each line, and after ` => ` decision, code and rule. Tokens grant what the manifest allows, as
//! with `--as`, so that the manifest and its ceiling alone decide. Blessing rewrites what is behind the arrows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bailiwick_policy::{Authority, Grant, Kind, Manifest, Principal, Request};
use libtest_mimic::Failed;

use crate::golden;
use crate::stage::repository;

/// Checks the matrix of the manifest at `path`.
///
/// # Errors
/// When a call is decided otherwise, or a rule or a kind of action has no call.
pub(crate) fn check(path: &Path) -> Result<(), Failed> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix").join(format!("{name}.txt"));
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let manifest = load(path)?;
    let ceiling = manifest.ceiling().map(|name| load(&repository().join("policies").join(name))).transpose()?;
    let grant = grant(Arc::clone(&manifest), ceiling);

    let mut rules = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    let mut denied = BTreeSet::new();
    let mut actual = String::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            actual += &format!("{line}\n");
            continue;
        }
        let call = line.split(" => ").next().unwrap_or_default().trim_end();
        let request = match Request::parse(call) {
            Ok(request) => request,
            Err(error) => {
                actual += &format!("{call:<64} => deny {}\n", error.code());
                continue;
            }
        };
        let verdict = grant.decide(&request);
        let explained = grant.explain(&request);
        if (explained.verdict().decision(), explained.verdict().code()) != (verdict.decision(), verdict.code()) {
            return Err(format!("`explain` and `decide` differ about `{call}`").into());
        }
        kinds.insert(request.kind());
        if verdict.decision() == bailiwick_policy::Decision::Deny {
            denied.insert(request.kind());
        }
        let rule = verdict.rule().map(|rule| format!(" {}", rule.id())).unwrap_or_default();
        rules.extend(verdict.rule().map(|rule| rule.id().to_owned()));
        actual += &format!("{call:<64} => {} {}{rule}\n", verdict.decision(), verdict.code());
    }
    golden::compare(&file, &actual)?;

    let unused: Vec<&str> = manifest
        .rules()
        .map(|rule| rule.id())
        .filter(|id| !rules.contains(*id) && manifest.ceiling().is_none())
        .collect();
    if !unused.is_empty() {
        return Err(format!("no call is decided by {unused:?}").into());
    }
    for kind in [Kind::Fetch, Kind::File, Kind::Crypto, Kind::Kv, Kind::Sql] {
        if !denied.contains(&kind) {
            return Err(format!("no call of kind `{kind}` is denied").into());
        }
    }
    Ok(())
}

fn load(path: &Path) -> Result<Arc<Manifest>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let origin = format!("policies/{}", path.file_name().unwrap_or_default().display());
    Manifest::parse(&text, &origin).map(Arc::new).map_err(|findings| format!("{origin}: {findings:?}"))
}

/// What the manifest grants to the first agent that it lists.
pub(crate) fn grant(manifest: Arc<Manifest>, ceiling: Option<Arc<Manifest>>) -> Grant {
    let agent = manifest.agents().first().cloned().unwrap_or_default();
    let authority = Authority {
        principal: Principal { issuer: "tests".to_owned(), subject: agent.clone(), agent },
        token: manifest.scopes(),
        details: Vec::new(),
        registry: manifest.scopes(),
        task: None,
    };
    Grant::new(manifest, ceiling, authority)
}
