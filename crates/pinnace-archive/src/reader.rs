use std::{collections::BTreeMap, io::Write};

use crate::{
    ArchivePath, Error, ErrorKind, Limits, ReadAt, Rule,
    member::{self, Raw},
    record::{
        CENTRAL_LENGTH, Central, DEFLATED, END_LENGTH, End, FLAG_UTF8, LOCAL_LENGTH, STORED,
        ZIP64_END_LENGTH, ZIP64_LOCATOR_LENGTH,
    },
};

/// A zip that came from elsewhere, read strictly.
///
/// Opening reads the end record and the central directory; a member's local header is checked
/// against it when the member is read. So one member of a remote zip costs one range more.
#[derive(Debug)]
pub struct Archive<R> {
    pub(crate) source: R,
    pub(crate) limits: Limits,
    entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
    prefix: u64,
}

/// Whether bytes may stand before the first member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prefix {
    /// They may not: wheels have none.
    Refused,
    /// They may: a PEX file starts with a script line.
    Allowed,
}

/// How a member's bytes are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// As they are.
    Stored,
    /// Deflated (RFC 1951).
    Deflated,
}

/// One member of an [`Archive`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) flags: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    unix_mode: Option<u32>,
}

impl Entry {
    /// The name; a directory's ends in `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether its owner may execute it. False where the archive records no Unix mode.
    pub fn is_executable(&self) -> bool {
        self.unix_mode.is_some_and(|mode| mode & 0o100 != 0)
    }

    /// The size of the content in bytes, as recorded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size in the archive in bytes.
    pub fn compressed_size(&self) -> u64 {
        self.compressed
    }

    /// How it is kept.
    pub fn method(&self) -> Method {
        self.method
    }

    pub(crate) fn method_number(&self) -> u16 {
        match self.method {
            Method::Stored => STORED,
            Method::Deflated => DEFLATED,
        }
    }
}

impl<R: ReadAt> Archive<R> {
    /// Reads and checks the central directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with the [`Rule`] that is broken, [`ErrorKind::Limit`], or
    /// [`ErrorKind::Io`].
    pub fn open(source: R, prefix: Prefix, limits: Limits) -> Result<Self, Error> {
        let end = locate(&source, &limits)?;
        let mut directory = vec![0; end.size as usize];
        read(&source, &mut directory, end.offset)?;
        let mut rest = directory.as_slice();
        let mut entries = Vec::new();
        for _ in 0..end.entries {
            entries.push(accept(Central::decode(&mut rest)?, &limits)?);
        }
        if !rest.is_empty() {
            return Err(Rule::CentralDirectory.into());
        }
        let by_name = index(&entries)?;
        let start = check_layout(&entries, end.offset)?;
        if prefix == Prefix::Refused && start != 0 {
            return Err(Rule::NoPrefix.into());
        }
        Ok(Self { source, limits, entries, by_name, prefix: start })
    }

    /// All members, in the order of the central directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The member of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|&at| &self.entries[at])
    }

    /// How many bytes stand before the first member.
    pub fn prefix_length(&self) -> u64 {
        self.prefix
    }

    /// The bytes before the first member, or as many of them as `most`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub fn prefix(&self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.prefix.min(most) as usize];
        read(&self.source, &mut bytes, 0)?;
        Ok(bytes)
    }

    /// The content of a member, checked against its checksum and its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`]; [`ErrorKind::Limit`] if it is larger than [`Limits::member`];
    /// [`ErrorKind::Refused`] if its local header tells another story; [`ErrorKind::Io`].
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        if entry.size > self.limits.member {
            return Err(limit("a member's size", self.limits.member, &entry.name));
        }
        let mut content = Vec::with_capacity(entry.size as usize);
        self.copy_to(entry, &mut content)?;
        Ok(content)
    }

    /// Copies a member's content to `out`, in constant memory. What was copied is checked only at
    /// its end: on an error, throw it away.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`], without the limit on memory.
    pub fn copy_to(&self, entry: &Entry, out: &mut impl Write) -> Result<u64, Error> {
        member::copy(self, entry, out)
    }

    /// Where the raw bytes of a member start, counted from the start of the source. A stored
    /// member of `size` bytes can be read from there in place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if the local header tells another story; [`ErrorKind::Io`].
    pub fn data_offset(&self, entry: &Entry) -> Result<u64, Error> {
        member::data_offset(self, entry)
    }

    pub(crate) fn raw(&self, entry: &Entry) -> Result<Raw<'_, R>, Error> {
        Ok(Raw::new(&self.source, self.data_offset(entry)?, entry.compressed))
    }
}

pub(crate) fn read(source: &impl ReadAt, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
    source.read_exact_at(buffer, offset).map_err(|error| Error::io("read the archive", error))
}

pub(crate) fn limit(what: &'static str, limit: u64, entry: &str) -> Error {
    ErrorKind::Limit { what, limit, entry: entry.to_owned() }.into()
}

