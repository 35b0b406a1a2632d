//! `cases/ssrf.tsv`: URLs that try to reach where no guest may go. What is about to be dialled is seen at a dialer of ours,
//! what arrives at servers and listeners: not by what the guest is told alone.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use bailiwick::host::Services;
use bailiwick::host::fetch::{Dialer, Pending, Resolver, Stream};
use bailiwick::{CompileIn, CompileOptions, Executor, Guest, Job};
use bailiwick_guard::audit::{AuditOptions, Durability};
use bailiwick_guard::{AuditLog, SystemClock};
use bailiwick_policy::{FetchTarget, Host, Manifest};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::program::{self, PROGRAM};
use crate::server::Server;
use crate::{calls, matrix};

/// Fewer would not be the corpus that it is meant to be: lines that are refused, and lines that arrive.
const LEAST: (usize, usize) = (200, 15);
/// What may be dialled where no rule says `private`. Written down by hand, so that no code is judged by itself.
const PUBLIC: &str = "93.184.215.14 8.8.8.8 8.8.4.4 100.63.255.255 172.32.0.1 198.20.0.1 2606:4700::1111 \
                      ::ffff:93.184.215.14 64:ff9b::5db8:d70e 2002:5db8:d70e::1";
/// The same under rules that say it.
const INNER: &str = "127.0.0.1 ::1 10.9.8.7 10.0.0.9 fd00::9 169.254.169.254 fd00:ec2::254";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("ssrf::dialled", || play(false, PUBLIC)),
        Trial::test("ssrf::private", || play(true, INNER)),
        Trial::test("ssrf::listeners", listeners),
        Trial::test("ssrf::check", check),
    ]
}

struct Line {
    code: String,
    url: String,
    redirect: Option<String>,
    /// One list for each time that the name is resolved; the last one stays.
    answers: VecDeque<Vec<IpAddr>>,
    private: bool,
}

impl Line {
    fn is_allowed(&self) -> bool {
        self.code == "allow"
    }

    /// Whether nobody need be asked where it leads.
    fn is_literal(&self) -> bool {
        let host = FetchTarget::parse(&self.url).map(|target| target.host().clone());
        self.redirect.is_none() && self.answers.is_empty() && !self.private && !matches!(host, Ok(Host::Name(_)))
    }
}

/// In this process, with a resolver that answers as the lines say, and a dialer that lets `open` addresses lead to a server.
fn play(private: bool, open: &str) -> Result<(), Failed> {
    let inner = Inner::new()?;
    let lines: Vec<Line> = lines(inner.port)?.into_iter().filter(|line| line.private == private).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (dialled, arrived, report) = runtime.block_on(async {
        let internet = Internet::start(&lines).await?;
        let open = open.split_whitespace().filter_map(|address| address.parse().ok()).collect();
        let dialer = Watch { open, internet: internet.address, dialled: Arc::default() };
        let report = run(&lines, Names::of(&lines), dialer.clone()).await?;
        Ok::<_, Failed>((take(&dialer.dialled), take(&internet.arrived), report))
    })?;
    let open: BTreeSet<IpAddr> = open.split_whitespace().filter_map(|address| address.parse().ok()).collect();
    let forbidden: Vec<_> = dialled.iter().filter(|address| !open.contains(&address.ip())).collect();
    if !forbidden.is_empty() {
        return Err(format!("about to be dialled: {forbidden:?}").into());
    }
    let mut wrong = mismatches(&lines, &report)?;
    // A redirect starts at a public place, whatever becomes of it.
    let may_arrive = |line: &&Line| line.is_allowed() || line.redirect.is_some();
    let expected: BTreeSet<String> = lines.iter().filter(may_arrive).filter_map(|line| place(&line.url)).collect();
    let targets = lines.iter().filter(|line| line.is_allowed()).filter_map(|line| line.redirect.as_deref());
    let expected: BTreeSet<String> = expected.into_iter().chain(targets.filter_map(place)).collect();
    let arrived: BTreeSet<String> = arrived.into_iter().collect();
    let unasked =
        |place: &&String| !expected.contains(*place) && !place.contains("/again") && !place.contains("/there");
    wrong.extend(arrived.iter().filter(unasked).map(|place| format!("arrived: {place}")));
    let missing = lines.iter().filter(|line| line.is_allowed()).filter_map(|line| place(&line.url));
    wrong.extend(missing.filter(|place| !arrived.contains(place)).map(|place| format!("never arrived: {place}")));
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    inner.untouched()
}

