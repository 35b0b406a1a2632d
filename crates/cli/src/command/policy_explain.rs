//! `bailiwick policy explain`

use bailiwick_policy::{Authority, Code, Decision, Explanation, Grant, Principal, Request};
use serde_json::{Value, json};

use crate::arguments::PolicyExplainArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{identity, manifest, terminal};

/// Decides one call under a manifest, and says why. Nothing is performed, and nothing is recorded.
pub(crate) fn run(arguments: &PolicyExplainArguments) -> Outcome {
    let loaded = manifest::load(&arguments.manifest)?;
    let request = Request::parse(&arguments.call).map_err(|error| {
        let exit = if error.code() == Code::Ambiguous { Exit::Denied } else { Exit::Usage };
        Failure::new(exit, format!("CALL: {error}"))
            .because(error.code())
            .help("write a call such as 'fetch POST https://api.example/v1/payments', 'file read /invoices/a.csv' or 'crypto hash'")
    })?;
    let granted = || loaded.manifest.scopes();
    let scopes = |text: &Option<String>, flag| text.as_deref().map(|text| identity::scopes(text, flag)).transpose();
    let agent = match (&arguments.agent, loaded.manifest.agents().first()) {
        (Some(name), _) => identity::agent_id(name)?.to_string(),
        (None, Some(first)) => first.clone(),
        (None, None) => "nobody".to_owned(),
    };
    let authority = Authority {
        principal: Principal { issuer: "policy-explain".to_owned(), subject: agent.clone(), agent },
        token: scopes(&arguments.scopes, "--scopes")?.unwrap_or_else(granted),
        details: Vec::new(),
        registry: scopes(&arguments.registry, "--registry")?.unwrap_or_else(granted),
        task: scopes(&arguments.restrict, "--restrict")?,
    };
    let explanation = Grant::new(loaded.manifest, loaded.ceiling, authority).explain(&request);
    if arguments.json {
        terminal::out_json(&to_json(&request, &explanation))?;
    } else {
        terminal::out(&terminal::plain(&format!("{explanation}\n")))?;
    }
    Ok(if explanation.verdict().decision() == Decision::Allow { Exit::Success } else { Exit::Denied })
}

fn to_json(request: &Request, explanation: &Explanation) -> Value {
    let layers = explanation.layers().iter().map(|layer| {
        json!({
            "source": layer.source.to_string(),
            "decision": layer.decision.to_string(),
            "detail": layer.detail,
            "rule": layer.rule.as_ref().map(|rule| rule.id()),
            "location": layer.rule.as_ref().map(|rule| rule.location()),
        })
    });
    json!({
        "request": request.to_string(),
        "decision": explanation.verdict().decision().to_string(),
        "code": explanation.verdict().code().as_str(),
        "sensitive": explanation.verdict().sensitive().map(|rule| json!({ "rule": rule.id(), "location": rule.location() })),
        "layers": layers.collect::<Vec<_>>(),
        "help": explanation.help(),
    })
}
