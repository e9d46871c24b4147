//! Agents as hosts of deployments: a deployer waits for them until a release is live.

use std::time::Duration;

use pinnace_deploy::{
    Host, HostError, HostPlatforms, Progress, Rollout, RolloutAttempt, RolloutOutcome, ServiceName,
    Stage,
};
use pinnace_store::Digest;

use super::{Answered, Client, Offer};
use crate::{Attempt, Error, ErrorKind, Outcome};

/// The time after which a waiting client looks whether it was cancelled.
const LOOK: Duration = Duration::from_secs(1);

impl Client {
    /// Waits until a deployment went live, or failed. `release` is `None` for one that stops the service.
    /// `progress` is told what the agent waits for.
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
        let mut told: Option<String> = None;
        while !progress.is_cancelled() {
            let answered = self.attempt(service, generation, release, LOOK)?;
            let is_live = answered.generation == Some(generation)
                && answered.release == release.map(Digest::to_string);
            if answered.attempt.is_some() || is_live {
                return Ok(answered.into());
            }
            if let Some(thing) = answered.waiting.as_ref().filter(|one| told.as_ref() != Some(*one))
            {
                progress.stage(Stage::Waiting(thing));
            }
            told = answered.waiting;
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
        Ok(HostPlatforms::new(answer.platforms, answer.only))
    }

    fn missing_variables(
        &self,
        service: &ServiceName,
        names: &[String],
    ) -> Result<(Vec<String>, String), HostError> {
        let answer = self.lacking(service.as_str(), names)?;
        Ok((answer.lacking, answer.place))
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

impl From<Answered> for Rollout {
    fn from(answered: Answered) -> Self {
        let mut rollout = Self::default();
        rollout.live = answered.generation;
        rollout.address = answered.address;
        rollout.attempt = answered.attempt.map(Into::into);
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
