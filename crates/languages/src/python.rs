//! CPython as a component: pip fetches what builds it, and the packages that go into it.
//!
//! Packages come as wheels of Python code only. Nothing of them runs while they are fetched: no build scripts, no hooks.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use bailiwick::Language;
use serde::Deserialize;

use crate::build::{Made, Site};
use crate::error::LanguageError;
use crate::installation;
use crate::package::normal_name;
use crate::progress::{Event, Quiet, Step};
use crate::runtime::Package;
use crate::tool::Ended;

const BUILDER: &str = "componentize-py";
/// The CPython in the builder.
const VERSION: &str = "3.14";
const MAX_REPORT: u64 = 64 << 20;
/// What pip must never do: ask, look for its own updates.
const SILENT: [&str; 3] = ["--no-input", "--disable-pip-version-check", "--no-compile"];

pub(crate) async fn make(site: &Site<'_>) -> Result<Made, LanguageError> {
    site.progress.event(Event::Began(Step::Fetch));
    let fetch = site.tool(Step::Fetch);
    // Debian has `venv` without what it needs, as a package of its own.
    let probe = fetch.end("python3", ["-c", "import venv, ensurepip"], &Quiet).await;
    if !probe.is_ok_and(|ended| ended.success) {
        return Err(LanguageError::Tool {
            language: Language::Python,
            what: "Python 3 with `venv` (`python3`)",
            install: "apt-get install --yes --no-install-recommends python3-venv",
        });
    }
    let tools = site.workshop.path().join("tools");
    fetch.run("python3", [OsStr::new("-m"), "venv".as_ref(), tools.as_os_str()], site.progress).await?;
    let python = tools.join("bin/python");
    let arguments = ["-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", "requirements.lock"];
    fetch.run(&python, arguments.into_iter().chain(SILENT), site.progress).await?;

    let mut packages = Vec::new();
    let folder = site.workshop.path().join("packages");
    if !site.recipe.packages.is_empty() {
        site.progress.event(Event::Began(Step::Packages));
        packages = fetch_packages(site, &python, &folder).await?;
    }

    site.progress.event(Event::Began(Step::Build));
    let mut arguments = vec![
        OsStr::new("build.py"),
        "--wit".as_ref(),
        site.wit.as_os_str(),
        "--out".as_ref(),
        site.component.as_os_str(),
    ];
    if !packages.is_empty() {
        arguments.extend(["--packages".as_ref(), folder.as_os_str()]);
    }
    site.tool(Step::Build).run(&python, arguments, site.progress).await?;
    Ok(Made { interpreter: interpreter(site.recipe.sources.text("requirements.lock")), packages })
}

fn interpreter(lock: &str) -> String {
    let pinned = lock.lines().find_map(|line| line.strip_prefix(BUILDER)?.strip_prefix("=="));
    match pinned.and_then(|rest| rest.split([' ', '\\', ';']).next()) {
        Some(version) => format!("CPython {VERSION} ({BUILDER} {version})"),
        None => format!("CPython {VERSION}"),
    }
}

/// Resolves and unpacks the packages, and all that they need, into `folder`.
async fn fetch_packages(site: &Site<'_>, python: &Path, folder: &Path) -> Result<Vec<Package>, LanguageError> {
    let report = site.workshop.path().join("packages.json");
    let tool = site.tool(Step::Packages);
    let mut arguments: Vec<&OsStr> =
        ["-m", "pip", "install", "--only-binary=:all:", "--platform", "any", "--abi", "none"]
            .into_iter()
            .chain(["--implementation", "py", "--python-version", VERSION, "--no-warn-conflicts"])
            .chain(SILENT)
            .map(OsStr::new)
            .collect();
    arguments.extend(["--report".as_ref(), report.as_os_str(), "--target".as_ref(), folder.as_os_str(), "--".as_ref()]);
    arguments.extend(site.recipe.packages.iter().map(OsStr::new));
    let ended = tool.end(python, arguments, site.progress).await?;
    if !ended.success {
        return Err(explain(site, python, ended).await);
    }
    let report =
        installation::read(&report, MAX_REPORT).map_err(|error| installation::failed("read", &report, error))?;
    if let Some(native) = native_file(folder).map_err(|error| installation::failed("read", folder, error))? {
        let package = owner(folder, &native).unwrap_or_else(|| native.display().to_string());
        let reason = format!("it holds native code (`{}`), and an interpreter has none", native.display());
        return Err(LanguageError::Unusable { package, reason });
    }
    resolved(&report).ok_or_else(|| LanguageError::Internal("pip's report is not what it should be".to_owned()))
}

