use std::path::{Path, PathBuf};

use pinnace_wheel::{Metadata, Target};

use crate::Error;
#[cfg(doc)]
use crate::ErrorKind;

/// A maker of wheels from source.
pub trait Builder: Send + Sync {
    /// Returns the name that cache keys contain. A builder with other settings has another name.
    fn name(&self) -> String;

    /// Returns the metadata of the wheel without building it; `None` if the backend cannot tell.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Build`] if the backend fails.
    fn metadata(&self, request: &BuildRequest<'_>) -> Result<Option<Metadata>, Error>;

    /// Builds a wheel into the folder that the request names.
    ///
    /// # Errors
    ///
    /// As [`Self::metadata`].
    fn wheel(&self, request: &BuildRequest<'_>) -> Result<BuildOutput, Error>;
}

/// A source to build.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BuildRequest<'a> {
    /// The name of the source in messages.
    pub what: &'a str,
    /// The source, which the builder may write to.
    pub source: &'a Path,
    /// An empty folder for the wheel.
    pub out: &'a Path,
    /// The platform.
    pub target: &'a Target,
}

/// A wheel as a builder made it, before any check.
#[derive(Clone, Debug)]
pub struct BuildOutput {
    /// The path of the wheel.
    pub file: PathBuf,
    /// Notes for the user on the build.
    pub notes: Vec<String>,
}
