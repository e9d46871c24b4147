use std::{fmt, io};

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
        /// `checksum` or `size`.
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

/// What the strict reader insists on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// There is an end of central directory record, and it closes the file.
    EndRecord,
    /// One disk, and counts that agree.
    SingleDisk,
    /// The zip64 records agree with the plain ones.
    Zip64,
    /// The central directory lies inside the file and is well formed.
    CentralDirectory,
    /// Names are relative, UTF-8, and stay below the folder they are extracted to.
    Name,
    /// No name stands twice.
    UniqueName,
    /// The local header says the same as the central directory.
    LocalHeader,
    /// Members do not overlap.
    Overlap,
    /// Nothing stands before the first member.
    NoPrefix,
    /// Members are stored or deflated, and not encrypted.
    Method,
    /// Members are files or directories.
    FileType,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndRecord => "the file does not end in one zip end record",
            Self::SingleDisk => "the archive claims more than one disk",
            Self::Zip64 => "the zip64 records contradict the plain ones",
            Self::CentralDirectory => "the central directory is malformed",
            Self::Name => "the name is unsafe or not UTF-8",
            Self::UniqueName => "the name stands twice",
            Self::LocalHeader => "local header and central directory disagree",
            Self::Overlap => "members overlap",
            Self::NoPrefix => "bytes stand before the first member",
            Self::Method => "the member is encrypted or compressed in an unknown way",
            Self::FileType => "the member is neither a file nor a directory",
        })
    }
}

/// ` (in `name`)`, or nothing for the archive as a whole.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (in `{}`)", self.0) }
    }
}
