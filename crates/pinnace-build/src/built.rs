use std::path::PathBuf;

use crate::{PexWritten, Timings, Wheel};

/// A finished build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Built {
    /// The file, or the folder of two files.
    pub output: PathBuf,
    /// Each file that was written.
    pub files: Vec<BuiltFile>,
    /// The wheels of all platforms, each once, sorted by name.
    pub wheels: Vec<Wheel>,
    /// The duration of each step.
    pub timings: Timings,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// A file of a finished build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuiltFile {
    /// The path, as the caller named it.
    pub path: PathBuf,
    /// The size and digests.
    pub written: PexWritten,
}
