//! What an agent says of itself and of its services, as it goes over the wire.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// An agent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct AgentStatus {
    /// What it is called in the store.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// The platforms that releases may be for.
    pub platforms: Vec<String>,
    /// Its services.
    pub services: Vec<ServiceStatus>,
}

/// What releases an agent can run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Platforms {
    /// What the agent is called in the store.
    pub agent: String,
    /// The platforms that releases may be for, the one that is meant where nothing is said first; each as
    /// `pinnace_wheel::Target` reads it.
    pub platforms: Vec<String>,
    /// The services that it runs; any if there are none.
    pub only: Vec<String>,
}

/// A service on an agent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name.
    pub service: String,
    /// Where it answers; `None` for one that only works.
    pub address: Option<String>,
    /// What it does.
    pub state: State,
    /// The generation that is live.
    pub generation: Option<u64>,
    /// The release that is live.
    pub release: Option<String>,
    /// Its processes.
    pub processes: Vec<ProcessStatus>,
    /// What was tried, the newest first.
    pub attempts: VecDeque<Attempt>,
    /// What a release that is being started is waited for.
    pub waiting: Option<String>,
}

/// What a service does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing of it runs.
    #[default]
    Down,
    /// It runs.
    Live,
    /// Its process ended by itself, and is about to be started again.
    Restarting,
}

/// A process of a service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ProcessStatus {
    /// What it is called, with its generation: `web 5`.
    pub name: String,
    /// Its number on the machine.
    pub id: i32,
}

/// A release on its way to be live.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1, without gaps as long as the agent remembers.
    pub number: u64,
    /// Why it was made.
    pub cause: Cause,
    /// The generation.
    pub generation: u64,
    /// The release.
    pub release: String,
    /// Who wanted it.
    pub by: String,
    /// The commit that it is of.
    pub git: Option<String>,
    /// Why it was wanted.
    pub reason: Option<String>,
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// What its deployer should know although it is live.
    #[serde(default)]
    pub warning: Option<String>,
    /// Whether what it stands on was here, and what was not.
    pub host: String,
    /// How long its steps took, in milliseconds, those of who deployed it first.
    pub timings_ms: Vec<(String, f64)>,
    /// The last lines that its processes said, where it failed.
    pub log: Vec<String>,
}

/// Why an attempt was made.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A new deployment.
    #[default]
    Deployment,
    /// Somebody asked for new processes.
    Restart,
    /// A process ended by itself.
    Death,
    /// The agent started.
    Recovery,
}

/// What became of an attempt.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Outcome {
    /// It is under way.
    #[default]
    Pending,
    /// It went live.
    Live,
    /// It did not: what was live before still is.
    Failed {
        /// Why.
        reason: String,
    },
    /// A newer generation came before it was ready.
    Superseded,
}

impl Attempt {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.outcome != Outcome::Pending
    }
}
