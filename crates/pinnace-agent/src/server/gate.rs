//! The gate of a service: it leads each request to the process that is live at that moment.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::link::{Clients, ProcessAddress};

/// A process that serves requests, with the number of its requests in flight.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: ProcessAddress,
    pub(crate) clients: Clients,
    in_flight: AtomicUsize,
    finished: Notify,
}

/// A request or connection in flight. The agent asks a process to stop only after the last of its requests has ended.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Upstream>);

/// The entrance to the live process of a service.
#[derive(Debug)]
pub(crate) struct Gate {
    live: RwLock<Option<Arc<Upstream>>>,
    state: watch::Sender<GateState>,
}

/// The state of a gate, which tells requests whether waiting makes sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum GateState {
    /// No process runs, and none is being started.
    Closed,
    /// A process is being started.
    Expecting,
    /// A process is live.
    Open,
}

/// The time that a request waits for a process that is being started.
const PATIENCE: Duration = Duration::from_secs(30);

impl Upstream {
    pub(crate) fn new(address: ProcessAddress) -> Self {
        let clients = Clients::new(&address);
        Self { address, clients, in_flight: AtomicUsize::new(0), finished: Notify::new() }
    }

    pub(crate) fn address(&self) -> &ProcessAddress {
        &self.address
    }

    /// Waits until no request is in flight.
    pub(crate) async fn drained(&self) {
        loop {
            let finished = self.finished.notified();
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            finished.await;
        }
    }
}

impl InFlight {
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.finished.notify_waiters();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self { live: RwLock::default(), state: watch::channel(GateState::Closed).0 }
    }
}

impl Gate {
    /// Registers a request with the live process; returns `None` if there is none.
    pub(crate) fn enter(&self) -> Option<InFlight> {
        // Counted under the lock, so that a swap sees every request that it must wait for.
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let upstream = live.as_ref()?;
        upstream.in_flight.fetch_add(1, Ordering::SeqCst);
        Some(InFlight(Arc::clone(upstream)))
    }

    /// Like [`enter`](Self::enter), but waits for a process that is being started.
    pub(crate) async fn wait(&self) -> Option<InFlight> {
        let mut state = self.state.subscribe();
        let waiting = async {
            loop {
                let seen = *state.borrow_and_update();
                if let Some(request) = self.enter() {
                    return Some(request);
                }
                if seen == GateState::Closed || state.changed().await.is_err() {
                    return None;
                }
            }
        };
        timeout(PATIENCE, waiting).await.ok().flatten()
    }

    /// Sends all later requests to another process.
    pub(crate) fn swap(&self, upstream: Option<Arc<Upstream>>) {
        let state = if upstream.is_some() { GateState::Open } else { GateState::Closed };
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = upstream;
        self.state.send_replace(state);
    }

    /// Lets requests wait for a process that is being started, if none is live.
    pub(crate) fn expect(&self) {
        self.turn(GateState::Closed, GateState::Expecting);
    }

    /// Lets no request wait any longer, if none is live.
    pub(crate) fn give_up(&self) {
        self.turn(GateState::Expecting, GateState::Closed);
    }

    fn turn(&self, from: GateState, to: GateState) {
        self.state.send_if_modified(|state| {
            let is_from = *state == from;
            if is_from {
                *state = to;
            }
            is_from
        });
    }
}
