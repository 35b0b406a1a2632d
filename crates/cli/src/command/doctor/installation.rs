//! The configuration, and what the state folder holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bailiwick_guard::audit;
use bailiwick_guard::tlog::VerifierKey;
use bailiwick_identity::{Agent, LocalIssuer, Registrar, RegistryDocument, Status};
use bailiwick_store::{Store, StoreOptions};
use cap_std::fs::Dir;

use super::{Finding, State};
use crate::configuration::{Configuration, Durability, MasterKeySource};
use crate::failure::Failure;
use crate::{input, log, vault};

const AREA: &str = "installation";
const LOG: &str = "audit log";

pub(super) fn look(host: &Configuration) -> Vec<Finding> {
    let mut findings = vec![configuration(host)];
    findings.extend(durability(host));
    match host.state.open_existing() {
        Err(failure) => {
            findings
                .push(Finding::new(AREA, "state folder", State::Broken, failure.message()).help_from(failure.advice()));
        }
        Ok(None) => {
            let detail = format!("{} is not there yet; the first run makes it", host.state.path().display());
            findings.push(Finding::new(AREA, "state folder", State::Good, detail));
        }
        Ok(Some(state)) => {
            findings.push(folder(host.state.path()));
            findings.extend(private_folders(host.state.path()));
            findings.push(issuer_key(&state));
            findings.push(master_key(host));
            findings.push(registry(host, &state));
            findings.extend(logs(host));
        }
    }
    findings
}

fn configuration(host: &Configuration) -> Finding {
    let added = host.local.as_ref().map(|local| format!("{} (keys only)", local.display()));
    let Some(source) = &host.source else {
        let detail = added.unwrap_or_else(|| "no bailiwick.toml; everything has its default".to_owned());
        return Finding::new(AREA, "configuration", State::Good, detail);
    };
    let detail = source.display().to_string() + &added.map(|added| format!(", {added}")).unwrap_or_default();
    let mode = fs::metadata(source).map(|metadata| metadata.permissions().mode() & 0o777).unwrap_or(0);
    if mode & 0o022 != 0 {
        return Finding::new(
            AREA,
            "configuration",
            State::Doubtful,
            format!("{detail}: others may write it (mode {mode:o})"),
        )
        .help(format!("it says whom to trust; run `chmod go-w {}`", source.display()));
    }
    Finding::new(AREA, "configuration", State::Good, detail)
}

fn durability(host: &Configuration) -> Option<Finding> {
    let detail = "buffered: a power failure may lose records of calls that changed the world";
    (host.durability == Durability::Buffered).then(|| {
        Finding::new(AREA, "audit durability", State::Doubtful, detail)
            .help("set `durability = \"effects\"` under [audit]")
    })
}

fn folder(path: &Path) -> Finding {
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777).unwrap_or(0);
    let detail = path.display().to_string();
    if mode & 0o077 == 0 {
        return Finding::new(AREA, "state folder", State::Good, detail);
    }
    Finding::new(AREA, "state folder", State::Doubtful, format!("{detail}: others may look into it (mode {mode:o})"))
        .help(format!("run `chmod go= {detail}`"))
}

/// The folders below, when they are there and others may look into them.
fn private_folders(state: &Path) -> Vec<Finding> {
    let looser = ["issuer", "keys", "audit", "cache", "tools", "secrets"].into_iter().filter_map(|name| {
        let path = state.join(name);
        let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then(|| {
            Finding::new(
                AREA,
                name,
                State::Doubtful,
                format!("{}: others may look into it (mode {mode:o})", path.display()),
            )
            .help(format!("run `chmod go= {}`", path.display()))
        })
    });
    looser.collect()
}

fn issuer_key(state: &Dir) -> Finding {
    match LocalIssuer::open_existing(state) {
        Ok(Some(issuer)) => Finding::new(AREA, "issuer key", State::Good, format!("ed25519, kid {}", issuer.key_id())),
        Ok(None) => Finding::new(AREA, "issuer key", State::Good, "none yet; `bailiwick token issue` makes it"),
        Err(error) => Finding::new(AREA, "issuer key", State::Broken, error.to_string()),
    }
}

