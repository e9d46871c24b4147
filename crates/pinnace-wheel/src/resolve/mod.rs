//! One request, one platform, one set of files: PubGrub over a [`Source`].

mod candidate;
mod explain;
mod package;
mod provider;
mod request;
mod requires;
mod satisfaction;
mod solution;
mod solve;

use std::collections::BTreeSet;

use crate::{
    Error, ExtraName, File, MarkerVariable, ProjectName, Requirement, Source, Target, Version,
    WheelName,
};

pub use candidate::Unfit;
pub(crate) use candidate::{Candidates, Choice, Yanked, best_release, excludes_python};
pub use explain::{Explanation, Fact};
use provider::Knowledge;
pub(crate) use request::FileRules;
pub use request::{Dependencies, Formats, Prereleases, Request};
pub use satisfaction::Satisfaction;

/// What a resolution came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A set of files that satisfies the request.
    Solved(Resolution),
    /// There is none, and this is why.
    Unsolvable(Explanation),
}

/// A set of files, one per project, that satisfies a request.
#[derive(Clone, Debug)]
pub struct Resolution {
    pins: Vec<Pin>,
    locals: Vec<LocalPin>,
    warnings: Vec<String>,
    markers_read: Vec<MarkerVariable>,
}

/// One chosen file.
#[derive(Clone, Debug)]
pub struct Pin {
    project: ProjectName,
    file: File,
    extras: Vec<ExtraName>,
    requires: Vec<String>,
    by_address: bool,
    /// The digests that will do, if the index did not tell the file's own; any, if this is empty.
    hashes: BTreeSet<[u8; 32]>,
}

/// A project whose code is here, and which the request needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalPin {
    /// The project.
    pub project: ProjectName,
    /// Its version.
    pub version: Version,
    /// Where it is, as the request says.
    pub path: String,
}

impl Resolution {
    /// The files, by project name.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// The projects whose code is here.
    pub fn locals(&self) -> &[LocalPin] {
        &self.locals
    }

    /// The same with these files, which are the same but for what is known of them.
    #[must_use]
    pub fn with_pins(mut self, pins: Vec<Pin>) -> Self {
        self.pins = pins;
        self
    }

    /// What the user should know: yanked files that were pinned, extras that do not exist.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The marker variables that were read on the way. Where these have the same values, and the
    /// tags are the same, the answer is the same.
    pub fn markers_read(&self) -> &[MarkerVariable] {
        &self.markers_read
    }
}

impl Pin {
    /// A file that was chosen at another time, as a lock has it.
    pub fn new(project: ProjectName, file: File) -> Self {
        let (extras, requires, hashes) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { project, file, extras, requires, by_address: false, hashes }
    }

    /// The same, of which these extras are asked for.
    #[must_use]
    pub fn with_extras(mut self, extras: Vec<ExtraName>) -> Self {
        self.extras = extras;
        self
    }

    /// Whether the request allows these bytes.
    pub(crate) fn allows(&self, sha256: &[u8; 32]) -> bool {
        self.hashes.is_empty() || self.hashes.contains(sha256)
    }

    /// The same, of bytes with this SHA-256.
    #[must_use]
    pub(crate) fn with_sha256(mut self, sha256: [u8; 32]) -> Self {
        self.file.sha256 = Some(sha256);
        self
    }

    /// The project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// The version.
    pub fn version(&self) -> &Version {
        self.file.artifact.version()
    }

    /// The wheel; `None` if it is a source distribution, which must be built first.
    pub fn wheel(&self) -> Option<&WheelName> {
        self.file.artifact.wheel()
    }

    /// The file as the index lists it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The extras that are asked for.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Its `Requires-Dist` headers, where they were read.
    pub fn requires(&self) -> &[String] {
        &self.requires
    }

    /// Whether the request named its address, not just its project.
    pub fn is_by_address(&self) -> bool {
        self.by_address
    }
}

/// Finds the newest set of files that satisfies a request on one platform.
///
/// The same source, request and target give the same answer. Requirements whose marker does not
/// hold on the target are ignored.
///
/// # Errors
///
/// Whatever the source fails with, markers that ask for what the target does not know, and
/// [`ErrorKind::TooHard`](crate::ErrorKind::TooHard). That there is no solution is not an error.
pub fn resolve(source: &dyn Source, request: &Request, target: &Target) -> Result<Outcome, Error> {
    let knowledge = Knowledge::new(source, request, target)?;
    match solve::solve(&knowledge)? {
        Ok(solution) => knowledge.resolution(solution).map(Outcome::Solved),
        Err(tree) => Ok(Outcome::Unsolvable(Explanation::of(tree, &knowledge))),
    }
}

impl From<Vec<Requirement>> for Request {
    fn from(requirements: Vec<Requirement>) -> Self {
        Self::new(requirements)
    }
}