/// The whole program, with the operating system's resolver and sockets: no listener of this machine sees a connection.
fn listeners() -> Result<(), Failed> {
    let inner = Inner::new()?;
    let lines: Vec<Line> =
        lines(inner.port)?.into_iter().filter(|line| line.is_literal() && !line.is_allowed()).collect();
    let control = Server::plain()?;
    let origin = format!("http://127.0.0.1:{}", control.port());
    let localhost = format!("http://localhost:{}/x", inner.port);
    let folder = tempfile::tempdir()?;
    let (work, state) = (folder.path().join("work"), folder.path().join("state"));
    fs::create_dir(&work)?;
    let rule = format!(
        "[[allow]]\nid = \"control\"\nfetch = \"{origin}/**\"\nprivate = true\n[[allow]]\nid = \"name\"\nfetch = \"{localhost}\"\n"
    );
    fs::write(work.join("policy.toml"), manifest(&lines, false) + &rule)?;
    fs::write(work.join("bailiwick.toml"), "[compile]\ntime = \"60s\"\n")?;
    let mut urls: Vec<&str> = lines.iter().map(|line| line.url.as_str()).collect();
    let last = format!("{origin}/hello");
    urls.extend([localhost.as_str(), &last]);
    fs::write(work.join("calls.wat"), guest(&urls)?)?;
    let mut run =
        program::program(&work, ["run", "calls.wat", "--policy", "policy.toml", "--as", "bot", "--json", "--state"]);
    // Were it heeded, everything would go there.
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        run.env(variable, format!("http://127.0.0.1:{}", inner.port));
    }
    let ended = program::run(run.arg(&state))?;
    let report: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
    let printed: Vec<&str> = report["stdout"].as_str().unwrap_or_default().lines().collect();
    let wrong =
        mismatches(&lines, &printed.iter().map(|line| (*line).to_owned()).take(lines.len()).collect::<Vec<_>>())?;
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let ends: Vec<String> = printed.iter().skip(lines.len()).map(|line| outcome(line)).collect();
    if ends != ["deny.network.private_address", "allow"] || control.connections() != 1 {
        return Err(format!("the name and the control ended as {ends:?}, {} connections", control.connections()).into());
    }
    inner.untouched()
}

