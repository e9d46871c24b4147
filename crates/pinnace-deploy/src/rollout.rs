//! The result of a deployment on a host.

use std::fmt;

/// The result of a deployment on a host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Rollout {
    /// The generation that is live now, if any.
    pub live: Option<u64>,
    /// The address of the service, if it has one.
    pub address: Option<String>,
    /// The host's attempt to launch the deployment, if the host still knows it.
    pub attempt: Option<RolloutAttempt>,
}

/// A host's attempt to launch a deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RolloutAttempt {
    /// The generation.
    pub generation: u64,
    /// The digest of the release.
    pub release: String,
    /// The outcome.
    pub outcome: RolloutOutcome,
    /// The duration of each step, in milliseconds.
    pub timings_ms: Vec<(String, f64)>,
    /// A warning for the user.
    pub warning: Option<String>,
    /// A description of the environment that the release runs in.
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
        Self {
            generation,
            release: String::new(),
            outcome,
            timings_ms: Vec::new(),
            warning: None,
            host: String::new(),
            log: Vec::new(),
        }
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
    /// The generation that is live instead, if any.
    pub live: Option<u64>,
    /// The attempt.
    pub attempt: RolloutAttempt,
    /// The host.
    pub host: String,
}

impl fmt::Display for NotLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The number of log lines in a message.
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
                "generation {generation} of `{service}` is not live: a newer generation came first"
            ),
            _ => write!(
                f,
                "generation {generation} of `{service}` was skipped: generation {number} came first"
            ),
        }
    }
}
