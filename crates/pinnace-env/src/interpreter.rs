use std::path::{Path, PathBuf};

/// The interpreter of an environment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interpreter {
    executable: PathBuf,
    implementation: Implementation,
    version: (u64, u64, u64),
    /// `t` of builds without a global lock (PEP 703).
    suffix: &'static str,
}

/// Who made an [`Interpreter`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Implementation {
    /// CPython.
    CPython,
    /// PyPy.
    PyPy,
}

impl Interpreter {
    /// The interpreter at a path. That of a virtual environment is to be given as the one that the
    /// environment was made from.
    pub fn new(
        executable: impl Into<PathBuf>,
        implementation: Implementation,
        version: (u64, u64, u64),
    ) -> Self {
        Self { executable: executable.into(), implementation, version, suffix: "" }
    }

    /// The same, built without a global lock (PEP 703).
    #[must_use]
    pub fn free_threaded(mut self) -> Self {
        self.suffix = "t";
        self
    }

    /// Its path.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Its version.
    pub fn version(&self) -> (u64, u64, u64) {
        self.version
    }

    /// How it is called, with its version, as in `python3.12`.
    pub fn name(&self) -> String {
        let name = match self.implementation {
            Implementation::CPython => "python",
            Implementation::PyPy => "pypy",
        };
        let (major, minor, _) = self.version;
        format!("{name}{major}.{minor}{}", self.suffix)
    }
}