/// `fetch check` says of URLs what a run makes of them.
fn check() -> Result<(), Failed> {
    let lines = lines(80)?;
    let lines: Vec<&Line> = lines.iter().filter(|line| line.is_literal() && !line.url.contains('\0')).collect();
    let folder = tempfile::tempdir()?;
    let urls = lines.iter().map(|line| line.url.as_str());
    let ended =
        program::run(&mut program::program(folder.path(), ["fetch", "check", "--json"].into_iter().chain(urls)))?;
    let answer: Value = serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}", ended.stderr))?;
    let said = answer["urls"].as_array().cloned().unwrap_or_default();
    if (ended.code, said.len()) != (Some(6), lines.len()) {
        return Err(format!("exit {:?}, {} answers to {} URLs", ended.code, said.len(), lines.len()).into());
    }
    let differ = lines.iter().zip(&said).filter(|(line, said)| said["code"] != line.code || said["url"] != line.url);
    let wrong: Vec<String> = differ.map(|(line, said)| format!("{}\t{:?}: {said}", line.code, line.url)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// One run that asks for all URLs; a line of output for each.
async fn run(lines: &[Line], names: Names, dialer: Watch) -> Result<Vec<String>, Failed> {
    let temporary = tempfile::tempdir()?;
    let options = AuditOptions { durability: Durability::Buffered, ..AuditOptions::default() };
    let log = AuditLog::open(&temporary.path().join("log.jsonl"), options, &SystemClock)?;
    let compile = CompileOptions {
        place: CompileIn::program(Path::new(PROGRAM)),
        time: program::PATIENCE,
        ..CompileOptions::default()
    };
    let services = Services::builder().resolver(names).dialer(dialer).build();
    let executor = Executor::builder(log).compile(compile).services(services).build()?;
    let manifest = Manifest::parse(&manifest(lines, lines.iter().any(|line| line.private)), "ssrf.toml");
    let manifest = manifest.map_err(|findings| format!("{findings:?}"))?;
    let urls: Vec<&str> = lines.iter().map(|line| line.url.as_str()).collect();
    let job = Job::new(
        Guest::from_bytes(guest(&urls)?.as_bytes())?,
        matrix::grant(Arc::new(manifest), None),
        temporary.path(),
    );
    let report = executor.run(job).await?;
    let refused = report.calls.iter().filter(|call| call.outcome.is_none()).count();
    let expected = lines.iter().filter(|line| line.code.starts_with("deny.request.")).count();
    if refused < expected {
        return Err(format!("{refused} refusals are on record, and {expected} URLs are none").into());
    }
    Ok(String::from_utf8_lossy(&report.stdout).lines().map(str::to_owned).collect())
}

fn guest(urls: &[&str]) -> Result<String, String> {
    calls::guest(&json!(urls.iter().map(|url| json!(["fetch", { "url": url }])).collect::<Vec<_>>()).to_string())
}

/// A rule for everything below each origin that can be written.
fn manifest(lines: &[Line], private: bool) -> String {
    let mut text = "schema = 1\nid = \"ssrf\"\nagents = [\"bot\"]\n[limits]\ntimeout = \"100s\"\nhost_calls = 5000\noutput = \"8MiB\"\n".to_owned();
    let urls = lines.iter().flat_map(|line| [Some(line.url.as_str()), line.redirect.as_deref()]).flatten();
    let origins: BTreeSet<String> = urls
        .filter_map(|url| FetchTarget::parse(url).ok())
        .map(|target| format!("{}://{}:{}", target.scheme(), target.host(), target.port()))
        .collect();
    for (at, origin) in origins.iter().enumerate() {
        for (id, path) in [("below", "/**"), ("root", "/")] {
            text += &format!(
                "[[allow]]\nid = \"{id}-{at}\"\nfetch = \"{origin}{path}\"\nredirects = true\nprivate = {private}\n"
            );
        }
    }
    text
}

fn mismatches(lines: &[Line], printed: &[String]) -> Result<Vec<String>, Failed> {
    if printed.len() != lines.len() {
        return Err(format!("{} replies to {} URLs: {:?}", printed.len(), lines.len(), printed.last()).into());
    }
    let ended = lines.iter().zip(printed).map(|(line, printed)| (line, outcome(printed)));
    let wrong = ended.filter(|(line, outcome)| line.code != *outcome);
    Ok(wrong
        .map(|(line, outcome)| format!("{outcome}, not {}\t{:?} {:?}", line.code, line.url, line.redirect))
        .collect())
}

/// The code in a reply that the guest printed.
fn outcome(line: &str) -> String {
    let reply = line.strip_prefix("fetch ").unwrap_or(line);
    match serde_json::from_str::<Value>(reply) {
        Ok(reply) => reply.pointer("/error/code").map_or("allow", |code| code.as_str().unwrap_or_default()).to_owned(),
        Err(_) => reply.to_owned(),
    }
}

/// Host and path as a server sees them.
fn place(url: &str) -> Option<String> {
    let target = FetchTarget::parse(url).ok()?;
    let port =
        if target.port() == target.scheme().default_port() { String::new() } else { format!(":{}", target.port()) };
    let query = target.url().query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{port}{}{query}", target.host(), target.url().path()))
}

fn lines(port: u16) -> Result<Vec<Line>, Failed> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/ssrf.tsv"))?;
    let text = text.replace("{{port}}", &port.to_string());
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(read);
    let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
    let allowed = lines.iter().filter(|line| line.is_allowed()).count();
    if lines.len() - allowed < LEAST.0 || allowed < LEAST.1 {
        return Err("there are too few lines".into());
    }
    Ok(lines)
}

fn read(line: &str) -> Result<Line, String> {
    let mut cells = line.split('\t');
    let mut cell = || cells.next().ok_or_else(|| format!("too few tabs: {line}"));
    let (code, url, redirect, answers) = (cell()?.to_owned(), unescape(cell()?)?, cell()?, cell()?);
    let parse = |address: &str| address.parse().map_err(|error| format!("{address}: {error}"));
    let answers = match answers {
        "-" => VecDeque::new(),
        some => some.split('|').map(|turn| turn.split_whitespace().map(parse).collect()).collect::<Result<_, _>>()?,
    };
    let redirect = if redirect == "-" { None } else { Some(unescape(redirect)?) };
    Ok(Line { code, url, redirect, answers, private: cells.next() == Some("private") })
}

