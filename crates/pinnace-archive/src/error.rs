use std::{fmt, io, path::PathBuf};

use crate::Rule;

/// Why an archive could not be written or read.
///
/// One machine word; [`Error::kind`] tells what happened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    pub(crate) fn refused(rule: Rule, entry: impl Into<String>) -> Self {
        ErrorKind::Refused { rule, entry: entry.into() }.into()
    }

    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        ErrorKind::Io { doing, source }.into()
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
    /// The output or the source failed; the source error says how.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done, as in `cannot read the member's source`.
        doing: &'static str,
        /// The failure itself.
        source: io::Error,
    },
    /// A name that no archive of ours holds.
    #[error("`{path}` is not a path for an archive: {reason}")]
    Path {
        /// The name as given.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Entries must arrive in ascending order of their name's bytes.
    #[error("`{path}` was added after `{previous}`, but entries go in ascending byte order")]
    OutOfOrder {
        /// The entry that came too late.
        path: String,
        /// The entry before it.
        previous: String,
    },
    /// A name was added twice.
    #[error("`{path}` was added twice")]
    Duplicate {
        /// The name.
        path: String,
    },
    /// A file and a directory cannot have one name.
    #[error("`{path}` would be a file and a directory")]
    FileAndDirectory {
        /// The name without the slash.
        path: String,
    },
    /// A script prefix must be a `#!` line that ends in a newline.
    #[error("an archive's prefix starts with `#!` and ends with a newline")]
    Prefix,
    /// A source gave other bytes when it was read a second time.
    #[error("the source of `{path}` changed while it was being written")]
    SourceChanged {
        /// The entry that was being written.
        path: String,
    },
    /// The bytes read are not those that the archive's records promise.
    #[error("`{entry}` is damaged: its {what} differs from the one recorded")]
    Damaged {
        /// The entry's name.
        entry: String,
        /// `checksum`, `size`, `compressed size` or `compressed data`.
        what: &'static str,
    },
    /// The archive breaks a rule of the strict reader.
    #[error("refused: {rule}{}", At(entry))]
    Refused {
        /// The rule.
        rule: Rule,
        /// The entry that breaks it; empty when it is the archive as a whole.
        entry: String,
    },
    /// A member could not be put on disk.
    #[error("cannot extract `{entry}` below `{}`: {source}", folder.display())]
    Extract {
        /// The member.
        entry: String,
        /// The folder.
        folder: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// A file or folder to be added cannot be read, or cannot be held by an archive.
    #[error("cannot add {}: {source}", path.display())]
    Source {
        /// Where it is.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// A bound of [`Limits`](crate::Limits) was reached.
    #[error("refused: {what} is over the limit of {limit}{}", At(entry))]
    Limit {
        /// What is bounded.
        what: &'static str,
        /// The bound.
        limit: u64,
        /// The entry; empty when it is the archive as a whole.
        entry: String,
    },
}

/// ` (in `name`)`, or nothing for the archive as a whole.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (in `{}`)", self.0) }
    }
}
