//! Who keeps a service running: one for each, and the only one who changes it.

use std::{sync::Arc, time::Duration};

use pinnace_deploy::Service;
use pinnace_store::{Deployment, Digest};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    inner::Inner,
    kept::{Kept, Order},
    live::publish_live,
    proxy::stopped,
    raise::{Course, Goal, Running, raise},
    status::{Attempt, Cause, Outcome, ProcessStatus, State},
};

pub(crate) struct Keeper {
    inner: Arc<Inner>,
    kept: Arc<Kept>,
    orders: mpsc::UnboundedReceiver<Order>,
    running: Option<Running>,
    /// What is live or was, and is started again.
    goal: Option<Goal>,
    /// The newest generation that was tried.
    tried: u64,
    /// When what died is started again, and how often it died in a row.
    again: Option<Instant>,
    deaths: u32,
    /// What is on its way out.
    retiring: JoinSet<()>,
}

/// The steps of a deployer, in their order.
const DEPLOYING: [&str; 5] = ["prepare", "scan", "resolve", "build", "upload"];
/// Pauses before what died is started again, from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Who lived so long has not died in a row.
const LONG_LIFE: Duration = Duration::from_secs(60);

impl Keeper {
    pub(crate) fn new(
        inner: Arc<Inner>,
        kept: Arc<Kept>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        let (running, goal, tried, again, deaths) = Default::default();
        let retiring = JoinSet::new();
        Self { inner, kept, orders, running, goal, tried, again, deaths, retiring }
    }

    /// Keeps the service until the agent stops.
    pub(crate) async fn keep(mut self) {
        let mut stop = self.inner.stop.subscribe();
        tokio::select! {
            () = self.work() => {}
            () = stopped(&mut stop) => {}
        }
        self.end().await;
    }

