//! The destination of deployments: a store, and optionally a host that runs the releases.

use std::{path::Path, time::Duration};

use pinnace_build::{Context, Timings};
use pinnace_store::{Deployment, Store, UnopenedStore};

use crate::{
    Deployed, Error, ErrorKind, Host, HostError, Outcome, Progress, Rollout, Service, Stage,
    deployment_record, history::published,
};

/// The way in which the deployer reaches the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreSide {
    /// The deployer reaches the store without the host.
    Direct,
    /// The deployer reaches the store through the host, which can download wheels into it by itself.
    Host,
}

/// The steps of a rollout whose durations a deployment reports.
const STEPS: [&str; 4] = ["fetch", "materialise", "start", "live"];

/// A store, the host that runs its releases, and the context of the work.
#[derive(Clone, Copy)]
pub(crate) struct Destination<'a> {
    pub(crate) store: &'a Store,
    pub(crate) cx: &'a Context<'a>,
    /// The store, if it must still be checked.
    pub(crate) unopened: Option<&'a UnopenedStore>,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) host: Option<&'a dyn Host>,
    pub(crate) store_side: StoreSide,
}

impl Destination<'_> {
    /// Checks the store, if it was not opened yet.
    pub(crate) fn check_store(&self) -> Result<(), Error> {
        Ok(self.unopened.map_or(Ok(()), UnopenedStore::check)?)
    }

    /// Creates the record of a deployment of the project in a folder.
    pub(crate) fn record(&self, folder: &Path, reason: Option<&str>) -> Deployment {
        deployment_record(folder, reason, self.cx.env())
    }

    /// Waits until a deployment is live on the host. The host does not retry a failed deployment by itself, so
    /// deploying the same release again publishes it again.
    pub(crate) fn roll_out(
        &self,
        view: &Service<'_>,
        folder: &Path,
        reason: Option<&str>,
        done: &mut Deployed,
        timings: &mut Timings,
    ) -> Result<(), Error> {
        let Some(host) = self.host else { return Ok(()) };
        self.progress.stage(Stage::Starting);
        let check = |rollout: &Rollout, done: &Deployed| {
            rollout.check(done.service.as_str(), done.generation, &host.name())
        };
        let mut rollout = self.wait(host, done)?;
        if done.outcome == Outcome::Unchanged && check(&rollout, done).is_err() {
            self.publish_again(view, folder, reason, done)?;
            rollout = self.wait(host, done)?;
        }
        check(&rollout, done)?;
        add_rollout(rollout, done, timings);
        Ok(())
    }

    fn wait(&self, host: &dyn Host, done: &Deployed) -> Result<Rollout, Error> {
        let (generation, release) = (done.generation, done.release.as_ref());
        let rollout = host.roll_out(&done.service, generation, release, self.progress);
        rollout.map_err(|error| self.host_error(error))
    }

    fn host_error(&self, error: HostError) -> Error {
        if self.cx.is_cancelled() {
            ErrorKind::Cancelled.into()
        } else {
            ErrorKind::Host(error).into()
        }
    }

    /// Publishes the live release again, as a new deployment.
    fn publish_again(
        &self,
        view: &Service<'_>,
        folder: &Path,
        reason: Option<&str>,
        done: &mut Deployed,
    ) -> Result<(), Error> {
        let head = view.look()?;
        let Some(release) = head.digest() else { return Ok(()) };
        let mut record = self.record(folder, reason);
        let before = head.deployment.as_ref().map(|deployment| deployment.extensions.clone());
        record.extensions = before.unwrap_or_default();
        record.reason.get_or_insert_with(|| format!("generation {} once more", head.generation()));
        let deployment = published(&done.service, view.go_live(&head, &release, record)?)?;
        (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        Ok(())
    }
}

/// Adds the result of a rollout to that of a deployment.
fn add_rollout(rollout: Rollout, done: &mut Deployed, timings: &mut Timings) {
    if let Some(attempt) = rollout.attempt.as_ref().filter(|_| done.is_new()) {
        for step in STEPS {
            let took = attempt.timings_ms.iter().find(|(name, _)| name == step);
            if let Some((_, took)) = took {
                timings.add(step, Duration::from_secs_f64(took.max(0.0) / 1000.0));
            }
        }
        done.notes.extend(attempt.warning.clone());
    }
    done.rollout = Some(rollout);
}
