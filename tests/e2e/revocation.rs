//! Authority that is withdrawn from another process while guests compute, wait and sleep.
//!
//! What is measured is printed, and nothing is asserted about it: a machine that runs tests may be busy.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD as B64;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::program::Home;
use crate::server::Server;
use crate::{calls, program};

/// Says that it runs, and loops.
const BUSY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00ready\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
    (loop $l (br $l))))"#;

/// Says that it runs, and sleeps for an hour.
pub(crate) const SLEEPING: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00ready\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 3600000000000))
    (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 24)))))"#;

const POLICY: &str = r#"
schema = 1
id = "revocation"
agents = ["bot"]
[limits]
timeout = "100s"
fuel = 1_000_000_000_000_000
[[allow]]
id = "post"
fetch = "http://127.0.0.1:{port}/**"
methods = ["POST"]
private = true
"#;

/// What ends a run: a command, or the loss of what would tell.
enum End {
    Command(&'static [&'static str]),
    DatabaseGone,
}

/// Each guest, what ends it, what its report says, and the code that a later run is refused with.
const SCENARIOS: [(&str, &str, End, &str, Option<&str>); 7] = [
    (
        "agent_while_busy",
        "busy.wat",
        End::Command(&["agent", "revoke", "bot", "--reason", "it went wild"]),
        "the agent was revoked: it went wild",
        Some("deny.agent.revoked"),
    ),
    (
        "agent_while_blocked",
        "blocked.wat",
        End::Command(&["agent", "revoke", "bot"]),
        "the agent was revoked",
        Some("deny.agent.revoked"),
    ),
    (
        "agent_while_sleeping",
        "sleeping.wat",
        End::Command(&["agent", "revoke", "bot"]),
        "the agent was revoked",
        Some("deny.agent.revoked"),
    ),
    (
        "suspended_while_busy",
        "busy.wat",
        End::Command(&["agent", "suspend", "bot"]),
        "the agent was suspended",
        Some("deny.agent.suspended"),
    ),
    (
        "task_while_blocked",
        "blocked.wat",
        End::Command(&["task", "end", "close march"]),
        "the task was ended",
        Some("deny.task.ended"),
    ),
    (
        "token_while_sleeping",
        "sleeping.wat",
        End::Command(&["agent", "revoke", "bot", "--token", "{jti}", "--reason", "it leaked"]),
        "the token was revoked: it leaked",
        Some("deny.token.revoked"),
    ),
    ("database_gone_while_busy", "busy.wat", End::DatabaseGone, "cannot be known any more", None),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |at: usize| Trial::test(format!("revocation::{}", SCENARIOS[at].0), move || play(at));
    let keys = Trial::test("revocation::keys_of_an_agent", keys);
    (0..SCENARIOS.len()).map(trial).chain([keys]).collect()
}

fn play(at: usize) -> Result<(), Failed> {
    let (name, guest, end, why, later) = &SCENARIOS[at];
    let scene = Scene::new()?;
    let child = scene.start(guest)?;
    let begun = Instant::now();
    match end {
        End::Command(words) => {
            let jti = scene.jti()?;
            let words: Vec<_> = words.iter().map(|word| word.replace("{jti}", &jti)).collect();
            scene.perform(&words)?;
        }
        End::DatabaseGone => fs::remove_file(scene.root.join("state/state.db"))?,
    }
    let done = begun.elapsed();
    let ended = program::finish(child)?;
    let took = begun.elapsed();
    eprintln!(
        "{name}: {} ms from the command's start to the run's end; the command took {} ms",
        took.as_millis(),
        done.as_millis()
    );
    if ended.code != Some(6) || !ended.stderr.contains("revoked") || !ended.stderr.contains(why) {
        return Err(format!("ended with {:?}: {}", ended.code, ended.stderr).into());
    }
    let logs = scene.logs()?;
    if !logs.contains(r#""stop":"revoked""#) {
        return Err(format!("the end is not on record: {logs}").into());
    }
    if guest.starts_with("blocked") && !logs.contains(r#""outcome":"abandoned""#) {
        return Err(format!("no abandoned call in {logs}").into());
    }
    let Some(code) = later else { return Ok(()) };
    if !logs.contains(r#""type":"administration""#) {
        return Err(format!("the act is not on record: {logs}").into());
    }
    let refused = program::run(scene.command("busy.wat").arg("--json"))?;
    if refused.code == Some(4) && refused.stdout.contains(code) {
        return Ok(());
    }
    Err(format!("a later run ended with {:?}: {}{}", refused.code, refused.stdout, refused.stderr).into())
}

