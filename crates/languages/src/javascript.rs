//! QuickJS as a component: npm fetches what builds it, Node builds.

use bailiwick::Language;
use serde_json::Value;

use crate::build::{Made, Site};
use crate::error::LanguageError;
use crate::progress::{Event, Step};

const BUILDER: &str = "componentize-qjs";

pub(crate) async fn make(site: &Site<'_>) -> Result<Made, LanguageError> {
    if !site.recipe.packages.is_empty() {
        return Err(LanguageError::NoPackages(Language::JavaScript));
    }
    site.progress.event(Event::Began(Step::Fetch));
    let fetch = site.tool(Step::Fetch);
    for (program, what) in [("node", "Node.js (`node`)"), ("npm", "npm")] {
        if !fetch.end(program, ["--version"], &crate::progress::Quiet).await.is_ok_and(|ended| ended.success) {
            let install = "apt-get install --yes --no-install-recommends nodejs npm";
            return Err(LanguageError::Tool { language: Language::JavaScript, what, install });
        }
    }
    fetch.run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], site.progress).await?;

    site.progress.event(Event::Began(Step::Build));
    let arguments =
        ["build.mjs".as_ref(), "--wit".as_ref(), site.wit.as_os_str(), "--out".as_ref(), site.component.as_os_str()];
    site.tool(Step::Build).run("node", arguments, site.progress).await?;
    Ok(Made { interpreter: interpreter(site.recipe.sources.text("package-lock.json")), packages: Vec::new() })
}

fn interpreter(lock: &str) -> String {
    let lock: Value = serde_json::from_str(lock).unwrap_or_default();
    let version = lock.pointer("/packages").and_then(|packages| packages.get(format!("node_modules/{BUILDER}")));
    match version.and_then(|package| package.get("version")).and_then(Value::as_str) {
        Some(version) => format!("QuickJS ({BUILDER} {version})"),
        None => "QuickJS".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_locked_one() {
        let lock = r#"{"packages":{"":{},"node_modules/componentize-qjs":{"version":"0.4.5"}}}"#;
        assert_eq!(interpreter(lock), "QuickJS (componentize-qjs 0.4.5)");
        assert_eq!(interpreter("{}"), "QuickJS");
    }
}
