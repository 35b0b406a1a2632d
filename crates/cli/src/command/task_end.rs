//! `bailiwick task end`

use crate::arguments::TaskEndArguments;
use crate::command::agent_revoke;
use crate::configuration::Configuration;
use crate::failure::Outcome;

/// Ends a task: nothing of its authority is left, for runs under way and for later ones.
pub(crate) fn run(arguments: &TaskEndArguments, host: &Configuration) -> Outcome {
    agent_revoke::end_task(&arguments.task, arguments.reason.as_deref(), arguments.json, host)
}
