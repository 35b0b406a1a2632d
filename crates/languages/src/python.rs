//! CPython as a component: pip fetches what builds it, and the packages that go into it.
//!
//! Packages come as wheels of Python code only. Nothing of them runs while they are fetched: no build scripts, no hooks. pip is
//! told so, and is not believed: it runs in `wheels.py`, which lets it start no process.

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

/// Resolves the packages and all that they need, and unpacks them into `folder`.
///
/// Two steps, because pip would rather take a years old version than say that the newest one needs native code: the first
/// resolves as for this machine, the second takes exactly these versions, as Python code.
async fn fetch_packages(site: &Site<'_>, python: &Path, folder: &Path) -> Result<Vec<Package>, LanguageError> {
    let tool = site.tool(Step::Packages);
    let wanted = site.workshop.path().join("wanted.json");
    let resolve = ["--dry-run", "--ignore-installed", "--python-version", VERSION];
    let requested: Vec<&OsStr> = site.recipe.packages.iter().map(OsStr::new).collect();
    let ended = tool.end(python, pip(&resolve, &wanted, folder, &requested), site.progress).await?;
    if !ended.success {
        return Err(match unmatched(&ended.lines) {
            Some(package) => LanguageError::Unusable { package, reason: ABSENT.to_owned() },
            None if ended.lines.iter().any(|line| line.contains(UNBUILT)) => LanguageError::Unusable {
                package: site.recipe.packages.to_string(),
                reason: "something that it needs is not a wheel, and nothing is built here".to_owned(),
            },
            None => ended.failed(Step::Packages),
        });
    }
    let wanted = report(&wanted)?;
    if let Some(direct) = wanted.install.iter().find(|it| it.is_direct) {
        let reason = "it is not to come from the package index, but from an address that a package names".to_owned();
        return Err(LanguageError::Unusable { package: direct.metadata.name.clone(), reason });
    }

    let fetched = site.workshop.path().join("fetched.json");
    let only_python = ["--no-deps", "--platform", "any", "--abi", "none", "--implementation", "py", "--python-version"];
    let only_python: Vec<&str> = only_python.into_iter().chain([VERSION]).collect();
    let pinned: Vec<String> =
        wanted.install.iter().map(|it| format!("{}=={}", it.metadata.name, it.metadata.version)).collect();
    let pinned: Vec<&OsStr> = pinned.iter().map(OsStr::new).collect();
    let ended = tool.end(python, pip(&only_python, &fetched, folder, &pinned), site.progress).await?;
    if !ended.success {
        return Err(match unmatched(&ended.lines) {
            Some(package) => native(&wanted, package),
            None => ended.failed(Step::Packages),
        });
    }
    if let Some(file) = native_file(folder).map_err(|error| installation::failed("read", folder, error))? {
        let package = owner(folder, &file).unwrap_or_else(|| file.display().to_string());
        let reason = format!("it holds native code (`{}`), and an interpreter has none", file.display());
        return Err(LanguageError::Unusable { package, reason });
    }
    report(&fetched)?.install.into_iter().map(Installed::package).collect::<Option<_>>().ok_or_else(unreadable)
}

/// What `wheels.py` says when pip would have started a process.
const UNBUILT: &str = "packages are not built here";

/// Arguments of pip for wheels only: nothing that a package brings is executed.
fn pip<'a>(flags: &[&'a str], report: &'a Path, folder: &'a Path, requirements: &[&'a OsStr]) -> Vec<&'a OsStr> {
    let mut arguments: Vec<&OsStr> = ["-I", "wheels.py", "install", "--only-binary=:all:"].map(OsStr::new).to_vec();
    arguments.extend(SILENT.into_iter().chain(flags.iter().copied()).map(OsStr::new));
    arguments.extend(["--report".as_ref(), report.as_os_str(), "--target".as_ref(), folder.as_os_str(), "--".as_ref()]);
    arguments.extend(requirements);
    arguments
}

const ABSENT: &str = "there is no wheel of it: it is offered as source only, which would have to be built, it does not \
                      support this version of Python, or no package has that name and version";

/// Why a package that was resolved has no Python code to fetch.
fn native(wanted: &Report, package: String) -> LanguageError {
    let is_it = |name: &str| normal_name(name).as_ref() == Some(&package);
    let wheel = wanted.install.iter().find(|it| is_it(&it.metadata.name)).and_then(Installed::wheel);
    let needs = |text: &String| normal_name(text.split(|c: char| !is_name(c)).next().unwrap_or_default());
    let by = wanted
        .install
        .iter()
        .find(|it| it.metadata.requires_dist.iter().any(|it| needs(it).as_ref() == Some(&package)));
    let by = by.and_then(|it| normal_name(&it.metadata.name)).map(|by| format!(", which `{by}` needs,"));
    let reason = format!(
        "its wheels{} hold native code (`{}`), and an interpreter has none",
        by.unwrap_or_default(),
        wheel.unwrap_or_default()
    );
    LanguageError::Unusable { package, reason }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
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
    /// Whether it comes from an address instead of an index.
    #[serde(default)]
    is_direct: bool,
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
    #[serde(default)]
    requires_dist: Vec<String>,
}

impl Installed {
    fn package(self) -> Option<Package> {
        let sha256 = self.download_info.archive_info.hashes.get("sha256")?.clone();
        Some(Package { name: normal_name(&self.metadata.name)?, version: self.metadata.version, sha256 })
    }

    /// The name of the file.
    fn wheel(&self) -> Option<String> {
        let name = self.download_info.url.split(['#', '?']).next()?.rsplit('/').next()?;
        Some(name.chars().take(200).collect())
    }
}

fn report(path: &Path) -> Result<Report, LanguageError> {
    let text = installation::read(path, MAX_REPORT).map_err(|error| installation::failed("read", path, error))?;
    let mut report: Report = serde_json::from_slice(&text).map_err(|_| unreadable())?;
    report.install.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(report)
}

fn unreadable() -> LanguageError {
    LanguageError::Internal("pip's report is not what it should be".to_owned())
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
