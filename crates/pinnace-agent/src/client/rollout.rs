//! Agents as hosts of deployments: a deployer waits until its release is live.

use std::time::Duration;

use pinnace_deploy::{
    Host, HostError, HostPlatforms, Progress, Rollout, RolloutAttempt, RolloutOutcome, ServiceName,
    Stage,
};
use pinnace_store::Digest;

use super::{Client, Offer, RolloutStatus};
use crate::{Attempt, Error, ErrorKind, Outcome};

/// The interval in which a waiting client checks whether it was cancelled.
const INTERVAL: Duration = Duration::from_secs(1);

impl Client {
    /// Waits until a deployment went live, or failed. `release` is `None` for one that stops the service.
    /// `progress` is reported what the agent waits for.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Cancelled`] if `progress` cancels, or an error of the connection.
    pub fn wait_for_rollout(
        &self,
        service: &str,
        generation: u64,
        release: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Rollout, Error> {
        let mut reported: Option<String> = None;
        while !progress.is_cancelled() {
            let status = self.wait_for_attempt(service, generation, release, INTERVAL)?;
            let is_live = status.generation == Some(generation)
                && status.release == release.map(Digest::to_string);
            if status.attempt.is_some() || is_live {
                return Ok(status.into());
            }
            if let Some(check) =
                status.waiting.as_ref().filter(|check| reported.as_ref() != Some(*check))
            {
                progress.stage(Stage::Waiting(check));
            }
            reported = status.waiting;
        }
        Err(ErrorKind::Cancelled { service: service.to_owned(), generation }.into())
    }
}

impl Host for Client {
    fn name(&self) -> String {
        self.url().to_owned()
    }

    fn platforms(&self) -> Result<HostPlatforms, HostError> {
        let answer = Client::platforms(self)?;
        Ok(HostPlatforms::new(answer.platforms, answer.services))
    }

    fn missing_variables(
        &self,
        service: &ServiceName,
        names: &[String],
    ) -> Result<(Vec<String>, String), HostError> {
        let missing = Client::missing_variables(self, service.as_str(), names)?;
        Ok((missing.names, missing.location))
    }

    fn offer(&self, wheels: &[(Digest, String)]) -> Result<(), HostError> {
        let offers: Vec<Offer> =
            wheels.iter().map(|(digest, url)| Offer::new(digest, url)).collect();
        Client::offer(self, &offers)?;
        Ok(())
    }

    fn roll_out(
        &self,
        service: &ServiceName,
        generation: u64,
        release: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Rollout, HostError> {
        Ok(self.wait_for_rollout(service.as_str(), generation, release, progress)?)
    }

    /// Passes over generations that the agent remembers as failed. If an older generation is live than the
    /// newest, the newest failed to replace it.
    fn last_ready_before(&self, service: &ServiceName, generation: u64) -> Option<u64> {
        let status = self.service(service.as_str()).ok();
        let live = status.as_ref().and_then(|status| status.generation);
        if let Some(live) = live.filter(|live| *live < generation) {
            return Some(live);
        }
        let attempts = status.iter().flat_map(|status| &status.attempts);
        let failed: Vec<u64> = attempts
            .filter(|attempt| matches!(attempt.outcome, Outcome::Failed { .. }))
            .map(|attempt| attempt.generation)
            .collect();
        (1..generation).rev().find(|generation| !failed.contains(generation))
    }
}

impl From<RolloutStatus> for Rollout {
    fn from(status: RolloutStatus) -> Self {
        let mut rollout = Self::default();
        rollout.live = status.generation;
        rollout.address = status.address;
        rollout.attempt = status.attempt.map(Into::into);
        rollout
    }
}

impl From<Attempt> for RolloutAttempt {
    fn from(attempt: Attempt) -> Self {
        let outcome = match attempt.outcome {
            Outcome::Live => RolloutOutcome::Live,
            Outcome::Failed { reason } => RolloutOutcome::Failed { reason },
            Outcome::Superseded => RolloutOutcome::Superseded,
            Outcome::Pending => RolloutOutcome::Pending,
        };
        let mut converted = Self::new(attempt.generation, outcome);
        converted.release = attempt.release;
        converted.timings_ms = attempt.timings_ms;
        converted.warning = attempt.warning;
        converted.host = attempt.host;
        converted.log = attempt.log;
        converted
    }
}
