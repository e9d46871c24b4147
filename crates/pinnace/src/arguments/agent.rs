//! What can be said to agents, and of them.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use pinnace_agent::Route;

use super::{AgentArguments, IndexArguments, PlatformArguments, SolveArguments};

/// A store and an agent of its own are started beside the project, kept in the cache, and stopped with Ctrl-C.
/// Variables that the project names are taken from the environment, else from its `.env`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Up {
    /// The project's folder
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub(crate) project: PathBuf,
    /// The service that it is
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// The port that it answers at [default: a free one, the same each time]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// What is live is started again when the agent is, without asking the store.
#[derive(Args, Debug)]
pub(crate) struct RunAgent {
    /// The store: a folder, `file://…` or `s3://bucket/folder`; else PINNACE_STORE
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// The folder of what the agent remembers; it is the only one who works there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where it listens; an address that other machines can reach needs a token
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4000")]
    pub(crate) listen: SocketAddr,
    /// What it is called in the store [default: the name of the machine]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where a service is found, as in `shop=host:shop.example.org`, `shop=path:/shop`, `shop=port:8001` or
    /// `shop=tcp:5432` (may be repeated) [default: a port of its own]
    #[arg(long, value_name = "SERVICE=ROUTE", value_parser = route)]
    pub(crate) route: Vec<(String, Route)>,
    /// Run this service (may be repeated) [default: all of the store]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// The folder of variables: `SERVICE.env` with lines `NAME=value`, or files `SERVICE/NAME` [default: `env` in
    /// the agent's folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) env: Option<PathBuf>,
    /// The file that holds the token which it asks for, or two of them, each on a line; else PINNACE_TOKEN_FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How often it looks for deployments that nobody told it of
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(crate) poll: u64,
    /// The interpreter that all releases run on [default: of the version that each is for]
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// The service; without it, all of the agent
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Restart {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// How many of the last lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Go on with what is said from now on
    #[arg(long, short)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) agent: AgentArguments,
}

fn route(text: &str) -> Result<(String, Route), String> {
    let (service, route) =
        text.split_once('=').ok_or("`SERVICE=ROUTE` is expected, as in `shop=port:8001`")?;
    Ok((service.to_owned(), route.parse()?))
}
