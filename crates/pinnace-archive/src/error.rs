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
    /// The output or the source failed; the source error says how.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done, as in `cannot read the member's source`.
        doing: &'static str,
        /// The failure itself.
        source: io::Error,
    },
    /// A name that no archive of ours holds.
    #[error("`{}` is not a path for an archive: {reason}", Shown(path))]
    Path {
        /// The name as given.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Entries must arrive in ascending order of their name's bytes.
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
    /// A file and a directory cannot have one name.
    #[error("`{path}` would be a file and a directory")]
    FileAndDirectory {
        /// The name without the slash.
        path: String,
    },
    /// An entry failed half-way, so what was written is no archive any more.
    #[error("an entry before this failed while it was being written; start anew")]
    Unfinished,
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
        /// The entry that breaks it; empty when it is the archive as a whole.
        entry: String,
        /// More about it where there is more to say, such as the name that it collides with.
        detail: String,
    },
    /// A member could not be put on disk.
    #[error("cannot extract {}below `{}`: {source}", Member(entry), folder.display())]
    Extract {
        /// The member; empty if it is the folder itself that cannot be opened.
        entry: String,
        /// The folder.
        folder: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// The content of a member that is being added cannot be read or compressed.
    #[error("cannot read the content of `{path}`: {source}")]
    Content {
        /// The member.
        path: String,
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
    #[error("refused: {what} is {value}, and `Limits` allow {limit}{}", At(entry))]
    Limit {
        /// What is bounded.
        what: &'static str,
        /// What it would be.
        value: u64,
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
        if self.0.is_empty() { Ok(()) } else { write!(f, " (in `{}`)", Shown(self.0)) }
    }
}

/// `: detail`, or nothing.
struct Detail<'a>(&'a str);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", Shown(self.0)) }
    }
}

/// `name `, quoted, or nothing.
struct Member<'a>(&'a str);

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", Shown(self.0)) }
    }
}

/// A name out of a hostile archive: control characters escaped, and cut where it is too long to be
/// read by anyone.
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
