//! The state of an agent and its services, as JSON over HTTP.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The state of an agent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct AgentStatus {
    /// The name of the agent in the store.
    pub agent: String,
    /// The version of the agent.
    pub version: String,
    /// The platforms of releases that it can run.
    pub platforms: Vec<String>,
    /// The services.
    pub services: Vec<ServiceStatus>,
}

/// The releases that an agent can run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Platforms {
    /// The name of the agent in the store.
    pub agent: String,
    /// The platforms, the default first, in the text form of `pinnace_wheel::Target`.
    pub platforms: Vec<String>,
    /// The services that it runs; empty for all.
    #[serde(rename = "only")]
    pub services: Vec<String>,
}

/// The state of a service on an agent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name.
    pub service: String,
    /// The address; `None` if it has none.
    pub address: Option<String>,
    /// Its state.
    pub state: State,
    /// The live generation.
    pub generation: Option<u64>,
    /// The live release.
    pub release: Option<String>,
    /// Its processes.
    pub processes: Vec<ProcessStatus>,
    /// The attempts, newest first.
    pub attempts: VecDeque<Attempt>,
    /// The readiness check that a launch waits for.
    pub waiting: Option<String>,
}

/// The state of a service.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No process runs.
    #[default]
    Down,
    /// A release runs.
    Live,
    /// A process has exited, and its launch is scheduled.
    Restarting,
}

/// A process of a service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ProcessStatus {
    /// The name with the generation: `web 5`.
    pub name: String,
    /// The process id.
    pub id: i32,
}

/// An attempt to launch a release.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The number, from 1 without gaps.
    pub number: u64,
    /// The cause.
    pub cause: Cause,
    /// The generation.
    pub generation: u64,
    /// The release.
    pub release: String,
    /// The deployer.
    pub by: String,
    /// The commit of its source.
    pub git: Option<String>,
    /// The reason of the deployment.
    pub reason: Option<String>,
    /// The start, in seconds since 1970.
    pub at: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// A warning for the deployer of a live release.
    #[serde(default)]
    pub warning: Option<String>,
    /// The parts of the release that the machine had already, in words.
    pub host: String,
    /// The durations of its stages in milliseconds, those of the deployer first.
    pub timings_ms: Vec<(String, f64)>,
    /// The last output of the process that made it fail.
    pub log: Vec<String>,
}

/// The cause of an attempt.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A new deployment.
    #[default]
    Deployment,
    /// A request for new processes.
    Restart,
    /// The exit of a process.
    #[serde(rename = "death")]
    Exit,
    /// The start of the agent.
    Recovery,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Outcome {
    /// It is under way.
    #[default]
    Pending,
    /// The release is live.
    Live,
    /// The release is not live; the one before still is.
    Failed {
        /// The reason.
        reason: String,
    },
    /// A newer deployment came before it was ready.
    Superseded,
}

impl Attempt {
    /// Returns true if the attempt is over.
    pub fn is_over(&self) -> bool {
        self.outcome != Outcome::Pending
    }
}
