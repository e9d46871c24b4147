use std::path::PathBuf;

use crate::{FileSpec, IndexSpec, InputSpec, PlatformSpec, Program, SolveSpec};

/// The complete specification of a build. Relative paths start in the folder of the [`Env`](crate::Env).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BuildSpec {
    /// The requirements.
    pub inputs: InputSpec,
    /// A `pylock.toml` or `uv.lock`, whose files are used instead of resolving.
    pub lock: Option<PathBuf>,
    /// Folders whose contents to add as code.
    pub sources: Vec<PathBuf>,
    /// Packages to add as code: a dotted name, and the folder that contains it.
    pub packages: Vec<(String, PathBuf)>,
    /// Modules to add as code: a dotted name, and the folder that contains it.
    pub modules: Vec<(String, PathBuf)>,
    /// The program.
    pub program: Program,
    /// The use of the `script` block of a program that is a file (PEP 723).
    pub script_block: ScriptBlock,
    /// The file to write, or the folder for a layout that is a folder.
    pub output: Option<PathBuf>,
    /// The number of files to write.
    pub split: Split,
    /// The meaning of a build without requirements and code.
    pub emptiness: Emptiness,
    /// The platforms.
    pub platforms: PlatformSpec,
    /// The format and start-up settings of the file.
    pub file: FileSpec,
    /// The rules of the resolver.
    pub solve: SolveSpec,
    /// The indexes.
    pub indexes: IndexSpec,
}

/// The use of a program's `script` block (PEP 723).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ScriptBlock {
    /// Add its requirements and its Python versions.
    #[default]
    Read,
    /// Ignore it.
    Ignored,
}

/// The number of files that a build writes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Split {
    /// One file with wheels and code.
    #[default]
    One,
    /// `deps.pex` with the wheels, and `source.pex` with the code, in a folder.
    Two,
}

/// The meaning of a build without requirements and code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Emptiness {
    /// Build the project in the current folder, with its lock and its settings.
    #[default]
    Project,
    /// Build a file without requirements and code.
    Allowed,
}

impl BuildSpec {
    /// Returns true if the specification names no requirements, code or lock, and so means the project in the
    /// current folder.
    pub fn means_project(&self) -> bool {
        self.inputs.is_empty()
            && self.lock.is_none()
            && self.sources.is_empty()
            && self.packages.is_empty()
            && self.modules.is_empty()
            && matches!(self.program, Program::Interpreter | Program::Script(_))
            && self.emptiness == Emptiness::Project
    }
}
