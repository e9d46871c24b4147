//! Hosts: machines that run the releases of a store, and roll out new ones.

use std::fmt;

use pinnace_store::Digest;
use pinnace_wheel::{Compatibility, Python, Target, Version};

use crate::{Error, ErrorKind, HostError, Progress, ServiceName, WheelLayer};

/// A machine that runs the releases of a store. An agent is one; a test can be another.
pub trait Host: Send + Sync {
    /// Returns the name of the host in messages, such as its address.
    fn name(&self) -> String;

    /// Returns the platforms and services of the host.
    ///
    /// # Errors
    ///
    /// Returns an error if the host cannot be reached, or refuses.
    fn platforms(&self) -> Result<HostPlatforms, HostError>;

    /// Returns those of these environment variables that the host does not have for a service, and the remedy.
    ///
    /// # Errors
    ///
    /// As [`Self::platforms`].
    fn missing_variables(
        &self,
        service: &ServiceName,
        names: &[String],
    ) -> Result<(Vec<String>, String), HostError>;

    /// Offers wheels by their digests and addresses, so that the host can fetch them itself. Wheels that it
    /// cannot fetch are uploaded.
    ///
    /// # Errors
    ///
    /// As [`Self::platforms`].
    fn offer(&self, wheels: &[(Digest, String)]) -> Result<(), HostError>;

    /// Waits until a deployment went live, or failed. `release` is `None` for one that stops the service.
    ///
    /// # Errors
    ///
    /// As [`Self::platforms`]; or if `progress` cancels.
    fn roll_out(
        &self,
        service: &ServiceName,
        generation: u64,
        release: Option<&Digest>,
        progress: &dyn Progress,
    ) -> Result<Rollout, HostError>;

    /// Returns the newest generation before `generation` that was ready on the host, or may have been.
    fn last_ready_before(&self, service: &ServiceName, generation: u64) -> Option<u64>;
}

/// The platforms and services of a host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HostPlatforms {
    /// The platforms in the form that [`Target`] parses, the default one first.
    pub platforms: Vec<String>,
    /// The services that the host runs; all of them if there are none.
    pub services: Vec<String>,
}

impl HostPlatforms {
    /// Creates the platforms and services of a host.
    pub fn new(platforms: Vec<String>, services: Vec<String>) -> Self {
        Self { platforms, services }
    }
}

/// The result of a deployment on a host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Rollout {
    /// The generation that is live now, if any is.
    pub live: Option<u64>,
    /// The address of the service, if it has one.
    pub address: Option<String>,
    /// The attempt to start the deployment, if the host remembers it.
    pub attempt: Option<RolloutAttempt>,
}

/// An attempt of a host to start a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RolloutAttempt {
    /// The generation.
    pub generation: u64,
    /// The digest of the release.
    pub release: String,
    /// The outcome.
    pub outcome: RolloutOutcome,
    /// The steps, and how long each took in milliseconds.
    pub timings_ms: Vec<(String, f64)>,
    /// A warning for the user.
    pub warning: Option<String>,
    /// The environment that the release runs in.
    pub host: String,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RolloutOutcome {
    /// The deployment is live.
    Live,
    /// The deployment is not live.
    Failed {
        /// The reason.
        reason: String,
    },
    /// A newer deployment came first.
    Superseded,
    /// The attempt has not ended.
    Pending,
}

impl RolloutAttempt {
    /// Creates an attempt.
    pub fn new(generation: u64, outcome: RolloutOutcome) -> Self {
        let (release, timings_ms, warning, host, log) = Default::default();
        Self { generation, release, outcome, timings_ms, warning, host, log }
    }
}

impl Rollout {
    /// Checks that a generation went live, if the host remembers an attempt to start it.
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

/// A deployment that did not go live on a host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotLive {
    /// The service.
    pub service: String,
    /// The generation that should have gone live.
    pub generation: u64,
    /// The generation that is live instead, if any is.
    pub live: Option<u64>,
    /// The attempt.
    pub attempt: RolloutAttempt,
    /// The host.
    pub host: String,
}

