//! Tokens, proofs and keys pass through every command that meets them, and none is in anything that comes out: output, errors,
//! reports, the audit log, the state folder.

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bailiwick::Language;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::program::{self, Ended, Home};
use crate::{calls, entries, languages};

const POLICY: &str = r#"
schema = 1
id = "secrets"
agents = ["bot"]
[[allow]]
id = "keyless"
crypto = "-"
actions = ["hash", "random"]
sensitive = true
[[allow]]
id = "keys"
crypto = "ring/**"
actions = ["hmac"]
"#;

const SCOPES: &str = "crypto:hash,random:- crypto:hmac:ring/**";

const CALLS: &str = r#"[
  ["crypto.hash", {"algorithm": "sha-256", "data": "YQ=="}],
  ["crypto.hmac", {"key": "ring/shared", "data": "YQ=="}],
  ["files.read", {"path": "/state/issuer/ed25519.json"}]
]"#;

/// `{text}` stands for the token itself.
const COMMANDS: &[&str] = &[
    "token inspect --token-file token",
    "token inspect --token-file token --dpop-proof proof",
    "token inspect --token-file token --dpop-proof proof --json",
    "token inspect {text}",
    "token inspect {text} --now 1000",
    "run guest.wat --policy policy.toml --token-file token",
    "run guest.wat --policy policy.toml --token {text} --json",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof proof --trace",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof proof",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof token",
    "run guest.wat --policy policy.toml --token-file proof",
    "run guest.wat --policy policy.toml --token-file tampered --dpop-proof second",
    "run guest.wat --policy policy.toml --token-file wide --json",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof third --json --trace",
    "run token --policy policy.toml --as bot",
    "run guest.wat --policy token --as bot",
    "session --lang javascript --policy policy.toml --token-file token --dpop-proof fourth --json",
    "token prove --token-file token --key token",
    "token prove --token-file token --key agent.pub",
    "agent rotate-key bot --key agent.pem",
    "agent rotate-key bot --key agent.pub",
    "agent import token",
    "agent list",
    "agent show bot",
    "agent export",
    "key list",
    "key public ring/signing",
    "key public ring/signing --pem",
    "key import ring/shared shared.key --algorithm hmac-sha256",
    "key import ring/other shared.key",
    "key import ring/shared signing.pem --next",
    "key rotate ring/signing",
    "key delete ring/signing --only 1 --yes",
    "doctor",
    "doctor --json",
    "agent revoke bot --token {jti} --reason leaked",
    "agent revocations",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof fifth --json",
    "agent revoke bot --key {thumbprint}",
    "run guest.wat --policy policy.toml --token-file token --dpop-proof sixth",
    "policy check token",
    "policy explain policy.toml token",
    "--config token doctor",
    "--state token doctor",
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("secrets::nowhere", nowhere)]
}

fn nowhere() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let mut said = Vec::new();
    for words in COMMANDS {
        let ended = scene.perform(words)?;
        said.push((format!("`{words}`"), format!("{}\n{}", ended.stdout, ended.stderr)));
    }
    for (file, words) in
        [("environment", "run guest.wat --policy policy.toml"), ("none", "run guest.wat --policy policy.toml --as bot")]
    {
        let ended = program::run(scene.command(words).env("BAILIWICK_TOKEN", scene.read("token")?))?;
        said.push((format!("`{words}` ({file})"), format!("{}\n{}", ended.stdout, ended.stderr)));
    }
    let ran = said.iter().filter(|(_, text)| text.contains("finished")).count();
    if ran < 3 {
        return Err(format!("only {ran} commands ran a guest to its end: {said:#?}").into());
    }
    if !said.iter().any(|(words, text)| words.starts_with("`session") && text.contains("\"result\":2")) {
        return Err(format!("the session did not answer: {said:#?}").into());
    }
    let mut secrets = scene.secrets()?;
    for (where_said, text) in &said {
        // An unverified token's claims are shown to whoever asks for them; what it proves with is not.
        if let Some((name, _)) = secrets.iter().find(|(_, secret)| text.contains(secret.as_str())) {
            return Err(format!("{where_said} shows {name}: {text}").into());
        }
    }
    // Names that are no secrets to the operator who types them, and that no record needs.
    secrets.push(("the token's `jti`".to_owned(), scene.jti.clone()));
    let kept = ["issuer", "languages", "cache"].map(|name| scene.root.join("state").join(name));
    search(&scene.root.join("state"), &kept, &secrets)
}

/// Looks for secrets in every file below a folder, but for those in which they are kept.
fn search(folder: &Path, kept: &[PathBuf], secrets: &[(String, String)]) -> Result<(), Failed> {
    for path in entries(folder) {
        if kept.contains(&path) {
            continue;
        }
        if path.is_dir() {
            search(&path, kept, secrets)?;
            continue;
        }
        let content = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        if let Some((name, _)) = secrets.iter().find(|(_, secret)| content.contains(secret.as_str())) {
            return Err(format!("{} has {name}", path.display()).into());
        }
    }
    Ok(())
}

