//! The course of a service: what takes whose place, what ends, what is started again.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{FIRST_PAUSE, Keeper, LONG_LIFE, LONGEST_PAUSE};
use crate::{
    instance::Instance,
    kept::Kept,
    live::publish_live,
    log::AGENT,
    raise::{Running, revive},
    saved::Proven,
    status::{Attempt, Cause, Outcome, ProcessStatus, State},
};

impl Keeper {
    /// Leads everybody to what has proven itself; what was live before goes when nobody is with it any more. Tells what
    /// its deployer should know.
    pub(super) async fn swap(&mut self, running: Running) -> Option<String> {
        self.kept.gate.swap(running.web().map(|web| Arc::clone(&web.upstream)));
        self.again = None;
        show(&self.kept, &running);
        if let Some(old) = self.running.replace(running) {
            retire(&mut self.retiring, old.instances);
        }
        self.save().await
    }

    pub(super) fn settle(&mut self, attempt: Attempt) {
        if self.running.is_none() {
            self.kept.gate.give_up();
        }
        self.kept.wait_for(None);
        self.kept.log.say(AGENT, &told(&attempt));
        let (inner, kept) = (Arc::clone(&self.inner), Arc::clone(&self.kept));
        let live = self.running.as_ref().map(|running| running.goal.release);
        let is_news = attempt.cause == Cause::Deployment && attempt.outcome != Outcome::Superseded;
        kept.settle(&attempt);
        tokio::task::spawn_blocking(move || {
            inner.prune(&kept);
            kept.remember(attempt.number, || {
                if is_news {
                    publish_live(&inner, &kept, live, &attempt);
                }
            });
        });
    }

    /// Remembers what is live; tells why it cannot be remembered.
    pub(super) async fn save(&self) -> Option<String> {
        let proven = Proven::new(self.goal, self.tried, self.mark.clone());
        let folder = self.kept.folder.clone();
        // It is synced, which takes a while: others are answered meanwhile.
        let saved = tokio::task::spawn_blocking(move || folder.prove(&proven)).await;
        let error = saved.ok()?.err()?;
        let warning = format!(
            "the agent cannot remember what is live, and would start another release after a restart: {error}"
        );
        self.kept.log.say(AGENT, &warning);
        Some(warning)
    }

    /// Nothing is wanted any more.
    pub(super) async fn take_down(&mut self, generation: u64) {
        self.kept.gate.swap(None);
        (self.goal, self.again) = (None, None);
        if let Some(old) = self.running.take() {
            retire(&mut self.retiring, old.instances);
        }
        self.kept.change(|seen| {
            seen.state = State::Down;
            (seen.generation, seen.release) = (Some(generation), None);
            seen.processes = Vec::new();
        });
        self.kept.log.say(AGENT, "it is out of use");
        self.save().await;
    }

    /// A process ended by itself: it is started again after a while; if it is the one that answers, with all others.
    pub(super) fn died(&mut self, which: usize, how: &str) {
        let lived = self.running.as_ref().map(|running| running.since.elapsed());
        if lived.is_some_and(|lived| lived > LONG_LIFE) {
            self.deaths = 0;
        }
        mourn(&self.kept, &mut self.running, &mut self.retiring, which, how);
        self.pause();
    }

    pub(super) fn pause(&mut self) {
        let longer = 2_u32.saturating_pow(self.deaths);
        let pause = FIRST_PAUSE.saturating_mul(longer).min(LONGEST_PAUSE);
        self.deaths = self.deaths.saturating_add(1);
        self.again = Some(Instant::now() + pause);
    }

    /// Starts what died again.
    pub(super) async fn start_again(&mut self) {
        self.again = None;
        if self.running.is_some() {
            return self.revive().await;
        }
        let Some(goal) = self.goal else { return };
        let attempt = self.attempt(Cause::Death, goal.generation, Some(goal.release), None);
        if !self.bring(attempt).await && self.running.is_none() {
            self.pause();
        }
        self.look().await;
    }

    /// Starts again what is lacking of what runs.
    async fn revive(&mut self) {
        let Some(running) = &mut self.running else { return };
        match revive(&self.inner, &self.kept, running).await {
            Ok(instances) => {
                running.instances.extend(instances);
                show(&self.kept, running);
            }
            Err(reason) => {
                self.kept.log.say(AGENT, &reason);
                self.pause();
            }
        }
    }

    /// Ends all processes, within the time that the agent has.
    pub(super) async fn end(&mut self) {
        self.kept.gate.swap(None);
        if let Some(running) = self.running.take() {
            retire(&mut self.retiring, running.instances);
        }
        let all = async { while self.retiring.join_next().await.is_some() {} };
        // What is left is killed when it is dropped.
        let _ = timeout(self.inner.farewell, all).await;
        self.retiring.shutdown().await;
    }
}

/// What became of an attempt, in a line.
fn told(attempt: &Attempt) -> String {
    let generation = attempt.generation;
    match &attempt.outcome {
        Outcome::Failed { reason } => format!("generation {generation} failed: {reason}"),
        Outcome::Superseded => format!("generation {generation} was passed over"),
        _ => {
            let took: f64 = attempt.timings_ms.iter().map(|(_, took)| took).sum();
            let again = if attempt.cause == Cause::Deployment { "" } else { "started again: " };
            format!("{again}generation {generation} is live, in {took:.0} ms")
        }
    }
}

/// Lets what is with old processes finish, and ends them.
fn retire(retiring: &mut JoinSet<()>, instances: Vec<Instance>) {
    retiring.spawn(async move {
        let endings = instances.iter().map(|one| async move {
            let until = Instant::now() + Duration::from_secs(one.process.drain.seconds());
            let _ = timeout_at(until, one.upstream.empty()).await;
            one.end(until).await;
        });
        futures_util::future::join_all(endings).await;
    });
}

/// Takes away what has ended: a process, or all of them if it is the one that answers. Whoever asks waits for the next.
pub(super) fn mourn(
    kept: &Kept,
    running: &mut Option<Running>,
    retiring: &mut JoinSet<()>,
    which: usize,
    how: &str,
) {
    kept.log.say(AGENT, how);
    let Some(mut old) = running.take() else { return };
    if old.instances.get(which).is_some_and(|one| !one.is_web()) {
        retire(retiring, vec![old.instances.remove(which)]);
        show(kept, &old);
        *running = Some(old);
        return;
    }
    kept.gate.swap(None);
    kept.gate.expect();
    retire(retiring, old.instances);
    kept.change(|seen| {
        seen.state = State::Restarting;
        seen.processes = Vec::new();
    });
}

/// Shows what runs.
fn show(kept: &Kept, running: &Running) {
    let processes = running.instances.iter();
    let processes = processes.map(|one| ProcessStatus { name: one.name.clone(), id: one.id() });
    let (goal, processes) = (running.goal, processes.collect());
    kept.change(|seen| {
        seen.state = State::Live;
        (seen.generation, seen.release) = (Some(goal.generation), Some(goal.release));
        seen.processes = processes;
    });
}

/// Waits until a process ends, and tells which and how.
pub(super) async fn death(running: Option<&Running>) -> (usize, String) {
    match running {
        Some(running) if !running.instances.is_empty() => running.died().await,
        _ => std::future::pending().await,
    }
}
