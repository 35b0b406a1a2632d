//! What was typed. One definition feeds the parser, the help, the man pages and the completions.

mod agent;
mod audit;
mod fetch;
mod key;
mod language;
mod policy;
mod runs;
mod secret;
mod token;
mod tool;
mod vault;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(crate) use self::agent::*;
pub(crate) use self::audit::*;
pub(crate) use self::fetch::*;
pub(crate) use self::key::*;
pub(crate) use self::language::*;
pub(crate) use self::policy::*;
pub(crate) use self::runs::*;
pub(crate) use self::secret::*;
pub(crate) use self::token::*;
pub(crate) use self::tool::*;
pub(crate) use self::vault::*;
use crate::quantity::{Bytes, Seconds};

const AFTER_HELP: &str = "\
Exit codes: 0 finished; 1 the guest failed, trapped or was refused; 2 usage; 3 manifest invalid; 4 identity refused; \
5 a limit stopped it; 6 stopped by a denial or a revocation; 7 our own failure.

First steps: `bailiwick doctor`, then `bailiwick run FILE --policy MANIFEST --as NAME`.";

/// Run code that agents wrote, in a sandbox, under a policy, on record.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version, after_help = AFTER_HELP, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where this installation keeps its configuration and its state.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "This installation")]
pub(crate) struct HostArguments {
    /// Configuration [env: BAILIWICK_CONFIG] [default: `$XDG_CONFIG_HOME/bailiwick/bailiwick.toml`; `bailiwick.toml` here adds keys]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Folder for keys, registry, audit log and cache [env: BAILIWICK_STATE] [default: `$XDG_STATE_HOME/bailiwick`]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) state: Option<PathBuf>,
    /// How events about Bailiwick itself are written to standard error; RUST_LOG says which, warnings by default
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    #[default]
    Text,
    /// A line of JSON
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a guest and report what it did
    Run(RunArguments),
    /// Talk to an interpreter that keeps its variables
    Session(SessionArguments),
    /// Check manifests and ask them questions
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Issue and inspect access tokens
    #[command(subcommand)]
    Token(TokenVerb),
    /// The agent registry, and what has been revoked
    #[command(subcommand)]
    Agent(AgentVerb),
    /// Tasks, whose end ends the authority of their runs
    #[command(subcommand)]
    Task(TaskVerb),
    /// URLs: how they are read, and where they lead
    #[command(subcommand)]
    Fetch(FetchVerb),
    /// The host's key store: keys that guests use by name and never see
    #[command(subcommand)]
    Key(KeyVerb),
    /// Secrets that requests carry and guests never see
    #[command(subcommand)]
    Secret(SecretVerb),
    /// The master key, which seals secrets and keys
    #[command(subcommand)]
    Vault(VaultVerb),
    /// The audit log: verify it, and prove what is in it
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Runs that were: what they did, and their journals
    #[command(subcommand)]
    Runs(RunsVerb),
    /// Run a recorded run again from its journal, without any effect, and compare
    Replay(ReplayArguments),
    /// The interpreters of Python and JavaScript
    #[command(subcommand)]
    Language(LanguageVerb),
    /// Tools of upstream servers: what they are, and which of them may be called
    #[command(subcommand, alias = "tools")]
    Tool(ToolVerb),
    /// Say what this machine has, what is missing, and how to get it
    Doctor(DoctorArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Write the man pages
    Man(ManArguments),
}

/// Run a guest and report what it did.
///
/// The guest's standard output goes to standard output as it comes; the report goes to standard error. With `--json`,
/// standard output gets one JSON object instead, which holds both.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The guest: WebAssembly component or module, WAT text, Python, JavaScript or TypeScript; `-` reads standard input
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) guest: PathBuf,
    #[command(flatten)]
    pub(crate) launch: LaunchArguments,
    #[command(flatten)]
    pub(crate) language: LanguageArguments,
    /// One JSON object on standard output in place of the guest's output and the report
    #[arg(long)]
    pub(crate) json: bool,
    /// Show every call as it ends
    #[arg(long)]
    pub(crate) trace: bool,
    /// Arguments for the guest
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