/// `\t`, `\n`, `\r`, `\0` and `\u{…}`; any other backslash is one.
fn unescape(text: &str) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        whole += before;
        let (c, left) = match after.chars().next() {
            Some('t') => ('\t', after.split_at(1).1),
            Some('n') => ('\n', after.split_at(1).1),
            Some('r') => ('\r', after.split_at(1).1),
            Some('0') => ('\0', after.split_at(1).1),
            Some('u') => {
                let (digits, left) =
                    after.trim_start_matches("u{").split_once('}').ok_or("a `\\u{` without its end")?;
                let number = u32::from_str_radix(digits, 16).map_err(|error| format!("{digits}: {error}"))?;
                (char::from_u32(number).ok_or("no character")?, left)
            }
            _ => ('\\', after),
        };
        whole.push(c);
        rest = left;
    }
    Ok(whole + rest)
}

/// Listeners on this machine that nobody may connect to.
struct Inner {
    port: u16,
    listeners: Vec<TcpListener>,
}

impl Inner {
    fn new() -> io::Result<Inner> {
        let mut last = io::Error::other("no port is free in both families");
        for _ in 0..20 {
            let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = four.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
                Ok(six) => return Ok(Inner { port, listeners: vec![four, six] }),
                // A machine without IPv6 has nothing there that could be reached.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    return Ok(Inner { port, listeners: vec![four] });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Nobody has connected; and somebody who does would be seen.
    fn untouched(self) -> Result<(), Failed> {
        for listener in &self.listeners {
            let _control = TcpStream::connect(listener.local_addr()?)?;
            listener.set_nonblocking(true)?;
            let connections = std::iter::from_fn(|| listener.accept().ok()).count();
            if connections != 1 {
                return Err(
                    format!("{} connections to {}, of which one is ours", connections, listener.local_addr()?).into()
                );
            }
        }
        Ok(())
    }
}

/// Answers names as the lines say.
struct Names(Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn of(lines: &[Line]) -> Names {
        let name = |url: &str| match FetchTarget::parse(url).ok()?.host() {
            Host::Name(name) => Some(name.clone()),
            Host::Ip(_) => None,
        };
        let own = lines.iter().filter_map(|line| Some((name(&line.url)?, line.answers.clone())));
        // Who is only the target of a redirect is where that came from.
        let targets = lines.iter().filter_map(|line| Some((name(line.redirect.as_deref()?)?, line.answers.clone())));
        Names(Mutex::new(targets.chain(own).filter(|(_, answers)| !answers.is_empty()).collect()))
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let mut names = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
            let turns = names.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
            let next = if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() };
            next.ok_or(io::ErrorKind::NotFound.into())
        })
    }
}

/// Remembers every address that is about to be dialled. Open ones lead to the server, the others nowhere.
#[derive(Clone)]
struct Watch {
    open: BTreeSet<IpAddr>,
    internet: SocketAddr,
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Dialer for Watch {
    fn dial(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            self.dialled.lock().map_err(|_| io::ErrorKind::Other)?.push(address);
            if !self.open.contains(&address.ip()) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let stream: Box<dyn Stream> = Box::new(tokio::net::TcpStream::connect(self.internet).await?);
            Ok(stream)
        })
    }
}

/// A server that is everybody: it redirects as the lines say, and answers everything else.
struct Internet {
    address: SocketAddr,
    /// Host and path of each request.
    arrived: Arc<Mutex<Vec<String>>>,
}

impl Internet {
    async fn start(lines: &[Line]) -> io::Result<Internet> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let redirects = lines.iter().filter_map(|line| Some((place(&line.url)?, line.redirect.clone()?)));
        let redirects: Arc<HashMap<String, String>> = Arc::new(redirects.collect());
        let internet = Internet { address: listener.local_addr()?, arrived: Arc::default() };
        let arrived = Arc::clone(&internet.arrived);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (redirects, arrived) = (Arc::clone(&redirects), Arc::clone(&arrived));
                tokio::spawn(async move { answer(stream, &redirects, &arrived).await });
            }
        });
        Ok(internet)
    }
}

/// One request on a connection, so that the next one resolves anew.
async fn answer(
    mut stream: tokio::net::TcpStream,
    redirects: &HashMap<String, String>,
    arrived: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let place = format!("{host}{path}");
    let location = redirects.get(&place);
    arrived.lock().map_err(|_| io::ErrorKind::Other)?.push(place);
    let (status, field) = match location {
        Some(location) => ("302 Found", format!("location: {location}\r\n")),
        None => ("200 OK", String::new()),
    };
    let reply = format!("HTTP/1.1 {status}\r\n{field}content-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

fn take<T: Clone>(shared: &Mutex<Vec<T>>) -> Vec<T> {
    shared.lock().map(|held| held.clone()).unwrap_or_default()
}
