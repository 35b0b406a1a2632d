//! Agents of a real OpenID provider, a child of each scenario, over TLS with an authority of its own: keys by discovery,
//! proofs of possession, rotation, outage.
//!
//! Its packages are pinned in `tests/oidc` and installed by `scripts/oidc.sh`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::program::{self, CONFIGURATION, Ended, Home};
use crate::stage::repository;
use crate::{calls, entries, revocation};

const AUDIENCE: &str = "https://bailiwick.example/";
const SCOPES: &str = "crypto:hash:- crypto:random:-";

const POLICY: &str = r#"
schema = 1
id = "oidc"
agents = ["report-bot"]
[[allow]]
id = "hash"
crypto = "-"
actions = ["hash"]
[[allow]]
id = "random"
crypto = "-"
actions = ["random"]
sensitive = true
"#;

const CALLS: &str = r#"[["crypto.hash", {"algorithm": "sha-256", "data": ""}], ["crypto.random", {"length": 1}]]"#;

type Scenario = fn(&mut Scene) -> Result<(), Failed>;

const SCENARIOS: [(&str, Scenario); 8] = [
    ("bound_token", bound_token),
    ("token_without_binding", token_without_binding),
    ("audience", audience),
    ("rotation", rotation),
    ("while_running", while_running),
    ("outage", outage),
    ("expiry", expiry),
    ("doctor", doctor),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, play): (&str, Scenario)| Trial::test(format!("oidc::{name}"), move || play(&mut Scene::new()?));
    SCENARIOS.into_iter().map(trial).collect()
}

/// Accepted with its proof once, and with no other.
fn bound_token(scene: &mut Scene) -> Result<(), Failed> {
    scene.token(AUDIENCE, true)?;
    scene.expect(
        &["token", "inspect", "--token-file", "token", "--dpop-proof", "proof"],
        0,
        "the signature verifies",
    )?;
    scene.refused(&[], "deny.token.proof_required")?;
    scene.ran(&["--dpop-proof", "proof"], &["allow", "allow"])?;
    scene.refused(&["--dpop-proof", "proof"], "deny.proof.replayed")?;
    let stolen = scene.read("token")?;
    scene.token(AUDIENCE, true)?;
    fs::write(scene.root.join("token"), &stolen)?;
    scene.refused(&["--dpop-proof", "proof"], "deny.proof.token")?;
    scene.other_agent("thief.json")?;
    scene.hides(&[stolen])
}

/// A sensitive call needs more than a bearer token.
fn token_without_binding(scene: &mut Scene) -> Result<(), Failed> {
    scene.token(AUDIENCE, false)?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.configure("require_dpop = true\n")?;
    scene.refused(&[], "deny.token.not_bound")?;
    scene.configure("single_use = true\n")?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.refused(&[], "deny.token.replayed")?;
    let token = scene.read("token")?;
    scene.hides(&[token])
}

fn audience(scene: &mut Scene) -> Result<(), Failed> {
    scene.token("https://other.example/", false)?;
    scene.refused(&[], "deny.token.audience")
}

/// Two keys overlap, then one is gone; the keys are fetched again when a token names a new one.
fn rotation(scene: &mut Scene) -> Result<(), Failed> {
    scene.token(AUDIENCE, false)?;
    let by_first = scene.read("token")?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.restart("c,b,a")?;
    scene.token(AUDIENCE, false)?;
    let by_third = scene.read("token")?;
    scene.refused(&[], "deny.token.unknown_key")?;
    scene.half_a_minute_later()?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    fs::write(scene.root.join("token"), by_first)?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.restart("d,c")?;
    scene.token(AUDIENCE, false)?;
    scene.half_a_minute_later()?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    fs::write(scene.root.join("token"), by_third)?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.token_of_removed_key("a")
}

