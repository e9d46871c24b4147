use std::fmt;

use crate::Place;

/// A conflict between sources, or an unmet requirement, with the owners involved.
///
/// Of two owners the first has won, whatever the ruling: see [`Policy`](crate::Policy).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Conflict {
    /// One project twice, with different contents.
    SameProject {
        /// The project.
        project: String,
        /// The owner that is kept.
        winner: Owner,
        /// The owner that is dropped entirely.
        loser: Owner,
    },
    /// One file with two contents.
    SameFile {
        /// The place of the file.
        place: Place,
        /// The path below that place.
        path: String,
        /// The owner whose file is kept.
        winner: Owner,
        /// The owner whose file is dropped.
        loser: Owner,
    },
    /// A file of one owner is a folder of another.
    FileAndFolder {
        /// The place of the path.
        place: Place,
        /// The path below that place.
        path: String,
        /// The owner whose file or folder is kept.
        winner: Owner,
        /// The owner whose file or folder is dropped.
        loser: Owner,
    },
    /// Two names that differ only in case. Both are kept, but a case-insensitive file system cannot
    /// hold both.
    SameButForCase {
        /// The place of both.
        place: Place,
        /// The path that came first.
        path: String,
        /// The other path.
        other: String,
        /// The owner of the first.
        winner: Owner,
        /// The owner of the other.
        loser: Owner,
    },
    /// One program name of two owners, with different targets or contents.
    SameScript {
        /// The program's name.
        name: String,
        /// The owner whose program is kept.
        winner: Owner,
        /// The owner whose program is dropped.
        loser: Owner,
    },
    /// A requirement whose project is missing, or has a version that does not satisfy it.
    Unsatisfied {
        /// The owner of the requirement.
        by: Owner,
        /// The required project.
        project: String,
        /// The requirement.
        requirement: String,
        /// The owner of the version that is there instead, if there is one.
        found: Option<Owner>,
    },
    /// A requirement that cannot be parsed, so the merge cannot check it.
    Unreadable {
        /// The owner of the requirement.
        by: Owner,
        /// The reason.
        reason: String,
    },
    /// A wheel that does not fit the platform.
    Misfit {
        /// The wheel.
        wheel: Owner,
    },
}

/// The kinds of [`Conflict`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each has the name of the conflict that it is the kind of")]
pub enum ConflictKind {
    SameProject,
    SameFile,
    FileAndFolder,
    SameButForCase,
    SameScript,
    Unsatisfied,
    Unreadable,
    Misfit,
}

/// An owner of files or requirements: a distribution in a layer, or the layer itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The layer.
    pub layer: String,
    /// The distribution; `None` for the layer itself.
    pub distribution: Option<OwnerDistribution>,
}

/// The distribution of an [`Owner`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnerDistribution {
    /// The project.
    pub project: String,
    /// The wheel's file name.
    pub file_name: String,
}

impl Conflict {
    /// Returns the kind.
    pub fn kind(&self) -> ConflictKind {
        match self {
            Self::SameProject { .. } => ConflictKind::SameProject,
            Self::SameFile { .. } => ConflictKind::SameFile,
            Self::FileAndFolder { .. } => ConflictKind::FileAndFolder,
            Self::SameButForCase { .. } => ConflictKind::SameButForCase,
            Self::SameScript { .. } => ConflictKind::SameScript,
            Self::Unsatisfied { .. } => ConflictKind::Unsatisfied,
            Self::Unreadable { .. } => ConflictKind::Unreadable,
            Self::Misfit { .. } => ConflictKind::Misfit,
        }
    }

    /// Returns the path of the conflict, if it concerns one. The path of a program is `bin/<name>`.
    /// Other paths are relative to their place, so a module's path starts with its package.
    pub fn path(&self) -> Option<String> {
        match self {
            Self::SameFile { path, .. }
            | Self::FileAndFolder { path, .. }
            | Self::SameButForCase { path, .. } => Some(path.clone()),
            Self::SameScript { name, .. } => Some(format!("bin/{name}")),
            _ => None,
        }
    }

    /// Returns the projects involved.
    pub fn projects(&self) -> Vec<&str> {
        let required = match self {
            Self::Unsatisfied { project, .. } => Some(project.as_str()),
            _ => None,
        };
        let owners = self.owners().into_iter().filter_map(|owner| owner.distribution.as_ref());
        owners.map(|distribution| distribution.project.as_str()).chain(required).collect()
    }

    /// Returns true if all owners are in one layer, so the conflict existed before the merge.
    pub fn is_within_a_layer(&self) -> bool {
        self.owners().windows(2).all(|two| two[0].layer == two[1].layer)
    }

    /// Returns the owners involved.
    fn owners(&self) -> Vec<&Owner> {
        match self {
            Self::SameProject { winner, loser, .. }
            | Self::SameFile { winner, loser, .. }
            | Self::FileAndFolder { winner, loser, .. }
            | Self::SameButForCase { winner, loser, .. }
            | Self::SameScript { winner, loser, .. } => vec![winner, loser],
            Self::Unsatisfied { by: owner, .. }
            | Self::Unreadable { by: owner, .. }
            | Self::Misfit { wheel: owner } => vec![owner],
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.distribution {
            Some(distribution) => write!(f, "`{}` (in {})", distribution.file_name, self.layer),
            None => f.write_str(&self.layer),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameProject { project, winner, loser } => {
                write!(f, "two distributions of {project}: {winner} and {loser}")
            }
            Self::SameFile { path, winner, loser, .. } => {
                write!(f, "`{path}` is in {winner} and, with other content, in {loser}")
            }
            Self::FileAndFolder { path, winner, loser, .. } => write!(
                f,
                "`{path}` is a file in one of {winner} and {loser}, and a folder in the other"
            ),
            Self::SameButForCase { path, other, winner, loser, .. } => write!(
                f,
                "`{path}` of {winner} and `{other}` of {loser} differ in case only, which some \
                 systems do not tell apart"
            ),
            Self::SameScript { name, winner, loser } => {
                write!(f, "the program `{name}` is in {winner} and, with other content, in {loser}")
            }
            Self::Unsatisfied { by, requirement, found: None, .. } => {
                write!(f, "{by} requires {requirement}, which is missing")
            }
            Self::Unsatisfied { by, requirement, found: Some(found), .. } => {
                write!(f, "{by} requires {requirement}, but {found} is there")
            }
            Self::Unreadable { by, reason } => {
                write!(f, "cannot parse a requirement of {by}: {reason}")
            }
            Self::Misfit { wheel } => write!(f, "{wheel} does not fit the platform"),
        }
    }
}
