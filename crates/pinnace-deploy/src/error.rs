use std::{
    io,
    path::{Path, PathBuf},
};

use pinnace_store::Digest;

/// Why something could not be made, published, fetched or laid out.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether trying again later may help.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Store(error) => error.is_retryable(),
            ErrorKind::Changed { .. } => true,
            _ => false,
        }
    }

    /// Whether the store does not have something that it should have.
    pub fn is_lost(&self) -> bool {
        match self.kind() {
            ErrorKind::Lost { .. } => true,
            ErrorKind::Store(error) => {
                matches!(error.kind(), pinnace_store::ErrorKind::Lost { .. })
            }
            _ => false,
        }
    }

    /// Makes the error of an operation on `path`; used as `.map_err(Error::at("read", path))`.
    pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| ErrorKind::Io { doing, path: path.to_owned(), source }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<pinnace_store::Error> for Error {
    fn from(error: pinnace_store::Error) -> Self {
        ErrorKind::Store(error).into()
    }
}

impl From<pinnace_pex::Error> for Error {
    fn from(error: pinnace_pex::Error) -> Self {
        match error.kind() {
            pinnace_pex::ErrorKind::Changed { path } => {
                ErrorKind::Changed { path: path.display().to_string() }.into()
            }
            _ => ErrorKind::Pex(error).into(),
        }
    }
}

impl From<pinnace_env::Error> for Error {
    fn from(error: pinnace_env::Error) -> Self {
        ErrorKind::Environment(error).into()
    }
}

impl From<pinnace_wheel::Error> for Error {
    fn from(error: pinnace_wheel::Error) -> Self {
        ErrorKind::Wheel(error).into()
    }
}

/// The kinds of [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file system failed.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// What a project says of itself cannot be used.
    #[error("`{origin}`: {reason}")]
    Settings {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// Something in a project cannot be shipped.
    #[error("`{path}` cannot be shipped: {reason}")]
    Unfit {
        /// What it is, from the project's folder.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A project changed while it was looked at.
    #[error("`{path}` changed while it was read: try again when the project is at rest")]
    Changed {
        /// The file.
        path: String,
    },
    /// A wheel could not be built of a source, or is not what was asked for.
    #[error("`{what}` cannot be built: {reason}{log}")]
    Build {
        /// The source.
        what: String,
        /// What happened.
        reason: String,
        /// The last lines of what the backend said, each after a newline.
        log: String,
    },
    /// A manifest is not what it is taken for.
    #[error("{digest} is no {kind} that can be used: {reason}")]
    Manifest {
        /// The manifest.
        digest: Digest,
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Something of a release is not in the store.
    #[error(
        "{digest} is not in the store, and {by} refers to it: `pinnace store check` finds all that is wrong"
    )]
    Lost {
        /// What is not there.
        digest: Digest,
        /// What refers to it.
        by: String,
    },
    /// A release does not run here.
    #[error("the release is for {platform}, and {python} is {found}: {reason}")]
    OtherPlatform {
        /// The platform of the release.
        platform: String,
        /// The interpreter.
        python: String,
        /// The platform that this is.
        found: String,
        /// What does not go together.
        reason: String,
    },
    /// There is no interpreter for a release.
    #[error("the release is for {platform}, and there is no {python} here: {reason}")]
    NoPython {
        /// The platform of the release.
        platform: String,
        /// What is not here.
        python: String,
        /// Why not.
        reason: String,
    },
    /// An exported file is not what it was when the release was made.
    #[error("`{file}` of the release was {expected}, and would be {actual}: nothing was written")]
    OtherBytes {
        /// The file.
        file: String,
        /// Its digest in the release.
        expected: Digest,
        /// What it would be.
        actual: Digest,
    },
    /// The store failed.
    #[error(transparent)]
    Store(pinnace_store::Error),
    /// A PEX file or a wheel failed.
    #[error(transparent)]
    Pex(pinnace_pex::Error),
    /// An environment could not be laid out.
    #[error(transparent)]
    Environment(pinnace_env::Error),
    /// A platform or a name is malformed.
    #[error(transparent)]
    Wheel(pinnace_wheel::Error),
}
