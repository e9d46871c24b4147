use crate::{
    Error, Leniency, Limits, Mode, Policy, Rule,
    header::Central,
    path::{fault, reserved},
    record::{DEFLATED, FLAG_UTF8, LOCAL_LENGTH, STORED, VERSION_ZSTANDARD, ZSTANDARD},
};

/// The compression method of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Not compressed.
    Stored,
    /// Deflated (RFC 1951).
    Deflated,
    /// Compressed with Zstandard (RFC 8878). Read only with the `zstd` feature.
    Zstandard,
}

impl Method {
    /// Returns the number of the method (APPNOTE 4.4.5).
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Stored => STORED,
            Self::Deflated => DEFLATED,
            Self::Zstandard => ZSTANDARD,
        }
    }

    fn of_number(number: u16) -> Option<Self> {
        match number {
            STORED => Some(Self::Stored),
            DEFLATED => Some(Self::Deflated),
            ZSTANDARD if cfg!(feature = "zstd") => Some(Self::Zstandard),
            _ => None,
        }
    }
}

/// A member of an [`Archive`](crate::Archive).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) flags: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    /// The offset of whatever follows the member: the next member or the central directory.
    pub(crate) end: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Directory,
    File,
    Executable,
    Symlink,
}

impl Entry {
    /// Returns the name. The name of a directory ends in `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if the member is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Returns true if the member is a file, executable or not.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Executable)
    }

    /// Returns the mode in the form that a writer takes.
    pub fn mode(&self) -> Mode {
        if self.is_executable() { Mode::Executable } else { Mode::File }
    }

    /// Returns true if the owner may execute the file. False if the archive records no Unix mode.
    pub fn is_executable(&self) -> bool {
        self.kind == Kind::Executable
    }

    /// Returns true if the member is a symbolic link ([`Leniency::Symlink`]). Its content is the
    /// target.
    pub fn is_symlink(&self) -> bool {
        self.kind == Kind::Symlink
    }

    /// Returns the recorded size of the content in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the size in the archive in bytes.
    pub fn compressed_size(&self) -> u64 {
        self.compressed
    }

    /// Returns the recorded CRC-32 of the content.
    pub fn crc32(&self) -> u32 {
        self.crc32
    }

    /// Returns the compression method.
    pub fn method(&self) -> Method {
        self.method
    }
}

/// The flags that readers accept (APPNOTE 4.4.4). Bits 1 and 2 tell the compressor's effort, bit 3
/// that sizes follow the data, bit 11 that the name is UTF-8.
const KNOWN_FLAGS: u16 = 0b110 | 1 << 3 | FLAG_UTF8;
/// The flags of encryption: bit 0 for any, bit 6 for strong encryption, bit 13 for masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Checks a single central entry.
pub(crate) fn accept(central: Central, policy: &Policy) -> Result<Entry, Error> {
    let name = String::from_utf8(central.name)
        .map_err(|error| Error::refused(Rule::Name, String::from_utf8_lossy(error.as_bytes())))?;
    let refused = |rule| Error::refused(rule, &name);
    check_name(&name, central.flags, policy)
        .map_err(|(rule, detail)| Error::refused_for(rule, &name, detail))?;
    if central.flags & ENCRYPTED != 0 {
        return Err(refused(Rule::Encrypted));
    }
    if central.version > VERSION_ZSTANDARD {
        return Err(refused(Rule::Version));
    }
    if central.flags & !KNOWN_FLAGS != 0 {
        return Err(refused(Rule::Flags));
    }
    let method = Method::of_number(central.method).ok_or_else(|| refused(Rule::Method))?;
    let kind =
        kind(central.host, central.external_attributes, name.ends_with('/')).map_err(refused)?;
    if kind == Kind::Symlink && !policy.allows(Leniency::Symlink) {
        return Err(refused(Rule::NoSymlink));
    }
    let lies = method == Method::Stored && central.size != central.compressed;
    if lies || kind == Kind::Directory && central.size != 0 {
        return Err(refused(Rule::Size));
    }
    let entry = Entry {
        method,
        flags: central.flags,
        crc32: central.crc32,
        compressed: central.compressed,
        size: central.size,
        offset: central.offset,
        end: central.offset,
        kind,
        name,
    };
    check_limits(&entry, policy.limits())?;
    Ok(entry)
}

fn check_name(name: &str, flags: u16, policy: &Policy) -> Result<(), (Rule, &'static str)> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if let Some(fault) = fault(path) {
        return Err((Rule::Name, fault));
    }
    if !name.is_ascii() && flags & FLAG_UTF8 == 0 && !policy.allows(Leniency::UnflaggedName) {
        return Err((Rule::NameEncoding, ""));
    }
    match path.split('/').find_map(reserved) {
        Some(fault) if !policy.allows(Leniency::ReservedName) => Err((Rule::ReservedName, fault)),
        _ => Ok(()),
    }
}

fn check_limits(entry: &Entry, limits: &Limits) -> Result<(), Error> {
    let ratio = match entry.method {
        Method::Zstandard => limits.ratio.saturating_mul(32),
        Method::Stored | Method::Deflated => limits.ratio,
    };
    if entry.size > entry.compressed.saturating_mul(ratio) {
        return Err(Error::limit(
            "a member's compression ratio",
            entry.size / entry.compressed.max(1),
            ratio,
            &entry.name,
        ));
    }
    if entry.size > limits.size {
        return Err(Error::limit("a member's size", entry.size, limits.size, &entry.name));
    }
    let depth = entry.name.matches('/').count() as u64;
    if depth > limits.depth {
        return Err(Error::limit("the depth of folders", depth, limits.depth, &entry.name));
    }
    Ok(())
}

/// Derives the kind of a member from its mode, attributes and name. A mode without type bits, as
/// some tools write it, decides nothing. MS-DOS attributes count if set: some readers obey them.
fn kind(host: u8, attributes: u32, named_directory: bool) -> Result<Kind, Rule> {
    const MSDOS: u8 = 0;
    const UNIX: u8 = 3;
    const MACOS: u8 = 19;
    const DOS_LABEL_OR_DIRECTORY: u32 = 0x18;
    let executable = match host {
        MSDOS => false,
        UNIX | MACOS => attributes >> 16 & 0o100 != 0,
        _ => return Err(Rule::System),
    };
    if !named_directory && attributes & DOS_LABEL_OR_DIRECTORY != 0 {
        return Err(Rule::FileType);
    }
    match (attributes >> 16 & 0o170_000, named_directory) {
        (0 | 0o040_000, true) => Ok(Kind::Directory),
        (0 | 0o100_000, false) if executable => Ok(Kind::Executable),
        (0 | 0o100_000, false) => Ok(Kind::File),
        (0o120_000, false) => Ok(Kind::Symlink),
        _ => Err(Rule::FileType),
    }
}

/// Checks that members overlap neither one another nor the directory. Sets the end of each entry
/// and returns the offset of the first one.
pub(crate) fn lay_out(entries: &mut [Entry], directory: u64) -> Result<u64, Error> {
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_unstable_by_key(|at| entries[*at as usize].offset);
    let mut next = directory;
    for at in order.into_iter().rev() {
        let entry = &mut entries[at as usize];
        let least = LOCAL_LENGTH as u64 + entry.name.len() as u64;
        let end = entry.offset.checked_add(least).and_then(|n| n.checked_add(entry.compressed));
        if end.is_none_or(|end| end > next) {
            return Err(Error::refused(Rule::Overlap, &entry.name));
        }
        entry.end = next;
        next = entry.offset;
    }
    Ok(next)
}
