use std::path::PathBuf;

use crate::{Error, ErrorKind, ProjectOption};

/// The requirements that a caller names, directly or by files.
///
/// Relative paths start in the folder of the [`Env`](crate::Env).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InputSpec {
    /// Requirements (PEP 508), or paths of wheels, source distributions and projects.
    pub requirements: Vec<String>,
    /// Requirements files and `pyproject.toml` files.
    pub requirement_files: Vec<PathBuf>,
    /// The folder of a project whose requirements and code to add.
    pub project: Option<PathBuf>,
    /// Extras of the project.
    pub extras: Vec<String>,
    /// Dependency groups of the project (PEP 735).
    pub groups: Vec<String>,
    /// The workspace member to select from a `uv.lock`.
    pub package: Option<String>,
    /// Folders without a project whose code to add.
    pub code: Vec<PathBuf>,
    /// Constraints files, which limit versions.
    pub constraints: Vec<PathBuf>,
    /// Overrides: requirements that replace all others on their projects, or files of them.
    pub overrides: Vec<String>,
    /// Projects to exclude although others require them.
    pub excludes: Vec<String>,
}

impl InputSpec {
    /// Checks inputs that come without a lock: extras and groups need a project, and a workspace member needs a
    /// lock.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoProject`] with the option that has no project or lock.
    pub fn check_without_lock(&self) -> Result<(), Error> {
        let is_project =
            |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml");
        let has_project = self.project.is_some() || self.requirement_files.iter().any(is_project);
        let option = match self {
            _ if self.package.is_some() => Some(ProjectOption::Member),
            _ if !has_project && !self.extras.is_empty() => Some(ProjectOption::Extra),
            _ if !has_project && !self.groups.is_empty() => Some(ProjectOption::Group),
            _ => None,
        };
        option.map_or(Ok(()), |option| Err(ErrorKind::NoProject { option }.into()))
    }

    /// Returns true if the specification names no requirement, file or project.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty() && self.requirement_files.is_empty() && self.project.is_none()
    }
}

/// The rules of the resolver.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SolveSpec {
    /// True to allow pre-releases.
    pub prereleases: bool,
    /// True to ignore the requirements of requirements.
    pub no_deps: bool,
    /// The time from which to ignore uploads, such as `2026-11-25` or `2026-11-25T08:00:00Z`.
    pub exclude_newer: Option<String>,
    /// True to require a hash in a requirements file for every file.
    pub require_hashes: bool,
    /// Projects to take only as wheels: names, `:all:` or `:none:`.
    pub only_binary: Vec<String>,
    /// Projects to take only as source distributions: names, `:all:` or `:none:`.
    pub no_binary: Vec<String>,
}
