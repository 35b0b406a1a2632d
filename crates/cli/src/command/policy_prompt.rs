//! `bailiwick policy prompt`

use bailiwick::Language;
use bailiwick_policy::{Dialect, prompt};

use crate::arguments::PolicyPromptArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Untrusted;
use crate::{identity, manifest, terminal};

/// Prints what to tell a model that writes code for runs under a manifest.
pub(crate) fn run(arguments: &PolicyPromptArguments) -> Outcome {
    let loaded = manifest::load(&arguments.manifest)?;
    if let Some(name) = &arguments.agent {
        let agent = identity::agent_id(name)?.to_string();
        if !loaded.manifest.agents().contains(&agent) {
            let message =
                format!("the manifest `{}` is not for the agent `{agent}`", Untrusted(loaded.manifest.origin()));
            return Err(Failure::usage(message).help("name one that its `agents` lists, or leave out --as"));
        }
    }
    let dialect = match arguments.language {
        Language::Python => Dialect::Python,
        Language::JavaScript => Dialect::JavaScript,
    };
    let text = prompt(&loaded.manifest, loaded.ceiling.as_deref(), dialect, arguments.agent.as_deref());
    terminal::out(&terminal::plain(&text))?;
    Ok(Exit::Success)
}
