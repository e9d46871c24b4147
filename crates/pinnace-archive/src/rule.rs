use std::fmt;

use crate::Leniency;

/// A condition that the strict reader requires of every archive.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// An end of central directory record closes the file.
    EndRecord,
    /// No comment follows the end record.
    NoComment,
    /// The archive has one disk, and its counts agree.
    SingleDisk,
    /// The zip64 records and fields agree with the plain ones, and stand in their place.
    Zip64,
    /// The central directory lies inside the file and is well formed.
    CentralDirectory,
    /// Names are relative, UTF-8, and stay below the folder they are extracted to.
    Name,
    /// Names that are not ASCII have the UTF-8 flag.
    NameEncoding,
    /// No extra field gives a member another name or another type.
    ExtraField,
    /// Names are valid on every file system.
    ReservedName,
    /// No name occurs twice.
    UniqueName,
    /// Nothing lies below a file.
    FileAndDirectory,
    /// No two names differ only in case.
    CaseCollision,
    /// No two names differ only in Unicode normal form.
    NormalizationCollision,
    /// The local header agrees with the central directory.
    LocalHeader,
    /// A data descriptor agrees with the central directory. It does not follow stored data, since
    /// it cannot mark the end of such data.
    Descriptor,
    /// Stored members have equal sizes, and directories have no content.
    Size,
    /// Members do not overlap.
    Overlap,
    /// No bytes lie between members.
    Gap,
    /// No bytes precede the first member.
    NoPrefix,
    /// Members are not encrypted.
    Encrypted,
    /// Members need at most version 6.3 of the format, the last version with changes that concern
    /// this reader.
    Version,
    /// Members have only flags that the reader understands.
    Flags,
    /// Members use a known compression method.
    Method,
    /// Members are files or directories, and their names agree with that.
    FileType,
    /// Members were made by MS-DOS, Unix or macOS. Readers disagree about the attributes of other
    /// systems.
    System,
    /// No member is a symbolic link.
    NoSymlink,
}

impl Rule {
    /// Returns the leniency of a [`Policy`](crate::Policy) that lifts the rule, if there is one.
    pub fn leniency(self) -> Option<Leniency> {
        match self {
            Self::NoComment => Some(Leniency::Comment),
            Self::NameEncoding => Some(Leniency::UnflaggedName),
            Self::ReservedName => Some(Leniency::ReservedName),
            Self::CaseCollision => Some(Leniency::CaseCollision),
            Self::NormalizationCollision => Some(Leniency::NormalizationCollision),
            Self::Gap => Some(Leniency::Gap),
            Self::NoPrefix => Some(Leniency::Prefix),
            Self::NoSymlink => Some(Leniency::Symlink),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndRecord => {
                "not a zip archive, or truncated, or with bytes after its end: it does not end in an end record"
            }
            Self::NoComment => "a comment follows the end record",
            Self::SingleDisk => "the archive claims more than one disk",
            Self::Zip64 => "the zip64 records contradict the plain ones",
            Self::CentralDirectory => "the central directory is malformed",
            Self::Name => "the name is unsafe or not UTF-8",
            Self::NameEncoding => "the name is not ASCII, and not flagged as UTF-8",
            Self::ExtraField => "an extra field gives the member another name or type",
            Self::ReservedName => "the name cannot be held by every file system",
            Self::UniqueName => "two members have this name",
            Self::FileAndDirectory => "a parent folder of it is a file",
            Self::CaseCollision => "two names differ in case only",
            Self::NormalizationCollision => "two names differ in Unicode normal form only",
            Self::LocalHeader => "local header and central directory disagree",
            Self::Descriptor => "data descriptor and central directory disagree",
            Self::Size => "its compressed and uncompressed sizes contradict each other",
            Self::Overlap => "members overlap",
            Self::Gap => "bytes that belong to no member follow it",
            Self::NoPrefix => "there are bytes before the first member",
            Self::Encrypted => "the member is encrypted",
            Self::Version => "the member needs a later version of the format",
            Self::Flags => "the member has flags of unknown meaning",
            Self::Method => "the member is compressed in an unknown way",
            Self::FileType => "the member is neither a file nor a directory, or its name disagrees",
            Self::System => "the member has the attributes of an unknown system",
            Self::NoSymlink => "the member is a symbolic link",
        })
    }
}
