use std::fmt;

use crate::{ExtraName, ProjectName, version_key::VersionKey};

/// What the solver decides versions of. An extra is a package of its own that pins its base to its
/// own version, and brings what the extra requires.
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

/// The one version of the root.
pub(crate) fn root_point() -> VersionKey {
    VersionKey::of(&pep440_rs::Version::new([0]))
}
