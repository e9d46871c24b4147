use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{Digest, Key};

/// An error of a store; [`Error::kind`] tells the reason.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns the underlying I/O error, if there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self.kind() {
            ErrorKind::Io { source, .. } | ErrorKind::Source { source } => Some(source),
            _ => None,
        }
    }

    /// Returns true if a retry may succeed.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Backend { is_retryable, .. } => *is_retryable,
            _ => self.is_full(),
        }
    }

    /// Returns true if no space is left.
    pub(crate) fn is_full(&self) -> bool {
        let source = match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::Backend { source, .. } => source.downcast_ref(),
            _ => None,
        };
        source.is_some_and(|source| source.kind() == io::ErrorKind::StorageFull)
    }

    /// Returns true if the object is at fault, and not the place that holds it.
    pub(crate) fn is_of_object(&self) -> bool {
        match self.kind() {
            ErrorKind::Damaged { .. } | ErrorKind::Malformed { .. } | ErrorKind::Io { .. } => true,
            // A disk that cannot read the object back reports an OS error; a server's failures are
            // others.
            ErrorKind::Backend { source, .. } => source
                .downcast_ref::<io::Error>()
                .is_some_and(|source| source.raw_os_error().is_some()),
            _ => false,
        }
    }

    /// Creates the error for an object that cannot be read or written.
    pub(crate) fn object(doing: &'static str, key: &Key, source: io::Error) -> Self {
        let (key, is_retryable) = (key.to_string(), false);
        ErrorKind::Backend { doing, key, source: source.into(), is_retryable }.into()
    }

    pub(crate) fn malformed(key: &Key, reason: &dyn fmt::Display) -> Self {
        ErrorKind::Malformed { key: key.to_string(), reason: reason.to_string() }.into()
    }

    /// Creates the error of an operation on `path`; used as `.map_err(Error::at("write", path))`.
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
        /// The operation that failed.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
    /// The source of the bytes to store could not be read.
    #[error("cannot read the content to store: {source}")]
    Source {
        /// The underlying error.
        source: io::Error,
    },
    /// The bytes do not have the expected digest. Nothing was stored.
    #[error(
        "expected {expected}, got {actual}: the content is another one, or was changed on its way"
    )]
    Mismatch {
        /// The expected digest.
        expected: Digest,
        /// The digest of the bytes received.
        actual: Digest,
    },
    /// A stored blob no longer matches its digest; putting it again heals it.
    #[error(
        "{digest} is damaged in `{at}`: its bytes have {actual}; put it again, or heal it from another store with `check`"
    )]
    Damaged {
        /// The digest that names the blob.
        digest: Digest,
        /// The file or the object that holds it.
        at: String,
        /// The digest of its bytes.
        actual: Digest,
    },
    /// An object does not match its key, or is malformed.
    #[error("`{key}` in the store is malformed: {reason}")]
    Malformed {
        /// The key of the object.
        key: String,
        /// The problem with the object.
        reason: String,
    },
    /// The store refuses an object that another party made.
    #[error("the store refuses `{key}`: {reason}")]
    Unacceptable {
        /// The key of the object.
        key: String,
        /// The reason for the refusal.
        reason: String,
    },
    /// An object that something refers to is not in the store.
    #[error(
        "{digest} is missing from the store, and {by} refers to it: `check` lists all problems"
    )]
    Lost {
        /// The digest of the missing object.
        digest: Digest,
        /// The object or ref that refers to it.
        by: String,
    },
    /// An operation of a backend failed.
    #[error("cannot {doing} `{key}` in the store: {source}")]
    Backend {
        /// The operation that failed.
        doing: &'static str,
        /// The key of the object, or a name for another target.
        key: String,
        /// The underlying error.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// True if the failure may go away by itself.
        is_retryable: bool,
    },
    /// The backend ignores conditional writes, so two writers of one object could both believe that
    /// they were first.
    #[error(
        "{backend} ignores conditional writes, so two concurrent deploys could both win: use it for contents, not for refs"
    )]
    NoConditions {
        /// The backend.
        backend: String,
    },
    /// A URL or path does not name a store.
    #[error("not a store: `{url}`; {reason}")]
    Url {
        /// The URL, without credentials.
        url: String,
        /// The fault.
        reason: &'static str,
    },
    /// No store exists at a URL or path.
    #[error("no store at `{url}`")]
    NoStore {
        /// The URL or path.
        url: String,
    },
    /// [`Progress`](crate::Progress) requested cancellation.
    #[error("it was stopped")]
    Cancelled,
    /// The store was made by a newer version. It is left unchanged.
    #[error(
        "`{}` has store format `{found}`, this version knows format 1: use a newer pinnace, or another folder",
        path.display()
    )]
    NewerFormat {
        /// The folder of the store.
        path: PathBuf,
        /// The content of its format file.
        found: String,
    },
}

impl ErrorKind {
    /// Creates the error for a failed write to a temporary file, or to the caller's writer.
    pub(crate) fn spool(source: io::Error) -> Self {
        let (doing, key) = ("write", "a temporary copy".to_owned());
        Self::Backend { doing, key, source: source.into(), is_retryable: false }
    }
}
