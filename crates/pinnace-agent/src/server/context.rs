//! The means that all services of an agent share.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pinnace_deploy::{Cache, Installer, Interpreters};
use pinnace_store::{RefName, Store};
use tokio::sync::{Semaphore, watch};

use super::{
    clock::Clock,
    log::LogSink,
    options::{Dependencies, Fetch, Options},
    route::Route,
    variables::Variables,
};
use crate::{Platforms, Tokens};

/// The store, the cache, the options and the stop signal of an agent.
pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    /// The folder of the processes' sockets.
    pub(crate) sockets: PathBuf,
    pub(crate) store: Store,
    pub(crate) cache: Arc<Cache>,
    interpreters: Arc<dyn Interpreters>,
    pub(crate) variables: Arc<dyn Variables>,
    pub(crate) fetch: Option<Arc<dyn Fetch>>,
    pub(crate) clock: Clock,
    pub(crate) log_sink: Arc<dyn LogSink>,
    threads: usize,
    pub(crate) shutdown_timeout: Duration,
    tokens: RwLock<Tokens>,
    pub(crate) routes: Vec<(String, Route)>,
    pub(crate) default_route: Option<Route>,
    /// The services that this agent runs; all if empty.
    only: Vec<String>,
    /// The address that the agent listens on.
    pub(crate) address: SocketAddr,
    pub(crate) platforms: Vec<String>,
    pub(crate) stop: watch::Sender<bool>,
    numbers: AtomicU64,
    /// Limits the objects that are uploaded at once.
    pub(crate) uploads: Semaphore,
}

/// More uploads at once do not make a disk faster.
const UPLOADS: usize = 32;

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Context {
    pub(crate) fn new(
        dependencies: Dependencies,
        options: &Options,
        data: PathBuf,
        address: SocketAddr,
    ) -> Self {
        let Dependencies { store, cache, interpreters, fetch, clock } = dependencies;
        let platforms = Installer::new(&cache, &*interpreters, options.threads).platforms();
        Self {
            name: options.name.clone(),
            sockets: data.join("sockets"),
            data,
            store,
            cache,
            interpreters,
            variables: Arc::clone(&options.variables),
            fetch,
            clock,
            log_sink: Arc::clone(&options.log_sink),
            threads: options.threads,
            shutdown_timeout: options.shutdown_timeout,
            tokens: RwLock::new(options.tokens.clone()),
            routes: options.routes.clone(),
            default_route: options.default_route.clone(),
            only: options.services.clone(),
            address,
            platforms,
            stop: watch::channel(false).0,
            numbers: AtomicU64::new(1),
            uploads: Semaphore::new(UPLOADS),
        }
    }

    /// Returns a number that no other process of this agent has.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn installer(&self) -> Installer<'_> {
        Installer::new(&self.cache, &*self.interpreters, self.threads)
    }

    /// Returns true if this agent runs a service of this name.
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        let is_name = name.parse::<RefName>().is_ok() && !name.contains('/');
        is_name && (self.only.is_empty() || self.only.iter().any(|service| service == name))
    }

    /// Returns the platforms and services that the agent runs.
    pub(crate) fn platforms(&self) -> Platforms {
        Platforms {
            agent: self.name.clone(),
            platforms: self.platforms.clone(),
            services: self.only.clone(),
        }
    }

    /// Returns the address to show for a port: an agent that listens on all addresses is shown by its name.
    pub(crate) fn shown_address(&self, port: u16) -> String {
        if self.address.ip().is_unspecified() {
            format!("{}:{port}", self.name)
        } else {
            SocketAddr::new(self.address.ip(), port).to_string()
        }
    }

    /// Reads the tokens in force.
    pub(crate) fn with_tokens<T>(&self, read: impl FnOnce(&Tokens) -> T) -> T {
        read(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the tokens; returns true if that changed them.
    pub(crate) fn replace_tokens(&self, tokens: Tokens) -> bool {
        let mut current = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = *current != tokens;
        *current = tokens;
        is_new
    }
}
