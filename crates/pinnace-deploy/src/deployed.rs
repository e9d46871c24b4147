use std::path::PathBuf;

use pinnace_build::Timings;
use pinnace_store::Digest;

use crate::{Rollout, ServiceName, Sources, TransferStats, WheelLayer};

/// A finished deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deployed {
    /// The service.
    pub service: ServiceName,
    /// The release; `None` for a dry run.
    pub release: Option<Digest>,
    /// The generation of the service.
    pub generation: u64,
    /// The path that the deployment took.
    pub path: DeployPath,
    /// The reason for the path.
    pub reason: String,
    /// The digest of the manifest of the dependency layer.
    pub dependencies: Option<Digest>,
    /// The digest of the project's own layer.
    pub source: Option<Digest>,
    /// The transfer to the store.
    pub transfer: TransferStats,
    /// The outcome.
    pub outcome: Outcome,
    /// The time at which the dependencies were resolved, in seconds since 1970.
    pub resolved_at: Option<u64>,
    /// The lock that pins the dependencies, if the project has one.
    pub lock: Option<PathBuf>,
    /// The duration of each step.
    pub timings: Timings,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The planned contents, for a dry run.
    pub plan: Option<Plan>,
    /// The result on the host, if the deployer has a host.
    pub rollout: Option<Rollout>,
}

/// The contents of a release that a dry run planned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The source.
    pub sources: Sources,
    /// The dependencies.
    pub dependencies: WheelLayer,
}

/// The path of a deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeployPath {
    /// The dependency layer of the live release is reused.
    Fast,
    /// The dependency layer is new.
    Full,
}

/// The outcome of a deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// A new deployment was published.
    Published,
    /// The release was already live.
    Unchanged,
    /// The deployment was a dry run; no release was published.
    Planned,
}

impl Deployed {
    pub(crate) fn new(service: &ServiceName, generation: u64) -> Self {
        Self {
            service: service.clone(),
            release: None,
            generation,
            path: DeployPath::Fast,
            reason: String::new(),
            dependencies: None,
            source: None,
            transfer: TransferStats::default(),
            outcome: Outcome::Unchanged,
            resolved_at: None,
            lock: None,
            timings: Timings::default(),
            notes: Vec::new(),
            plan: None,
            rollout: None,
        }
    }

    /// Returns true if the deployment was published, rather than planned or unchanged.
    pub fn is_new(&self) -> bool {
        self.outcome == Outcome::Published
    }
}
