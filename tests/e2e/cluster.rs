//! A PostgreSQL server of its own for each test, in a temporary folder: it ends with the test, and no other is touched.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::program;

/// What the server says when it can be used, and when its port is taken.
const READY: &str = "database system is ready to accept connections";

/// The password of the user `bailiwick`.
pub(crate) const PASSWORD: &str = "canary-password-7391";

/// A running server with the database `crm`.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    server: Option<Child>,
    /// The certificate authority of the server, PEM.
    pub(crate) authority: String,
}

impl Cluster {
    /// Starts one. The user `bailiwick` may log in over TLS, and from then on do what `sql` grants it.
    ///
    /// # Errors
    /// With the command that installs PostgreSQL if it is not there; in the server's words otherwise.
    pub(crate) fn start(sql: &str) -> Result<Cluster, String> {
        let bin = programs()?;
        let folder = tempfile::Builder::new().prefix("pg").tempdir().map_err(text)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(text)?;
        let (key, certificate, authority) = certify()?;
        for (name, content) in [("server.key", &key), ("server.crt", &certificate)] {
            fs::write(folder.path().join(name), content).map_err(text)?;
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).map_err(text)?;
        }
        fs::create_dir(folder.path().join("data")).map_err(text)?;
        fs::create_dir(folder.path().join("socket")).map_err(text)?;
        fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o700)).map_err(text)?;
        fs::set_permissions(folder.path().join("socket"), fs::Permissions::from_mode(0o755)).map_err(text)?;
        if let Some((user, group)) = other_user()? {
            for name in ["server.key", "server.crt", "data", "socket"] {
                chown(folder.path().join(name), Some(user), Some(group)).map_err(text)?;
            }
        }
        let mut cluster = Cluster { folder, bin, port: 0, server: None, authority };
        let data = cluster.at("data");
        let mut make = cluster.command("initdb")?;
        make.args(["--username=super", "--encoding=UTF8", "--locale=C", "--auth-local=trust", "--no-sync"]);
        let made = program::run(make.arg("--auth-host=scram-sha-256").arg("-D").arg(&data))?;
        if made.code != Some(0) {
            return Err(format!("initdb: {}{}", made.stdout, made.stderr));
        }
        cluster.resume()?;
        cluster.run("postgres", "CREATE DATABASE crm")?;
        cluster.run("crm", &format!("CREATE ROLE bailiwick LOGIN NOINHERIT PASSWORD '{PASSWORD}'"))?;
        cluster.run("crm", sql)?;
        Ok(cluster)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.at("socket")
    }

    /// Runs statements as the superuser, each on its own; gives the rows, with `|` between values.
    ///
    /// # Errors
    /// In the server's words.
    pub(crate) fn run(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut child = self.psql(database).stdin(Stdio::piped()).spawn().map_err(text)?;
        let mut stdin = child.stdin.take().ok_or("no stdin")?;
        stdin.write_all(sql.as_bytes()).map_err(text)?;
        drop(stdin);
        let ended = program::finish(child)?;
        if ended.code == Some(0) { Ok(ended.stdout.trim_end().to_owned()) } else { Err(ended.stderr) }
    }

    /// A client of the superuser's, which reads statements from its standard input.
    pub(crate) fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.env_clear().args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "super",
            "-d",
            database,
            "-h",
        ]);
        command.arg(self.socket()).args(["-p", &self.port.to_string(), "-f", "-"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// All that is in the database, as text.
    ///
    /// # Errors
    /// When it cannot be dumped.
    pub(crate) fn dump(&self) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("pg_dump"));
        command.env_clear().args(["--inserts", "-U", "super", "-d", "crm", "-h"]).arg(self.socket());
        let ended = program::run(command.args(["-p", &self.port.to_string()]))?;
        if ended.code != Some(0) {
            return Err(ended.stderr);
        }
        // Newer versions write a random key into each dump.
        let lines =
            ended.stdout.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Ends the server at once.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        if let Ok(pid) = i32::try_from(server.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ = server.wait();
    }

    /// Starts the server, on a port that is free.
    fn resume(&mut self) -> Result<(), String> {
        let mut said = String::new();
        // Somebody else may take the port between looking and using.
        for _ in 0..5 {
            let port =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).map_err(text)?.port();
            let mut command = self.command("postgres")?;
            let settings = [
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={port}"),
                format!("unix_socket_directories={}", self.socket().display()),
                "fsync=off".to_owned(),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={}", self.at("server.crt").display()),
                format!("ssl_key_file={}", self.at("server.key").display()),
                "max_connections=30".to_owned(),
                "log_min_messages=warning".to_owned(),
                "lc_messages=C".to_owned(),
            ];
            command.arg("-D").arg(self.at("data"));
            settings.iter().for_each(|setting| _ = command.args(["-c", setting]));
            let mut server =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(text)?;
            let lines = BufReader::new(server.stderr.take().ok_or("no stderr")?).lines();
            let mut lines = lines.map_while(Result::ok);
            let mut is_ready = false;
            for line in lines.by_ref() {
                is_ready = line.contains(READY);
                if is_ready {
                    break;
                }
                said += &format!("{line}\n");
            }
            if is_ready {
                // What it says later is of no use; its pipe must not fill.
                thread::spawn(move || lines.for_each(drop));
                (self.port, self.server) = (port, Some(server));
                return Ok(());
            }
            let _ = server.wait();
        }
        Err(format!("the server does not start:\n{said}"))
    }

    /// A program of PostgreSQL, which ends with this thread, as a user that is not root.
    fn command(&self, name: &str) -> Result<Command, String> {
        let mut command = Command::new("setpriv");
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir(self.folder.path())
            .args(["--pdeathsig", "QUIT"]);
        if let Some((user, group)) = other_user()? {
            command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
        }
        command.arg(self.bin.join(name));
        Ok(command)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the newest version's programs.
fn programs() -> Result<PathBuf, String> {
    let mut found: Vec<(u32, PathBuf)> = crate::entries(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .filter_map(|version| {
            let number = version.file_name()?.to_str()?.parse().ok()?;
            let bin = version.join("bin");
            (bin.join("initdb").exists() && bin.join("psql").exists()).then_some((number, bin))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).ok_or_else(|| "PostgreSQL is not installed; run scripts/postgres.sh".to_owned())
}

/// The server refuses to run as root: then it is the user of the package, or nobody.
fn other_user() -> Result<Option<(u32, u32)>, String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(text)?;
    let numbers = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found: Option<(u32, u32)> = numbers("postgres").or_else(|| numbers("nobody"));
    found.map(Some).ok_or_else(|| "there is no user but root to run PostgreSQL as".to_owned())
}

/// A key, a certificate for 127.0.0.1, and who signed it.
fn certify() -> Result<(String, String, String), String> {
    let make = || -> Result<(String, String, String), rcgen::Error> {
        let authority_key = rcgen::KeyPair::generate()?;
        let mut authority = rcgen::CertificateParams::new(Vec::new())?;
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key)?.pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
        Ok((key.serialize_pem(), certificate.pem(), pem))
    };
    make().map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