/// pip says which package it has no file for, and not why. A second question tells native packages from missing ones.
async fn explain(site: &Site<'_>, python: &Path, ended: Ended) -> LanguageError {
    let Some(package) = unmatched(&ended.lines) else { return ended.failed(Step::Packages) };
    let report = site.workshop.path().join("probe.json");
    let arguments: Vec<&OsStr> =
        ["-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:"]
            .into_iter()
            .chain(SILENT)
            .chain(["--report"])
            .map(OsStr::new)
            .chain([report.as_os_str(), "--".as_ref(), package.as_ref()])
            .collect();
    let probed = site.tool(Step::Packages).end(python, arguments, &Quiet).await;
    let wheel = match probed {
        Ok(ended) if ended.success => installation::read(&report, MAX_REPORT).ok().and_then(|text| wheel_name(&text)),
        _ => None,
    };
    let reason = match wheel {
        Some(wheel) if !wheel.ends_with("-none-any.whl") => {
            format!("its wheels hold native code (`{wheel}`), and an interpreter has none")
        }
        _ => {
            "there is no wheel of Python code: it is offered as source only, which would have to be built, it does not \
              support this version of Python, or no package has that name and version"
                .to_owned()
        }
    };
    LanguageError::Unusable { package, reason }
}

/// The requirement that pip found nothing for.
fn unmatched(lines: &[String]) -> Option<String> {
    let text = lines.iter().find_map(|line| line.split_once("No matching distribution found for "))?.1;
    // It comes from an index as well as from us: only a name with versions goes on.
    let text = text.split(" (from").next().unwrap_or(text).trim();
    let name_end = text.find(['[', '=', '<', '>', '!', '~', ';', ' ']).unwrap_or(text.len());
    normal_name(text.get(..name_end)?)
}

/// What `pip install --report` writes, as far as it matters here.
#[derive(Deserialize)]
struct Report {
    install: Vec<Installed>,
}

#[derive(Deserialize)]
struct Installed {
    download_info: DownloadInfo,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct DownloadInfo {
    url: String,
    archive_info: ArchiveInfo,
}

#[derive(Deserialize)]
struct ArchiveInfo {
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

fn resolved(report: &[u8]) -> Option<Vec<Package>> {
    let report: Report = serde_json::from_slice(report).ok()?;
    let package = |installed: Installed| {
        let sha256 = installed.download_info.archive_info.hashes.get("sha256")?.clone();
        Some(Package { name: normal_name(&installed.metadata.name)?, version: installed.metadata.version, sha256 })
    };
    let mut packages: Vec<Package> = report.install.into_iter().map(package).collect::<Option<_>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Some(packages)
}

fn wheel_name(report: &[u8]) -> Option<String> {
    let report: Report = serde_json::from_slice(report).ok()?;
    let url = &report.install.first()?.download_info.url;
    let name = url.split(['#', '?']).next()?.rsplit('/').next()?;
    Some(name.chars().take(200).collect())
}

/// A file below `folder` that is machine code, by its name: the path below.
fn native_file(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if is_native(&entry.file_name().to_string_lossy()) {
                return Ok(Some(path.strip_prefix(folder).unwrap_or(&path).to_owned()));
            }
        }
    }
    Ok(None)
}

fn is_native(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}

/// The package whose list of files names this one.
fn owner(folder: &Path, file: &Path) -> Option<String> {
    let file = file.to_str()?;
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let package = name.strip_suffix(".dist-info")?.split('-').next()?.to_owned();
        let record = installation::read(&entry.path().join("RECORD"), MAX_REPORT).ok()?;
        let listed = String::from_utf8_lossy(&record).lines().any(|line| line.split(',').next() == Some(file));
        listed.then(|| normal_name(&package).unwrap_or(package))
    })
}
