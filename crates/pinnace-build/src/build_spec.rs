use std::path::PathBuf;

use crate::{FileSpec, IndexSpec, InputSpec, PlatformSpec, Program, SolveSpec};

/// Everything that a build can be told. Relative paths start in the folder of the [`Env`](crate::Env).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BuildSpec {
    /// The requirements.
    pub inputs: InputSpec,
    /// A `pylock.toml` or `uv.lock`, whose files are taken instead of resolving.
    pub lock: Option<PathBuf>,
    /// Folders whose contents are added as code.
    pub sources: Vec<PathBuf>,
    /// Packages that are added as code: a dotted name, and the folder that it is in.
    pub packages: Vec<(String, PathBuf)>,
    /// Modules that are added as code: a dotted name, and the folder that it is in.
    pub modules: Vec<(String, PathBuf)>,
    /// The program.
    pub program: Program,
    /// The use of the `script` block of a program that is a file (PEP 723).
    pub script_block: ScriptBlock,
    /// The file to write, or the folder of a layout that is one.
    pub output: Option<PathBuf>,
    /// The number of files: one for everything, or two.
    pub split: Split,
    /// A rule for a build without requirements and code.
    pub emptiness: Emptiness,
    /// The platforms.
    pub platforms: PlatformSpec,
    /// The form of the file, and the way it starts.
    pub file: FileSpec,
    /// The rules of the resolver.
    pub solve: SolveSpec,
    /// The indexes.
    pub indexes: IndexSpec,
}

/// The use of a program's `script` block (PEP 723).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ScriptBlock {
    /// Its requirements and its Python versions count.
    #[default]
    Read,
    /// It is ignored.
    Ignored,
}

/// The number of files that a build writes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Split {
    /// One file with everything.
    #[default]
    One,
    /// `deps.pex` with the wheels, and `source.pex` with the code, in a folder.
    Two,
}

/// The meaning of a build without requirements and code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Emptiness {
    /// It builds the project in the current folder, as its files, its lock and its settings describe it.
    #[default]
    Project,
    /// It builds an empty file.
    Allowed,
}

impl BuildSpec {
    /// Returns true if it names no requirements, no code and no lock: it builds the project in the
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