/// Finds the central directory from the records that close the file.
fn locate(source: &impl ReadAt, limits: &Limits) -> Result<End, Error> {
    let length = source.size().map_err(|error| Error::io("read the archive", error))?;
    let at = length.checked_sub(END_LENGTH as u64).ok_or(Rule::EndRecord)?;
    let mut bytes = [0; END_LENGTH];
    read(source, &mut bytes, at)?;
    let plain = End::decode(&bytes)?;
    let (end, closes_at) = match locate_zip64(source, at, &plain)? {
        Some((end, closes_at)) => (end, closes_at),
        None if plain.may_be_zip64() && plain.entries != u64::from(u16::MAX) => {
            return Err(Rule::Zip64.into());
        }
        None => (plain, at),
    };
    if end.offset.checked_add(end.size) != Some(closes_at) {
        return Err(Rule::CentralDirectory.into());
    }
    if end.size > limits.directory {
        return Err(limit("the central directory", limits.directory, ""));
    }
    if end.entries > limits.entries {
        return Err(limit("the number of entries", limits.entries, ""));
    }
    if end.entries.saturating_mul(CENTRAL_LENGTH as u64) > end.size {
        return Err(Rule::CentralDirectory.into());
    }
    Ok(end)
}

fn locate_zip64(source: &impl ReadAt, at: u64, plain: &End) -> Result<Option<(End, u64)>, Error> {
    let Some(locator_at) = at.checked_sub(ZIP64_LOCATOR_LENGTH as u64) else { return Ok(None) };
    let mut bytes = [0; ZIP64_LOCATOR_LENGTH];
    read(source, &mut bytes, locator_at)?;
    let Some(offset) = End::decode_locator(&bytes)? else { return Ok(None) };
    // The record stands right before its locator: anything between is read by some and not by
    // others.
    if offset.checked_add(ZIP64_END_LENGTH as u64) != Some(locator_at) {
        return Err(Rule::Zip64.into());
    }
    let mut bytes = [0; ZIP64_END_LENGTH];
    read(source, &mut bytes, offset)?;
    Ok(Some((End::decode_zip64(&bytes, plain)?, offset)))
}

/// Checks one central entry by itself.
fn accept(central: Central, limits: &Limits) -> Result<Entry, Error> {
    const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
    let name = String::from_utf8(central.name)
        .map_err(|error| refuse_name(&String::from_utf8_lossy(error.as_bytes())))?;
    if !name.is_ascii() && central.flags & FLAG_UTF8 == 0 {
        return Err(refuse_name(&name));
    }
    ArchivePath::parse(name.strip_suffix('/').unwrap_or(&name)).map_err(|_| refuse_name(&name))?;
    let method = match central.method {
        _ if central.flags & ENCRYPTED != 0 => return Err(Error::refused(Rule::Method, name)),
        STORED => Method::Stored,
        DEFLATED => Method::Deflated,
        _ => return Err(Error::refused(Rule::Method, name)),
    };
    let unix_mode = central.made_by_unix.then_some(central.external_attributes >> 16);
    if !is_file_or_directory(unix_mode.unwrap_or(0), name.ends_with('/')) {
        return Err(Error::refused(Rule::FileType, name));
    }
    if method == Method::Stored && central.size != central.compressed
        || name.ends_with('/') && central.size != 0
    {
        return Err(Error::refused(Rule::CentralDirectory, name));
    }
    if central.size > central.compressed.saturating_mul(limits.ratio) {
        return Err(limit("a member's compression ratio", limits.ratio, &name));
    }
    Ok(Entry {
        name,
        method,
        flags: central.flags,
        crc32: central.crc32,
        compressed: central.compressed,
        size: central.size,
        offset: central.offset,
        unix_mode,
    })
}

/// A mode without a type bit (as some tools write) says nothing, which is fine.
fn is_file_or_directory(unix_mode: u32, named_directory: bool) -> bool {
    match unix_mode & 0o170_000 {
        0 => true,
        0o100_000 => !named_directory,
        0o040_000 => named_directory,
        _ => false,
    }
}

fn refuse_name(name: &str) -> Error {
    Error::refused(Rule::Name, name)
}

fn index(entries: &[Entry]) -> Result<BTreeMap<String, usize>, Error> {
    let mut by_name = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        // `a` and `a/` are one name: no file system holds both.
        let name = entry.name.trim_end_matches('/');
        let sibling = if entry.is_directory() { name.to_owned() } else { format!("{name}/") };
        if by_name.contains_key(&sibling) || by_name.insert(entry.name.clone(), at).is_some() {
            return Err(Error::refused(Rule::UniqueName, &entry.name));
        }
    }
    Ok(by_name)
}

/// Members must not overlap one another or the directory; returns where the first one starts.
fn check_layout(entries: &[Entry], directory: u64) -> Result<u64, Error> {
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.offset);
    let mut next = directory;
    for entry in order.iter().rev() {
        let least = LOCAL_LENGTH as u64 + entry.name.len() as u64;
        let end = entry.offset.checked_add(least).and_then(|n| n.checked_add(entry.compressed));
        if end.is_none_or(|end| end > next) {
            return Err(Error::refused(Rule::Overlap, &entry.name));
        }
        next = entry.offset;
    }
    Ok(next)
}
