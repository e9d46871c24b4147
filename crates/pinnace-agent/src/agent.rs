//! An agent, from its start to its end.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicU64},
    time::Duration,
};

use pinnace_deploy::{Cache, Installer, Interpreters};
use pinnace_store::Store;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Semaphore, watch},
    time::{MissedTickBehavior, interval},
};

use crate::{
    Clock, Deaf, Error, ErrorKind, Hearer, Route, Tokens, Variables, VariablesFolder,
    inner::{Inner, bind},
    log::AGENT,
    orphans,
    proxy::{Front, listen, stopped},
    saved::Folder,
};

/// What an agent works with.
pub struct Parts {
    /// Where releases come from.
    pub store: Store,
    /// Where they are laid out.
    pub machine: Arc<Cache>,
    /// What they are laid out for.
    pub pythons: Arc<dyn Interpreters>,
    /// Where wheels come from that a deployer need not send; `None` if it sends them all.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// What time it is.
    pub clock: Clock,
}

/// Reads what the world has.
pub trait Fetch: Send + Sync {
    /// What is at a URL, to be read once; `None` if nothing is there for us.
    ///
    /// # Errors
    ///
    /// Why its host does not answer.
    fn fetch(&self, url: &str) -> Result<Option<Box<dyn Read + Send>>, String>;
}

/// How an agent works.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// What it remembers is in this folder; no other agent may be.
    pub data: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it is called in the store.
    pub name: String,
    /// Where services are found.
    pub routes: Vec<(String, Route)>,
    /// Where all others are found, instead of a port of their own.
    pub any_route: Option<Route>,
    /// The services that it runs; all of the store if there are none.
    pub only: Vec<String>,
    /// Who may speak to it.
    pub tokens: Tokens,
    /// The file that these come from, which is read again when it changes.
    pub token_file: Option<PathBuf>,
    /// Where the variables of services come from.
    pub variables: Arc<dyn Variables>,
    /// Who hears what is said of services.
    pub hearer: Arc<dyn Hearer>,
    /// How often the store is looked at for what nobody told.
    pub poll: Duration,
    /// How many threads lay out a release.
    pub threads: usize,
    /// How long processes may take to stop when the agent does.
    pub farewell: Duration,
}

/// An agent at work. Dropped, it stops at once.
pub struct Agent {
    inner: Arc<Inner>,
    runtime: Option<Runtime>,
    /// Held, so that no other agent works in the folder.
    _lock: File,
}

impl Options {
    /// An agent in a folder, at an address that only this machine can reach.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            variables: Arc::new(VariablesFolder::new(data.join("env"))),
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            name: "agent".to_owned(),
            routes: Vec::new(),
            any_route: None,
            only: Vec::new(),
            tokens: Tokens::default(),
            token_file: None,
            hearer: Arc::new(Deaf),
            poll: Duration::from_secs(2),
            threads: 2,
            farewell: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("store", &self.store).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("data", &self.data).field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("address", &self.inner.address).finish_non_exhaustive()
    }
}

impl Agent {
    /// Starts an agent: processes that an earlier one has left are ended, and the releases that proved themselves last
    /// are started again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoToken`], [`ErrorKind::Taken`], [`ErrorKind::Listen`]; or if its folder cannot be used.
    pub fn start(parts: Parts, options: Options) -> Result<Self, Error> {
        if !options.listen.ip().is_loopback() && options.tokens.are_open() {
            return Err(ErrorKind::NoToken { address: options.listen }.into());
        }
        let data = folder(&options.data)?;
        let lock = lock(&data)?;
        orphans::end(&data);
        clear_sockets(&data)?;
        let runtime = runtime()?;
        let listener = {
            let _inside = runtime.enter();
            let failed = |source| ErrorKind::Listen { address: options.listen, source };
            bind(options.listen).map_err(failed)?
        };
        let address = listener.local_addr().map_err(system("tell the address"))?;
        let inner = Arc::new(inner(parts, &options, data, address));
        runtime.spawn(listen(listener, Front::All(Arc::clone(&inner)), inner.stop.subscribe()));
        runtime.block_on(recover(&inner));
        runtime.spawn(watch_store(Arc::clone(&inner), options.poll));
        if let Some(file) = options.token_file {
            runtime.spawn(watch_tokens(Arc::clone(&inner), file));
        }
        Ok(Self { inner, runtime: Some(runtime), _lock: lock })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// The address of its interface, which a [`Client`](crate::Client) is given.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.shown(self.inner.address.port()))
    }

    /// What it does.
    pub fn status(&self) -> crate::AgentStatus {
        self.inner.status()
    }

