//! The supervisor of a service: the one task that changes it.

mod processes;
mod transitions;
mod wanted;

use std::{pin::pin, sync::Arc, time::Duration};

use pinnace_store::{Deployment, Digest};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    launch::{LaunchReport, launch},
    proxy::stopped,
    revision::Revision,
    running::{Running, wait_for_exit},
    service::{Command, Service},
    services::Services,
};
use crate::{Attempt, Cause, Outcome};

use processes::remove_exited;
use wanted::{identity, newest, wait_for_newer};

/// A supervisor: it launches new deployments, swaps to them, drains old processes and restarts exited ones.
pub(crate) struct Supervisor {
    services: Arc<Services>,
    service: Arc<Service>,
    commands: mpsc::UnboundedReceiver<Command>,
    running: Option<Running>,
    /// The revision that is live, or was, and is launched again after an exit.
    revision: Option<Revision>,
    /// The deployment that was tried last: its generation and its identity.
    tried: u64,
    mark: Option<String>,
    /// The time of the next launch after an exit.
    relaunch_at: Option<Instant>,
    /// The number of exits in a row.
    exits: u32,
    /// The old processes that drain or stop.
    retiring: JoinSet<()>,
}

/// The stages of a deployer, in their order.
const DEPLOYER_STAGES: [&str; 5] = ["prepare", "scan", "resolve", "build", "upload"];

/// The pauses before a launch after an exit, from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The uptime after which an exit no longer counts as one in a row.
const LONG_UPTIME: Duration = Duration::from_secs(60);

impl Supervisor {
    pub(crate) fn new(
        services: Arc<Services>,
        service: Arc<Service>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let (running, revision, tried, mark, relaunch_at, exits) = Default::default();
        let retiring = JoinSet::new();
        Self {
            services,
            service,
            commands,
            running,
            revision,
            tried,
            mark,
            relaunch_at,
            exits,
            retiring,
        }
    }

    /// Supervises the service until the agent stops, and ends its processes.
    pub(crate) async fn run(mut self) {
        let mut stop = self.services.context.stop.subscribe();
        tokio::select! {
            () = self.work() => {}
            () = stopped(&mut stop) => {}
        }
        self.end().await;
    }

