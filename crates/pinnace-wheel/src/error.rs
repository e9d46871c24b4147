use std::{error::Error as StdError, io, path::PathBuf, sync::Arc};

/// Why something could not be parsed, fetched or resolved.
///
/// That no set of versions solves a request is not an error: [`Outcome`](crate::Outcome) says so.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<ErrorKind>);

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether the same call may succeed when it is made again.
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

    /// What is wrong with a TOML file, and where; not the line itself, which may hold a secret.
    pub(crate) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        // `invalid type: string "…", expected …` quotes what may be a secret.
        let message = error.message().split('"').step_by(2).collect::<Vec<_>>().join("…");
        format!("line {line}: {message}")
    }

    /// What is wrong, without what it is wrong with.
    pub(crate) fn reason(&self) -> String {
        match self.kind() {
            ErrorKind::Parse { reason, .. } => reason.clone(),
            _ => self.to_string(),
        }
    }

    /// Makes the error of keeping or reading content: `.map_err(Error::keep("store a wheel"))`.
    pub(crate) fn keep(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| ErrorKind::Keep { doing, source }.into()
    }
}

/// A text in which no URL shows user, password or query: a query may hold a signature.
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

/// RFC 9110, section 15, and what content networks do in practice: these pass by themselves.
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
        /// What it should be, as in `requirement`.
        what: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server could not be reached, or the connection broke.
    #[error("cannot fetch {url}: {source}")]
    Transport {
        /// The address, without credentials.
        url: String,
        /// The failure itself.
        source: Box<dyn StdError + Send + Sync>,
        /// Whether trying again may help.
        retryable: bool,
    },
    /// A server refused.
    #[error("cannot fetch {url}: the server answered with status {status}")]
    Status {
        /// The address, without credentials.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// An index wants credentials, or others. No further index is asked: the name is not passed on
    /// to a public one.
    #[error(
        "{url} refused the credentials (status {status}); give them in the index URL as `https://user:password@…`"
    )]
    Unauthorized {
        /// The address, without credentials.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// What is needed is not in the cache, and nothing may be fetched.
    #[error("{url} is not in the cache, and `--offline` forbids to fetch it")]
    Offline {
        /// The address, without credentials.
        url: String,
    },
    /// An answer that is no page of a simple index (PEP 503, PEP 691).
    #[error("{url} is not a page of a simple index: {reason}")]
    Page {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A wheel's metadata cannot be used.
    #[error("the metadata of `{file}` cannot be used: {reason}")]
    Metadata {
        /// The wheel's file name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A source distribution could not be built.
    #[error("{source}")]
    Build {
        /// Its file name.
        file: String,
        /// What happened.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A download is not what the index promised; nothing of it was kept.
    #[error("`{file}` is not what its index promised: {reason}")]
    Broken {
        /// The file's name.
        file: String,
        /// How it differs.
        reason: String,
    },
    /// What was fetched could not be kept, or what was kept could not be read.
    #[error("cannot {doing}: {source}")]
    Keep {
        /// What was being done.
        doing: &'static str,
        /// The failure itself.
        source: io::Error,
    },
    /// A Python interpreter could not be asked.
    #[error("cannot use the interpreter `{}`: {reason}", path.display())]
    Interpreter {
        /// The interpreter.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that says what is wanted is malformed, or cannot be read.
    #[error("{place}: {reason}")]
    Input {
        /// The file, and the line where there is one.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A lock cannot be made, read or used.
    #[error("the lock cannot be used: {reason}")]
    Lock {
        /// Why.
        reason: String,
    },
    /// A marker asks for what the platform does not say.
    #[error("the marker of `{requirement}` cannot be evaluated: {source}")]
    Marker {
        /// The requirement.
        requirement: String,
        /// What it asks for.
        source: crate::MarkerError,
    },
    /// The search for a solution was given up.
    #[error(
        "no answer was found in {decisions} steps; pin or bound some of the requirements, so that fewer versions come into question"
    )]
    TooHard {
        /// How many decisions were made.
        decisions: u32,
    },
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}
