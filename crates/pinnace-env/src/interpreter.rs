use std::path::{Path, PathBuf};

/// The interpreter of an environment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interpreter {
    executable: PathBuf,
    implementation: Implementation,
    version: (u64, u64, u64),
    /// `t` for builds without the global interpreter lock (PEP 703), else empty.
    suffix: &'static str,
}

/// The implementation of an [`Interpreter`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Implementation {
    /// CPython.
    CPython,
    /// PyPy.
    PyPy,
}

impl Interpreter {
    /// Creates an interpreter at a path. For one of a virtual environment, pass the interpreter
    /// that the environment was created from.
    pub fn new(
        executable: impl Into<PathBuf>,
        implementation: Implementation,
        version: (u64, u64, u64),
    ) -> Self {
        Self { executable: executable.into(), implementation, version, suffix: "" }
    }

    /// Returns a copy built without the global interpreter lock (PEP 703).
    #[must_use]
    pub fn free_threaded(mut self) -> Self {
        self.suffix = "t";
        self
    }

    /// Returns the path of the executable.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Returns the version.
    pub fn version(&self) -> (u64, u64, u64) {
        self.version
    }

    /// Returns the name with the version, as in `python3.12`.
    pub fn name(&self) -> String {
        let name = match self.implementation {
            Implementation::CPython => "python",
            Implementation::PyPy => "pypy",
        };
        let (major, minor, _) = self.version;
        format!("{name}{major}.{minor}{}", self.suffix)
    }
}
