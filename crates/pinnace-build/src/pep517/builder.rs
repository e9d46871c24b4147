use std::path::{Path, PathBuf};

use pinnace_wheel::{Metadata, Target};

use crate::Error;
#[cfg(doc)]
use crate::ErrorKind;

/// A builder of wheels from source.
pub trait Builder: Send + Sync {
    /// Returns the name, which is part of cache keys. A builder with other settings must have another name.
    fn name(&self) -> String;

    /// Returns the metadata of the wheel without building it; `None` if the backend has no hook for that.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Build`] if the backend fails.
    fn metadata(&self, request: &BuildRequest<'_>) -> Result<Option<Metadata>, Error>;

    /// Builds a wheel into the folder that the request names.
    ///
    /// # Errors
    ///
    /// See [`Self::metadata`].
    fn wheel(&self, request: &BuildRequest<'_>) -> Result<BuildOutput, Error>;
}

/// A request to build a source.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BuildRequest<'a> {
    /// The name of the source in messages.
    pub what: &'a str,
    /// The folder of the source, which the builder may modify.
    pub source: &'a Path,
    /// An empty folder for the wheel.
    pub out: &'a Path,
    /// The platform.
    pub target: &'a Target,
}

/// The output of a builder, before any check.
#[derive(Clone, Debug)]
pub struct BuildOutput {
    /// The path of the wheel.
    pub file: PathBuf,
    /// Notes for the user.
    pub notes: Vec<String>,
}