/// Talk to an interpreter that keeps its variables between pieces of source text.
///
/// On a terminal, type a piece and its value comes back; an empty line ends a piece of several lines. With `--json`, each
/// line of standard input is a JSON string with source text, or an object with `source`, and gets a report as one line of
/// JSON. The limits hold for all pieces together; time between them does not count.
#[derive(Debug, Args)]
pub(crate) struct SessionArguments {
    #[command(flatten)]
    pub(crate) launch: LaunchArguments,
    #[command(flatten)]
    pub(crate) language: LanguageArguments,
    /// JSON lines in, JSON lines out
    #[arg(long)]
    pub(crate) json: bool,
    /// Show every call as it ends
    #[arg(long)]
    pub(crate) trace: bool,
    /// Arguments for the guest
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

/// Which interpreter runs source text.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Source text")]
pub(crate) struct LanguageArguments {
    /// Its language [default: by the file's extension; in a session `python`]
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = source_language())]
    pub(crate) language: Option<SourceLanguage>,
    /// Use the interpreter with this pure-Python package; give it again for each
    #[arg(long = "with", value_name = "PACKAGE")]
    pub(crate) packages: Vec<String>,
    /// Install nothing: what is missing is an error
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Who asks for what, under which limits.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").args(["agent", "token", "token_file"]))]
pub(crate) struct LaunchArguments {
    /// The manifest that says what it may do [env: BAILIWICK_POLICY]
    #[arg(long, short, value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,
    /// Run it as this agent, on your own word: the manifest alone decides
    #[arg(long = "as", value_name = "NAME", help_heading = "Who is asking (exactly one)")]
    pub(crate) agent: Option<String>,
    /// The agent's access token; other users of this machine can see it, so prefer --token-file [env: BAILIWICK_TOKEN]
    #[arg(long, value_name = "TOKEN", help_heading = "Who is asking (exactly one)")]
    pub(crate) token: Option<String>,
    /// A file with the agent's access token; `-` reads standard input, unless guest or session come from there
    #[arg(long, value_name = "FILE", help_heading = "Who is asking (exactly one)", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with a proof of possession (DPoP) for a token that is bound to a key: `htm` is POST, `htu` the audience
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Who is asking (exactly one)",
        value_hint = ValueHint::FilePath,
        conflicts_with = "agent"
    )]
    pub(crate) dpop_proof: Option<PathBuf>,
    /// Input for the guest: JSON, or `@FILE` with JSON in it
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// The orchestrator's task that this run belongs to
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Narrow the run to these scopes; it never widens
    #[arg(long, value_name = "SCOPES")]
    pub(crate) restrict: Option<String>,
    /// The agent's own reason; recorded as untrusted text
    #[arg(long, value_name = "TEXT")]
    pub(crate) rationale: Option<String>,
    /// The W3C `traceparent` of what starts it, so that exports join that trace [env: TRACEPARENT]
    #[arg(long, value_name = "TRACEPARENT")]
    pub(crate) traceparent: Option<bailiwick_guard::TraceContext>,
    /// Write the files that it leaves in mounts with `report = true` below this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Let --out replace files that are there
    #[arg(long, requires = "out")]
    pub(crate) overwrite: bool,
    /// Stop it after this long, such as `500ms` or `10s`; only when the manifest gives more
    #[arg(long, value_name = "DURATION", help_heading = "Tighter limits")]
    pub(crate) timeout: Option<Seconds>,
    /// Stop it after this much fuel; only when the manifest gives more
    #[arg(long, value_name = "UNITS", help_heading = "Tighter limits")]
    pub(crate) fuel: Option<std::num::NonZeroU64>,
    /// Give it this much memory, such as `64MiB`; only when the manifest gives more
    #[arg(long, value_name = "SIZE", help_heading = "Tighter limits")]
    pub(crate) memory: Option<Bytes>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Folder for the pages; without it the main page goes to standard output
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}

impl Arguments {
    /// Parses the command line.
    ///
    /// # Errors
    /// What clap has to say, which includes help and version.
    pub(crate) fn parse_from_process(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(arguments)
    }
}