    async fn work(&mut self) {
        self.recover().await;
        self.check().await;
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                exited = wait_for_exit(self.running.as_ref()) => self.handle_exit(&exited),
                () = at(self.relaunch_at) => self.relaunch().await,
                Some(_) = self.retiring.join_next() => {}
            }
        }
    }

    /// Launches the release that was ready last, without asking the store.
    async fn recover(&mut self) {
        let Some(last) = self.service.dir.last_good() else { return };
        (self.tried, self.mark) = (last.tried, last.mark);
        let release = last.release.and_then(|release| release.parse().ok());
        if let Some(release) = release {
            self.revision = Some(Revision { generation: last.generation, release });
            let attempt = self.attempt(Cause::Recovery, last.generation, Some(release), None);
            self.bring_up(attempt).await;
            if self.running.is_none() {
                self.pause();
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        if let Command::Restart(answer) = command {
            self.restart(answer).await;
        }
        self.check().await;
    }

    /// Takes up the newest deployment, if it is not the one that was tried last. Generations do not decide: they count
    /// from 1 again in a store that was created anew or restored.
    async fn check(&mut self) {
        // A launch that a newer deployment has cut short is followed by another check.
        while let Some(deployment) = newest(&self.services, &self.service).await {
            self.service.change(|snapshot| snapshot.wanted = deployment.generation);
            if self.mark.is_some() && self.mark == identity(&deployment) {
                return;
            }
            (self.tried, self.mark) = (deployment.generation, identity(&deployment));
            match deployment.release {
                Some(release) => self.deploy(&deployment, release).await,
                None => self.take_down(deployment.generation).await,
            }
        }
    }

    async fn deploy(&mut self, deployment: &Deployment, release: Digest) {
        let generation = deployment.generation;
        let attempt = self.attempt(Cause::Deployment, generation, Some(release), Some(deployment));
        let before = self.revision.replace(Revision { generation, release });
        if self.bring_up(attempt).await {
            self.exits = 0;
            return;
        }
        self.revision = before;
        self.save().await;
        // The release that was live may have exited meanwhile.
        if self.running.is_none() && self.revision.is_some() && self.relaunch_at.is_none() {
            self.pause();
        }
    }

    async fn restart(&mut self, answer: oneshot::Sender<Result<Attempt, String>>) {
        let Some(revision) = self.revision else {
            let _ = answer.send(Err(format!("no release of `{}` is live", self.service.name)));
            return;
        };
        let attempt =
            self.attempt(Cause::Restart, revision.generation, Some(revision.release), None);
        let number = attempt.number;
        self.bring_up(attempt).await;
        let mut attempts = self.service.status().attempts.into_iter();
        let attempt = attempts.find(|attempt| attempt.number == number);
        let _ = answer.send(attempt.ok_or_else(|| "the attempt is forgotten".to_owned()));
    }

    /// Launches the revision beside the running one, and swaps to it. Returns true if it is live.
    async fn bring_up(&mut self, mut attempt: Attempt) -> bool {
        let Some(revision) = self.revision else { return false };
        self.service.gate.expect();
        let mut report = LaunchReport::default();
        let launched = self.launch(revision, &mut report).await;
        let is_live = matches!(launched, Some(Ok(_)));
        attempt.outcome = match launched {
            Some(Ok(running)) => {
                let started = std::time::Instant::now();
                attempt.warning = self.swap(running).await;
                report.timings.push(("live", started.elapsed()));
                Outcome::Live
            }
            Some(Err(reason)) => Outcome::Failed { reason },
            None => Outcome::Superseded,
        };
        attempt.host = report.host;
        attempt.log = report.log;
        let timings = report.timings.into_iter();
        let timings = timings.map(|(stage, took)| (stage.to_owned(), took.as_secs_f64() * 1000.0));
        attempt.timings_ms.extend(timings);
        self.settle(attempt);
        is_live
    }

    /// Launches a revision; returns `None` if a newer deployment came first. If the live release exits meanwhile, its
    /// requests wait for the launch.
    async fn launch(
        &mut self,
        revision: Revision,
        report: &mut LaunchReport,
    ) -> Option<Result<Running, String>> {
        let before = self.running.as_ref().map(|running| running.revision.release);
        let (services, service, mark) = (&self.services, &self.service, self.mark.clone());
        let mut launching = pin!(launch(services, service, revision, before, report));
        let mut newer = pin!(wait_for_newer(services, service, &mut self.commands, mark));
        loop {
            tokio::select! {
                launched = &mut launching => return Some(launched),
                () = &mut newer => return None,
                exited = wait_for_exit(self.running.as_ref()) => {
                    remove_exited(service, &mut self.running, &mut self.retiring, &exited);
                }
            }
        }
    }

    fn attempt(
        &self,
        cause: Cause,
        generation: u64,
        release: Option<Digest>,
        deployment: Option<&Deployment>,
    ) -> Attempt {
        let context = &self.services.context;
        let timing = |stage: &&str| {
            let took = deployment?.timings_ms.get(*stage).copied()?;
            Some(((*stage).to_owned(), took as f64))
        };
        self.service.begin(Attempt {
            cause,
            generation,
            release: release.map_or_else(String::new, |release| release.to_string()),
            by: deployment.map_or_else(|| context.name.clone(), |made| made.by.clone()),
            git: deployment.and_then(|made| made.git.clone()),
            reason: deployment.and_then(|made| made.reason.clone()),
            at: context.clock.now(),
            timings_ms: DEPLOYER_STAGES.iter().filter_map(timing).collect(),
            ..Attempt::default()
        })
    }
}

/// Waits until a time; forever if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
