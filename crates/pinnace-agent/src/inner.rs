//! What all parts of an agent share.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{Request, Response, body::Incoming, header::HOST};
use pinnace_deploy::{Cache, Environments, Installer, Interpreters};
use pinnace_store::{Digest, RefName, Store};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    agent::Fetch,
    api,
    body::Body,
    clock::Clock,
    keeper::Keeper,
    kept::{Kept, Order},
    log::Hearer,
    proxy::{Front, Via, forward, listen},
    route::{OWN, Route},
    saved::Folder,
    status::{AgentStatus, Platforms},
    tokens::Tokens,
    variables::Variables,
};

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    /// Where the sockets of processes are.
    pub(crate) sockets: PathBuf,
    pub(crate) store: Store,
    pub(crate) machine: Arc<Cache>,
    pub(crate) pythons: Arc<dyn Interpreters>,
    pub(crate) variables: Arc<dyn Variables>,
    pub(crate) fetch: Option<Arc<dyn Fetch>>,
    pub(crate) clock: Clock,
    pub(crate) hearer: Arc<dyn Hearer>,
    pub(crate) threads: usize,
    pub(crate) farewell: Duration,
    pub(crate) tokens: RwLock<Tokens>,
    pub(crate) routes: Vec<(String, Route)>,
    pub(crate) any_route: Option<Route>,
    pub(crate) only: Vec<String>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) platforms: Vec<String>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) services: Mutex<BTreeMap<String, Arc<Kept>>>,
    pub(crate) keepers: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    pub(crate) numbers: AtomicU64,
    /// How many objects may be on their way into the store at once.
    pub(crate) puts: Semaphore,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Inner {
    /// A number that no other process of this agent has.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn host(&self) -> Installer<'_> {
        Installer::new(&self.machine, &*self.pythons, self.threads)
    }

    pub(crate) fn status(&self) -> AgentStatus {
        AgentStatus {
            agent: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platforms: self.platforms.clone(),
            services: self.all().iter().map(|kept| kept.status()).collect(),
        }
    }

    pub(crate) fn can_run(&self) -> Platforms {
        Platforms {
            agent: self.name.clone(),
            platforms: self.platforms.clone(),
            only: self.only.clone(),
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Kept>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Kept>> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Kept>>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this agent runs a service.
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        let is_name = name.parse::<RefName>().is_ok() && !name.contains('/');
        is_name && (self.only.is_empty() || self.only.iter().any(|one| one == name))
    }

    /// A service, kept from now on.
    pub(crate) fn keep(self: &Arc<Self>, name: &str) -> Result<Arc<Kept>, String> {
        if let Some(kept) = self.get(name) {
            return Ok(kept);
        }
        let wanted = format!("wanted/{name}").parse();
        let wanted: RefName = wanted.map_err(|_| format!("`{name}` is no name of a service"))?;
        let folder = Folder::open(&self.data, name).map_err(|error| error.to_string())?;
        let routes = self.routes.iter().filter(|(service, _)| service == name);
        let mut routes: Vec<Route> = routes.map(|(_, route)| route.clone()).collect();
        if routes.is_empty() {
            routes.extend(self.any_route.clone());
        }
        let (kept, orders) =
            Kept::new(name, wanted, folder, routes, self.clock, Arc::clone(&self.hearer));
        let kept = Arc::new(kept);
        {
            let mut services = self.lock();
            if let Some(there) = services.get(name) {
                return Ok(Arc::clone(there));
            }
            services.insert(name.to_owned(), Arc::clone(&kept));
        }
        self.open(&kept);
        let keeper = Keeper::new(Arc::clone(self), Arc::clone(&kept), orders);
        let task = tokio::spawn(keeper.keep());
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(kept)
    }

    /// Removes environments of older releases of a service which no service may go back to.
    pub(crate) fn prune(&self, kept: &Kept) {
        let needed: BTreeSet<Digest> = self.all().iter().flat_map(|one| one.releases().0).collect();
        let (_, older) = kept.releases();
        for release in older.iter().filter(|release| !needed.contains(release)) {
            // What cannot be removed now is tried again with the next release.
            let _ = Environments::new(&self.machine).remove(release);
        }
    }

    /// Looks whether something newer is wanted of a service.
    pub(crate) fn look(self: &Arc<Self>, name: &str) -> Result<Arc<Kept>, String> {
        let kept = self.keep(name)?;
        kept.order(Order::Look);
        Ok(kept)
    }

    /// Opens the ports of a service, all of them or none; one without a route gets a port of its own.
    pub(crate) fn open(&self, kept: &Arc<Kept>) {
        let own = Route::Port(kept.folder.port().unwrap_or_default());
        let routes = if kept.routes.is_empty() { vec![own] } else { kept.routes.clone() };
        let (mut addresses, mut doors) = (Vec::new(), Vec::new());
        for route in &routes {
            match self.door(route, kept) {
                Ok((address, door)) => {
                    addresses.push(address);
                    doors.extend(door);
                }
                Err(error) => {
                    let reason = format!("the route `{route}` is not to be had: {error}");
                    return kept.set_address(Err(reason));
                }
            }
        }
        for (listener, front) in doors {
            tokio::spawn(listen(listener, front, self.stop.subscribe()));
        }
        kept.set_address(Ok(addresses.into_iter().next()));
    }

    /// The address of a route, and what listens there if that is a port of the service's own.
    fn door(
        &self,
        route: &Route,
        kept: &Arc<Kept>,
    ) -> std::io::Result<(String, Option<(TcpListener, Front)>)> {
        let (scheme, port, front) = match route {
            Route::Host(name) => {
                return Ok((format!("http://{name}:{}", self.address.port()), None));
            }
            Route::Path(prefix) => {
                let shown = self.shown(self.address.port());
                return Ok((format!("http://{shown}{prefix}/"), None));
            }
            Route::Port(port) => ("http", *port, Front::One(Arc::clone(kept))),
            Route::Tcp(port) => ("tcp", *port, Front::Bytes(Arc::clone(kept))),
        };
        let bind = |port| bind(SocketAddr::new(self.address.ip(), port));
        // A port that was not asked for may be another one.
        let listener = match (bind(port), kept.routes.is_empty()) {
            (Err(_), true) => bind(0)?,
            (bound, _) => bound?,
        };
        let port = listener.local_addr()?.port();
        if kept.routes.is_empty() && kept.folder.port() != Some(port) {
            let _ = kept.folder.keep_port(port);
        }
        Ok((format!("{scheme}://{}", self.shown(port)), Some((listener, front))))
    }

    /// An address that can be reached: an agent that listens everywhere is shown by its name.
    pub(crate) fn shown(&self, port: u16) -> String {
        match self.address.ip().is_unspecified() {
            true => format!("{}:{port}", self.name),
            false => SocketAddr::new(self.address.ip(), port).to_string(),
        }
    }

    /// Answers a request at the agent's own address.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let path = request.uri().path();
        if path == OWN || path.strip_prefix(OWN).is_some_and(|rest| rest.starts_with('/')) {
            return api::answer(self, request).await;
        }
        match self.routed(&request) {
            Some((kept, prefix)) => {
                api::keep_token(self, &mut request);
                forward(&kept.gate, request, &Via { peer: peer.ip(), prefix }).await
            }
            None => api::nothing(path),
        }
    }

    /// The service that a request means, by the route that fits best.
    fn routed(&self, request: &Request<Incoming>) -> Option<(Arc<Kept>, Option<String>)> {
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = request.uri().host().or(header).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let fits = self.routes.iter().filter_map(|(service, route)| {
            Some((route.fit(host, request.uri().path())?, service, route))
        });
        let (_, service, route) = fits.max_by_key(|(fit, ..)| *fit)?;
        let prefix = match route {
            Route::Path(prefix) if !prefix.is_empty() => Some(prefix.clone()),
            _ => None,
        };
        Some((self.get(service)?, prefix))
    }
}

/// Listens at an address that may have been in use a moment ago.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    const WAITING: u32 = 4096;
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}
