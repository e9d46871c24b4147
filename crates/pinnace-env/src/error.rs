use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error as Derive;

/// Why an environment could not be put on disk.
#[derive(Debug, Derive)]
#[error(transparent)]
pub struct Error(#[from] ErrorKind);

/// What kind of an [`Error`] it is.
#[derive(Debug, Derive)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system refuses something.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Io {
        /// What was to be done.
        verb: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder of an unpacked distribution cannot be had.
    #[error("{owner} is not unpacked: {source}")]
    Unpacked {
        /// Whose it is.
        owner: String,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What kind it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    pub(crate) fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| ErrorKind::Io { verb, path, source }.into()
    }
}
