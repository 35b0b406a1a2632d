//! `bailiwick doctor`

mod engine;
mod guests;
mod installation;
mod issuers;
mod languages;

use serde_json::json;

use crate::arguments::DoctorArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, BAD, BOLD, DIM, GOOD, NOTE, Untrusted, WARN};

/// One thing that was looked at.
pub(crate) struct Finding {
    area: &'static str,
    name: String,
    state: State,
    detail: String,
    /// What to do about it.
    help: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Something optional is not there.
    Missing,
    /// It works, and should not stay so.
    Doubtful,
    /// Runs cannot work.
    Broken,
}

/// Looks at everything that runs need, and at what building guests needs. Changes nothing.
pub(crate) fn run(arguments: &DoctorArguments, host: Result<Configuration, Failure>) -> Outcome {
    let mut findings = engine::look();
    match &host {
        Ok(host) => {
            findings.extend(installation::look(host));
            findings.extend(issuers::look(host));
            findings.extend(languages::look(host));
        }
        Err(failure) => findings.push(
            Finding::new("installation", "configuration", State::Broken, failure.message()).help_from(failure.advice()),
        ),
    }
    findings.extend(guests::look());
    let works = findings.iter().all(|finding| finding.state != State::Broken);
    if arguments.json {
        let list: Vec<_> = findings.iter().map(Finding::to_json).collect();
        terminal::out_json(&json!({ "works": works, "findings": list }))?;
    } else {
        terminal::out(&draw(&findings, works))?;
    }
    Ok(if works { Exit::Success } else { Exit::Internal })
}

impl Finding {
    fn new(area: &'static str, name: impl Into<String>, state: State, detail: impl Into<String>) -> Finding {
        Finding { area, name: name.into(), state, detail: detail.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Finding {
        Finding { help: Some(help.into()), ..self }
    }

    fn help_from(self, help: Option<&str>) -> Finding {
        Finding { help: help.map(str::to_owned), ..self }
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "area": self.area,
            "name": self.name,
            "state": self.state.as_str(),
            "detail": self.detail,
            "help": self.help,
        })
    }
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Missing => "missing",
            State::Doubtful => "doubtful",
            State::Broken => "broken",
        }
    }
}

fn draw(findings: &[Finding], works: bool) -> String {
    let mut text = String::new();
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            text += &format!("{BOLD}{area}{BOLD:#}\n");
        }
        let (style, mark) = match finding.state {
            State::Good => (GOOD, "ok"),
            State::Missing => (DIM, "--"),
            State::Doubtful => (WARN, "!!"),
            State::Broken => (BAD, "no"),
        };
        text += &format!(
            "  {style}{mark}{style:#} {:<16} {}\n",
            terminal::plain(&finding.name),
            Untrusted(&finding.detail)
        );
        if let Some(help) = &finding.help {
            text += &format!("     {:<16} {NOTE}help{NOTE:#}: {}\n", "", Untrusted(help));
        }
    }
    let verdict = if works {
        format!("{GOOD}guests can run here{GOOD:#}")
    } else {
        format!("{BAD}guests cannot run here{BAD:#}")
    };
    text + &format!("\n{verdict}\n")
}