struct Scene {
    root: Home,
    jti: String,
    thumbprint: String,
}

impl Scene {
    fn new() -> Result<Scene, Failed> {
        let mut scene = Scene { root: Home::new()?, jti: String::new(), thumbprint: String::new() };
        let state = scene.root.join("state");
        fs::DirBuilder::new().mode(0o700).create(&state)?;
        languages::lend(Language::JavaScript, &state)?;
        fs::write(scene.root.join("policy.toml"), POLICY)?;
        fs::write(scene.root.join("guest.wat"), calls::guest(CALLS)?)?;
        fs::write(scene.root.join("shared.key"), "nobody may see this shared secret")?;
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        fs::write(scene.root.join("signing.pem"), signing.serialize_pem())?;
        for words in [
            "key import ring/shared shared.key --algorithm hmac-sha256".to_owned(),
            "key import ring/signing signing.pem".to_owned(),
            format!("agent register bot --owner tests --capabilities '{SCOPES}'"),
        ] {
            scene.must(&words)?;
        }
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        fs::write(scene.root.join("agent.pem"), pair.serialize_pem())?;
        fs::write(scene.root.join("agent.pub"), pair.public_key_pem())?;
        let issue = |scopes: &str| format!("token issue --agent bot --dpop-key agent.pub --scopes '{scopes}'");
        let token = scene.must(&issue(SCOPES))?;
        fs::write(scene.root.join("token"), &token)?;
        fs::write(scene.root.join("wide"), scene.must(&issue("crypto:sign:ring/**"))?)?;
        let (signed, _) = token.trim_end().rsplit_once('.').ok_or("not a token")?;
        fs::write(scene.root.join("tampered"), format!("{signed}.{}", "A".repeat(86)))?;
        for proof in ["proof", "second", "third", "fourth", "fifth", "sixth"] {
            fs::write(scene.root.join(proof), scene.must("token prove --token-file token --key agent.pem")?)?;
        }
        let shown: Value = serde_json::from_str(&scene.must_any("token inspect --token-file token --json")?)?;
        let claims = &shown["unverified"]["claims"];
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a claim is missing");
        (scene.jti, scene.thumbprint) = (text(&claims["jti"])?, text(&claims["cnf"]["jkt"])?);
        Ok(scene)
    }

    fn read(&self, file: &str) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.root.join(file))?.trim_end().to_owned())
    }

    fn command(&self, words: &str) -> Command {
        let words = crate::transcript::words(words);
        let mut command = program::program(&self.root, &words);
        command.env("BAILIWICK_STATE", self.root.join("state")).env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace");
        command
    }

    fn perform(&self, words: &str) -> Result<Ended, Failed> {
        let token = || self.read("token").unwrap_or_default();
        let words = words.replace("{text}", &token()).replace("{jti}", &self.jti);
        let mut command = self.command(&words.replace("{thumbprint}", &self.thumbprint));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // For the session; others do not read it, and may have ended.
            let _ = input.write_all(b"\"1 + 1\"\n");
        }
        Ok(program::finish(child)?)
    }

    /// The standard output of a command that has to succeed.
    fn must(&self, words: &str) -> Result<String, Failed> {
        let ended = self.perform(words)?;
        if ended.code == Some(0) { Ok(ended.stdout) } else { Err(format!("`{words}`: {}", ended.stderr).into()) }
    }

    /// The standard output of a command, however it ends.
    fn must_any(&self, words: &str) -> Result<String, Failed> {
        Ok(self.perform(words)?.stdout)
    }

    /// What must not be seen, each with a name: payloads and signatures of tokens and proofs, and private keys.
    fn secrets(&self) -> Result<Vec<(String, String)>, Failed> {
        let mut secrets = Vec::new();
        for file in ["token", "wide", "proof", "second", "third", "fourth", "fifth", "sixth"] {
            for (part, text) in ["header", "payload", "signature"].iter().zip(self.read(file)?.split('.')).skip(1) {
                secrets.push((format!("the {part} of `{file}`"), text.to_owned()));
            }
        }
        for file in ["agent.pem", "signing.pem"] {
            let pem = self.read(file)?;
            let line = pem.lines().nth(1).ok_or("no key in the file")?;
            secrets.push((format!("the private key of `{file}`"), line.to_owned()));
        }
        secrets.push(("the shared key".to_owned(), self.read("shared.key")?));
        let file: Value = serde_json::from_str(&self.read("state/issuer/ed25519.json")?)?;
        let key = file["pkcs8"].as_str().ok_or("no key of the local issuer")?;
        secrets.push(("the local issuer's key".to_owned(), key.to_owned()));
        let enough = secrets.len() >= 18 && secrets.iter().all(|(_, secret)| secret.len() >= 32);
        if enough { Ok(secrets) } else { Err("these are not all secrets".into()) }
    }
}