/// Whether what is sealed here can be opened, as far as that is known without opening anything.
fn master_key(host: &Configuration) -> Finding {
    let finding = |state, detail: String| Finding::new(AREA, "master key", state, detail);
    let place = match host.master_key {
        MasterKeySource::File => "in the state folder",
        MasterKeySource::Environment => "in BAILIWICK_MASTER_KEY",
        MasterKeySource::Keyring => "in the kernel's key ring",
    };
    match vault::open_existing(host) {
        Ok(Some(vault)) => finding(State::Good, format!("{place}, id {}", vault.id())),
        Ok(None) => finding(State::Good, "none yet; the first secret or key makes it".to_owned()),
        Err(failure) => finding(State::Broken, failure.message().to_owned()).help_from(failure.advice()),
    }
}

/// Changes nothing: what an earlier version left is read where it is.
fn registry(host: &Configuration, state: &Dir) -> Finding {
    let finding = |state, detail: String| Finding::new(AREA, "agent registry", state, detail);
    if !host.state.path().join("state.db").exists() {
        return match RegistryDocument::read_file(state) {
            Ok(None) => finding(State::Good, "none yet; the first agent or run makes it".to_owned()),
            Ok(Some(agents)) => finding(
                State::Good,
                format!("{} agents in `agents.json`; the next command takes them in", agents.len()),
            ),
            Err(errors) => {
                let problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
                finding(State::Broken, format!("`agents.json`: {}", problems.join("; ")))
            }
        };
    }
    let looked = Store::open(host.state.path(), StoreOptions::default()).and_then(|(store, _)| {
        store.verify()?;
        Ok((store.agents(), store.revocations()))
    });
    match looked {
        Ok((Ok(agents), Ok(revocations))) => overdue(host, &agents, revocations.len()),
        Ok((Err(error), _) | (_, Err(error))) => finding(State::Broken, error.to_string()),
        Err(error) => finding(State::Broken, error.to_string()),
    }
}

fn overdue(host: &Configuration, agents: &[Agent], revocations: usize) -> Finding {
    let now = input::now();
    let is_overdue = |agent: &&Agent| agent.newest_key().is_some_and(|key| now >= host.rotation.overdue_at(key));
    let overdue = agents.iter().filter(|agent| agent.status == Status::Active).filter(is_overdue).count();
    let detail = format!("{} agents, {revocations} revocations", agents.len());
    if overdue == 0 {
        return Finding::new(AREA, "agent registry", State::Good, detail);
    }
    let detail = format!("{detail}; {overdue} agents may start no runs until their key is rotated");
    Finding::new(AREA, "agent registry", State::Doubtful, detail)
        .help("bailiwick agent list, then bailiwick agent rotate-key NAME --key FILE")
}

/// Verifies every log from its first byte, against what was signed.
fn logs(host: &Configuration) -> Vec<Finding> {
    let broken =
        |failure: &Failure| vec![Finding::new(AREA, LOG, State::Broken, failure.message()).help_from(failure.advice())];
    let paths = match log::paths(host) {
        Ok(paths) if paths.is_empty() => {
            return vec![Finding::new(AREA, LOG, State::Good, "none yet; the first run makes it")];
        }
        Ok(paths) => paths,
        Err(failure) => return broken(&failure),
    };
    match log::verifier(host, None) {
        Ok(key) => paths.iter().map(|path| verified(path, &key)).collect(),
        Err(failure) => broken(&failure),
    }
}

fn verified(path: &Path, key: &VerifierKey) -> Finding {
    let at = path.display();
    let away =
        "keep the file and the folder beside it for investigation and move both away; the next run starts a new log";
    let signed = match audit::verify_signed(path, key, None) {
        Ok(signed) => signed,
        Err(error) => return Finding::new(AREA, LOG, State::Broken, format!("{at}: {error}")).help(away),
    };
    if !log::is_itself(path, &signed.origin, key) {
        let what = format!("{at} does not verify: it is a copy of the log `{}`", signed.origin);
        return Finding::new(AREA, LOG, State::Broken, what).help(away);
    }
    if let Some(problem) = signed.problem {
        return Finding::new(AREA, LOG, State::Broken, format!("{at} does not verify: {problem}")).help(away);
    }
    let dangling = signed.dangling.len();
    let detail = format!("{at}: {} entries, as they were signed", signed.entries);
    if dangling > 0 {
        return Finding::new(
            AREA,
            LOG,
            State::Doubtful,
            format!("{detail}; {dangling} calls have no outcome on record"),
        )
        .help("a run was killed in the middle of them, or is under way; whether those effects happened is unknown");
    }
    Finding::new(AREA, LOG, State::Good, detail)
}
