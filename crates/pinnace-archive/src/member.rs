//! Reading one member: its local header, its raw bytes, its content.

use std::io::{self, Read, Write};

use crate::{
    Archive, Entry, Error, ErrorKind, Method, ReadAt, Rule,
    content::{BUFFER, for_each_chunk},
    reader::read,
    record::{LOCAL_LENGTH, Local, widen},
};

/// Bit 3: sizes and checksum follow the data instead of standing in the local header.
const FLAG_DESCRIPTOR: u16 = 1 << 3;

/// Checks the local header against the central one and returns where the data starts.
pub(crate) fn data_offset<R: ReadAt>(archive: &Archive<R>, entry: &Entry) -> Result<u64, Error> {
    let disagree = || Error::refused(Rule::LocalHeader, &entry.name);
    let mut head = [0; LOCAL_LENGTH];
    read(&archive.source, &mut head, entry.offset)?;
    let local = Local::decode(&head).ok_or_else(disagree)?;
    let mut tail = vec![0; local.name_length + local.extra_length];
    read(&archive.source, &mut tail, entry.offset + LOCAL_LENGTH as u64)?;
    let (name, extra) = tail.split_at(local.name_length);
    if name != entry.name.as_bytes()
        || local.method != entry.method_number()
        || local.flags != entry.flags
        || !sizes_agree(&local, extra, entry)?
    {
        return Err(disagree());
    }
    Ok(entry.offset + LOCAL_LENGTH as u64 + tail.len() as u64)
}

fn sizes_agree(local: &Local, extra: &[u8], entry: &Entry) -> Result<bool, Error> {
    if local.flags & FLAG_DESCRIPTOR != 0 {
        let blank_or =
            |here: u32, there: u64| here == 0 || here == u32::MAX || u64::from(here) == there;
        return Ok(blank_or(local.crc32, entry.crc32.into())
            && blank_or(local.size, entry.size)
            && blank_or(local.compressed, entry.compressed));
    }
    let [size, compressed, _] =
        widen(extra, [local.size, local.compressed, 0], entry.name.as_bytes())?;
    Ok(local.crc32 == entry.crc32 && size == entry.size && compressed == entry.compressed)
}

/// Copies the content to `out`, checking size and checksum at the end.
pub(crate) fn copy<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    out: &mut impl Write,
) -> Result<u64, Error> {
    let raw = archive.raw(entry)?;
    match entry.method {
        Method::Stored => copy_checked(raw, entry, out),
        Method::Deflated => {
            let buffered = io::BufReader::with_capacity(BUFFER, raw);
            copy_checked(flate2::bufread::DeflateDecoder::new(buffered), entry, out)
        }
    }
}

fn copy_checked(content: impl Read, entry: &Entry, out: &mut impl Write) -> Result<u64, Error> {
    let damaged = |what| ErrorKind::Damaged { entry: entry.name.clone(), what }.into();
    let mut crc = crc32fast::Hasher::new();
    // One byte more than recorded is enough to know that the size is a lie.
    let mut content = content.take(entry.size.saturating_add(1));
    let size = for_each_chunk(&mut content, |bytes| {
        crc.update(bytes);
        out.write_all(bytes)
    })
    .map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => damaged("compressed data"),
        _ => Error::io("read a member", error),
    })?;
    if size != entry.size {
        return Err(damaged("size"));
    }
    if crc.finalize() != entry.crc32 {
        return Err(damaged("checksum"));
    }
    Ok(size)
}

/// The raw bytes of a member, as a [`Read`].
pub(crate) struct Raw<'a, R> {
    source: &'a R,
    offset: u64,
    remaining: u64,
}

impl<'a, R> Raw<'a, R> {
    pub(crate) fn new(source: &'a R, offset: u64, length: u64) -> Self {
        Self { source, offset, remaining: length }
    }
}

impl<R: ReadAt> Read for Raw<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.remaining.min(buffer.len() as u64) as usize;
        if n == 0 {
            return Ok(0);
        }
        self.source.read_exact_at(&mut buffer[..n], self.offset)?;
        self.offset += n as u64;
        self.remaining -= n as u64;
        Ok(n)
    }
}
