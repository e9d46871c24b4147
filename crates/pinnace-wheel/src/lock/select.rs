//! What of a lock is for one platform.

use std::path::PathBuf;

use super::{Files, Lock, Package, pylock::refuse};
use crate::{
    Error, ErrorKind, ExtraName, Pin, Project, ProjectName, Target, Unfit,
    resolve::{Candidates, Choice, FileRules, Yanked, excludes_python},
};

/// What of a lock is for one platform.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// The files.
    pub pins: Vec<Pin>,
    /// The folders with code of their own.
    pub folders: Vec<Folder>,
    /// Projects whose source is in a repository, from which nothing is built.
    pub repositories: Vec<(ProjectName, String)>,
    /// Projects that were overridden or excluded: what others require of them need not hold.
    pub loosened: Vec<ProjectName>,
}

/// A folder with code that a lock names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Folder {
    /// The project.
    pub project: ProjectName,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is installed.
    pub kind: FolderKind,
}

/// Whether the project of a folder is installed, or only what it requires.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FolderKind {
    /// It is a package.
    Package,
    /// It is none; uv calls it virtual.
    Virtual,
}

impl Lock {
    /// Whether some environment of the lock is the platform's.
    ///
    /// # Errors
    ///
    /// If a marker asks for what the platform does not know.
    pub fn covers(&self, target: &Target) -> Result<bool, Error> {
        for marker in &self.environments {
            let holds = marker.holds(target.markers(), &[]);
            if holds.map_err(|source| marker_error("environments", source))? {
                return Ok(true);
            }
        }
        Ok(self.environments.is_empty())
    }

    /// The extras that it tells apart; what else was asked for when it was made is in it for good.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// The dependency groups that it tells apart.
    pub fn groups(&self) -> &[ProjectName] {
        &self.groups
    }

    /// The files for a platform, with these extras and dependency groups.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lock`] if the lock is for other platforms, has two entries of a project that
    /// apply, or no file of one that fits.
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

    /// By name.
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

/// Whether a lock is for the platform's Python.
pub(super) fn check_python(specifiers: Option<&str>, target: &Target) -> Result<(), String> {
    match specifiers.filter(|specifiers| excludes_python(specifiers, target)) {
        Some(specifiers) => {
            let python = target.python();
            Err(format!("it requires Python {specifiers}, and {target} has {python}"))
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
            .map_err(|reason| refuse(format!("of `{name}`: {reason}")))?;
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
                return Err(refuse(format!("`{name}` in it {unfit}")));
            }
        }
        Ok(())
    }
}
