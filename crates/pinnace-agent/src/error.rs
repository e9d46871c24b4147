use std::{io, net::SocketAddr, path::PathBuf};

/// The error of an agent or of its client.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns the kind, with its facts.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if a later attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unreachable { .. })
    }

    /// Makes the error of an operation on `path`; used as `.map_err(Error::at("read", path))`.
    #[cfg(feature = "server")]
    pub(crate) fn at(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
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
    /// A file or folder could not be used.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// The operating system refused a resource.
    #[error("cannot {doing}: {source}")]
    System {
        /// The operation.
        doing: &'static str,
        /// The failure itself.
        source: io::Error,
    },
    /// The agent cannot listen on its address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The failure itself.
        source: io::Error,
    },
    /// Another agent uses the same folder.
    #[error("another agent works in `{}`: give each a folder of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Other machines could reach the agent, and it has no token to ask them for.
    #[error(
        "{address} can be reached from other machines, so a token is needed: name a file that holds one"
    )]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// A configuration file or a URL is malformed.
    #[error("`{origin}`: {reason}")]
    Malformed {
        /// The file, or the text.
        origin: String,
        /// The fault.
        reason: String,
    },
    /// An agent cannot be reached.
    #[error("the agent at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// The failure.
        reason: String,
    },
    /// An agent refused a request.
    #[error("the agent at {url} refuses: {reason}")]
    Refused {
        /// Its address.
        url: String,
        /// The HTTP status of its answer.
        status: u16,
        /// The reason that it gives.
        reason: String,
    },
    /// The caller cancelled the wait for a rollout, which goes on.
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