/// A run goes on when the key that signed its token is gone, and its issuer with it; it ends when its task does.
fn while_running(scene: &mut Scene) -> Result<(), Failed> {
    scene.token(AUDIENCE, false)?;
    let first = scene.read("token")?;
    let words = ["run", "sleeping.wat", "--policy", "policy.toml", "--token-file", "token", "--task", "march"];
    let mut run = scene.program(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    revocation::ready(&mut run)?;
    scene.restart("c,d")?;
    scene.token(AUDIENCE, false)?;
    scene.half_a_minute_later()?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    fs::write(scene.root.join("token"), &first)?;
    scene.refused(&[], "deny.token.unknown_key")?;
    scene.stop();
    if let Some(status) = run.try_wait()? {
        return Err(format!("the run ended with its issuer's key: {status}").into());
    }
    let ended = program::run(&mut scene.program(&["task", "end", "march", "--reason", "closed"]))?;
    if ended.code != Some(0) {
        return Err(ended.stderr.into());
    }
    let ended = program::finish(run)?;
    if ended.code == Some(6) && ended.stderr.contains("the task was ended: closed") {
        return scene.hides(&[first]);
    }
    Err(format!("the run ended with {:?}: {}", ended.code, ended.stderr).into())
}

/// A token serves until it expires, and never after.
fn expiry(scene: &mut Scene) -> Result<(), Failed> {
    scene.ttl = "2";
    scene.configure("skew = 0\n")?;
    scene.restart("a,b")?;
    scene.token(AUDIENCE, false)?;
    let begun = Instant::now();
    loop {
        let ended = scene.run(&[])?;
        match ended.code {
            Some(4) if ended.stderr.contains("[deny.token.expired]") => break,
            Some(0) if begun.elapsed() < program::PATIENCE => {}
            code => return Err(format!("{code:?}: {}{}", ended.stdout, ended.stderr).into()),
        }
    }
    scene.refused(&[], "deny.token.expired")
}

/// What was fetched serves on; who has nothing is told why.
fn outage(scene: &mut Scene) -> Result<(), Failed> {
    scene.token(AUDIENCE, false)?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.stop();
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    fs::remove_dir_all(scene.root.join("state/cache/issuers"))?;
    scene.refused(&[], "deny.issuer.unreachable")?;
    scene.refused(&[], "deny.issuer.unreachable")?;
    scene.expect(&["doctor"], 7, "cannot be fetched")
}

fn doctor(scene: &mut Scene) -> Result<(), Failed> {
    scene.expect(&["doctor"], 0, "none are remembered yet")?;
    scene.token(AUDIENCE, false)?;
    scene.ran(&[], &["allow", "deny.token.not_bound"])?;
    scene.expect(&["doctor"], 0, "`b` (P-256, ES256)")?;
    scene.expect(&["doctor"], 0, "those remembered were fetched")?;
    scene.without("private = true\n")?;
    fs::remove_dir_all(scene.root.join("state/cache/issuers"))?;
    scene.refused(&[], "deny.issuer.address")?;
    scene.expect(&["doctor"], 7, "has an address that is not public")
}

struct Scene {
    root: Home,
    provider: Provider,
    issuer: String,
    /// Seconds that tokens live, from the next start of the provider on.
    ttl: &'static str,
}

/// Stopped when it is dropped.
struct Provider(Child);

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let root = Home::new()?;
        certify(&root)?;
        let public = node(&root, &["agent.mjs", "key", "agent.json"])?;
        fs::write(root.join("agent.pub"), public)?;
        let (provider, issuer) = Provider::start(&root, "0", "a,b", "600")?;
        let scene = Scene { root, provider, issuer, ttl: "600" };
        scene.configure("")?;
        fs::write(scene.root.join("policy.toml"), POLICY)?;
        fs::write(scene.root.join("guest.wat"), calls::guest(CALLS)?)?;
        fs::write(scene.root.join("sleeping.wat"), revocation::SLEEPING)?;
        let register = ["agent", "register", "report-bot", "--owner", "tests", "--capabilities", SCOPES];
        let ended = program::run(scene.program(&register).args(["--issuer", &scene.issuer]))?;
        if ended.code == Some(0) { Ok(scene) } else { Err(ended.stderr.into()) }
    }

    fn configure(&self, more: &str) -> Result<(), Failed> {
        let issuer = &self.issuer;
        let text = format!(
            "{CONFIGURATION}[[trusted]]\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n\
             algorithms = [\"ES256\"]\nca_file = \"ca.pem\"\nprivate = true\n{more}"
        );
        Ok(fs::write(self.root.join("bailiwick.toml"), text)?)
    }

    /// The configuration without that line.
    fn without(&self, line: &str) -> Result<(), Failed> {
        let text = self.read("bailiwick.toml")?.replace(line, "");
        Ok(fs::write(self.root.join("bailiwick.toml"), text)?)
    }

    fn read(&self, file: &str) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.root.join(file))?)
    }

    /// Gets a token from the provider, and a proof for posting it to the audience.
    fn token(&self, audience: &str, bound: bool) -> Result<(), Failed> {
        let mut words = vec!["agent.mjs", "token", "agent.json", &self.issuer, audience, SCOPES];
        words.extend(bound.then_some("dpop"));
        let answer: Value = serde_json::from_str(&node(&self.root, &words)?)?;
        for name in ["token", "proof"] {
            if let Some(text) = answer[name].as_str() {
                fs::write(self.root.join(name), text)?;
            }
        }
        Ok(())
    }

    /// A proof of somebody else's key does not serve, and another client gets no token.
    fn other_agent(&self, key: &str) -> Result<(), Failed> {
        node(&self.root, &["agent.mjs", "key", key])?;
        let refused = node(&self.root, &["agent.mjs", "token", key, &self.issuer, AUDIENCE, SCOPES, "dpop"]);
        if refused.is_err() { Ok(()) } else { Err("the provider took another key for the agent's".into()) }
    }

    fn restart(&mut self, kids: &str) -> Result<(), Failed> {
        let port = self.issuer.rsplit(':').next().unwrap_or_default().to_owned();
        self.stop();
        let (provider, issuer) = Provider::start(&self.root, &port, kids, self.ttl)?;
        (self.provider, self.issuer) = (provider, issuer);
        Ok(())
    }

    fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.provider.0.kill();
        let _ = self.provider.0.wait();
    }

    /// What is remembered gets older, in place of this test.
    fn half_a_minute_later(&self) -> Result<(), Failed> {
        for path in entries(&self.root.join("state/cache/issuers")) {
            let mut file: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let tried = file["tried_at"].as_u64().ok_or("no time of the last fetch")?;
            file["tried_at"] = (tried - 31).into();
            fs::write(&path, file.to_string())?;
        }
        Ok(())
    }

    /// No remembered set has that key any more.
    fn token_of_removed_key(&self, kid: &str) -> Result<(), Failed> {
        for path in entries(&self.root.join("state/cache/issuers")) {
            let file: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let keys = file["set"]["jwks"].as_str().ok_or("no set")?;
            if keys.contains(&format!("\"kid\":\"{kid}\"")) {
                return Err(format!("the removed key `{kid}` is remembered: {keys}").into());
            }
        }
        Ok(())
    }

    fn program(&self, words: &[&str]) -> Command {
        self.root.program(words)
    }

    fn run(&self, more: &[&str]) -> Result<Ended, Failed> {
        let words = ["run", "guest.wat", "--policy", "policy.toml", "--token-file", "token", "--json"];
        Ok(program::run(self.program(&words).args(more))?)
    }

    /// It runs, and its calls end with these codes.
    fn ran(&self, more: &[&str], codes: &[&str]) -> Result<(), Failed> {
        let ended = self.run(more)?;
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
        let called = report["calls"].as_array().cloned().unwrap_or_default();
        let called: Vec<_> = called.iter().filter_map(|call| call["code"].as_str()).collect();
        if ended.code == Some(0) && called == codes {
            return Ok(());
        }
        Err(format!("{called:?}, not {codes:?}; {:?}: {}{}", ended.code, ended.stdout, ended.stderr).into())
    }

    /// It does not run, for that reason, which is on record.
    fn refused(&self, more: &[&str], code: &str) -> Result<(), Failed> {
        let ended = self.run(more)?;
        if ended.code != Some(4) || !ended.stderr.contains(&format!("[{code}]")) {
            return Err(format!("not refused with {code}; {:?}: {}{}", ended.code, ended.stdout, ended.stderr).into());
        }
        if self.logs().contains(&format!("\"code\":\"{code}\"")) { Ok(()) } else { Err("it is not on record".into()) }
    }

    fn expect(&self, words: &[&str], code: i32, text: &str) -> Result<(), Failed> {
        let ended = program::run(&mut self.program(words))?;
        if ended.code == Some(code) && ended.stdout.contains(text) {
            return Ok(());
        }
        Err(format!("{words:?}: no `{text}`; {:?}: {}{}", ended.code, ended.stdout, ended.stderr).into())
    }

    fn logs(&self) -> String {
        entries(&self.root.join("state/audit")).iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    /// The log has none of these, nor a third of one.
    fn hides(&self, secrets: &[String]) -> Result<(), Failed> {
        let logs = self.logs();
        match secrets.iter().flat_map(|secret| secret.split('.')).find(|part| logs.contains(part)) {
            Some(part) => Err(format!("the log has `{part}`").into()),
            None => Ok(()),
        }
    }
}

