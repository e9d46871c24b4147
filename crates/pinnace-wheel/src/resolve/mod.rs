//! One request, one platform, one set of wheels: PubGrub over a [`Source`].

mod candidate;
mod explain;
mod package;
mod provider;

use pubgrub::PubGrubError;

use crate::{
    Error, ErrorKind, ExtraName, File, ProjectName, Requirement, Source, Target, Version, WheelName,
};

pub use candidate::Unfit;
pub(crate) use candidate::{Choice, Yanked, best_release, choose};
pub use explain::{Explanation, Fact};
use package::Package;
use provider::Provider;

/// What a resolution came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A set of wheels that satisfies the request.
    Solved(Resolution),
    /// There is none, and this is why.
    Unsolvable(Explanation),
}

/// A set of wheels, one per project, that satisfies a request.
#[derive(Clone, Debug)]
pub struct Resolution {
    pins: Vec<Pin>,
    warnings: Vec<String>,
}

/// One chosen wheel.
#[derive(Clone, Debug)]
pub struct Pin {
    wheel: WheelName,
    file: File,
    extras: Vec<ExtraName>,
    requires: Vec<String>,
}

impl Resolution {
    /// The wheels, by project name.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// What the user should know: yanked files that were pinned, extras that do not exist.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Pin {
    /// The project.
    pub fn project(&self) -> &ProjectName {
        self.wheel.project()
    }

    /// The version.
    pub fn version(&self) -> &Version {
        self.wheel.version()
    }

    /// The wheel.
    pub fn wheel(&self) -> &WheelName {
        &self.wheel
    }

    /// The wheel as the index lists it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The extras that are asked for.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Its `Requires-Dist` headers.
    pub fn requires(&self) -> &[String] {
        &self.requires
    }
}

/// Finds the newest set of wheels that satisfies all requirements on one platform.
///
/// The same source, requirements and target give the same answer. Requirements whose marker does
/// not hold on the target are ignored.
///
/// # Errors
///
/// Whatever the source fails with. That there is no solution is not an error.
pub fn resolve(
    source: &dyn Source,
    requirements: &[Requirement],
    target: &Target,
) -> Result<Outcome, Error> {
    let provider = Provider::new(source, requirements, target);
    match pubgrub::resolve(&provider, Package::Root, package::root_point()) {
        Ok(solution) => provider.resolution(solution).map(Outcome::Solved),
        Err(PubGrubError::NoSolution(tree)) => {
            Ok(Outcome::Unsolvable(Explanation::of(tree, &provider)))
        }
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => Err(source),
    }
}

/// A wheel is expected of this file; sdists are sorted out before.
pub(crate) fn wheel_of(file: &File) -> Result<&WheelName, Error> {
    match &file.artifact {
        crate::Artifact::Wheel(wheel) => Ok(wheel),
        crate::Artifact::Sdist(_) => Err(ErrorKind::Metadata {
            file: file.artifact.file_name().to_owned(),
            reason: "it is not a wheel".to_owned(),
        }
        .into()),
    }
}
