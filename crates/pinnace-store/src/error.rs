use std::{
    io,
    path::{Path, PathBuf},
};

use crate::Digest;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The I/O failure underneath, if there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self.kind() {
            ErrorKind::Io { source, .. } | ErrorKind::Source { source } => Some(source),
            _ => None,
        }
    }

    /// Makes the error of an operation on `path`; used as `.map_err(Error::at("write", path))`.
    pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| ErrorKind::Io { doing, path: path.to_owned(), source }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
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
    /// What was to be put could not be read.
    #[error("cannot read what is to be stored: {source}")]
    Source {
        /// The failure itself.
        source: io::Error,
    },
    /// The bytes put are not those that were announced. Nothing was stored.
    #[error("expected {expected}, got {actual}")]
    Mismatch {
        /// The digest that was announced.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// A stored blob no longer has its own digest; putting it again heals it.
    #[error("{digest} is damaged in `{}`: its bytes have {actual}", path.display())]
    Damaged {
        /// The blob's name.
        digest: Digest,
        /// The file that holds it.
        path: PathBuf,
        /// What its bytes hash to.
        actual: Digest,
    },
    /// The store was made by a newer version, and is left as it is.
    #[error(
        "`{}` has store format `{found}`, this version knows format 1: use a newer pinnace, or another folder",
        path.display()
    )]
    NewerFormat {
        /// The store's folder.
        path: PathBuf,
        /// What stands in its format file.
        found: String,
    },
}
