use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error as Derive;

/// An error while building an environment on disk.
#[derive(Debug, Derive)]
#[error(transparent)]
pub struct Error(#[from] ErrorKind);

/// The kinds of [`Error`].
#[derive(Debug, Derive)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An operation of the operating system failed.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Io {
        /// The failed operation.
        verb: &'static str,
        /// The path that it concerns.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder of an unpacked distribution is not available.
    #[error("{owner} is not unpacked: {source}")]
    Unpacked {
        /// The owner of the folder.
        owner: String,
        /// The cause.
        source: io::Error,
    },
}

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    pub(crate) fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| ErrorKind::Io { verb, path, source }.into()
    }
}
