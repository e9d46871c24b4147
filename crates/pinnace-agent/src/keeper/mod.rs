//! Who keeps a service running: one for each, and the only one who changes it.

mod course;
mod step;

use std::{pin::pin, sync::Arc, time::Duration};

use pinnace_store::{Deployment, Digest};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    inner::Inner,
    kept::{Kept, Order},
    proxy::stopped,
    raise::{Course, Goal, Running, raise},
    status::{Attempt, Cause, Outcome},
};

use course::{death, mourn};
use step::{mark, newer, newest};

pub(crate) struct Keeper {
    inner: Arc<Inner>,
    kept: Arc<Kept>,
    orders: mpsc::UnboundedReceiver<Order>,
    running: Option<Running>,
    /// What is live or was, and is started again.
    goal: Option<Goal>,
    /// The step that was tried last: its generation, and by what it is known.
    tried: u64,
    mark: Option<String>,
    /// When what died is started again, and how often something died in a row.
    again: Option<Instant>,
    deaths: u32,
    /// What is on its way out.
    retiring: JoinSet<()>,
}

/// The steps of a deployer, in their order.
const DEPLOYING: [&str; 5] = ["prepare", "scan", "resolve", "build", "upload"];

impl Keeper {
    pub(crate) fn new(
        inner: Arc<Inner>,
        kept: Arc<Kept>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        let (running, goal, tried, mark, again, deaths) = Default::default();
        let retiring = JoinSet::new();
        Self { inner, kept, orders, running, goal, tried, mark, again, deaths, retiring }
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
        self.look().await;
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                (which, how) = death(self.running.as_ref()) => self.died(which, &how),
                () = at(self.again) => self.start_again().await,
                Some(_) = self.retiring.join_next() => {}
            }
        }
    }

    /// Starts what proved itself last: no store is asked for it.
    async fn recover(&mut self) {
        let Some(proven) = self.kept.folder.proven() else { return };
        (self.tried, self.mark) = (proven.tried, proven.mark);
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
        if let Order::Restart(answer) = order {
            self.restart(answer).await;
        }
        self.look().await;
    }

    /// Takes up what is wanted, if it is another step than the one that was tried last: a store that was made anew, or
    /// brought back, counts from the beginning.
    async fn look(&mut self) {
        // What was cut short by something newer is looked at again.
        while let Some(step) = newest(&self.inner, &self.kept).await {
            self.kept.change(|seen| seen.wanted = step.generation);
            if self.mark.is_some() && self.mark == mark(&step) {
                return;
            }
            (self.tried, self.mark) = (step.generation, mark(&step));
            match step.release {
                Some(release) => {
                    let goal = Goal { generation: step.generation, release };
                    let attempt = self.attempt(
                        Cause::Deployment,
                        step.generation,
                        Some(release),
                        Some(&step),
                    );
                    self.deploy(attempt, goal).await;
                }
                None => self.take_down(step.generation).await,
            }
        }
    }

    async fn deploy(&mut self, attempt: Attempt, goal: Goal) {
        let before = self.goal.replace(goal);
        if self.bring(attempt).await {
            self.deaths = 0;
            return;
        }
        self.goal = before;
        self.save().await;
        // What was live before may have died meanwhile.
        if self.running.is_none() && self.goal.is_some() && self.again.is_none() {
            self.pause();
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
        let raised = self.raise(goal, &mut course).await;
        let is_live = matches!(raised, Some(Ok(_)));
        attempt.outcome = match raised {
            Some(Ok(running)) => {
                let started = std::time::Instant::now();
                attempt.warning = self.swap(running).await;
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
        self.settle(attempt);
        is_live
    }

    /// Raises the goal; nothing if something newer came. If what was live ends meanwhile, whoever asks waits for it.
    async fn raise(&mut self, goal: Goal, course: &mut Course) -> Option<Result<Running, String>> {
        let before = self.running.as_ref().map(|running| running.goal.release);
        let mut raising = pin!(raise(&self.inner, &self.kept, goal, before, course));
        let mut newer = pin!(newer(&self.inner, &self.kept, &mut self.orders, self.mark.clone()));
        loop {
            tokio::select! {
                raised = &mut raising => return Some(raised),
                () = &mut newer => return None,
                (which, how) = death(self.running.as_ref()) => {
                    mourn(&self.kept, &mut self.running, &mut self.retiring, which, &how);
                }
            }
        }
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

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Pauses before what died is started again, from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Who lived so long has not died in a row.
const LONG_LIFE: Duration = Duration::from_secs(60);
