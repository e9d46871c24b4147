//! The state changes of a service: swap, exit, relaunch, removal.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::{
    FIRST_PAUSE, LONG_UPTIME, LONGEST_PAUSE, Supervisor,
    processes::{remove_exited, retire, show},
};
use crate::{
    Attempt, Cause, Outcome, State,
    server::{
        launch::relaunch_missing,
        live_ref::publish_live,
        log::AGENT,
        running::{Exited, Running},
        state_dir::LastGood,
    },
};

impl Supervisor {
    /// Switches traffic to the ready processes and drains the old ones. Returns a warning for the deployer.
    pub(super) async fn swap(&mut self, running: Running) -> Option<String> {
        self.service.gate.swap(running.web().map(|web| Arc::clone(&web.upstream)));
        self.relaunch_at = None;
        show(&self.service, &running);
        if let Some(old) = self.running.replace(running) {
            retire(&mut self.retiring, old.instances);
        }
        self.save().await
    }

    /// Records the outcome of an attempt, in the log, on disk and in the store.
    pub(super) fn settle(&mut self, attempt: Attempt) {
        if self.running.is_none() {
            self.service.gate.give_up();
        }
        self.service.set_waiting(None);
        self.service.log.write(AGENT, &summary(&attempt));
        let (services, service) = (Arc::clone(&self.services), Arc::clone(&self.service));
        let live = self.running.as_ref().map(|running| running.revision.release);
        let is_published =
            attempt.cause == Cause::Deployment && attempt.outcome != Outcome::Superseded;
        service.settle(&attempt);
        tokio::task::spawn_blocking(move || {
            services.prune(&service);
            service.save_attempts(attempt.number, || {
                if is_published {
                    publish_live(&services.context, &service, live, &attempt);
                }
            });
        });
    }

    /// Saves the live revision; returns a warning if it cannot be saved.
    pub(super) async fn save(&self) -> Option<String> {
        let last = LastGood::new(self.revision, self.tried, self.mark.clone());
        let dir = self.service.dir.clone();
        // The file is synced, which takes a while; requests are served meanwhile.
        let saved = tokio::task::spawn_blocking(move || dir.save_last_good(&last)).await;
        let error = saved.ok()?.err()?;
        let warning = format!(
            "the agent cannot remember what is live, and would start another release after a restart: {error}"
        );
        self.service.log.write(AGENT, &warning);
        Some(warning)
    }

    /// Ends a service whose newest deployment has no release.
    pub(super) async fn take_down(&mut self, generation: u64) {
        self.service.gate.swap(None);
        (self.revision, self.relaunch_at) = (None, None);
        if let Some(old) = self.running.take() {
            retire(&mut self.retiring, old.instances);
        }
        self.service.change(|snapshot| {
            snapshot.state = State::Down;
            (snapshot.generation, snapshot.release) = (Some(generation), None);
            snapshot.processes = Vec::new();
        });
        self.service.log.write(AGENT, "it is out of use");
        self.save().await;
    }

    /// Removes a process that has exited, and schedules a launch. If the web process exits, all processes are replaced.
    pub(super) fn handle_exit(&mut self, exited: &Exited) {
        let uptime = self.running.as_ref().map(|running| running.since.elapsed());
        if uptime.is_some_and(|uptime| uptime > LONG_UPTIME) {
            self.exits = 0;
        }
        remove_exited(&self.service, &mut self.running, &mut self.retiring, exited);
        self.pause();
    }

    /// Schedules a launch, with pauses that double.
    pub(super) fn pause(&mut self) {
        let factor = 2_u32.saturating_pow(self.exits);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.exits = self.exits.saturating_add(1);
        self.relaunch_at = Some(Instant::now() + pause);
    }

    /// Launches the live release after an exit, or those of its processes that exited.
    pub(super) async fn relaunch(&mut self) {
        self.relaunch_at = None;
        if self.running.is_some() {
            return self.relaunch_missing().await;
        }
        let Some(revision) = self.revision else { return };
        let attempt = self.attempt(Cause::Exit, revision.generation, Some(revision.release), None);
        if !self.bring_up(attempt).await && self.running.is_none() {
            self.pause();
        }
        self.check().await;
    }

    async fn relaunch_missing(&mut self) {
        let Some(running) = &mut self.running else { return };
        match relaunch_missing(&self.services, &self.service, running).await {
            Ok(instances) => {
                running.instances.extend(instances);
                show(&self.service, running);
            }
            Err(reason) => {
                self.service.log.write(AGENT, &reason);
                self.pause();
            }
        }
    }

    /// Ends all processes within the shutdown timeout.
    pub(super) async fn end(&mut self) {
        self.service.gate.swap(None);
        if let Some(running) = self.running.take() {
            retire(&mut self.retiring, running.instances);
        }
        let all = async { while self.retiring.join_next().await.is_some() {} };
        // Processes that are left are killed when they are dropped.
        let _ = timeout(self.services.context.shutdown_timeout, all).await;
        self.retiring.shutdown().await;
    }
}

/// Returns the outcome of an attempt, in a line.
fn summary(attempt: &Attempt) -> String {
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