    async fn work(&mut self) {
        self.recover().await;
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                how = death(self.running.as_ref()) => self.died(&how),
                () = at(self.again) => self.start_again().await,
                Some(_) = self.retiring.join_next() => {}
            }
        }
    }

    /// Starts what proved itself last: no store is asked for it.
    async fn recover(&mut self) {
        let Some(proven) = self.kept.folder.proven() else { return self.look().await };
        self.tried = proven.tried;
        let release = proven.release.and_then(|release| release.parse().ok());
        if let Some(release) = release {
            self.goal = Some(Goal { generation: proven.generation, release });
            let attempt = self.attempt(Cause::Recovery, proven.generation, Some(release), None);
            self.bring(attempt).await;
            if self.running.is_none() {
                self.pause();
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Look => self.look().await,
            Order::Restart(answer) => self.restart(answer).await,
        }
    }

    /// Takes up what is wanted, if it is newer than what was tried.
    async fn look(&mut self) {
        // What was cut short by something newer is looked at again.
        while let Some(step) =
            newest(&self.inner, &self.kept).await.filter(|one| one.generation > self.tried)
        {
            self.tried = step.generation;
            match step.release {
                Some(release) => {
                    let attempt = self.attempt(
                        Cause::Deployment,
                        step.generation,
                        Some(release),
                        Some(&step),
                    );
                    self.deploy(attempt, Goal { generation: step.generation, release }).await;
                }
                None => self.take_down(step.generation).await,
            }
        }
    }

    async fn deploy(&mut self, attempt: Attempt, goal: Goal) {
        let before = self.goal.replace(goal);
        if !self.bring(attempt).await {
            self.goal = before;
            self.save().await;
        }
    }

    async fn restart(&mut self, answer: oneshot::Sender<Result<Attempt, String>>) {
        let Some(goal) = self.goal else {
            let _ = answer.send(Err(format!("nothing of `{}` is live", self.kept.name)));
            return;
        };
        let attempt = self.attempt(Cause::Restart, goal.generation, Some(goal.release), None);
        let number = attempt.number;
        self.bring(attempt).await;
        let status = self.kept.status();
        let attempt = status.attempts.into_iter().find(|one| one.number == number);
        let _ = answer.send(attempt.ok_or_else(|| "it is forgotten".to_owned()));
    }

    /// Brings the goal up beside what runs, and swaps; tells whether it is live.
    async fn bring(&mut self, mut attempt: Attempt) -> bool {
        let Some(goal) = self.goal else { return false };
        self.kept.gate.expect();
        let mut course = Course::default();
        let raised = {
            let before = self.running.as_ref().map(|running| running.goal.release);
            let raising = raise(&self.inner, &self.kept, goal, before, &mut course);
            let newer = newer(&self.inner, &self.kept, &mut self.orders, self.tried);
            tokio::select! {
                raised = raising => Some(raised),
                () = newer => None,
            }
        };
        let is_live = matches!(raised, Some(Ok(_)));
        attempt.outcome = match raised {
            Some(Ok(running)) => {
                let started = std::time::Instant::now();
                self.swap(running).await;
                course.timings.push(("live", started.elapsed()));
                Outcome::Live
            }
            Some(Err(reason)) => Outcome::Failed { reason },
            None => Outcome::Superseded,
        };
        attempt.host = course.host;
        attempt.log = course.log;
        let timings = course.timings.into_iter();
        let timings = timings.map(|(step, took)| (step.to_owned(), took.as_secs_f64() * 1000.0));
        attempt.timings_ms.extend(timings);
        self.settle(attempt).await;
        is_live
    }

    /// Leads everybody to what has proven itself; what was live before goes when nobody is with it any more.
    async fn swap(&mut self, running: Running) {
        self.kept.gate.swap(running.web().map(|web| Arc::clone(&web.upstream)));
        self.again = None;
        let processes = running.instances.iter();
        let processes = processes.map(|one| ProcessStatus { name: one.name.clone(), id: one.id() });
        let (goal, processes) = (running.goal, processes.collect());
        self.kept.change(|seen| {
            seen.state = State::Live;
            (seen.generation, seen.release) = (Some(goal.generation), Some(goal.release));
            seen.processes = processes;
        });
        if let Some(old) = self.running.replace(running) {
            self.retire(old);
        }
        self.save().await;
    }

    async fn settle(&mut self, attempt: Attempt) {
        if self.running.is_none() {
            self.kept.gate.give_up();
        }
        if let Outcome::Failed { reason } = &attempt.outcome {
            self.kept
                .log
                .say("pinnace", &format!("generation {} failed: {reason}", attempt.generation));
        }
        let (inner, kept) = (Arc::clone(&self.inner), Arc::clone(&self.kept));
        let live = self.running.as_ref().map(|running| running.goal.release);
        let is_news = attempt.cause == Cause::Deployment && attempt.outcome != Outcome::Superseded;
        kept.settle(&attempt);
        tokio::task::spawn_blocking(move || {
            kept.remember(attempt.number, || {
                if is_news {
                    publish_live(&inner, &kept, live, &attempt);
                }
            });
        });
    }

    /// Remembers what is live; what cannot be remembered is not the service's fault.
    async fn save(&self) {
        let (generation, release) = match self.goal {
            Some(goal) => (goal.generation, Some(goal.release)),
            None => (self.tried, None),
        };
        let (folder, tried) = (self.kept.folder.clone(), self.tried);
        // It is synced, which takes a while: others are answered meanwhile.
        let saved =
            tokio::task::spawn_blocking(move || folder.prove(generation, release.as_ref(), tried));
        if let Ok(Err(error)) = saved.await {
            self.kept.log.say("pinnace", &format!("what is live cannot be remembered: {error}"));
        }
    }

    /// Nothing is wanted any more.
    async fn take_down(&mut self, generation: u64) {
        self.kept.gate.swap(None);
        (self.goal, self.again) = (None, None);
        if let Some(old) = self.running.take() {
            self.retire(old);
        }
        self.kept.change(|seen| {
            seen.state = State::Down;
            (seen.generation, seen.release) = (Some(generation), None);
            seen.processes = Vec::new();
        });
        self.save().await;
    }

    /// Lets what is with old processes finish, and ends them.
    fn retire(&mut self, old: Running) {
        self.retiring.spawn(async move {
            let endings = old.instances.iter().map(|one| async move {
                let until = Instant::now() + Duration::from_secs(one.process.drain.seconds());
                let _ = tokio::time::timeout_at(until, one.upstream.empty()).await;
                one.end(until).await;
            });
            futures_util::future::join_all(endings).await;
        });
    }

    /// A process ended by itself: all of the release is started again after a while.
    fn died(&mut self, how: &str) {
        self.kept.log.say("pinnace", how);
        self.kept.gate.swap(None);
        self.kept.gate.expect();
        if let Some(old) = self.running.take() {
            let lived = old.since.elapsed();
            self.deaths = if lived > LONG_LIFE { 0 } else { self.deaths };
            self.retire(old);
        }
        self.kept.change(|seen| {
            seen.state = State::Restarting;
            seen.processes = Vec::new();
        });
        self.pause();
    }

    fn pause(&mut self) {
        let pause =
            FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.deaths)).min(LONGEST_PAUSE);
        self.deaths = self.deaths.saturating_add(1);
        self.again = Some(Instant::now() + pause);
    }

    async fn start_again(&mut self) {
        self.again = None;
        let Some(goal) = self.goal else { return };
        let attempt = self.attempt(Cause::Death, goal.generation, Some(goal.release), None);
        if !self.bring(attempt).await && self.running.is_none() {
            self.pause();
        }
    }

    /// Ends all processes, within the time that the agent has.
    async fn end(&mut self) {
        self.kept.gate.swap(None);
        if let Some(running) = self.running.take() {
            self.retire(running);
        }
        let all = async { while self.retiring.join_next().await.is_some() {} };
        // What is left is killed when it is dropped.
        let _ = timeout(self.inner.farewell, all).await;
        self.retiring.shutdown().await;
    }

    fn attempt(
        &self,
        cause: Cause,
        generation: u64,
        release: Option<Digest>,
        step: Option<&Deployment>,
    ) -> Attempt {
        let before =
            |name: &&str| Some((*name).to_owned()).zip(step?.timings_ms.get(*name).copied());
        let timings = DEPLOYING.iter().filter_map(before);
        self.kept.begin(Attempt {
            cause,
            generation,
            release: release.map_or_else(String::new, |release| release.to_string()),
            by: step.map_or_else(|| self.inner.name.clone(), |step| step.by.clone()),
            git: step.and_then(|step| step.git.clone()),
            reason: step.and_then(|step| step.reason.clone()),
            at: self.inner.clock.now(),
            timings_ms: timings.map(|(step, took)| (step, took as f64)).collect(),
            ..Attempt::default()
        })
    }
}

/// The newest step of a service; `None` if it cannot be told, which is tried again by itself.
async fn newest(inner: &Arc<Inner>, kept: &Arc<Kept>) -> Option<Deployment> {
    let (inner, kept) = (Arc::clone(inner), Arc::clone(kept));
    let newest = tokio::task::spawn_blocking(move || {
        Service::new(&inner.store, &inner.machine, &kept.wanted).newest()
    });
    newest.await.ok()?.ok().flatten()
}

/// Waits until something newer is wanted than what is being tried. Other orders wait until that is over.
async fn newer(
    inner: &Arc<Inner>,
    kept: &Arc<Kept>,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    tried: u64,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Look => {
                let newest = newest(inner, kept).await;
                if newest.is_some_and(|step| step.generation > tried) {
                    return;
                }
            }
            Order::Restart(answer) => {
                let _ = answer
                    .send(Err("a release is being started: try again when it is live".to_owned()));
            }
        }
    }
}

async fn death(running: Option<&Running>) -> String {
    match running {
        Some(running) => running.died().await,
        None => std::future::pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
