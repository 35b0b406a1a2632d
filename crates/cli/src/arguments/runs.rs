//! What is typed about runs that were.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::quantity::Seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsVerb {
    /// List the runs that are on record
    List(RunsListArguments),
    /// Show what a run did: every call with its time, verdict, rule and outcome
    Show(RunsShowArguments),
    /// Delete journals that are too old or too much, or that of one run
    Prune(RunsPruneArguments),
}

#[derive(Debug, Args)]
pub(crate) struct RunsListArguments {
    /// Runs of this agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Runs that began in this time, such as `1h`
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<Seconds>,
    /// How many of the newest at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunsShowArguments {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Delete journals that are too old or too much, or that of one run.
///
/// What is too old or too much is what `[journal]` in the configuration says. This happens by itself after runs. The audit log
/// keeps what it has.
#[derive(Debug, Args)]
pub(crate) struct RunsPruneArguments {
    /// The run whose journal to delete: its id, or the beginning of it
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Delete those of runs that began longer ago, such as `24h`; only when the configuration keeps them longer
    #[arg(long, value_name = "DURATION", conflicts_with = "run")]
    pub(crate) keep: Option<Seconds>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run a recorded run again from its journal, without any effect, and compare.
///
/// What the guest was given then it is given again: results of calls, time, randomness. Nothing is opened, asked or sent. Exit
/// code 0: it did the same again, as far as it was recorded. Exit code 1: it did not, or a call would be decided differently.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Say which calls this manifest would decide differently
    #[arg(long, short, value_name = "MANIFEST", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
