//! The resolver: PubGrub over a [`Source`] finds one set of files for one request on one platform.

mod candidate;
mod explain;
mod package;
mod provider;
mod reason;
mod request;
mod requires;
mod resolution;
mod satisfaction;
mod solution;
mod solve;

use crate::{Error, Requirement, Source, Target};

pub use candidate::Unfit;
pub(crate) use candidate::{Candidates, Choice, Yanked, best_release, excludes_python};
pub use explain::{Explanation, Fact};
use provider::Provider;
pub(crate) use request::FileRules;
pub use request::{Dependencies, Prereleases, Request};
pub use resolution::{LocalPin, Pin, Resolution};
pub use satisfaction::Satisfaction;

/// The outcome of a resolution.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A set of files that satisfies the request.
    Solved(Resolution),
    /// No set of files satisfies the request, for the reasons given.
    Unsolvable(Explanation),
}

/// Finds the newest set of files that satisfies a request on one platform.
///
/// The answer is deterministic: it depends only on the source, the request and the target.
/// Requirements whose marker is false on the target are ignored.
///
/// # Errors
///
/// Returns any error of the source. Returns [`ErrorKind::Marker`](crate::ErrorKind::Marker) if a
/// marker reads a variable that the target does not define. Returns
/// [`ErrorKind::TooHard`](crate::ErrorKind::TooHard) if the search takes too many decisions. A
/// request without a solution is not an error but [`Outcome::Unsolvable`].
pub fn resolve(source: &dyn Source, request: &Request, target: &Target) -> Result<Outcome, Error> {
    let provider = Provider::new(source, request, target)?;
    match solve::solve(&provider)? {
        Ok(solution) => provider.resolution(solution).map(Outcome::Solved),
        Err(tree) => Ok(Outcome::Unsolvable(Explanation::of(tree, &provider))),
    }
}

impl From<Vec<Requirement>> for Request {
    fn from(requirements: Vec<Requirement>) -> Self {
        Self::new(requirements)
    }
}
