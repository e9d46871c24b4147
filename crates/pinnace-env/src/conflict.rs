use std::fmt;

/// What does not go together, or is not there, and who is involved.
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
        /// The path.
        path: String,
        /// The layer whose file is kept.
        winner: String,
        /// The layer whose file is not.
        loser: String,
    },
    /// A file in one layer is a folder in another.
    FileAndFolder {
        /// The path.
        path: String,
        /// The layer that keeps it.
        winner: String,
        /// The layer whose file is left out.
        loser: String,
    },
    /// What a distribution requires is missing, or is there in a version that will not do.
    Unsatisfied {
        /// Who requires it.
        by: Owner,
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

/// A distribution and the layer that it comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The wheel's file name.
    pub file_name: String,
    /// The layer.
    pub layer: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (in {})", self.file_name, self.layer)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameProject { project, winner, loser } => {
                write!(f, "{project} is there twice: {winner} and {loser}")
            }
            Self::SameFile { path, winner, loser } => {
                write!(f, "`{path}` is in {winner} and, with other content, in {loser}")
            }
            Self::FileAndFolder { path, winner, loser } => {
                write!(
                    f,
                    "`{path}` is a file in one of {winner} and {loser}, and a folder in the other"
                )
            }
            Self::Unsatisfied { by, requirement, found: None } => {
                write!(f, "{by} requires {requirement}, which is missing")
            }
            Self::Unsatisfied { by, requirement, found: Some(found) } => {
                write!(f, "{by} requires {requirement}, but {found} is there")
            }
            Self::Unreadable { by, reason } => {
                write!(f, "a requirement of {by} cannot be understood: {reason}")
            }
            Self::Misfit { wheel } => write!(f, "{wheel} does not fit the platform"),
        }
    }
}
