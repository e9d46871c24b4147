use std::{fmt, io, path::PathBuf};

use crate::Rule;

/// An error while writing or reading an archive.
///
/// The type is one machine word. [`Error::kind`] returns the details.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns the kind of the error, with its details.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    pub(crate) fn refused(rule: Rule, entry: impl Into<String>) -> Self {
        Self::refused_for(rule, entry, "")
    }

    pub(crate) fn refused_for(
        rule: Rule,
        entry: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        ErrorKind::Refused { rule, entry: entry.into(), detail: detail.into() }.into()
    }

    pub(crate) fn limit(what: &'static str, value: u64, limit: u64, entry: &str) -> Self {
        ErrorKind::Limit { what, value, limit, entry: entry.to_owned() }.into()
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
    /// The output or the source failed. The source error has the cause.
    #[error("cannot {doing}: {source}")]
    Io {
        /// The failed operation, as in `cannot read the member's source`.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A name that is not valid in an archive.
    #[error("`{}` is not a path for an archive: {reason}", Shown(path))]
    Path {
        /// The name as given.
        path: String,
        /// The broken rule.
        reason: &'static str,
    },
    /// Entries did not arrive in ascending byte order of their names.
    #[error(
        "`{path}` was added after `{previous}`, but entries go in ascending byte order \
         (an `ArchiveBuilder` takes them in any order)"
    )]
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
    /// A name would be both a file and a directory.
    #[error("`{path}` would be a file and a directory")]
    FileAndDirectory {
        /// The name without the slash.
        path: String,
    },
    /// An earlier entry failed while it was being written, so the output is not a valid archive.
    #[error("an entry before this failed while it was being written; start anew")]
    Unfinished,
    /// The script prefix is not a `#!` line that ends in a newline.
    #[error("an archive's prefix starts with `#!` and ends with a newline")]
    Prefix,
    /// A source returned different bytes when it was read a second time.
    #[error("the source of `{path}` changed while it was being written")]
    SourceChanged {
        /// The entry that was being written.
        path: String,
    },
    /// The bytes read contradict the archive's records.
    #[error("`{}` is damaged: its {what} differs from the one recorded", Shown(entry))]
    Damaged {
        /// The entry's name.
        entry: String,
        /// `checksum`, `size`, `compressed size` or `compressed data`.
        what: &'static str,
    },
    /// The archive breaks a rule of the strict reader.
    #[error("refused: {rule}{}{}", Detail(detail), At(entry))]
    Refused {
        /// The rule.
        rule: Rule,
        /// The entry that breaks it; empty if the rule concerns the archive as a whole.
        entry: String,
        /// Further details, such as the name that it collides with; may be empty.
        detail: String,
    },
    /// A member could not be extracted.
    #[error("cannot extract {}below `{}`: {source}", Member(entry), folder.display())]
    Extract {
        /// The member; empty if the folder itself cannot be opened.
        entry: String,
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The content of an added member cannot be read or compressed.
    #[error("cannot read the content of `{path}`: {source}")]
    Content {
        /// The member.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A file or folder to be added cannot be read, or an archive cannot hold it.
    #[error("cannot add {}: {source}", path.display())]
    Source {
        /// The path of the file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The archive exceeds a bound of [`Limits`](crate::Limits).
    #[error("refused: {what} is {value}, and `Limits` allow {limit}{}", At(entry))]
    Limit {
        /// The bounded quantity.
        what: &'static str,
        /// The value in this archive.
        value: u64,
        /// The bound.
        limit: u64,
        /// The entry; empty if the limit concerns the archive as a whole.
        entry: String,
    },
}

/// A display of ` (in `name`)`, or of nothing for the archive as a whole.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (in `{}`)", Shown(self.0)) }
    }
}

/// A display of `: detail`, or of nothing.
struct Detail<'a>(&'a str);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", Shown(self.0)) }
    }
}

/// A display of the quoted name and a space, or of nothing.
struct Member<'a>(&'a str);

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", Shown(self.0)) }
    }
}

/// A display of a name from a hostile archive. Control characters are escaped, and names too long
/// to be read are cut.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        for shown in self.0.chars().take(LONGEST) {
            match shown {
                shown if shown.is_control() => write!(f, "{}", shown.escape_default())?,
                shown => write!(f, "{shown}")?,
            }
        }
        if self.0.chars().nth(LONGEST).is_some() { f.write_str("…") } else { Ok(()) }
    }
}
