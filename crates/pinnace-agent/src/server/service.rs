//! A service as all parts of the agent see it. Its supervisor alone changes it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pinnace_store::{Digest, RefName};
use tokio::sync::{mpsc, oneshot, watch};

use super::{context::Context, gate::Gate, log::Log, route::Route, state_dir::ServiceDir};
use crate::{Attempt, Error, ProcessStatus, ServiceStatus, State};

/// A service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// The ref of its deployments.
    pub(crate) wanted: RefName,
    pub(crate) dir: ServiceDir,
    pub(crate) gate: Gate,
    pub(crate) log: Arc<Log>,
    pub(crate) routes: Vec<Route>,
    commands: mpsc::UnboundedSender<Command>,
    /// The address, `None` before its ports are open, or the reason why they cannot be opened.
    address: Mutex<Result<Option<String>, String>>,
    snapshot: watch::Sender<Snapshot>,
    /// The number of the newest attempt that was published.
    published: Mutex<u64>,
    /// The readiness check that a launch waits for.
    waiting: Mutex<Option<String>>,
}

/// A command to a supervisor.
#[derive(Debug)]
pub(crate) enum Command {
    /// Check for a new deployment.
    Check,
    /// Launch the live release again, and send the attempt.
    Restart(oneshot::Sender<Result<Attempt, String>>),
}

/// The observable state of a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) generation: Option<u64>,
    pub(crate) release: Option<Digest>,
    pub(crate) processes: Vec<ProcessStatus>,
    pub(crate) attempts: VecDeque<Attempt>,
    /// The newest generation that was seen in the store.
    pub(crate) wanted: u64,
}

/// The releases of a service that were tried, newest first.
#[derive(Debug, Default)]
pub(crate) struct TriedReleases {
    /// The releases whose environments stay, so that a rollback is immediate.
    pub(crate) retained: Vec<Digest>,
    pub(crate) older: Vec<Digest>,
}

/// The number of releases whose environments stay.
const RETAINED: usize = 5;
/// The number of attempts that are kept.
const HISTORY: usize = 50;

impl Service {
    /// Creates a service of an agent, and the receiver of its commands.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder of the service cannot be used.
    pub(crate) fn new(
        context: &Context,
        wanted: RefName,
        name: &str,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Command>), Error> {
        let dir = ServiceDir::open(&context.data, name)?;
        let (commands, receiver) = mpsc::unbounded_channel();
        let log = Log::new(dir.log(), context.clock, name, Arc::clone(&context.log_sink));
        let snapshot = Snapshot { attempts: dir.attempts(), ..Snapshot::default() };
        let service = Self {
            name: name.to_owned(),
            wanted,
            dir,
            gate: Gate::default(),
            log: Arc::new(log),
            routes: routes(context, name),
            commands,
            address: Mutex::new(Ok(None)),
            snapshot: watch::channel(snapshot).0,
            published: Mutex::default(),
            waiting: Mutex::default(),
        };
        Ok((service, receiver))
    }

    pub(crate) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    pub(crate) fn address(&self) -> Option<String> {
        self.lock_address().clone().ok().flatten()
    }

    /// Returns the reason why the ports of the service could not be opened.
    pub(crate) fn check_address(&self) -> Result<(), String> {
        self.lock_address().clone().map(drop)
    }

    pub(crate) fn set_address(&self, address: Result<Option<String>, String>) {
        *self.lock_address() = address;
    }

    fn lock_address(&self) -> MutexGuard<'_, Result<Option<String>, String>> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> ServiceStatus {
        let snapshot = self.snapshot.borrow().clone();
        ServiceStatus {
            service: self.name.clone(),
            address: self.address(),
            state: snapshot.state,
            generation: snapshot.generation,
            release: snapshot.release.map(|release| release.to_string()),
            processes: snapshot.processes,
            attempts: snapshot.attempts,
            waiting: self.lock_waiting().clone(),
        }
    }

    /// Shows the readiness check that a launch waits for.
    pub(crate) fn set_waiting(&self, check: Option<String>) {
        *self.lock_waiting() = check;
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Option<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(change);
    }

    /// Returns the newest generation that was seen in the store.
    pub(crate) fn wanted_generation(&self) -> u64 {
        self.snapshot.borrow().wanted
    }

    /// Begins an attempt, and numbers it.
    pub(crate) fn begin(&self, mut attempt: Attempt) -> Attempt {
        self.change(|snapshot| {
            attempt.number = snapshot.attempts.front().map_or(0, |last| last.number) + 1;
            snapshot.attempts.push_front(attempt.clone());
            snapshot.attempts.truncate(HISTORY);
        });
        attempt
    }

    /// Replaces an attempt by its outcome.
    pub(crate) fn settle(&self, attempt: &Attempt) {
        self.change(|snapshot| {
            let mut attempts = snapshot.attempts.iter_mut();
            if let Some(begun) = attempts.find(|begun| begun.number == attempt.number) {
                begun.clone_from(attempt);
            }
        });
    }

    /// Returns the releases that were tried.
    pub(crate) fn releases(&self) -> TriedReleases {
        let snapshot = self.snapshot.borrow();
        let tried = snapshot.attempts.iter().filter_map(|attempt| attempt.release.parse().ok());
        let mut releases = TriedReleases::default();
        for release in snapshot.release.into_iter().chain(tried) {
            if releases.retained.contains(&release) {
                continue;
            }
            let is_retained = releases.retained.len() < RETAINED;
            let list = if is_retained { &mut releases.retained } else { &mut releases.older };
            list.push(release);
        }
        releases
    }

    /// Saves the attempts, and calls `publish` if no later attempt than this one was published.
    pub(crate) fn save_attempts(&self, number: u64, publish: impl FnOnce()) {
        // One at a time, so that the newest history is written last.
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = self.snapshot.borrow().attempts.clone();
        self.dir.save_attempts(&attempts);
        if number > *published {
            *published = number;
            publish();
        }
    }

    /// Waits for the outcome of a generation with this release, or of a newer generation if it was passed over.
    pub(crate) async fn wait_for_attempt(
        &self,
        generation: u64,
        release: Option<&str>,
    ) -> Option<Attempt> {
        let mut snapshots = self.snapshot.subscribe();
        let is_wanted = |attempt: &Attempt| {
            attempt.generation == generation
                && release.is_none_or(|release| attempt.release == release)
        };
        let find = |snapshot: &Snapshot| {
            let attempts = || snapshot.attempts.iter();
            let newest = snapshot.wanted;
            let newer = || attempts().find(|it| newest > generation && it.generation == newest);
            let found = attempts().find(|attempt| is_wanted(attempt)).or_else(newer);
            found.filter(|attempt| attempt.is_over()).cloned()
        };
        let found = snapshots.wait_for(|snapshot| find(snapshot).is_some()).await.ok()?;
        find(&found)
    }
}

/// Returns the routes that are configured for a service, or the default route.
fn routes(context: &Context, name: &str) -> Vec<Route> {
    let own = context.routes.iter().filter(|(service, _)| service == name);
    let mut routes: Vec<Route> = own.map(|(_, route)| route.clone()).collect();
    if routes.is_empty() {
        routes.extend(context.default_route.clone());
    }
    routes
}
