//! The gate of a service: who comes in is led to the process that is live at that moment.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pinnace_deploy::Endpoint;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use crate::link::{Clients, Link};

/// Where a process answers, and who is with it.
#[derive(Debug)]
pub(crate) struct Upstream {
    place: Place,
    pub(crate) clients: Clients,
    visits: AtomicUsize,
    left: Notify,
}

/// An address on this machine.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Port(SocketAddr),
    Socket(PathBuf),
}

/// Somebody who is with an upstream: as long as there is one, its process is not asked to stop.
#[derive(Debug)]
pub(crate) struct Visit(Arc<Upstream>);

/// The gate itself.
#[derive(Debug)]
pub(crate) struct Gate {
    current: RwLock<Option<Arc<Upstream>>>,
    /// Whether somebody is behind it, or is expected to be.
    sign: watch::Sender<Sign>,
}

/// What a gate without a process says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sign {
    /// Nothing runs, and nothing is about to.
    Closed,
    /// A process is on its way.
    Expecting,
    /// Come in.
    Open,
}

/// How long somebody waits for a process that is on its way.
const PATIENCE: Duration = Duration::from_secs(30);

impl Place {
    /// A socket, where the process was told one.
    pub(crate) fn of(endpoint: &Endpoint, argv: &[String]) -> Self {
        let socket = endpoint.socket.as_ref();
        match socket.filter(|_| argv.iter().any(|word| word.contains("{socket}"))) {
            Some(path) => Self::Socket(path.clone()),
            None => Self::Port(SocketAddr::from((Ipv4Addr::LOCALHOST, endpoint.port))),
        }
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> std::io::Result<Link> {
        match self {
            Self::Port(address) => {
                let stream = tokio::net::TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Link::new(stream))
            }
            Self::Socket(path) => Ok(Link::new(tokio::net::UnixStream::connect(path).await?)),
        }
    }
}

impl Upstream {
    pub(crate) fn new(place: Place) -> Self {
        let clients = Clients::new(place.clone());
        Self { place, clients, visits: AtomicUsize::new(0), left: Notify::new() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Waits until nobody is with it.
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.left.notified();
            if self.visits.load(Ordering::SeqCst) == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Visit {
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if self.0.visits.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self { current: RwLock::default(), sign: watch::channel(Sign::Closed).0 }
    }
}

impl Gate {
    /// Leads somebody in, if a process is there.
    pub(crate) fn enter(&self) -> Option<Visit> {
        // Counted under the lock, so that a swap knows of everybody whom it must wait for.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let upstream = current.as_ref()?;
        upstream.visits.fetch_add(1, Ordering::SeqCst);
        Some(Visit(Arc::clone(upstream)))
    }

    /// The same, waiting for a process that is on its way.
    pub(crate) async fn wait(&self) -> Option<Visit> {
        let mut sign = self.sign.subscribe();
        let waiting = async {
            loop {
                let seen = *sign.borrow_and_update();
                if let Some(visit) = self.enter() {
                    return Some(visit);
                }
                if seen == Sign::Closed || sign.changed().await.is_err() {
                    return None;
                }
            }
        };
        timeout(PATIENCE, waiting).await.ok().flatten()
    }

    /// Leads everybody to another process from now on.
    pub(crate) fn swap(&self, upstream: Option<Arc<Upstream>>) {
        let sign = if upstream.is_some() { Sign::Open } else { Sign::Closed };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = upstream;
        self.sign.send_replace(sign);
    }

    /// Says that a process is on its way, where there is none.
    pub(crate) fn expect(&self) {
        self.sign.send_if_modified(|sign| {
            let was_closed = *sign == Sign::Closed;
            *sign = if was_closed { Sign::Expecting } else { *sign };
            was_closed
        });
    }

    /// Says that none is on its way any more.
    pub(crate) fn give_up(&self) {
        self.sign.send_if_modified(|sign| {
            let expected = *sign == Sign::Expecting;
            *sign = if expected { Sign::Closed } else { *sign };
            expected
        });
    }
}
