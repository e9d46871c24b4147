use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{Digest, Key};

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

    /// Whether trying again later may help.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Backend { is_retryable, .. } => *is_retryable,
            _ => self.is_full(),
        }
    }

    /// Whether there is no room left.
    pub(crate) fn is_full(&self) -> bool {
        let source = match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::Backend { source, .. } => source.downcast_ref(),
            _ => None,
        };
        source.is_some_and(|source| source.kind() == io::ErrorKind::StorageFull)
    }

    /// Whether it is that object which is at fault, and not the place that it is in.
    pub(crate) fn is_of_object(&self) -> bool {
        match self.kind() {
            ErrorKind::Damaged { .. } | ErrorKind::Malformed { .. } | ErrorKind::Io { .. } => true,
            // A disk that cannot read it back; a server's failures are others.
            ErrorKind::Backend { source, .. } => source
                .downcast_ref::<io::Error>()
                .is_some_and(|source| source.raw_os_error().is_some()),
            _ => false,
        }
    }

    /// The error of an object that cannot be read or written.
    pub(crate) fn object(doing: &'static str, key: &Key, source: io::Error) -> Self {
        let (key, is_retryable) = (key.to_string(), false);
        ErrorKind::Backend { doing, key, source: source.into(), is_retryable }.into()
    }

    pub(crate) fn malformed(key: &Key, reason: &dyn fmt::Display) -> Self {
        ErrorKind::Malformed { key: key.to_string(), reason: reason.to_string() }.into()
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
    #[error(
        "expected {expected}, got {actual}: what came is another thing, or was changed on its way"
    )]
    Mismatch {
        /// The digest that was announced.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// A stored blob no longer has its own digest; putting it again heals it.
    #[error(
        "{digest} is damaged in `{at}`: its bytes have {actual}; put it again, or heal it from another store with `check`"
    )]
    Damaged {
        /// The blob's name.
        digest: Digest,
        /// The file or the object that holds it.
        at: String,
        /// What its bytes hash to.
        actual: Digest,
    },
    /// An object is not what its key says.
    #[error("`{key}` in the store is malformed: {reason}")]
    Malformed {
        /// The object.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object that somebody else made is not taken.
    #[error("`{key}` is not taken into the store: {reason}")]
    Unacceptable {
        /// The object.
        key: String,
        /// Why not.
        reason: String,
    },
    /// Something is referred to, and is not in the store.
    #[error("{digest} is not in the store, and {by} refers to it: `check` finds all that is wrong")]
    Lost {
        /// What is not there.
        digest: Digest,
        /// What refers to it.
        by: String,
    },
    /// A backend failed at an object.
    #[error("cannot {doing} `{key}` in the store: {source}")]
    Backend {
        /// What was being done.
        doing: &'static str,
        /// The object, or what else.
        key: String,
        /// The failure itself.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// Whether it may go away by itself.
        is_retryable: bool,
    },
    /// Two writers of one object could both believe that they were first.
    #[error(
        "{backend} ignores the condition that an object must not be there yet, so that two deploys at once could both win: it can hold contents, but no refs"
    )]
    NoConditions {
        /// The backend.
        backend: String,
    },
    /// A URL or path does not name a store.
    #[error("`{url}` is no store: {reason}")]
    Url {
        /// The URL, without credentials.
        url: String,
        /// The fault.
        reason: &'static str,
    },
    /// No store exists at a URL or path.
    #[error("there is no store at `{url}`")]
    NoStore {
        /// The URL or path.
        url: String,
    },
    /// [`Progress`](crate::Progress) said to stop.
    #[error("it was stopped")]
    Cancelled,
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

impl ErrorKind {
    /// The error of a copy on its way: in a file without a name, or wherever the caller writes to.
    pub(crate) fn spool(source: io::Error) -> Self {
        let (doing, key) = ("write", "a temporary copy".to_owned());
        Self::Backend { doing, key, source: source.into(), is_retryable: false }
    }
}