    /// Stops: requests that are under way are answered, processes are asked to stop, and what is left after the time
    /// that [`Options::farewell`] says is killed.
    pub fn stop(mut self) {
        self.inner.stop.send_replace(true);
        let keepers =
            std::mem::take(&mut *self.inner.keepers.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(futures_util::future::join_all(keepers));
            runtime.shutdown_timeout(LAST);
            // What left its group is found by its mark.
            orphans::end(&self.inner.data);
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// More objects at once do not make a disk faster.
const PUTS: usize = 32;
/// How long what only reads and writes may take at the end.
const LAST: Duration = Duration::from_secs(1);
/// Every so many looks at the store are for services that are new.
const DISCOVERY: u64 = 5;
/// How often it is looked whether tokens have changed.
const TOKENS: Duration = Duration::from_secs(2);

fn inner(parts: Parts, options: &Options, data: PathBuf, address: SocketAddr) -> Inner {
    let host = Installer::new(&parts.machine, &*parts.pythons, options.threads);
    let platforms = host.platforms();
    let sockets = data.join("sockets");
    Inner {
        name: options.name.clone(),
        sockets,
        data,
        store: parts.store,
        machine: parts.machine,
        pythons: parts.pythons,
        variables: Arc::clone(&options.variables),
        fetch: parts.fetch,
        clock: parts.clock,
        hearer: Arc::clone(&options.hearer),
        threads: options.threads,
        farewell: options.farewell,
        tokens: RwLock::new(options.tokens.clone()),
        routes: options.routes.clone(),
        any_route: options.any_route.clone(),
        only: options.only.clone(),
        address,
        platforms,
        stop: watch::channel(false).0,
        services: Mutex::new(BTreeMap::new()),
        keepers: Mutex::default(),
        numbers: AtomicU64::new(1),
        puts: Semaphore::new(PUTS),
    }
}

fn runtime() -> Result<Runtime, Error> {
    const THREADS: usize = 2;
    // An idle thread that waits for work of laying out costs memory.
    const IDLE: Duration = Duration::from_secs(5);
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(THREADS)
        .thread_keep_alive(IDLE)
        .thread_name("pinnace-agent")
        .enable_all();
    builder.build().map_err(system("start threads"))
}

/// The agent's folder, made if need be.
fn folder(data: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(data).map_err(Error::at("create the folder", data))?;
    data.canonicalize().map_err(Error::at("look at", data))
}

/// The sockets of processes that have ended are none any more.
fn clear_sockets(data: &Path) -> Result<(), Error> {
    let sockets = data.join("sockets");
    let _ = fs::remove_dir_all(&sockets);
    fs::create_dir_all(&sockets).map_err(Error::at("create the folder", &sockets))
}

fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(Error::at("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::Taken { path: data.to_owned() }.into()),
        Err(fs::TryLockError::Error(error)) => Err(Error::at("lock", &path)(error)),
    }
}

fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| ErrorKind::System { doing, source }.into()
}

/// Keeps the services that are remembered.
async fn recover(inner: &Arc<Inner>) {
    for name in Folder::services(&inner.data) {
        if inner.is_ours(&name) {
            let _ = inner.keep(&name);
        }
    }
}

/// Looks now and then whether something is wanted that nobody told.
async fn watch_store(inner: Arc<Inner>, poll: Duration) {
    let mut ticks = interval(poll);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = inner.stop.subscribe();
    for number in 0_u64.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        let looking = Arc::clone(&inner);
        let newest = tokio::task::spawn_blocking(move || match number % DISCOVERY {
            0 => all_wanted(&looking),
            _ => wanted(&looking),
        });
        // A store that cannot be reached is looked at again.
        let Ok(Ok(newest)) = newest.await else { continue };
        for (name, generation) in newest {
            // Until its keeper has seen it, too, which may fail.
            if inner.get(&name).is_none_or(|kept| kept.wanted_generation() != generation) {
                let _ = inner.look(&name);
            }
        }
    }
}

/// The services of the store with their newest generations. It lists the history of all refs.
fn all_wanted(inner: &Inner) -> Result<Vec<(String, u64)>, pinnace_store::Error> {
    let refs = inner.store.refs()?.into_iter();
    let services = refs.filter_map(|(name, generation)| {
        Some((name.as_str().strip_prefix("wanted/")?.to_owned(), generation))
    });
    Ok(services.filter(|(name, _)| inner.is_ours(name)).collect())
}

/// The newest generations of the services that are kept.
fn wanted(inner: &Inner) -> Result<Vec<(String, u64)>, pinnace_store::Error> {
    let kept = inner.all().into_iter();
    let asked = kept.map(|kept| Ok((kept.name.clone(), inner.store.generation(&kept.wanted)?)));
    let asked: Result<Vec<_>, pinnace_store::Error> = asked.collect();
    Ok(asked?.into_iter().filter_map(|(name, generation)| Some((name, generation?))).collect())
}

/// Takes up tokens that have changed. A file that cannot be used changes nothing.
async fn watch_tokens(inner: Arc<Inner>, file: PathBuf) {
    let mut ticks = interval(TOKENS);
    let mut said = None;
    loop {
        ticks.tick().await;
        let name = file.display().to_string();
        let read = fs::read_to_string(&file).map_err(|error| format!("`{name}`: {error}"));
        let parsed =
            read.and_then(|text| Tokens::parse(&text, &name).map_err(|error| error.to_string()));
        let news = match parsed {
            Ok(tokens)
                if *inner.tokens.read().unwrap_or_else(PoisonError::into_inner) == tokens =>
            {
                None
            }
            Ok(tokens) => {
                *inner.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
                Some("the tokens have changed".to_owned())
            }
            Err(reason) => Some(format!("{reason}; the tokens stay as they were")),
        };
        if let Some(news) = news.clone().filter(|_| news != said) {
            inner.hearer.hear("", AGENT, &news);
        }
        said = news;
    }
}