/// An agent with a registered key proves possession, with each proof once; with other keys, and after its own is over or
/// revoked, it does not.
fn keys() -> Result<(), Failed> {
    let scene = Scene::new()?;
    let bound = Bound::new(&scene)?;
    fs::write(scene.root.join("bailiwick.toml"), CONFIGURATION)?;
    fs::write(scene.root.join("good.wat"), r#"(module (memory (export "memory") 1) (func (export "run")))"#)?;
    let other = Bound::new(&scene)?;
    for (name, of) in [("bound.json", &bound), ("other.json", &other)] {
        fs::write(scene.root.join(name), of.jwk().to_string())?;
    }
    bound.present(&scene, "1")?;
    let words = ["agent", "register", "bound-bot", "--owner", "tests", "--issuer", ISSUER, "--key", "bound.json"];
    scene.perform(&[&words[..], &["--capabilities", "crypto:hash:-"]].concat())?;
    bound.expect(&scene, 0, "finished")?;
    bound.expect(&scene, 4, "deny.proof.replayed")?;

    bound.present(&scene, "2")?;
    let mut busy = bound.run(&scene, "busy.wat").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    ready(&mut busy)?;
    scene.perform(&["agent", "revoke", "bound-bot", "--key", "k1", "--reason", "laptop lost"])?;
    let ended = program::finish(busy)?;
    if ended.code != Some(6) || !ended.stderr.contains("bound to was revoked: laptop lost") {
        return Err(format!("ended with {:?}: {}", ended.code, ended.stderr).into());
    }
    bound.present(&scene, "3")?;
    bound.expect(&scene, 4, "deny.agent.key_revoked")?;

    other.present(&scene, "4")?;
    other.expect(&scene, 4, "deny.agent.key_unknown")?;
    scene.perform(&["agent", "rotate-key", "bound-bot", "--key", "other.json"])?;
    other.present(&scene, "5")?;
    other.expect(&scene, 0, "finished")?;
    // It is replaced while a run rests on it: that lasts as long as the key does.
    other.present(&scene, "6")?;
    let mut busy = other.run(&scene, "busy.wat").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    ready(&mut busy)?;
    fs::write(scene.root.join("third.json"), Bound::new(&scene)?.jwk().to_string())?;
    scene.perform(&["agent", "rotate-key", "bound-bot", "--key", "third.json", "--overlap", "1s"])?;
    let ended = program::finish(busy)?;
    if ended.code != Some(6) || !ended.stderr.contains("serves the agent no longer") {
        return Err(format!("ended with {:?}: {}", ended.code, ended.stderr).into());
    }
    other.present(&scene, "7")?;
    other.expect(&scene, 4, "deny.agent.key_expired")
}

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://bailiwick.example/";
const CONFIGURATION: &str = r#"
[compile]
time = "60s"
[[trusted]]
issuer = "https://id.example"
audience = "https://bailiwick.example/"
jwks = "jwks.json"
algorithms = ["EdDSA"]
"#;

/// An issuer of its own, and a key that its tokens are bound to.
struct Bound {
    issuer: Ed25519KeyPair,
    key: Ed25519KeyPair,
}

impl Bound {
    fn new(scene: &Scene) -> Result<Bound, Failed> {
        let generate = || Ed25519KeyPair::generate().map_err(|error| error.to_string());
        let bound = Bound { issuer: generate()?, key: generate()? };
        fs::write(
            scene.root.join("policy.toml"),
            POLICY.replace("[\"bot\"]", "[\"bot\", \"bound-bot\"]").replace("{port}", &scene.server.port().to_string()),
        )?;
        Ok(bound)
    }

    fn jwk(&self) -> serde_json::Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": B64.encode(self.key.public_key().as_ref())})
    }

    /// Makes a token and a proof, each with that `jti`.
    fn present(&self, scene: &Scene, jti: &str) -> Result<(), Failed> {
        let x = B64.encode(self.key.public_key().as_ref());
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let hash = |text: &str| B64.encode(digest(&SHA256, text.as_bytes()).as_ref());
        let token = compact(
            &self.issuer,
            json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}),
            json!({
                "iss": ISSUER, "aud": AUDIENCE, "sub": "bound-bot", "client_id": "x", "jti": jti, "iat": now() - 5,
                "exp": now() + 600, "scope": "crypto:hash:-", "cnf": {"jkt": hash(&canonical)},
            }),
        );
        let proof = compact(
            &self.key,
            json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}),
            json!({"jti": jti, "htm": "POST", "htu": AUDIENCE, "iat": now(), "ath": hash(&token)}),
        );
        let public =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": B64.encode(self.issuer.public_key().as_ref())});
        fs::write(scene.root.join("jwks.json"), json!({"keys": [public]}).to_string())?;
        fs::write(scene.root.join("bound-token"), token)?;
        Ok(fs::write(scene.root.join("proof"), proof)?)
    }

    fn run(&self, scene: &Scene, guest: &str) -> Command {
        let words = ["run", guest, "--policy", "policy.toml", "--token-file", "bound-token", "--dpop-proof", "proof"];
        scene.program(&words)
    }

    fn expect(&self, scene: &Scene, code: i32, word: &str) -> Result<(), Failed> {
        let ended = program::run(&mut self.run(scene, "good.wat"))?;
        if ended.code == Some(code) && ended.stderr.contains(word) {
            return Ok(());
        }
        Err(format!("{:?} and not {code} with `{word}`: {}", ended.code, ended.stderr).into())
    }
}

