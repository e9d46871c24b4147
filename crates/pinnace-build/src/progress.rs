use std::time::Duration;

use pinnace_wheel::{Silent, Target};

/// An observer of builds, which can also cancel them.
///
/// The supertrait reports the requests to the index, and carries the cancellation
/// ([`is_cancelled`](pinnace_wheel::Progress::is_cancelled)); this trait adds the steps of a build.
/// [`Silent`] ignores all reports.
pub trait Progress: pinnace_wheel::Progress {
    /// Reports a step.
    fn step(&self, step: Step<'_>) {
        let _ = step;
    }
}

impl Progress for Silent {}

/// A step of a build.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// The project's `prepare` command starts.
    Preparing,
    /// The build backend of a project is queried for metadata.
    AskingBackend,
    /// A resolution starts.
    Resolving,
    /// A resolution ended with a solution.
    Resolved {
        /// The number of distributions.
        distributions: usize,
        /// The platform.
        target: &'a Target,
        /// The duration of the resolution.
        elapsed: Duration,
    },
}
