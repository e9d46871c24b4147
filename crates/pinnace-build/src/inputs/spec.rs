use std::path::PathBuf;

use crate::{Error, ErrorKind, ProjectOption};

/// The requirements that a caller names, and the files that hold more of them.
///
/// Relative paths start in the folder of the [`Env`](crate::Env).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InputSpec {
    /// Requirements (PEP 508), or paths of wheels, source distributions and projects.
    pub requirements: Vec<String>,
    /// Requirements files and `pyproject.toml` files.
    pub requirement_files: Vec<PathBuf>,
    /// The folder of a project whose requirements and code are wanted.
    pub project: Option<PathBuf>,
    /// Extras of the project.
    pub extras: Vec<String>,
    /// Dependency groups of the project (PEP 735).
    pub groups: Vec<String>,
    /// The member of the workspace whose part of a `uv.lock` is wanted.
    pub package: Option<String>,
    /// Folders whose code is wanted although they are no projects.
    pub code: Vec<PathBuf>,
    /// Requirements files that limit versions.
    pub constraints: Vec<PathBuf>,
    /// Requirements that replace all others on their projects, or requirements files of them.
    pub overrides: Vec<String>,
    /// Projects that are left out although others require them.
    pub excludes: Vec<String>,
}

impl InputSpec {
    /// Checks that extras and groups belong to a project that is named, and that no member is named:
    /// only the lock of a workspace has members.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoProject`] with the option that belongs to nothing.
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

    /// Returns true if no requirement, file or project is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty() && self.requirement_files.is_empty() && self.project.is_none()
    }
}

/// The rules by which versions and files are chosen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SolveSpec {
    /// True if pre-releases are candidates like any other release.
    pub prereleases: bool,
    /// True if requirements of requirements are left out.
    pub no_deps: bool,
    /// The time from which uploads are ignored, as in `2026-11-25` or `2026-11-25T08:00:00Z`.
    pub exclude_newer: Option<String>,
    /// True if every file must have a hash in a requirements file.
    pub require_hashes: bool,
    /// Projects of which only wheels are candidates: names, `:all:` or `:none:`.
    pub only_binary: Vec<String>,
    /// Projects of which no wheels are candidates: names, `:all:` or `:none:`.
    pub no_binary: Vec<String>,
}
