//! Locks: the exact files that satisfy a request, for one or more platforms.

mod make;
mod paths;
mod pylock;
mod select;
mod update;
mod uv;
mod versions;
mod write;

use std::path::PathBuf;

use crate::{Address, ExtraName, File, Marker, ProjectName, Version};

pub use select::{Folder, FolderKind, Selection};
pub use update::Upgrade;
pub use uv::UvLock;
pub use versions::locked_versions;

/// A lock: the exact files that satisfy a request, for one or more platforms. It is the content of
/// a `pylock.toml` (PEP 751).
///
/// ```
/// use std::path::Path;
/// use pinnace_wheel::{Lock, MemorySource, Outcome, Request, Target, resolve};
///
/// let mut source = MemorySource::new();
/// source.add("app-1.0-py3-none-any.whl", &["lib; sys_platform == 'win32'"])?.sha256 = Some([1; 32]);
/// source.add("lib-1.0-py3-none-any.whl", &[])?.sha256 = Some([2; 32]);
///
/// let request = Request::new(["app".parse()?]);
/// let targets: [Target; 2] = ["linux_x86_64-cp312".parse()?, "win_amd64-cp312".parse()?];
/// let mut solved = Vec::new();
/// for target in &targets {
///     let Outcome::Solved(resolution) = resolve(&source, &request, target)? else { panic!() };
///     solved.push(resolution);
/// }
/// let lock = Lock::new(targets.iter().zip(&solved))?;
/// let text = lock.to_toml(Path::new("/project"));
/// let again = Lock::parse(&text, Path::new("/project"))?;
/// assert_eq!(again, lock);
/// assert_eq!(again.select(&targets[0], &[], &[])?.pins.len(), 1);
/// assert_eq!(again.select(&targets[1], &[], &[])?.pins.len(), 2);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {
    /// The environments that the lock is for; empty for all.
    environments: Vec<Marker>,
    requires_python: Option<String>,
    /// The extras that the lock distinguishes.
    extras: Vec<ExtraName>,
    /// The dependency groups that the lock distinguishes.
    groups: Vec<ProjectName>,
    /// The dependency groups that are installed if the caller names none.
    default_groups: Vec<ProjectName>,
    /// Overridden or excluded projects: requirements of other projects on them need not hold.
    loosened: Vec<ProjectName>,
    packages: Vec<Package>,
}

/// One project in one version.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Package {
    name: ProjectName,
    version: Option<Version>,
    marker: Option<Marker>,
    requires_python: Option<String>,
    index: Option<Address>,
    files: Files,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Files {
    /// The wheels, and possibly an sdist, of an index.
    Listed(Vec<File>),
    /// The one file at an address that the request names.
    Archive(Box<File>),
    /// A local folder with source code.
    Directory(PathBuf),
    /// Source code in a repository. It is only reported.
    Repository(String),
}

impl Lock {
    /// Sets the projects that were overridden or excluded. The lock stores them in this tool's own table.
    #[must_use]
    pub fn loosened(mut self, projects: impl IntoIterator<Item = ProjectName>) -> Self {
        self.loosened = projects.into_iter().collect();
        self
    }

    /// Returns the projects of the lock with their versions.
    pub fn versions(&self) -> impl Iterator<Item = (&ProjectName, Option<&Version>)> {
        self.packages.iter().map(|package| (&package.name, package.version.as_ref()))
    }
}
