use std::collections::{BTreeMap, BTreeSet};

use super::Lock;
use crate::{Inputs, ProjectName, Request, Version};

/// The projects of a lock that are chosen anew when the lock is updated.
///
/// ```
/// use pinnace_wheel::{Request, Upgrade};
///
/// let locked = [("app".parse()?, "1.0".parse()?), ("lib".parse()?, "2.0".parse()?)].into();
/// let request = Request::new(["app".parse()?]);
/// let upgrade = Upgrade::Projects([("lib".parse()?)].into());
/// let request = request.updating(&locked, &upgrade);
/// assert_eq!(request.preference(&"app".parse()?), Some(&"1.0".parse()?));
/// assert_eq!(request.preference(&"lib".parse()?), None);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Upgrade {
    /// None: every version stays as long as it satisfies the request.
    #[default]
    Nothing,
    /// All of them.
    Everything,
    /// These projects.
    Projects(BTreeSet<ProjectName>),
}

impl Upgrade {
    /// Returns a project to upgrade that a lock does not have.
    pub fn unknown(&self, locked: &BTreeMap<ProjectName, Version>) -> Option<&ProjectName> {
        match self {
            Self::Projects(projects) => projects.iter().find(|name| !locked.contains_key(*name)),
            Self::Nothing | Self::Everything => None,
        }
    }

    fn contains(&self, project: &ProjectName) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Projects(projects) => projects.contains(project),
        }
    }
}

impl Request {
    /// Prefers the versions of an earlier lock, except for projects that are upgraded.
    #[must_use]
    pub fn updating(self, locked: &BTreeMap<ProjectName, Version>, upgrade: &Upgrade) -> Self {
        let preferred = locked.iter().filter(|(project, _)| !upgrade.contains(project));
        preferred.fold(self, |request, (project, version)| {
            request.prefer(project.clone(), version.clone())
        })
    }
}

impl Lock {
    /// Returns the projects with their versions; those without a version, such as folders, are left out.
    pub fn pinned(&self) -> BTreeMap<ProjectName, Version> {
        let versions = self.versions();
        versions.filter_map(|(name, version)| Some((name.clone(), version?.clone()))).collect()
    }
}

impl Inputs {
    /// Returns the pins of a requirements file that holds nothing else, such as an exported lock; `None` if any
    /// requirement is not pinned. Requirements by URL are left out.
    pub fn pinned(&self) -> Option<BTreeMap<ProjectName, Version>> {
        let mut pins = BTreeMap::new();
        for named in &self.requirements {
            let requirement = &named.requirement;
            match requirement.specifiers().pinned() {
                Some(version) => drop(pins.insert(requirement.name().clone(), version)),
                None if requirement.url().is_some() => {}
                None => return None,
            }
        }
        Some(pins)
    }
}
