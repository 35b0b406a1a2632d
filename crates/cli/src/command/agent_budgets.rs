//! `bailiwick agent budgets`

use std::time::Duration;

use bailiwick_guard::budgets::{Counter, What};
use bailiwick_guard::{Clock, SystemClock};
use bailiwick_policy::{Amount, Window};
use bailiwick_store::Tally;
use serde_json::{Value, json};

use crate::administration;
use crate::arguments::AgentShowArguments;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::table::{Cell, Table};
use crate::{identity, terminal};

/// Shows what an agent's runs have used of the budgets of rules, as far as it still counts. Those of one run are its own.
pub(crate) fn run(arguments: &AgentShowArguments, host: &Configuration) -> Outcome {
    let agent = identity::agent_id(&arguments.agent)?;
    let tallies = match administration::open_existing(host)? {
        Some(store) => store.budgets_of(agent.as_str(), SystemClock.now()).map_err(administration::unusable)?,
        None => Vec::new(),
    };
    if arguments.json {
        let list: Vec<Value> = tallies.iter().map(entry).collect();
        terminal::out_json(&json!({ "budgets": list }))?;
        return Ok(Exit::Success);
    }
    if tallies.is_empty() {
        terminal::err(&format!("nothing of agent `{agent}` counts against a budget\n"));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(["MANIFEST", "RULE", "BUDGET", "USED", "RESERVED", "LEFT"]);
    for tally in &tallies {
        let Counter { manifest, rule, what, .. } = &tally.counter;
        let [used, reserved, left] = match what {
            What::Rate => [String::new(), String::new(), String::new()],
            _ => [tally.used, tally.reserved, left(tally)].map(|number| shown(what, number)),
        };
        table.row([
            Cell::plain(manifest),
            Cell::plain(rule),
            Cell::plain(budget(tally)),
            Cell::plain(used),
            Cell::plain(reserved),
            Cell::plain(left),
        ]);
    }
    terminal::out(&table.draw())?;
    Ok(Exit::Success)
}

/// Under what the manifest said when the budget was used last.
fn budget(tally: &Tally) -> String {
    let per = Window::Last(tally.window);
    match &tally.counter.what {
        What::Calls => format!("calls {}/{per}", tally.max),
        What::Sum(argument) => format!("sum of `{argument}` {}/{per}", Amount(tally.max)),
        What::Rate => format!("one call in {}", spacing(tally.window)),
    }
}

fn spacing(time: Duration) -> String {
    if time.as_millis() < 1000 { format!("{} ms", time.as_millis()) } else { Window::Last(time).to_string() }
}

fn shown(what: &What, number: u64) -> String {
    match what {
        What::Sum(_) => Amount(number).to_string(),
        What::Calls | What::Rate => number.to_string(),
    }
}

fn left(tally: &Tally) -> u64 {
    tally.max.saturating_sub(tally.used).saturating_sub(tally.reserved)
}

fn entry(tally: &Tally) -> Value {
    let Counter { manifest, rule, what, .. } = &tally.counter;
    let mut entry = json!({ "manifest": manifest, "rule": rule, "budget": what.to_string() });
    if let (Some(members), false) = (entry.as_object_mut(), *what == What::Rate) {
        for (name, number) in
            [("max", tally.max), ("used", tally.used), ("reserved", tally.reserved), ("left", left(tally))]
        {
            members.insert(name.to_owned(), json!(shown(what, number)));
        }
        members.insert("per".to_owned(), json!(Window::Last(tally.window).to_string()));
    }
    entry
}
