use std::{io, path::PathBuf};

/// An error from building or reading a PEX file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
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
    /// A source file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Source {
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
    /// A source file changed after it was added.
    #[error("`{}` changed while the PEX file was being built", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A PEX file cannot hold this source file.
    #[error("cannot add `{path}`: {reason}")]
    Unfit {
        /// Its path in the PEX file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A wheel could not be opened.
    #[error("cannot open the wheel `{wheel}`: {source}")]
    Wheel {
        /// The wheel.
        wheel: String,
        /// The underlying error.
        source: io::Error,
    },
    /// A wheel is malformed, and no installer could install it.
    #[error("cannot install the wheel `{wheel}`: {reason}")]
    Malformed {
        /// The wheel.
        wheel: String,
        /// The reason.
        reason: String,
    },
    /// Two distributions contain one path with different contents.
    #[error("`{path}` is in {first} and, with other content, in {second}")]
    Collision {
        /// The path.
        path: String,
        /// The first distribution that contains the path.
        first: String,
        /// The second distribution that contains the path.
        second: String,
    },
    /// No interpreter satisfies the constraints of both files.
    #[error("no interpreter satisfies both `{}` and `{}`", first.join("` or `"), second.join("` or `"))]
    NoInterpreter {
        /// The constraints of the first file.
        first: Vec<String>,
        /// The constraints of the second file.
        second: Vec<String>,
    },
    /// One of several input files could not be used.
    #[error("in `{file}`: {source}")]
    Input {
        /// The file.
        file: String,
        /// The error of this file.
        source: Error,
    },
    /// An interpreter failed to compile.
    #[error("`{}` cannot compile: {reason}", python.display())]
    Compile {
        /// The interpreter.
        python: PathBuf,
        /// The message of the interpreter.
        reason: String,
    },
    /// A folder could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The underlying error.
        source: io::Error,
    },
    /// The system could not start another thread.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// The underlying error.
        source: io::Error,
    },
    /// The archive could not be written or read.
    #[error(transparent)]
    Archive(Box<dyn std::error::Error + Send + Sync>),
    /// A text is not an entry point.
    #[error("not an entry point: `{text}`; expected `module` or `module:function`")]
    EntryPoint {
        /// The text.
        text: String,
    },
    /// A text is not an interpreter constraint.
    #[error(
        "not an interpreter constraint: `{text}`; expected, for example, `CPython>=3.9,<3.13` or `>=3.9`"
    )]
    Constraint {
        /// The text.
        text: String,
    },
    /// A file is not usable boot code.
    #[error("unusable boot code: {reason}")]
    Runtime {
        /// The reason.
        reason: String,
    },
    /// A file has no usable `PEX-INFO`.
    #[error("not a PEX file: {reason}")]
    NotPex {
        /// The reason.
        reason: String,
    },
    /// No distribution has the requested script.
    #[error("no script `{name}` in any distribution; available: {known}")]
    NoScript {
        /// The name of the script.
        name: String,
        /// The scripts that exist.
        known: String,
    },
}

pub(crate) fn archive(error: pinnace_archive::Error) -> Error {
    ErrorKind::Archive(Box::new(error)).into()
}
