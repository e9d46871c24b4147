use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Why an agent cannot work, or cannot be spoken to.
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
        matches!(self.kind(), ErrorKind::Unreachable { .. })
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
    /// The system does not let the agent work.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// The failure itself.
        source: io::Error,
    },
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The failure itself.
        source: io::Error,
    },
    /// Another agent works in the same folder.
    #[error("another agent works in `{}`: give each a folder of its own", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// Others could reach the agent, and nobody would be asked who they are.
    #[error(
        "{address} can be reached from other machines, so a token is needed: name a file that holds one"
    )]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// Something that was written by hand cannot be used.
    #[error("`{origin}`: {reason}")]
    Malformed {
        /// The file, or the text.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// An agent cannot be reached.
    #[error("the agent at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// An agent refused what was asked.
    #[error("the agent at {url} refuses: {reason}")]
    Refused {
        /// Its address.
        url: String,
        /// The status of its answer.
        status: u16,
        /// What it says.
        reason: String,
    },
    /// The caller cancelled the wait for a deployment, which goes on.
    #[error("interrupted while generation {generation} of `{service}` is being tried")]
    Cancelled {
        /// The service.
        service: String,
        /// The generation.
        generation: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(pinnace_store::Error),
}
