use std::fmt;

use crate::Leniency;

/// What the strict reader insists on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// There is an end of central directory record, and it closes the file.
    EndRecord,
    /// No comment follows the end record.
    NoComment,
    /// One disk, and counts that agree.
    SingleDisk,
    /// The zip64 records and fields agree with the plain ones, and stand where they belong.
    Zip64,
    /// The central directory lies inside the file and is well formed.
    CentralDirectory,
    /// Names are relative, UTF-8, and stay below the folder they are extracted to.
    Name,
    /// Names that are not ASCII are flagged as UTF-8.
    NameEncoding,
    /// No extra field gives a member another name or another type.
    ExtraField,
    /// Names can be held by every file system.
    ReservedName,
    /// No name stands twice.
    UniqueName,
    /// Nothing lies below a file.
    FileAndDirectory,
    /// No two names differ in case only.
    CaseCollision,
    /// No two names differ in Unicode normal form only.
    NormalizationCollision,
    /// The local header says the same as the central directory.
    LocalHeader,
    /// A data descriptor says the same as the central directory, and does not follow stored data,
    /// whose end it cannot mark.
    Descriptor,
    /// Stored members have one size, directories none.
    Size,
    /// Members do not overlap.
    Overlap,
    /// Nothing stands between members.
    Gap,
    /// Nothing stands before the first member.
    NoPrefix,
    /// Members are not encrypted.
    Encrypted,
    /// Members need no version of the format later than 6.3, the last one that changes anything
    /// for what is read here.
    Version,
    /// Members have no flags but for those that are understood.
    Flags,
    /// Members are compressed in a way that is known.
    Method,
    /// Members are files or directories, and their names say so too.
    FileType,
    /// Members were made by MS-DOS, Unix or macOS: others' attributes mean different things to
    /// different readers.
    System,
    /// Members are no symbolic links.
    NoSymlink,
}

impl Rule {
    /// What a [`Policy`](crate::Policy) can allow instead, if anything.
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
                "this is no zip archive, or it is cut off or has grown: no end record closes it"
            }
            Self::NoComment => "a comment follows the end record",
            Self::SingleDisk => "the archive claims more than one disk",
            Self::Zip64 => "the zip64 records contradict the plain ones",
            Self::CentralDirectory => "the central directory is malformed",
            Self::Name => "the name is unsafe or not UTF-8",
            Self::NameEncoding => "the name is not ASCII, and not flagged as UTF-8",
            Self::ExtraField => "an extra field gives the member another name or type",
            Self::ReservedName => "the name cannot be held by every file system",
            Self::UniqueName => "the name stands twice",
            Self::FileAndDirectory => "it lies below a file",
            Self::CaseCollision => "two names differ in case only",
            Self::NormalizationCollision => "two names differ in Unicode normal form only",
            Self::LocalHeader => "local header and central directory disagree",
            Self::Descriptor => "data descriptor and central directory disagree",
            Self::Size => "its two sizes cannot both be true",
            Self::Overlap => "members overlap",
            Self::Gap => "bytes that belong to no member follow it",
            Self::NoPrefix => "bytes stand before the first member",
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