impl fmt::Display for NotLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The lines of the log that a message shows.
        const LINES: usize = 30;
        let Self { service, generation, attempt, .. } = self;
        let number = attempt.generation;
        match &attempt.outcome {
            RolloutOutcome::Failed { reason } => {
                write!(f, "generation {number} of `{service}` is not live: {reason}")?;
                let last = attempt.log.iter().skip(attempt.log.len().saturating_sub(LINES));
                last.into_iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            RolloutOutcome::Superseded if number == *generation => write!(
                f,
                "generation {generation} of `{service}` is not live: a newer one came before it was"
            ),
            _ => write!(
                f,
                "generation {generation} of `{service}` was passed over: {number} came before it was live"
            ),
        }
    }
}

/// The checks that a release can run on a host, before anything is uploaded.
#[derive(Clone, Debug)]
pub(crate) struct HostChecks {
    name: String,
    platforms: Vec<Target>,
    services: Vec<String>,
}

impl HostChecks {
    pub(crate) fn ask(host: &dyn Host) -> Result<Self, Error> {
        let HostPlatforms { platforms, services } = host.platforms().map_err(ErrorKind::Host)?;
        let platforms = platforms.iter().map(|platform| platform.parse());
        Ok(Self { name: host.name(), platforms: platforms.collect::<Result<_, _>>()?, services })
    }

    /// Returns the platform of the host with a version of Python, or its default one.
    pub(crate) fn target(&self, python: Option<&str>) -> Result<Target, Error> {
        let parse = |name: &str| {
            let local = |_| Error::from(ErrorKind::LocalInterpreter { name: name.to_owned() });
            name.parse::<Python>().map_err(local)
        };
        let wanted = python.map(parse).transpose()?;
        let is_wanted = |target: &&Target| {
            wanted.as_ref().is_none_or(|python| minor(python.version()) == minor(target.python()))
        };
        let found = self.platforms.iter().find(is_wanted).cloned();
        Ok(found.ok_or_else(|| ErrorKind::HostHasNoPython {
            host: self.name.clone(),
            version: wanted.as_ref().map(|python| python.version().to_string()),
            platforms: self.shown(),
        })?)
    }

    /// Checks that the host runs a service.
    pub(crate) fn service(&self, service: &ServiceName) -> Result<(), Error> {
        let services = &self.services;
        if services.is_empty() || services.iter().any(|one| one == service.as_str()) {
            return Ok(());
        }
        let (host, service) = (self.name.clone(), service.to_string());
        Err(ErrorKind::HostRunsOthers { host, service, services: services.clone() }.into())
    }

    /// Checks that a release for a platform runs on the host with all its wheels.
    pub(crate) fn release(&self, target: &Target, layer: &WheelLayer) -> Result<(), Error> {
        let same = |one: &&Target| minor(one.python()) == minor(target.python());
        let Some(platform) = self.platforms.iter().find(same) else {
            let (host, target) = (self.name.clone(), target.to_string());
            return Err(
                ErrorKind::HostOtherPlatform { host, target, platforms: self.shown() }.into()
            );
        };
        let fits = |name| matches!(platform.rank(name), Compatibility::Compatible(_));
        let Some(misfit) = layer.wheels.iter().find(|wheel| !fits(&wheel.name)) else {
            return Ok(());
        };
        let (host, wheel) = (self.name.clone(), misfit.name.to_string());
        Err(ErrorKind::HostMisfit { host, wheel, platform: platform.to_string() }.into())
    }

    fn shown(&self) -> Vec<String> {
        self.platforms.iter().map(ToString::to_string).collect()
    }
}

fn minor(version: &Version) -> Vec<u64> {
    version.release().iter().take(2).copied().collect()
}
