//! `bailiwick fetch check`

use std::path::Path;
use std::sync::Arc;

use bailiwick_host::fetch::{Reach, SystemResolver};
use bailiwick_policy::{
    Arguments, Authority, Code, Decision, FetchTarget, Grant, Principal, Request, Resource, Rule, Zone,
};
use serde_json::{Value, json};

use crate::arguments::FetchCheckArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{NOTE, Untrusted};
use crate::{identity, input, manifest, terminal};

/// Most bytes of URLs on standard input.
const MAX_INPUT: usize = 1 << 20;

/// Says of each URL what would become of it. Nothing is dialled, and nothing is recorded.
pub(crate) fn run(arguments: &FetchCheckArguments) -> Outcome {
    let urls = urls(&arguments.urls)?;
    let grant = arguments.policy.as_deref().map(|path| grant(path, arguments.agent.as_deref())).transpose()?;
    let body = arguments.body.as_deref().map(|path| input::bytes(path, "the body", MAX_INPUT)).transpose()?;
    let body = body.map(Arguments::of_json);
    let checks = async {
        let mut checked = Vec::new();
        for url in &urls {
            checked.push(check(url, arguments, body.as_ref(), grant.as_ref()).await);
        }
        checked
    };
    let checked = identity::wait(checks)?;
    if arguments.json {
        terminal::out_json(&json!({ "urls": checked.iter().map(Checked::to_json).collect::<Vec<_>>() }))?;
    } else {
        terminal::out(&checked.iter().map(Checked::draw).collect::<String>())?;
        if checked.iter().any(Checked::is_open) {
            terminal::err(&format!(
                "{NOTE}note{NOTE:#}: the addresses of host names were not looked up, and may be refused; --resolve asks for them\n"
            ));
        }
    }
    let all = checked.iter().all(|one| one.code == Code::Allowed);
    Ok(if all { Exit::Success } else { Exit::Denied })
}

/// What would become of one URL.
struct Checked<'a> {
    url: &'a str,
    target: Option<FetchTarget>,
    code: Code,
    reason: Option<String>,
    rule: Option<Arc<Rule>>,
    reach: Option<Reach>,
}

/// In the order in which a run does it: the URL, the rules, the addresses.
async fn check<'a>(
    url: &'a str,
    arguments: &FetchCheckArguments,
    body: Option<&Arguments>,
    grant: Option<&Grant>,
) -> Checked<'a> {
    let mut checked = Checked { url, target: None, code: Code::Allowed, reason: None, rule: None, reach: None };
    let request = FetchTarget::parse(url).and_then(|target| {
        checked.target = Some(target.clone());
        Request::new(arguments.method, Resource::Fetch(target))
    });
    let request = match request {
        Ok(request) => match body {
            Some(body) => request.with_arguments(body.clone()),
            None => request,
        },
        Err(error) => return checked.no(error.code(), error.to_string()),
    };
    let host = checked.target.as_ref().map(|target| target.host().to_string()).unwrap_or_default();
    checked.reach = Reach::literal(&host);
    let mut private = false;
    if let Some(grant) = grant {
        let explanation = grant.explain(&request);
        let verdict = explanation.verdict();
        checked.rule = verdict.rule().cloned();
        if verdict.decision() != Decision::Allow {
            let layer = explanation.layers().iter().find(|layer| layer.decision == verdict.decision());
            let why = layer.map(|layer| format!("{}: {}", layer.source, layer.detail)).unwrap_or_default();
            return checked.no(verdict.code(), why);
        }
        private = verdict.terms().private;
    }
    if checked.reach.is_none() && arguments.resolve {
        match Reach::of(&host, &SystemResolver).await {
            Ok(reach) => checked.reach = Some(reach),
            Err(_) => return checked.no(Code::DnsFailed, "the host name cannot be resolved".to_owned()),
        }
    }
    match checked.reach.as_ref().and_then(|reach| reach.obstacle(private)) {
        Some((address, zone)) => checked.no(Code::PrivateAddress, format!("{address} {}", meaning(zone, private))),
        None => checked,
    }
}

