//! What is typed about agents and tasks.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};

use crate::quantity::Seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentVerb {
    /// Register an agent
    Register(AgentRegisterArguments),
    /// List the registered agents
    List(AgentListArguments),
    /// Show all about an agent
    Show(AgentShowArguments),
    /// Show what an agent's runs have used of the budgets of rules
    Budgets(AgentShowArguments),
    /// Give an agent another key; the one before serves for a while longer
    RotateKey(AgentRotateKeyArguments),
    /// Let an agent start no runs, and end those under way, until it is resumed
    Suspend(AgentSuspendArguments),
    /// Let a suspended agent start runs again
    Resume(AgentResumeArguments),
    /// Revoke an agent, a token, a key, or a task, for good, and end the runs that rest on it
    Revoke(AgentRevokeArguments),
    /// List what has been revoked
    Revocations(AgentListArguments),
    /// Print agents as JSON, for `agent import`
    Export(AgentExportArguments),
    /// Add agents, or put others in the place of those with the same id: all, or none when one is wrong
    Import(AgentImportArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaskVerb {
    /// End a task: its runs are stopped, and no other run can belong to it
    End(TaskEndArguments),
}

#[derive(Debug, Args)]
pub(crate) struct AgentRegisterArguments {
    /// Its id, as manifests list it in `agents`
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    pub(crate) owner: String,
    /// The most that it may ever do, scopes separated by spaces
    #[arg(long, value_name = "SCOPES")]
    pub(crate) capabilities: String,
    /// Its public key, a JWK or PEM; from then on its tokens must be bound to a key that is registered for it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// The issuer of its tokens [default: the local issuer]
    #[arg(long, value_name = "ISSUER")]
    pub(crate) issuer: Option<String>,
    /// What that issuer calls it, the `sub` of its tokens [default: NAME]
    #[arg(long, value_name = "SUB")]
    pub(crate) subject: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentListArguments {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentShowArguments {
    /// Its id
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentRotateKeyArguments {
    /// Its id
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// The new public key, a JWK or PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// How long the key before still serves [default: the configured grace, `1h`]
    #[arg(long, value_name = "DURATION")]
    pub(crate) overlap: Option<Seconds>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentSuspendArguments {
    /// Its id
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// Why; kept, shown and recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentResumeArguments {
    /// Its id
    #[arg(value_name = "NAME")]
    pub(crate) agent: String,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Revoke an agent, a token, a key, or a task, for good, and end the runs that rest on it.
///
/// NAME alone revokes the agent. With --key, NAME says whose key is meant; with --token, whose issuer made the token.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["agent", "token", "token_sha256", "key", "task"]))]
pub(crate) struct AgentRevokeArguments {
    /// An agent's id
    #[arg(value_name = "NAME", conflicts_with_all = ["task", "token_sha256"])]
    pub(crate) agent: Option<String>,
    /// A token, by its `jti`
    #[arg(long, value_name = "JTI", conflicts_with_all = ["key", "task", "token_sha256"])]
    pub(crate) token: Option<String>,
    /// The issuer of that token [default: the agent's, without NAME the only one that is trusted]
    #[arg(long, value_name = "ISSUER", requires = "token")]
    pub(crate) issuer: Option<String>,
    /// A token, by the SHA-256 that reports and the audit log name it with
    #[arg(long, value_name = "HEX", conflicts_with_all = ["key", "task"])]
    pub(crate) token_sha256: Option<String>,
    /// A key, by its thumbprint; or, with NAME, by its `kid`
    #[arg(long, value_name = "KID", conflicts_with = "task")]
    pub(crate) key: Option<String>,
    /// Revoke the key although no agent has it
    #[arg(long, requires = "key", conflicts_with = "agent")]
    pub(crate) unregistered: bool,
    /// A task, by its id; the same as `task end`
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Why; kept, shown and recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgentExportArguments {
    /// Only these agents [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) agents: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AgentImportArguments {
    /// What `agent export` printed; `-` reads standard input
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Drop keys that agents have here and not in the document, and end those agents' runs
    #[arg(long)]
    pub(crate) drop_keys: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TaskEndArguments {
    /// Its id, as in `run --task ID`
    #[arg(value_name = "ID")]
    pub(crate) task: String,
    /// Why; kept, shown and recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
