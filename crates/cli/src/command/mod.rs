//! One file for each verb.

mod agent_budgets;
mod agent_export;
mod agent_import;
mod agent_list;
mod agent_register;
mod agent_resume;
mod agent_revocations;
pub(crate) mod agent_revoke;
mod agent_rotate_key;
mod agent_show;
mod agent_suspend;
mod audit_export;
mod audit_key;
mod audit_prove;
mod audit_query;
mod audit_tail;
mod audit_verify;
mod audit_verify_proof;
mod completions;
mod doctor;
mod fetch_check;
mod key_create;
mod key_delete;
mod key_import;
mod key_list;
mod key_public;
mod key_rotate;
mod language_install;
mod language_list;
mod language_remove;
mod man;
mod policy_check;
mod policy_explain;
mod policy_prompt;
mod replay;
mod run;
mod runs_list;
mod runs_prune;
mod runs_show;
mod secret_delete;
mod secret_list;
mod secret_set;
mod session;
mod task_end;
mod token_inspect;
mod token_issue;
mod token_prove;
mod tool_accept;
mod tool_list;
mod vault_rekey;

use crate::arguments::{
    AgentVerb, Arguments, AuditVerb, FetchVerb, KeyVerb, LanguageVerb, PolicyVerb, RunsVerb, SecretVerb, TaskVerb,
    TokenVerb, ToolVerb, VaultVerb, Verb,
};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::terminal;

/// Runs the verb that was typed, prints what went wrong, and says how to exit.
pub(crate) fn dispatch(arguments: Arguments) -> Exit {
    let resolve = || Configuration::resolve(&arguments.host);
    let outcome = match &arguments.verb {
        Verb::Policy(PolicyVerb::Check(verb)) => policy_check::run(verb),
        Verb::Policy(PolicyVerb::Explain(verb)) => policy_explain::run(verb),
        Verb::Policy(PolicyVerb::Prompt(verb)) => policy_prompt::run(verb),
        Verb::Token(TokenVerb::Issue(verb)) => resolve().and_then(|host| token_issue::run(verb, &host)),
        Verb::Token(TokenVerb::Inspect(verb)) => token_inspect::run(verb, resolve()),
        Verb::Token(TokenVerb::Prove(verb)) => token_prove::run(verb, resolve()),
        Verb::Agent(AgentVerb::Register(verb)) => resolve().and_then(|host| agent_register::run(verb, &host)),
        Verb::Agent(AgentVerb::List(verb)) => resolve().and_then(|host| agent_list::run(verb, &host)),
        Verb::Agent(AgentVerb::Show(verb)) => resolve().and_then(|host| agent_show::run(verb, &host)),
        Verb::Agent(AgentVerb::Budgets(verb)) => resolve().and_then(|host| agent_budgets::run(verb, &host)),
        Verb::Agent(AgentVerb::RotateKey(verb)) => resolve().and_then(|host| agent_rotate_key::run(verb, &host)),
        Verb::Agent(AgentVerb::Suspend(verb)) => resolve().and_then(|host| agent_suspend::run(verb, &host)),
        Verb::Agent(AgentVerb::Resume(verb)) => resolve().and_then(|host| agent_resume::run(verb, &host)),
        Verb::Agent(AgentVerb::Revoke(verb)) => resolve().and_then(|host| agent_revoke::run(verb, &host)),
        Verb::Agent(AgentVerb::Revocations(verb)) => resolve().and_then(|host| agent_revocations::run(verb, &host)),
        Verb::Agent(AgentVerb::Export(verb)) => resolve().and_then(|host| agent_export::run(verb, &host)),
        Verb::Agent(AgentVerb::Import(verb)) => resolve().and_then(|host| agent_import::run(verb, &host)),
        Verb::Task(TaskVerb::End(verb)) => resolve().and_then(|host| task_end::run(verb, &host)),
        Verb::Fetch(FetchVerb::Check(verb)) => fetch_check::run(verb),
        Verb::Doctor(verb) => doctor::run(verb, resolve()),
        Verb::Completions(verb) => completions::run(verb),
        Verb::Man(verb) => man::run(verb),
        Verb::Key(KeyVerb::Create(verb)) => resolve().and_then(|host| key_create::run(verb, &host)),
        Verb::Key(KeyVerb::List(verb)) => resolve().and_then(|host| key_list::run(verb, &host)),
        Verb::Key(KeyVerb::Public(verb)) => resolve().and_then(|host| key_public::run(verb, &host)),
        Verb::Secret(SecretVerb::Set(verb)) => resolve().and_then(|host| secret_set::run(verb, &host)),
        Verb::Secret(SecretVerb::List(verb)) => resolve().and_then(|host| secret_list::run(verb, &host)),
        Verb::Secret(SecretVerb::Delete(verb)) => resolve().and_then(|host| secret_delete::run(verb, &host)),
        Verb::Key(KeyVerb::Rotate(verb)) => resolve().and_then(|host| key_rotate::run(verb, &host)),
        Verb::Key(KeyVerb::Import(verb)) => resolve().and_then(|host| key_import::run(verb, &host)),
        Verb::Key(KeyVerb::Delete(verb)) => resolve().and_then(|host| key_delete::run(verb, &host)),
        Verb::Vault(VaultVerb::Rekey(_)) => resolve().and_then(|host| vault_rekey::run(&host)),
        Verb::Audit(AuditVerb::Tail(verb)) => resolve().and_then(|host| audit_tail::run(verb, &host)),
        Verb::Audit(AuditVerb::Query(verb)) => resolve().and_then(|host| audit_query::run(verb, &host)),
        Verb::Audit(AuditVerb::Export(verb)) => resolve().and_then(|host| audit_export::run(verb, &host)),
        Verb::Audit(AuditVerb::Verify(verb)) => resolve().and_then(|host| audit_verify::run(verb, &host)),
        Verb::Audit(AuditVerb::Key) => resolve().and_then(|host| audit_key::run(&host)),
        Verb::Audit(AuditVerb::Prove(verb)) => resolve().and_then(|host| audit_prove::run(verb, &host)),
        Verb::Audit(AuditVerb::VerifyProof(verb)) => resolve().and_then(|host| audit_verify_proof::run(verb, &host)),
        Verb::Runs(RunsVerb::List(verb)) => resolve().and_then(|host| runs_list::run(verb, &host)),
        Verb::Runs(RunsVerb::Show(verb)) => resolve().and_then(|host| runs_show::run(verb, &host)),
        Verb::Runs(RunsVerb::Prune(verb)) => resolve().and_then(|host| runs_prune::run(verb, &host)),
        Verb::Replay(verb) => resolve().and_then(|host| replay::run(verb, &host)),
        Verb::Language(LanguageVerb::List(verb)) => resolve().and_then(|host| language_list::run(verb, &host)),
        Verb::Language(LanguageVerb::Install(verb)) => resolve().and_then(|host| language_install::run(verb, &host)),
        Verb::Language(LanguageVerb::Remove(verb)) => resolve().and_then(|host| language_remove::run(verb, &host)),
        Verb::Tool(ToolVerb::List(verb)) => resolve().and_then(|host| tool_list::run(verb, &host)),
        Verb::Tool(ToolVerb::Accept(verb)) => resolve().and_then(|host| tool_accept::run(verb, &host)),
        Verb::Run(verb) => resolve().and_then(|host| run::run(verb, &host)),
        Verb::Session(verb) => resolve().and_then(|host| session::run(verb, &host)),
    };
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            if asks_for_json(&arguments.verb) {
                // The failure itself is what matters; that stdout is gone as well adds nothing.
                let _ = terminal::out_json(&failure.to_json());
            }
            terminal::failure(&failure);
            failure.exit()
        }
    }
}

