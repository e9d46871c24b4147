//! The dependencies and options of an agent.

use std::{io::Read, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use pinnace_deploy::{Cache, Interpreters};
use pinnace_store::Store;

use super::{
    clock::Clock,
    log::{LogSink, NullSink},
    route::Route,
    variables::{Variables, VariablesFolder},
};
use crate::Tokens;

/// The parts that an agent is built from.
pub struct Dependencies {
    /// The store of the releases.
    pub store: Store,
    /// The cache of wheels and environments on this machine.
    pub cache: Arc<Cache>,
    /// The Python interpreters of this machine.
    pub interpreters: Arc<dyn Interpreters>,
    /// The downloader of wheels that a deployer [offers](crate::Client::offer) by URL; `None` makes deployers upload all
    /// wheels.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// The time of day.
    pub clock: Clock,
}

/// A downloader of public files.
pub trait Fetch: Send + Sync {
    /// Downloads a URL as a stream; returns `None` if the host has no such file or denies access.
    ///
    /// # Errors
    ///
    /// Returns the reason if the host does not answer.
    fn fetch(&self, url: &str) -> Result<Option<Box<dyn Read + Send>>, String>;
}

/// The options of an agent.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The folder of the agent's state. No two agents share one.
    pub data: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The name of the agent in the store.
    pub name: String,
    /// The routes of services.
    pub routes: Vec<(String, Route)>,
    /// The route of services without one; `None` gives each a port of its own.
    pub default_route: Option<Route>,
    /// The services to run; empty for all services of the store.
    pub services: Vec<String>,
    /// The tokens that clients may show.
    pub tokens: Tokens,
    /// The file of the tokens. The agent reads it again when it changes.
    pub token_file: Option<PathBuf>,
    /// The source of the services' environment variables.
    pub variables: Arc<dyn Variables>,
    /// The receiver of the services' log lines.
    pub log_sink: Arc<dyn LogSink>,
    /// The interval of polling the store for deployments that were not announced over HTTP.
    pub poll_interval: Duration,
    /// The number of threads that materialize a release.
    pub threads: usize,
    /// The time that processes have to stop when the agent stops.
    pub shutdown_timeout: Duration,
}

impl Options {
    /// Creates the options of an agent in a folder, on a loopback address with a free port.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            variables: Arc::new(VariablesFolder::new(data.join("env"))),
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            name: "agent".to_owned(),
            routes: Vec::new(),
            default_route: None,
            services: Vec::new(),
            tokens: Tokens::default(),
            token_file: None,
            log_sink: Arc::new(NullSink),
            poll_interval: Duration::from_secs(2),
            threads: 2,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dependencies").field("store", &self.store).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("data", &self.data).field("listen", &self.listen).finish_non_exhaustive()
    }
}
