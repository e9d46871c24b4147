//! Hosts: machines that run the releases of a store.

use pinnace_store::Digest;

use crate::{Error, ErrorKind, HostError, NotLive, Progress, Rollout, RolloutOutcome, ServiceName};

/// A machine that runs the releases of a store, such as an agent. A test can implement its own.
pub trait Host: Send + Sync {
    /// Returns the name of the host in messages, such as its address.
    fn name(&self) -> String;

    /// Returns the platforms and services of the host.
    ///
    /// # Errors
    ///
    /// Returns an error if the host cannot be reached, or refuses.
    fn platforms(&self) -> Result<HostPlatforms, HostError>;

    /// Returns the environment variables that the host lacks for a service, and the remedy.
    ///
    /// # Errors
    ///
    /// See [`Self::platforms`].
    fn missing_variables(
        &self,
        service: &ServiceName,
        names: &[String],
    ) -> Result<(Vec<String>, String), HostError>;

    /// Offers wheels by their digests and addresses, so that the host can download them itself. The deployer
    /// uploads those that the host cannot download.
    ///
    /// # Errors
    ///
    /// See [`Self::platforms`].
    fn offer(&self, wheels: &[(Digest, String)]) -> Result<(), HostError>;

    /// Waits until a deployment is live, or has failed. `release` is `None` for one that stops the service.
    ///
    /// # Errors
    ///
    /// See [`Self::platforms`]; also returns an error if `progress` cancels.
    fn roll_out(
        &self,
        service: &ServiceName,
        generation: u64,
        release: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Rollout, HostError>;

    /// Returns the newest generation before `generation` that did not fail on the host.
    fn last_ready_before(&self, service: &ServiceName, generation: u64) -> Option<u64>;
}

/// The platforms and services of a host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HostPlatforms {
    /// The platforms in the form that [`Target`](pinnace_wheel::Target) parses, the default one first.
    pub platforms: Vec<String>,
    /// The services that the host runs; empty if it runs every service.
    pub services: Vec<String>,
}

impl HostPlatforms {
    /// Creates the platforms and services of a host.
    pub fn new(platforms: Vec<String>, services: Vec<String>) -> Self {
        Self { platforms, services }
    }
}

impl Rollout {
    /// Checks that a generation is live, if the host knows an attempt to launch it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotLive`] with the attempt if it did not.
    pub fn check(&self, service: &str, generation: u64, host: &str) -> Result<(), Error> {
        let Some(attempt) = &self.attempt else { return Ok(()) };
        if attempt.generation == generation && attempt.outcome == RolloutOutcome::Live {
            return Ok(());
        }
        let not_live = NotLive {
            service: service.to_owned(),
            generation,
            live: self.live,
            attempt: attempt.clone(),
            host: host.to_owned(),
        };
        Err(ErrorKind::NotLive(Box::new(not_live)).into())
    }
}
