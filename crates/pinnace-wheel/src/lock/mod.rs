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

/// The exact files that satisfy a request, for one or more platforms: what a `pylock.toml` holds
/// (PEP 751).
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
    /// The environments that it is for; all if there are none.
    environments: Vec<Marker>,
    requires_python: Option<String>,
    /// The extras that it knows, and the dependency groups.
    extras: Vec<ExtraName>,
    groups: Vec<ProjectName>,
    /// The groups that are installed where none are named.
    default_groups: Vec<ProjectName>,
    /// Projects that were overridden or excluded: what others require of them need not hold.
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
    /// Wheels, and an sdist, of an index.
    Listed(Vec<File>),
    /// The one file at an address that the request names.
    Archive(Box<File>),
    /// Code that is here.
    Directory(PathBuf),
    /// What can only be told: code in a repository.
    Repository(String),
}

impl Lock {
    /// The same, in which these projects were overridden or excluded. That is kept in the lock's own
    /// table of this tool.
    #[must_use]
    pub fn loosened(mut self, projects: impl IntoIterator<Item = ProjectName>) -> Self {
        self.loosened = projects.into_iter().collect();
        self
    }

    /// The projects and their versions, by name.
    pub fn versions(&self) -> impl Iterator<Item = (&ProjectName, Option<&Version>)> {
        self.packages.iter().map(|package| (&package.name, package.version.as_ref()))
    }
}