impl Provider {
    /// Starts it, and gives its name when it listens.
    fn start(root: &Path, port: &str, kids: &str, ttl: &str) -> Result<(Provider, String), Failed> {
        let words = ["server.mjs", port, "server.pem", "server.key", "keys.json", kids, "agent.pub", ttl];
        let child = command(root, &words)?.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut provider = Provider(child);
        let mut issuer = String::new();
        if let Some(stdout) = provider.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut issuer)?;
        }
        let issuer = issuer.trim_end().to_owned();
        if issuer.is_empty() { Err("the provider does not start".into()) } else { Ok((provider, issuer)) }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(root: &Path, words: &[&str]) -> Result<Command, Failed> {
    let folder = repository().join("tests/oidc");
    if !folder.join("node_modules/oidc-provider").exists() {
        return Err("the OpenID provider is not installed; run this, then start again: scripts/oidc.sh".into());
    }
    let (script, rest) = words.split_first().ok_or("no script")?;
    let mut command = Command::new("node");
    command.arg(folder.join(script)).args(rest).current_dir(root).env("NODE_EXTRA_CA_CERTS", root.join("ca.pem"));
    command.stdin(Stdio::null());
    Ok(command)
}

/// Runs a script to its end, for its standard output.
fn node(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let ended = program::run(&mut command(root, words)?)?;
    if ended.code == Some(0) { Ok(ended.stdout) } else { Err(ended.stderr.into()) }
}

/// An authority, and a server for 127.0.0.1 that it vouches for.
fn certify(root: &Path) -> Result<(), Failed> {
    let authority_key = rcgen::KeyPair::generate()?;
    let mut authority = rcgen::CertificateParams::new(Vec::new())?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    fs::write(root.join("ca.pem"), authority.self_signed(&authority_key)?.pem())?;
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate()?;
    let mut server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    // Named as its authority, it would be taken for one that vouches for itself.
    server.distinguished_name.push(rcgen::DnType::CommonName, "provider");
    let certificate = server.signed_by(&key, &issuer)?;
    fs::write(root.join("server.pem"), certificate.pem())?;
    Ok(fs::write(root.join("server.key"), key.serialize_pem())?)
}
