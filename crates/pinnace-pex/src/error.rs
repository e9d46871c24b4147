use std::{io, path::PathBuf};

/// Why a PEX file could not be built or read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What happened.
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
        /// The failure itself.
        source: io::Error,
    },
    /// A source file is not what it was when it was added.
    #[error("`{}` changed while the PEX file was being built", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A source file that a PEX file cannot hold.
    #[error("cannot add `{path}`: {reason}")]
    Unfit {
        /// Its path in the PEX file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A wheel could not be opened.
    #[error("cannot open the wheel `{wheel}`: {source}")]
    Wheel {
        /// The wheel.
        wheel: String,
        /// The failure itself.
        source: io::Error,
    },
    /// A wheel that no installer could install.
    #[error("`{wheel}` is no wheel that can be installed: {reason}")]
    Malformed {
        /// The wheel.
        wheel: String,
        /// Why.
        reason: String,
    },
    /// Files that cannot be in one folder.
    #[error("`{path}` is in {first} and, with other content, in {second}")]
    Collision {
        /// The path.
        path: String,
        /// Who has it first.
        first: String,
        /// Who has it, too.
        second: String,
    },
    /// Files of which each can be run, but by different interpreters.
    #[error("no interpreter satisfies both `{}` and `{}`", first.join("` or `"), second.join("` or `"))]
    NoInterpreter {
        /// The constraints of one.
        first: Vec<String>,
        /// Those of another.
        second: Vec<String>,
    },
    /// One of several files could not be used.
    #[error("in `{file}`: {source}")]
    Input {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: Error,
    },
    /// An interpreter could not compile.
    #[error("`{}` cannot compile: {reason}", python.display())]
    Compile {
        /// The interpreter.
        python: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A folder could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// The system gives no more threads.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// The failure itself.
        source: io::Error,
    },
    /// The archive could not be written or read.
    #[error(transparent)]
    Archive(Box<dyn std::error::Error + Send + Sync>),
    /// An entry point that is none.
    #[error("`{text}` is not an entry point: `module` or `module:function` is expected")]
    EntryPoint {
        /// The text.
        text: String,
    },
    /// An interpreter constraint that is none.
    #[error("`{text}` is no interpreter constraint: `CPython>=3.9,<3.13` or `>=3.9` is expected")]
    Constraint {
        /// The text.
        text: String,
    },
    /// What is no boot code.
    #[error("this is no boot code that can be used: {reason}")]
    Runtime {
        /// Why not.
        reason: String,
    },
    /// A file without a usable `PEX-INFO`.
    #[error("this is not a PEX file: {reason}")]
    NotPex {
        /// Why.
        reason: String,
    },
    /// No distribution has the script that was asked for.
    #[error("there is no script `{name}` in any distribution; there are: {known}")]
    NoScript {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

pub(crate) fn archive(error: pinnace_archive::Error) -> Error {
    ErrorKind::Archive(Box::new(error)).into()
}
