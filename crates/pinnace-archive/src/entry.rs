use crate::{
    Error, Leniency, Limits, Mode, Policy, Rule,
    header::Central,
    path::{fault, reserved},
    record::{DEFLATED, FLAG_UTF8, LOCAL_LENGTH, STORED, VERSION_ZSTANDARD, ZSTANDARD},
};

/// How a member's bytes are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// As they are.
    Stored,
    /// Deflated (RFC 1951).
    Deflated,
    /// Compressed with Zstandard (RFC 8878). Read with the `zstd` feature only.
    Zstandard,
}

impl Method {
    /// APPNOTE 4.4.5.
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

/// One member of an [`Archive`](crate::Archive).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) flags: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    /// Where the next thing in the file begins.
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
    /// The name; a directory's ends in `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Whether it is a file, executable or not.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File | Kind::Executable)
    }

    /// Its mode as a writer takes it.
    pub fn mode(&self) -> Mode {
        if self.is_executable() { Mode::Executable } else { Mode::File }
    }

    /// Whether its owner may execute it. False where the archive records no Unix mode.
    pub fn is_executable(&self) -> bool {
        self.kind == Kind::Executable
    }

    /// Whether it is a symbolic link, whose content is its target ([`Leniency::Symlink`]).
    pub fn is_symlink(&self) -> bool {
        self.kind == Kind::Symlink
    }

    /// The size of the content in bytes, as recorded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size in the archive in bytes.
    pub fn compressed_size(&self) -> u64 {
        self.compressed
    }

    /// The CRC-32 of the content, as recorded.
    pub fn crc32(&self) -> u32 {
        self.crc32
    }

    /// How it is kept.
    pub fn method(&self) -> Method {
        self.method
    }
}

/// Bits 1 and 2 say how hard the compressor tried, bit 3 that sizes follow the data, bit 11 that
/// the name is UTF-8 (APPNOTE 4.4.4).
const KNOWN_FLAGS: u16 = 0b110 | 1 << 3 | FLAG_UTF8;
/// Bits 0, 6 and 13: encrypted, strongly so, and with masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Checks one central entry by itself.
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

/// What mode, attributes and name say together. A mode without a type bit, as some tools write,
/// says nothing; modes of MS-DOS count where they are there, since some readers heed them.
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

/// Members must not overlap one another or the directory. Notes where each one ends; returns where
/// the first one starts.
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