fn asks_for_json(verb: &Verb) -> bool {
    match verb {
        Verb::Run(verb) => verb.json,
        Verb::Session(verb) => verb.json,
        Verb::Policy(PolicyVerb::Check(verb)) => verb.json,
        Verb::Policy(PolicyVerb::Explain(verb)) => verb.json,
        Verb::Token(TokenVerb::Inspect(verb)) => verb.json,
        Verb::Agent(AgentVerb::Register(verb)) => verb.json,
        Verb::Agent(AgentVerb::List(verb) | AgentVerb::Revocations(verb)) => verb.json,
        Verb::Agent(AgentVerb::Show(verb)) => verb.json,
        Verb::Agent(AgentVerb::RotateKey(verb)) => verb.json,
        Verb::Agent(AgentVerb::Suspend(verb)) => verb.json,
        Verb::Agent(AgentVerb::Resume(verb)) => verb.json,
        Verb::Agent(AgentVerb::Revoke(verb)) => verb.json,
        Verb::Agent(AgentVerb::Export(_)) => true,
        Verb::Agent(AgentVerb::Import(verb)) => verb.json,
        Verb::Task(TaskVerb::End(verb)) => verb.json,
        Verb::Key(KeyVerb::List(verb)) => verb.json,
        Verb::Secret(SecretVerb::List(verb)) => verb.json,
        Verb::Language(LanguageVerb::List(verb)) => verb.json,
        Verb::Language(LanguageVerb::Install(verb)) => verb.json,
        Verb::Language(LanguageVerb::Remove(verb)) => verb.json,
        Verb::Tool(ToolVerb::List(verb)) => verb.json,
        Verb::Fetch(FetchVerb::Check(verb)) => verb.json,
        Verb::Audit(AuditVerb::Verify(verb)) => verb.json,
        Verb::Runs(RunsVerb::List(verb)) => verb.json,
        Verb::Runs(RunsVerb::Show(verb)) => verb.json,
        Verb::Runs(RunsVerb::Prune(verb)) => verb.json,
        Verb::Replay(verb) => verb.json,
        Verb::Doctor(verb) => verb.json,
        _ => false,
    }
}
