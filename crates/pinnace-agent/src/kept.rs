//! A service as all of the agent sees it; its keeper alone changes it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pinnace_store::{Digest, RefName};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    clock::Clock,
    gate::Gate,
    inner::Inner,
    log::{Hearer, Log},
    route::Route,
    saved::Folder,
    status::{Attempt, ProcessStatus, ServiceStatus, State},
};

/// A service.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    /// What its deployers move.
    pub(crate) wanted: RefName,
    pub(crate) folder: Folder,
    pub(crate) gate: Gate,
    pub(crate) log: Arc<Log>,
    pub(crate) routes: Vec<Route>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    /// Where it answers, once that is known; else why it cannot be reached.
    address: Mutex<Result<Option<String>, String>>,
    seen: watch::Sender<Seen>,
    /// The newest attempt that others were told of.
    told: Mutex<u64>,
    /// What a release that is being started is waited for.
    waiting: Mutex<Option<String>>,
}

/// What a keeper is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Look whether something newer is wanted.
    Look,
    /// Start new processes of what is live, and tell how that went.
    Restart(oneshot::Sender<Result<Attempt, String>>),
}

/// What is seen of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) generation: Option<u64>,
    pub(crate) release: Option<Digest>,
    pub(crate) processes: Vec<ProcessStatus>,
    pub(crate) attempts: VecDeque<Attempt>,
    /// The newest generation that the store was seen to have.
    pub(crate) wanted: u64,
}

/// How many releases stay laid out, so that they are gone back to at once.
const READY: usize = 5;
/// How many attempts are remembered.
const REMEMBERED: usize = 50;

impl Kept {
    pub(crate) fn new(
        name: &str,
        wanted: RefName,
        folder: Folder,
        routes: Vec<Route>,
        clock: Clock,
        hearer: Arc<dyn Hearer>,
    ) -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let log = Arc::new(Log::new(folder.log(), clock, name, hearer));
        let seen = Seen { attempts: folder.attempts(), ..Seen::default() };
        let (seen, name) = (watch::channel(seen).0, name.to_owned());
        let (gate, told, waiting) = Default::default();
        let address = Mutex::new(Ok(None));
        (
            Self { name, wanted, folder, gate, log, routes, orders, address, seen, told, waiting },
            ordered,
        )
    }

    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    pub(crate) fn address(&self) -> Option<String> {
        self.lock().clone().ok().flatten()
    }

    pub(crate) fn set_address(&self, address: Result<Option<String>, String>) {
        *self.lock() = address;
    }

    /// Makes sure that it can be reached where it should be.
    pub(crate) fn reach(self: &Arc<Self>, inner: &Inner) -> Result<(), String> {
        if self.lock().is_err() {
            inner.open(self);
        }
        self.lock().clone().map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, Result<Option<String>, String>> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> ServiceStatus {
        let seen = self.seen.borrow().clone();
        ServiceStatus {
            service: self.name.clone(),
            address: self.address(),
            state: seen.state,
            generation: seen.generation,
            release: seen.release.map(|release| release.to_string()),
            processes: seen.processes,
            attempts: seen.attempts,
            waiting: self.waiting(),
        }
    }

    /// What a release that is being started is waited for.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn wait_for(&self, what: Option<String>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Seen)) {
        self.seen.send_modify(change);
    }

    /// The newest generation that the store was seen to have.
    pub(crate) fn wanted_generation(&self) -> u64 {
        self.seen.borrow().wanted
    }

    /// Begins an attempt, and numbers it.
    pub(crate) fn begin(&self, mut attempt: Attempt) -> Attempt {
        self.change(|seen| {
            attempt.number = seen.attempts.front().map_or(0, |one| one.number) + 1;
            seen.attempts.push_front(attempt.clone());
            seen.attempts.truncate(REMEMBERED);
        });
        attempt
    }

    /// Replaces an attempt by what became of it.
    pub(crate) fn settle(&self, attempt: &Attempt) {
        self.change(|seen| {
            let found = seen.attempts.iter_mut().find(|one| one.number == attempt.number);
            found.into_iter().for_each(|one| one.clone_from(attempt));
        });
    }

    /// The releases that were tried: the newest, which may be gone back to, and those before them.
    pub(crate) fn releases(&self) -> (Vec<Digest>, Vec<Digest>) {
        let seen = self.seen.borrow();
        let tried = seen.attempts.iter().filter_map(|one| one.release.parse().ok());
        let (mut newest, mut older): (Vec<Digest>, Vec<Digest>) = (Vec::new(), Vec::new());
        for release in seen.release.into_iter().chain(tried) {
            match newest.contains(&release) {
                true => {}
                false if newest.len() < READY => newest.push(release),
                false => older.push(release),
            }
        }
        (newest, older)
    }

    /// Writes down what was tried, and tells others of an attempt if none after it was told of.
    pub(crate) fn remember(&self, number: u64, tell: impl FnOnce()) {
        // One at a time, so that what is newest is written last.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = self.seen.borrow().attempts.clone();
        self.folder.remember(&attempts);
        if number > *told {
            *told = number;
            tell();
        }
    }

    /// Waits for what becomes of a generation, which is this release; of a newer one, if it was passed over.
    pub(crate) async fn attempt(&self, generation: u64, release: Option<&str>) -> Option<Attempt> {
        let mut seen = self.seen.subscribe();
        let is_it = |one: &Attempt| {
            one.generation == generation && release.is_none_or(|release| one.release == release)
        };
        let find = |seen: &Seen| {
            let own = seen.attempts.iter().find(|one| is_it(one));
            let newer = || {
                let newest = seen.wanted;
                seen.attempts.iter().find(|one| newest > generation && one.generation == newest)
            };
            own.or_else(newer).filter(|one| one.is_over()).cloned()
        };
        let found = seen.wait_for(|seen| find(seen).is_some()).await.ok()?;
        find(&found)
    }
}