fn compact(pair: &Ed25519KeyPair, header: serde_json::Value, claims: serde_json::Value) -> String {
    let signed = format!("{}.{}", B64.encode(header.to_string().as_bytes()), B64.encode(claims.to_string().as_bytes()));
    format!("{signed}.{}", B64.encode(pair.sign(signed.as_bytes()).as_ref()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Returns once the guest says that it runs.
pub(crate) fn ready(child: &mut Child) -> Result<(), Failed> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    if line == "ready\n" {
        return Ok(());
    }
    let mut said = String::new();
    child.stderr.take().ok_or("no errors")?.read_to_string(&mut said)?;
    Err(format!("the guest said `{line}`: {said}").into())
}

struct Scene {
    root: Home,
    server: Server,
}

impl Scene {
    /// A registered agent with a token of the local issuer, and guests that do not end.
    fn new() -> Result<Scene, Failed> {
        let (root, server) = (Home::new()?, Server::plain()?);
        let port = server.port().to_string();
        fs::write(root.join("policy.toml"), POLICY.replace("{port}", &port))?;
        let hang =
            format!(r#"[["fetch", {{"url": "http://127.0.0.1:{port}/hang", "method": "POST", "body": "pay"}}]]"#);
        for (name, text) in [("busy.wat", BUSY), ("sleeping.wat", SLEEPING), ("blocked.wat", &calls::guest(&hang)?)] {
            fs::write(root.join(name), text)?;
        }
        let scene = Scene { root, server };
        let scope = format!("fetch:post:http://127.0.0.1:{port}/**");
        scene.perform(&["agent", "register", "bot", "--owner", "tests", "--capabilities", &scope])?;
        let token = scene.perform(&["token", "issue", "--agent", "bot", "--scopes", &scope])?;
        fs::write(scene.root.join("token"), token)?;
        Ok(scene)
    }

    fn program<A: AsRef<std::ffi::OsStr>>(&self, words: &[A]) -> Command {
        self.root.program(words)
    }

    fn command(&self, guest: &str) -> Command {
        self.program(&["run", guest, "--policy", "policy.toml", "--token-file", "token", "--task", "close march"])
    }

    /// Runs a command to its end, for its standard output.
    fn perform<A: AsRef<std::ffi::OsStr>>(&self, words: &[A]) -> Result<String, Failed> {
        let ended = program::run(&mut self.program(words))?;
        if ended.code == Some(0) { Ok(ended.stdout) } else { Err(ended.stderr.into()) }
    }

    /// The `jti` of the token.
    fn jti(&self) -> Result<String, Failed> {
        let token = fs::read_to_string(self.root.join("token"))?;
        let claims = token.split('.').nth(1).ok_or("not a token")?;
        let claims = B64.decode(claims.as_bytes())?;
        let claims: serde_json::Value = serde_json::from_slice(&claims)?;
        Ok(claims["jti"].as_str().ok_or("no jti")?.to_owned())
    }

    /// Starts a guest, and returns once it runs.
    fn start(&self, guest: &str) -> Result<Child, Failed> {
        let mut child = self.command(guest).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if guest.starts_with("blocked") {
            return match self.server.next_request() {
                Some(line) if line.starts_with("POST /hang ") => Ok(child),
                other => Err(format!("the server saw {other:?}").into()),
            };
        }
        ready(&mut child)?;
        Ok(child)
    }

    fn logs(&self) -> Result<String, Failed> {
        let mut logs = String::new();
        for entry in fs::read_dir(self.root.join("state/audit"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                logs += &fs::read_to_string(path)?;
            }
        }
        Ok(logs)
    }
}
