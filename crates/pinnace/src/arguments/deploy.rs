//! What can be said of releases.

use std::path::PathBuf;

use clap::Args;

use super::{IndexArguments, PlatformArguments, SolveArguments};

/// Where releases are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StoreArguments {
    /// The store: a folder, `file://…` or `s3://bucket/folder`; else what the project says, or
    /// PINNACE_STORE
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

/// Which agent is spoken to.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AgentArguments {
    /// The agent, as in `http://host:4000`; else what the project says, or PINNACE_AGENT. Without a store of its
    /// own, what is asked of a store is asked of the agent's
    #[arg(long, value_name = "URL")]
    pub(crate) agent: Option<String>,
    /// The file that holds the token which the agent asks for; else PINNACE_TOKEN_FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Without a service it is the one that the project says, or is called. With an agent, the release is for the
/// platform of the agent, and it is waited for until it is live there.
#[derive(Args, Debug)]
pub(crate) struct Deploy {
    /// The project's folder
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub(crate) project: PathBuf,
    /// The service that the release is live as
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// Bring this release live as it is: its digest, or the first digits of it
    #[arg(long, value_name = "R", conflicts_with_all = ["full", "locked", "upgrade", "dry_run"])]
    pub(crate) release: Option<String>,
    /// Resolve anew, whatever was resolved before, and put what the store has lost
    #[arg(long)]
    pub(crate) full: bool,
    /// Resolve nothing: fail if the dependencies are not those of a lock or of the live release
    #[arg(long, conflicts_with_all = ["full", "upgrade"])]
    pub(crate) locked: bool,
    /// Take the newest versions that will do, and not those that are live
    #[arg(long, short = 'U')]
    pub(crate) upgrade: bool,
    /// Say what would ship, what would not, and why; publish nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// A service is run as it is live; what is fetched and laid out is kept, so that the next run starts at
/// once. `{port}` is what PORT says, else a free port.
#[derive(Args, Debug)]
pub(crate) struct RunRelease {
    /// A service, a release (its digest, or the first digits of it), or a PEX file
    #[arg(value_name = "SERVICE|RELEASE|FILE")]
    pub(crate) what: String,
    /// The process to run
    #[arg(long, value_name = "NAME", default_value = "web")]
    pub(crate) process: String,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// The interpreter to run it with [default: of the version that it is for]
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<String>,
    /// A command to run in its environment, in place of a process; of a PEX file, its arguments
    #[arg(value_name = "ARG", last = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ExportRelease {
    /// A service, or a release: its digest, or the first digits of it
    #[arg(value_name = "RELEASE")]
    pub(crate) what: String,
    /// The folder to write `deps.pex` and `source.pex` into
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Releases {
    /// The service; without it, all services with what is live
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// Its processes end on all agents; its releases stay.
#[derive(Args, Debug)]
pub(crate) struct Stop {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// The generation to go back to [default: the one before, of those that did not fail]
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}
