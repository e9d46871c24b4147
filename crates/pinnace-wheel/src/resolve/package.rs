use std::fmt;

use pubgrub::Ranges;

use crate::{ExtraName, ProjectName, version_key::VersionKey};

/// A set of versions of one package, as the solver calculates with it.
pub(crate) type Versions = Ranges<VersionKey>;

/// A package: the unit for which the solver decides a version. An extra is a package of its own. It
/// pins its base to its own version and adds the requirements of the extra.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Package {
    Root,
    Base(ProjectName),
    Extra(ProjectName, ExtraName),
}

impl Package {
    pub(crate) fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::Root => None,
            Self::Base(project) | Self::Extra(project, _) => Some(project),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the request"),
            Self::Base(project) => project.fmt(f),
            Self::Extra(project, extra) => write!(f, "{project}[{extra}]"),
        }
    }
}

/// Returns the only version of the root package.
pub(crate) fn root_version() -> VersionKey {
    VersionKey::of(&pep440_rs::Version::new([0]))
}
