//! The arguments of commands for releases.

use std::path::PathBuf;

use clap::Args;

use super::{IndexArguments, PlatformArguments, SolveArguments};

/// The store of releases.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StoreArguments {
    /// Store: a folder, `file://…` or `s3://bucket/folder` [default: the project's, or
    /// PINNACE_STORE]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

/// The agent of services.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AgentArguments {
    /// Agent, such as `http://host:4000`; without `--store`, its store is used [default: the
    /// project's, or PINNACE_AGENT]
    #[arg(long, value_name = "URL")]
    pub(crate) agent: Option<String>,
    /// File with the access token of the agent [default: PINNACE_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// The arguments of `pinnace deploy`.
#[derive(Args, Debug)]
#[command(after_help = "\
With an agent, the release is built for the platform of the agent, and the command waits until it \
is live.

Examples:
  pinnace deploy --store /srv/pinnace
  pinnace deploy shop --agent http://127.0.0.1:4000 --reason \"new prices\"")]
pub(crate) struct Deploy {
    /// Folder of the project
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Service to deploy [default: the setting of the project, or its name]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// Deploy this release of the store: its digest or a unique prefix
    #[arg(long, value_name = "R", conflicts_with_all = ["full", "locked", "upgrade", "dry_run"])]
    pub(crate) release: Option<String>,
    /// Resolve from scratch, and upload objects that the store has lost
    #[arg(long)]
    pub(crate) full: bool,
    /// Fail unless a lock or the live release has all dependencies; never resolve
    #[arg(long, conflicts_with_all = ["full", "upgrade"])]
    pub(crate) locked: bool,
    /// Upgrade all dependencies [default: keep the versions that are live]
    #[arg(long, short = 'U')]
    pub(crate) upgrade: bool,
    /// Show what would be deployed, what would be left out and why; publish nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Reason to record with the deployment
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// The arguments of `pinnace run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Downloads and environments are cached, so the next run starts at once. `{port}` in the command of \
a process becomes PORT, or else a free port.

Examples:
  pinnace run shop --store /srv/pinnace
  pinnace run shop --store /srv/pinnace -- python -c 'print(1)'
  pinnace run app.pex -- --help")]
pub(crate) struct RunRelease {
    /// Service, release (digest or unique prefix) or PEX file to run
    #[arg(value_name = "SERVICE|RELEASE|FILE")]
    pub(crate) what: String,
    /// Process of the release to run
    #[arg(long, value_name = "NAME", default_value = "web")]
    pub(crate) process: String,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// Interpreter to run with [default: the version that the release is for]
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<String>,
    /// Command to run in the environment of the release; for a PEX file, its arguments
    #[arg(value_name = "ARG", last = true)]
    pub(crate) command: Vec<String>,
}

/// The arguments of `pinnace export`.
#[derive(Args, Debug)]
pub(crate) struct ExportRelease {
    /// Service or release (digest or unique prefix) to export
    #[arg(value_name = "RELEASE")]
    pub(crate) what: String,
    /// Folder to write `deps.pex` and `source.pex` into
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The arguments of `pinnace releases`.
#[derive(Args, Debug)]
pub(crate) struct Releases {
    /// Service whose releases to list [default: list all services]
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The arguments of `pinnace stop`.
#[derive(Args, Debug)]
#[command(after_help = "\
The processes end on all agents. The releases stay: `pinnace rollback` starts the service again.")]
pub(crate) struct Stop {
    /// Service to stop
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Reason to record with the deployment
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// The arguments of `pinnace rollback`.
#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// Service to roll back
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Generation to roll back to [default: the latest earlier one that did not fail]
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// Reason to record with the deployment
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