impl Checked<'_> {
    fn no(self, code: Code, reason: String) -> Self {
        Checked { code, reason: Some(reason), ..self }
    }

    fn decision(&self) -> &'static str {
        match self.code {
            Code::Allowed => "allow",
            Code::DnsFailed => "failed",
            _ => "deny",
        }
    }

    /// Whether it is allowed as far as is known without the addresses of its host.
    fn is_open(&self) -> bool {
        self.code == Code::Allowed && self.reach.is_none()
    }

    fn addresses(&self) -> impl Iterator<Item = (String, Zone)> {
        let addresses = self.reach.iter().flat_map(|reach| reach.addresses());
        addresses.map(|(address, zone)| (address.to_string(), *zone))
    }

    fn draw(&self) -> String {
        let mut text = format!("{:<6}  {}  [{}]\n", self.decision(), Untrusted(self.url), self.code);
        let mut line = |said: String| text += &format!("        {}\n", Untrusted(&said));
        if let Some(target) = &self.target {
            line(format!("host {}, port {}, path {}", target.host(), target.port(), target.url().path()));
        }
        if let Some(rule) = &self.rule {
            line(format!("rule `{}`, {}", rule.id(), rule.location()));
        }
        for (address, zone) in self.addresses() {
            line(format!("address {address}, {}", zone.as_str()));
        }
        if let Some(reason) = &self.reason {
            line(reason.clone());
        }
        text
    }

    fn to_json(&self) -> Value {
        let target = self.target.as_ref();
        let addresses = self.addresses().map(|(address, zone)| json!({ "address": address, "zone": zone.as_str() }));
        json!({
            "url": self.url,
            "scheme": target.map(|target| target.scheme().as_str()),
            "host": target.map(|target| target.host().to_string()),
            "port": target.map(FetchTarget::port),
            "path": target.map(|target| target.url().path()),
            "decision": self.decision(),
            "code": self.code.as_str(),
            "reason": self.reason,
            "rule": self.rule.as_ref().map(|rule| rule.id()),
            "location": self.rule.as_ref().map(|rule| rule.location()),
            "addresses": addresses.collect::<Vec<_>>(),
            "resolved": self.reach.is_some(),
        })
    }
}

fn meaning(zone: Zone, private: bool) -> &'static str {
    match zone {
        Zone::Public => "is public",
        Zone::Private => "is not public; a rule must say `private = true`",
        Zone::Special if private => "is link-local, reserved or a metadata service's; the URL itself must contain it",
        Zone::Special => {
            "is link-local, reserved or a metadata service's; a rule must say `private = true`, and the URL contain it"
        }
        Zone::Never => "is no address that anything can be fetched from",
    }
}

/// What was typed, and what standard input holds in place of a `-`.
fn urls(typed: &[String]) -> Result<Vec<String>, Failure> {
    let mut urls = Vec::new();
    for url in typed {
        if url != "-" {
            urls.push(url.clone());
            continue;
        }
        let text = input::text(Path::new("-"), "the URLs", MAX_INPUT)?;
        urls.extend(text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(urls)
}

/// The grant of an agent whose token and registry entry say what the manifest says, so that the manifest alone decides.
fn grant(path: &Path, agent: Option<&str>) -> Result<Grant, Failure> {
    let loaded = manifest::load(path)?;
    let agent = match (agent, loaded.manifest.agents().first()) {
        (Some(name), _) => identity::agent_id(name)?.to_string(),
        (None, Some(first)) => first.clone(),
        (None, None) => "nobody".to_owned(),
    };
    let authority = Authority {
        principal: Principal { issuer: "fetch-check".to_owned(), subject: agent.clone(), agent },
        token: loaded.manifest.scopes(),
        details: Vec::new(),
        registry: loaded.manifest.scopes(),
        task: None,
    };
    Ok(Grant::new(loaded.manifest, loaded.ceiling, authority))
}
