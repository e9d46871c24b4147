use std::{error::Error as StdError, io, path::PathBuf, sync::Arc};

/// An error of parsing, fetching or resolving.
///
/// A request without a solution is not an error: [`Outcome`](crate::Outcome) reports it.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<ErrorKind>);

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if a retry of the same call may succeed.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Transport { retryable, .. } => *retryable,
            ErrorKind::Status { status, .. } => is_retryable_status(*status),
            _ => false,
        }
    }

    pub(crate) fn parse(what: &'static str, text: &str, reason: impl ToString) -> Self {
        let (text, reason) = (without_secrets(text), without_secrets(&reason.to_string()));
        ErrorKind::Parse { what, text, reason }.into()
    }

    /// Describes the error in a TOML file, with its line number. Leaves out the line itself, which
    /// may hold a secret.
    pub(crate) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        // `invalid type: string "…", expected …` may quote a secret.
        let message = error.message().split('"').step_by(2).collect::<Vec<_>>().join("…");
        format!("line {line}: {message}")
    }

    /// Returns the reason, without the text that it refers to.
    pub(crate) fn reason(&self) -> String {
        match self.kind() {
            ErrorKind::Parse { reason, .. } => reason.clone(),
            _ => self.to_string(),
        }
    }

    /// Creates an error of storing or reading content: `.map_err(Error::keep("store a wheel"))`.
    pub(crate) fn keep(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| ErrorKind::Keep { doing, source }.into()
    }
}

/// Removes user, password and query from all URLs in a text. A query may hold a signature.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let authority = part.find(['/', ' ', '?', '#']).unwrap_or(part.len());
        let host = part[..authority].rfind('@').map_or(0, |at| at + 1);
        shown.push_str("://");
        let rest = &part[host..];
        let ends = |symbol: char| symbol.is_whitespace() || "#`'\"".contains(symbol);
        match rest.split_once('?') {
            Some((before, query)) if !before.contains(char::is_whitespace) => {
                let end = query.find(ends).unwrap_or(query.len());
                shown.push_str(before);
                shown.push_str(&query[end..]);
            }
            _ => shown.push_str(rest),
        }
    }
    shown
}

/// Returns true for a transient status, by RFC 9110, section 15, and the practice of content networks.
pub(crate) fn is_retryable_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Arc::new(kind))
    }
}

/// The kinds of [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A text does not follow its standard.
    #[error("`{text}` is not a {what}: {reason}")]
    Parse {
        /// The expected kind of text, such as `requirement`.
        what: &'static str,
        /// The text.
        text: String,
        /// The reason.
        reason: String,
    },
    /// A server could not be reached, or the connection broke.
    #[error("cannot fetch {url}: {source}")]
    Transport {
        /// The address, without credentials.
        url: String,
        /// The underlying error.
        source: Box<dyn StdError + Send + Sync>,
        /// True if a retry may help.
        retryable: bool,
    },
    /// A server answered with an error status.
    #[error("cannot fetch {url}: the server answered with status {status}")]
    Status {
        /// The address, without credentials.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// An index requires credentials, or other ones. The client asks no further index, so that the
    /// name does not reach a public one.
    #[error(
        "{url} refused the credentials (status {status}); give them in the index URL as `https://user:password@…`"
    )]
    Unauthorized {
        /// The address, without credentials.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// Content is not in the cache, and the client is offline.
    #[error("{url} is not in the cache, and `--offline` forbids downloads")]
    Offline {
        /// The address, without credentials.
        url: String,
    },
    /// A response is not a page of a simple index (PEP 503, PEP 691).
    #[error("{url} is not a page of a simple index: {reason}")]
    Page {
        /// The address, without credentials.
        url: String,
        /// The reason.
        reason: String,
    },
    /// A wheel's metadata cannot be used.
    #[error("cannot use the metadata of `{file}`: {reason}")]
    Metadata {
        /// The wheel's file name.
        file: String,
        /// The reason.
        reason: String,
    },
    /// A source distribution could not be built.
    #[error("{source}")]
    Build {
        /// The file name of the source distribution.
        file: String,
        /// The error of the build.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A download differs from what the index stated. Nothing of it was stored.
    #[error("`{file}` does not match its index: {reason}")]
    Broken {
        /// The file name.
        file: String,
        /// The difference.
        reason: String,
    },
    /// Fetched content could not be stored, or stored content could not be read.
    #[error("cannot {doing}: {source}")]
    Keep {
        /// The action that failed, such as `store a wheel`.
        doing: &'static str,
        /// The underlying error.
        source: io::Error,
    },
    /// A Python interpreter could not be queried.
    #[error("cannot use the interpreter `{}`: {reason}", path.display())]
    Interpreter {
        /// The path of the interpreter.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An input file that states requirements is malformed, or cannot be read.
    #[error("{place}: {reason}")]
    Input {
        /// The file, and the line if there is one.
        place: String,
        /// The reason.
        reason: String,
    },
    /// A lock cannot be made, read or used.
    #[error("cannot use the lock: {reason}")]
    Lock {
        /// The reason.
        reason: String,
    },
    /// A marker needs a value that the platform does not define.
    #[error("cannot evaluate the marker of `{requirement}`: {source}")]
    Marker {
        /// The requirement.
        requirement: String,
        /// The underlying error.
        source: crate::MarkerError,
    },
    /// The resolver gave up the search for a solution.
    #[error(
        "no solution found after {decisions} decisions; pin or bound some requirements to leave fewer versions to try"
    )]
    TooHard {
        /// The number of decisions made.
        decisions: u32,
    },
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}
