//! The part of a lock that one platform needs.

use std::path::PathBuf;

use super::{Files, Lock, Package, pylock::refuse};
use crate::{
    Error, ErrorKind, ExtraName, Pin, Project, ProjectName, Target, Unfit,
    resolve::{Candidates, Choice, FileRules, Yanked, excludes_python},
};

/// The part of a lock that one platform needs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// The chosen files.
    pub pins: Vec<Pin>,
    /// The folders with local source code.
    pub folders: Vec<Folder>,
    /// Projects whose source is in a repository, from which nothing is built.
    pub repositories: Vec<(ProjectName, String)>,
    /// Overridden or excluded projects: requirements of other projects on them need not hold.
    pub loosened: Vec<ProjectName>,
}

/// A folder with source code that a lock names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Folder {
    /// The project.
    pub project: ProjectName,
    /// The path of the folder.
    pub path: PathBuf,
    /// The kind of the folder, which decides whether its project is installed.
    pub kind: FolderKind,
}

/// The kind of a folder: its project is installed, or only the requirements of the project are.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FolderKind {
    /// A package, which is installed.
    Package,
    /// Not a package; uv calls it virtual.
    Virtual,
}

impl Lock {
    /// Checks whether an environment of the lock matches the platform. A lock without environments
    /// matches every platform.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Marker`] if a marker needs a value that the platform does not define.
    pub fn covers(&self, target: &Target) -> Result<bool, Error> {
        for marker in &self.environments {
            let holds = marker.holds(target.markers(), &[]);
            if holds.map_err(|source| marker_error("environments", source))? {
                return Ok(true);
            }
        }
        Ok(self.environments.is_empty())
    }

    /// Returns the extras that the lock distinguishes. Other extras that were requested when it was
    /// made are always included.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Returns the dependency groups that the lock distinguishes.
    pub fn groups(&self) -> &[ProjectName] {
        &self.groups
    }

    /// Selects the files for a platform, with these extras and dependency groups. Without groups,
    /// the lock's default groups apply.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lock`] if the lock is for other platforms, if two entries of a project
    /// apply, or if no file of a project is compatible.
    pub fn select(
        &self,
        target: &Target,
        extras: &[ExtraName],
        groups: &[ProjectName],
    ) -> Result<Selection, Error> {
        if !self.covers(target)? {
            let known: Vec<_> = self.environments.iter().map(ToString::to_string).collect();
            return Err(refuse(format!(
                "it is not for {target}, but for {}; lock again for that platform",
                known.join(" or ")
            )));
        }
        check_python(self.requires_python.as_deref(), target).map_err(refuse)?;
        if let Some(extra) = extras.iter().find(|extra| !self.extras.contains(*extra)) {
            return Err(refuse(format!("it has no extra `{extra}`")));
        }
        if let Some(group) = groups.iter().find(|group| !self.groups.contains(*group)) {
            return Err(refuse(format!("it has no dependency group `{group}`")));
        }
        let groups = if groups.is_empty() { &self.default_groups } else { groups };
        let loosened = self.loosened.clone();
        let mut selection = Selection { loosened, ..Selection::default() };
        let mut last: Option<&ProjectName> = None;
        for package in self.applying(target, extras, groups)? {
            if last == Some(&package.name) {
                return Err(refuse(format!("two entries of `{}` apply to {target}", package.name)));
            }
            last = Some(&package.name);
            package.add_to(&mut selection, target)?;
        }
        Ok(selection)
    }

    /// Returns the packages that apply, sorted by name.
    fn applying(
        &self,
        target: &Target,
        extras: &[ExtraName],
        groups: &[ProjectName],
    ) -> Result<Vec<&Package>, Error> {
        let mut packages = Vec::new();
        for package in &self.packages {
            let applies = match &package.marker {
                None => true,
                Some(marker) => marker
                    .holds_in_lock(target.markers(), extras, groups)
                    .map_err(|source| marker_error(package.name.as_str(), source))?,
            };
            if applies {
                packages.push(package);
            }
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(packages)
    }
}

/// Checks that the Python of the platform satisfies the specifiers.
pub(super) fn check_python(specifiers: Option<&str>, target: &Target) -> Result<(), String> {
    match specifiers.filter(|specifiers| excludes_python(specifiers, target)) {
        Some(specifiers) => {
            let python = target.python();
            Err(format!("it requires Python {specifiers}, but {target} has {python}"))
        }
        None => Ok(()),
    }
}

fn marker_error(requirement: &str, source: crate::MarkerError) -> Error {
    ErrorKind::Marker { requirement: requirement.to_owned(), source }.into()
}

impl Package {
    pub(super) fn add_to(&self, selection: &mut Selection, target: &Target) -> Result<(), Error> {
        let name = self.name.clone();
        check_python(self.requires_python.as_deref(), target)
            .map_err(|reason| refuse(format!("`{name}`: {reason}")))?;
        match &self.files {
            Files::Directory(path) => selection.folders.push(Folder {
                project: name,
                path: path.clone(),
                kind: FolderKind::Package,
            }),
            Files::Repository(url) => selection.repositories.push((name, url.clone())),
            Files::Archive(file) => selection.pins.push(Pin::new(name, (**file).clone())),
            Files::Listed(files) => {
                let project = Project::new(files.iter().cloned());
                let rules = FileRules::default();
                let candidates = Candidates { target, rules: &rules };
                let mut unfit = Unfit::NoFile;
                for release in project.releases() {
                    match candidates.choose(&name, release, Yanked::Allowed)? {
                        Choice::File(file) => {
                            selection.pins.push(Pin::new(name, *file));
                            return Ok(());
                        }
                        Choice::Unfit(reason) => unfit = reason,
                    }
                }
                return Err(refuse(format!("`{name}` {unfit}")));
            }
        }
        Ok(())
    }
}
