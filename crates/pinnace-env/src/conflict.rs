use std::fmt;

use crate::Place;

/// What does not go together, or is not there, and who is involved.
///
/// Of two owners the first has won, whatever is made of the conflict: see [`Policy`](crate::Policy).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Conflict {
    /// One project twice, with different contents.
    SameProject {
        /// The project.
        project: String,
        /// Which is kept.
        winner: Owner,
        /// Which leaves whole.
        loser: Owner,
    },
    /// One file with two contents.
    SameFile {
        /// Where it is.
        place: Place,
        /// The path below that place.
        path: String,
        /// Whose file is kept.
        winner: Owner,
        /// Whose file is not.
        loser: Owner,
    },
    /// A file of one owner is a folder of another.
    FileAndFolder {
        /// Where it is.
        place: Place,
        /// The path below that place.
        path: String,
        /// Who keeps it.
        winner: Owner,
        /// Whose file, or folder, is left out.
        loser: Owner,
    },
    /// Two names that are one where case does not count. Both are kept: where they are one, they
    /// cannot be put on disk.
    SameButForCase {
        /// Where they are.
        place: Place,
        /// The path that came first.
        path: String,
        /// The other.
        other: String,
        /// Whose the first is.
        winner: Owner,
        /// Whose the other is.
        loser: Owner,
    },
    /// One program of two owners, that does not run the same.
    SameScript {
        /// Its name.
        name: String,
        /// Whose is kept.
        winner: Owner,
        /// Whose is not.
        loser: Owner,
    },
    /// What a distribution requires is missing, or is there in a version that will not do.
    Unsatisfied {
        /// Who requires it.
        by: Owner,
        /// The project that is required.
        project: String,
        /// The requirement.
        requirement: String,
        /// What is there instead, if anything is.
        found: Option<Owner>,
    },
    /// A requirement that cannot be understood, so that nobody knows whether it holds.
    Unreadable {
        /// Whose it is.
        by: Owner,
        /// Why.
        reason: String,
    },
    /// A wheel that does not fit the platform.
    Misfit {
        /// The wheel.
        wheel: Owner,
    },
}

/// What kind of a [`Conflict`] it is.
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

/// Whose something is: a distribution's of a layer, or a layer's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The layer.
    pub layer: String,
    /// The distribution, unless it is the layer's own.
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
    /// What kind it is.
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

    /// The path that it is about, if it is about one: a program's is `bin/<name>`, that of other
    /// files begins as they are imported, without the place.
    pub fn path(&self) -> Option<String> {
        match self {
            Self::SameFile { path, .. }
            | Self::FileAndFolder { path, .. }
            | Self::SameButForCase { path, .. } => Some(path.clone()),
            Self::SameScript { name, .. } => Some(format!("bin/{name}")),
            _ => None,
        }
    }

    /// The projects that it is about.
    pub fn projects(&self) -> Vec<&str> {
        let required = match self {
            Self::Unsatisfied { project, .. } => Some(project.as_str()),
            _ => None,
        };
        let owners = self.owners().into_iter().filter_map(|one| one.distribution.as_ref());
        owners.map(|one| one.project.as_str()).chain(required).collect()
    }

    /// Whether all of it is about one layer, so that it was there before the merge.
    pub fn is_within_a_layer(&self) -> bool {
        self.owners().windows(2).all(|two| two[0].layer == two[1].layer)
    }

    /// Whose it is.
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
            Some(one) => write!(f, "`{}` (in {})", one.file_name, self.layer),
            None => f.write_str(&self.layer),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameProject { project, winner, loser } => {
                write!(f, "{project} is there twice: {winner} and {loser}")
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
                write!(f, "the program `{name}` is in {winner} and, another one, in {loser}")
            }
            Self::Unsatisfied { by, requirement, found: None, .. } => {
                write!(f, "{by} requires {requirement}, which is missing")
            }
            Self::Unsatisfied { by, requirement, found: Some(found), .. } => {
                write!(f, "{by} requires {requirement}, but {found} is there")
            }
            Self::Unreadable { by, reason } => {
                write!(f, "a requirement of {by} cannot be understood: {reason}")
            }
            Self::Misfit { wheel } => write!(f, "{wheel} does not fit the platform"),
        }
    }
}
