//! The arguments of commands for agents.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use pinnace_agent::Route;

use super::{AgentArguments, IndexArguments, PlatformArguments, SolveArguments};

/// The arguments of `pinnace up`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A store and an agent for the project run until Ctrl-C, with their data in the cache. Environment \
variables that the project names come from this environment, or else from its `.env`.

Example:
  pinnace up shop --port 8000")]
pub(crate) struct Up {
    /// Folder of the project
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Name of the service [default: the setting of the project, or its name]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Port of the service [default: a free port, the same each time]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// The arguments of `pinnace agent`.
#[derive(Args, Debug)]
#[command(after_help = "\
A restarted agent launches the live releases again without asking the store.

Example:
  pinnace agent --store /srv/pinnace --data /var/lib/pinnace")]
pub(crate) struct RunAgent {
    /// Store: a folder, `file://…` or `s3://bucket/folder` [default: PINNACE_STORE]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Folder for the state of the agent; no other agent may use it
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Address to listen on; it needs a token if other machines can reach it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4000")]
    pub(crate) listen: SocketAddr,
    /// Name of the agent in the store [default: the name of the machine]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Route to a service, such as `shop=host:shop.example.org`, `shop=path:/shop`,
    /// `shop=port:8001` or `shop=tcp:5432` (repeatable) [default: a port of its own]
    #[arg(long, value_name = "SERVICE=ROUTE", value_parser = route)]
    pub(crate) route: Vec<(String, Route)>,
    /// Service to run (repeatable) [default: all services of the store]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Folder of environment variables: `SERVICE.env` with lines `NAME=value`, or files
    /// `SERVICE/NAME` [default: `env` in the folder of the agent]
    #[arg(long, value_name = "DIR")]
    pub(crate) env: Option<PathBuf>,
    /// File with the access token, or with two during a rotation, one per line [default:
    /// PINNACE_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Seconds between checks of the store for deployments that were not announced
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(crate) poll: u64,
    /// Interpreter for all releases [default: the version that each is for]
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<String>,
}

/// The arguments of `pinnace status`.
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Service to show [default: all services of the agent]
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

/// The arguments of `pinnace restart`.
#[derive(Args, Debug)]
pub(crate) struct Restart {
    /// Service to restart
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

/// The arguments of `pinnace logs`.
#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// Service whose logs to show
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Number of lines to show, counted from the end
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Keep printing new lines
    #[arg(long, short)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

fn route(text: &str) -> Result<(String, Route), String> {
    let (service, route) =
        text.split_once('=').ok_or("expected `SERVICE=ROUTE`, such as `shop=port:8001`")?;
    Ok((service.to_owned(), route.parse()?))
}
