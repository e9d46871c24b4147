//! Reading a single member: its local header, its raw bytes, its content, and the bytes after it.

use std::io::{self, BufRead, Read, Write};

use flate2::{Decompress, FlushDecompress, Status};

use crate::{
    Archive, Entry, Error, ErrorKind, Leniency, Method, ReadAt, Rule,
    content::{BUFFER, for_each_chunk},
    extra::{extra_agrees, widen, zip64_blank_or},
    header::{Local, descriptor_length},
    read_at::read,
    record::{FLAG_DESCRIPTOR, LOCAL_LENGTH},
};

/// The longest local header: the name and the extra field have 16-bit lengths.
const HEAD: u64 = LOCAL_LENGTH as u64 + 2 * u16::MAX as u64;
/// The longest data descriptor (APPNOTE 4.3.9): signature, checksum, two sizes of 8 bytes.
const DESCRIPTOR: u64 = 24;
/// The size up to which a member is read in one piece, header included.
const AT_ONCE: u64 = 1 << 20;

/// Buffers and the state of the decompressor, reused from one member to the next.
pub(crate) struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
    inflate: Decompress,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { input: Vec::new(), output: Vec::new(), inflate: Decompress::new(false) }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Copies the content to `out` and checks it against the central directory.
pub(crate) fn copy<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    scratch: &mut Scratch,
    out: &mut impl Write,
) -> Result<u64, Error> {
    if span(entry) <= AT_ONCE {
        copy_at_once(archive, entry, scratch, out)?;
    } else {
        let raw = raw(archive, entry)?;
        let data = io::BufReader::with_capacity(BUFFER, raw);
        decode(data, entry, &mut scratch.inflate, &mut scratch.output, out)?;
    }
    Ok(entry.size)
}

/// Like [`copy`], but takes a single read of the source, whatever the size.
pub(crate) fn copy_at_once<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    scratch: &mut Scratch,
    out: &mut impl Write,
) -> Result<(), Error> {
    let data = fetch(archive, entry, &mut scratch.input)?;
    decode(data, entry, &mut scratch.inflate, &mut scratch.output, out)
}

/// Copies the member's raw bytes without decoding them.
pub(crate) fn copy_raw<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    scratch: &mut Scratch,
    out: &mut impl Write,
) -> Result<(), Error> {
    let copied = if span(entry) <= AT_ONCE {
        out.write_all(fetch(archive, entry, &mut scratch.input)?)
    } else {
        for_each_chunk(&mut raw(archive, entry)?, |bytes| out.write_all(bytes)).map(drop)
    };
    copied.map_err(|error| Error::io("copy a member", error))
}

/// Checks the local header against the central one and returns where the data starts.
pub(crate) fn data_offset<R: ReadAt>(archive: &Archive<R>, entry: &Entry) -> Result<u64, Error> {
    let mut head = vec![0; span(entry).min(HEAD) as usize];
    read(&archive.source, &mut head, entry.offset)?;
    Ok(entry.offset + check_header(&head, entry)? as u64)
}

/// Returns the raw bytes of a member, after checking its header and the bytes that follow the data.
fn raw<'a, R: ReadAt>(archive: &'a Archive<R>, entry: &Entry) -> Result<Raw<'a, R>, Error> {
    let start = data_offset(archive, entry)?;
    let end = within(start, entry)?;
    let mut tail = vec![0; (entry.end - end).min(DESCRIPTOR) as usize];
    read(&archive.source, &mut tail, end)?;
    check_tail(archive, entry, &tail, entry.end - end)?;
    Ok(Raw { source: &archive.source, offset: start, remaining: entry.compressed })
}

/// Returns the data of a member, after checking its header and tail. The data is borrowed if the
/// source is in memory, and otherwise read into `buffer` in one piece.
fn fetch<'a, R: ReadAt>(
    archive: &'a Archive<R>,
    entry: &Entry,
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    let length = span(entry) as usize;
    let bytes = match archive.source.bytes_at(entry.offset, length) {
        Some(bytes) => bytes,
        None => {
            buffer.resize(length, 0);
            read(&archive.source, buffer, entry.offset)?;
            buffer.as_slice()
        }
    };
    let start = check_header(bytes, entry)?;
    let end = within(entry.offset + start as u64, entry)? - entry.offset;
    let tail = bytes.get(end as usize..).unwrap_or_default();
    check_tail(archive, entry, tail, entry.end - entry.offset - end)?;
    // The range lies within the bytes read: a span has room for the longest header.
    bytes.get(start..end as usize).ok_or_else(|| Error::refused(Rule::Overlap, &entry.name))
}

/// Returns the number of bytes, from the local header on, that can belong to the member.
fn span(entry: &Entry) -> u64 {
    let header = LOCAL_LENGTH as u64 + entry.name.len() as u64 + u64::from(u16::MAX);
    (entry.end - entry.offset).min(entry.compressed.saturating_add(header + DESCRIPTOR))
}

/// Returns the end of the data, if it is not beyond the next member.
fn within(start: u64, entry: &Entry) -> Result<u64, Error> {
    let end = start.checked_add(entry.compressed).filter(|end| *end <= entry.end);
    end.ok_or_else(|| Error::refused(Rule::Overlap, &entry.name))
}

/// Checks the local header against the directory and returns the start of the data.
fn check_header(bytes: &[u8], entry: &Entry) -> Result<usize, Error> {
    let disagree = || Error::refused(Rule::LocalHeader, &entry.name);
    let head = bytes.first_chunk().ok_or_else(disagree)?;
    let local = Local::decode(head).ok_or_else(disagree)?;
    let rest = &bytes[LOCAL_LENGTH..];
    let (name, rest) = rest.split_at_checked(local.name_length).ok_or_else(disagree)?;
    let extra = rest.get(..local.extra_length).ok_or_else(disagree)?;
    if name != entry.name.as_bytes()
        || local.method != entry.method.number()
        || local.flags != entry.flags
        || !sizes_agree(&local, extra, entry)?
    {
        return Err(disagree());
    }
    if !extra_agrees(extra, name) {
        return Err(Error::refused(Rule::ExtraField, &entry.name));
    }
    Ok(LOCAL_LENGTH + local.name_length + local.extra_length)
}

fn sizes_agree(local: &Local, extra: &[u8], entry: &Entry) -> Result<bool, Error> {
    if local.flags & FLAG_DESCRIPTOR != 0 {
        let blank_or =
            |here: u32, there: u64| here == 0 || here == u32::MAX || u64::from(here) == there;
        return Ok(blank_or(local.crc32, entry.crc32.into())
            && blank_or(local.size, entry.size)
            && blank_or(local.compressed, entry.compressed)
            && zip64_blank_or(extra, entry.size, entry.compressed));
    }
    let [size, compressed, _] =
        widen(extra, [local.size, local.compressed, 0], entry.name.as_bytes())?;
    Ok(local.crc32 == entry.crc32 && size == entry.size && compressed == entry.compressed)
}

/// Checks that a member's data is followed by its data descriptor, if it has one, and nothing else
/// before the next member. `tail` is the start of the `length` bytes in between.
fn check_tail<R>(
    archive: &Archive<R>,
    entry: &Entry,
    tail: &[u8],
    length: u64,
) -> Result<(), Error> {
    // A streaming reader takes the first bytes that look like a descriptor for one.
    if entry.flags & FLAG_DESCRIPTOR != 0 && entry.method == Method::Stored && entry.size > 0 {
        return Err(Error::refused(Rule::Descriptor, &entry.name));
    }
    let own = if entry.flags & FLAG_DESCRIPTOR == 0 {
        0
    } else {
        descriptor_length(tail, entry.crc32, entry.compressed, entry.size)
            .ok_or_else(|| Error::refused(Rule::Descriptor, &entry.name))?
    };
    if own as u64 != length && !archive.policy.allows(Leniency::Gap) {
        return Err(Error::refused(Rule::Gap, &entry.name));
    }
    Ok(())
}

/// Decodes a member's data and checks size and checksum.
fn decode(
    data: impl BufRead,
    entry: &Entry,
    inflate: &mut Decompress,
    output: &mut Vec<u8>,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut checked = Checked { out, entry, crc: crc32fast::Hasher::new(), size: 0 };
    match entry.method {
        Method::Stored => pass(data, &mut checked)?,
        Method::Deflated => self::inflate(data, inflate, output, &mut checked)?,
        Method::Zstandard => zstandard(data, output, &mut checked)?,
    }
    checked.finish()
}

fn pass(mut data: impl BufRead, checked: &mut Checked<'_, impl Write>) -> Result<(), Error> {
    loop {
        let bytes = data.fill_buf().map_err(reading)?;
        if bytes.is_empty() {
            return Ok(());
        }
        checked.push(bytes)?;
        let length = bytes.len();
        data.consume(length);
    }
}

fn inflate(
    mut data: impl BufRead,
    inflate: &mut Decompress,
    output: &mut Vec<u8>,
    checked: &mut Checked<'_, impl Write>,
) -> Result<(), Error> {
    inflate.reset(false);
    output.resize(BUFFER, 0);
    // `Finish` says that no more data follows, which saves copying the last 32 KiB into the window.
    let flush = if checked.entry.size <= BUFFER as u64 {
        FlushDecompress::Finish
    } else {
        FlushDecompress::None
    };
    loop {
        let input = data.fill_buf().map_err(reading)?;
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, output, flush)
            .map_err(|_| checked.damaged("compressed data"))?;
        let consumed = (inflate.total_in() - read) as usize;
        let produced = (inflate.total_out() - written) as usize;
        checked.push(&output[..produced])?;
        let stuck = consumed == 0 && produced == 0;
        data.consume(consumed);
        if status == Status::StreamEnd {
            break;
        }
        if stuck {
            return Err(checked.damaged("compressed data"));
        }
    }
    exhausted(data, checked)
}

/// Refuses bytes after the end of the stream, which some readers see and others do not.
fn exhausted(mut data: impl BufRead, checked: &Checked<'_, impl Write>) -> Result<(), Error> {
    match data.fill_buf().map_err(reading)? {
        [] => Ok(()),
        _ => Err(checked.damaged("compressed size")),
    }
}

#[cfg(feature = "zstd")]
fn zstandard(
    data: impl BufRead,
    output: &mut Vec<u8>,
    checked: &mut Checked<'_, impl Write>,
) -> Result<(), Error> {
    /// The largest window of a decoder, as a power of two: 128 MiB.
    const WINDOW: u32 = 27;
    let decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(reading)?;
    // Some readers stop after the first frame, so only one is allowed.
    let mut decoder = decoder.single_frame();
    decoder.window_log_max(WINDOW).map_err(reading)?;
    output.resize(BUFFER, 0);
    loop {
        match decoder.read(output) {
            Ok(0) => break,
            Ok(n) => checked.push(&output[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(checked.damaged("compressed data")),
        }
    }
    exhausted(decoder.finish(), checked)
}

#[cfg(not(feature = "zstd"))]
fn zstandard(
    _data: impl BufRead,
    _output: &mut Vec<u8>,
    checked: &mut Checked<'_, impl Write>,
) -> Result<(), Error> {
    Err(Error::refused(Rule::Method, &checked.entry.name))
}

fn reading(error: io::Error) -> Error {
    Error::io("read the archive", error)
}

/// An output that checks size and checksum of the content it passes on.
struct Checked<'a, W> {
    out: &'a mut W,
    entry: &'a Entry,
    crc: crc32fast::Hasher,
    size: u64,
}

impl<W: Write> Checked<'_, W> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.size > self.entry.size {
            return Err(self.damaged("size"));
        }
        self.crc.update(bytes);
        self.out.write_all(bytes).map_err(|error| Error::io("write a member's content", error))
    }

    fn finish(self) -> Result<(), Error> {
        if self.size != self.entry.size {
            return Err(self.damaged("size"));
        }
        if self.crc.clone().finalize() != self.entry.crc32 {
            return Err(self.damaged("checksum"));
        }
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> Error {
        ErrorKind::Damaged { entry: self.entry.name.clone(), what }.into()
    }
}

/// A [`Read`] over the raw bytes of a member.
struct Raw<'a, R> {
    source: &'a R,
    offset: u64,
    remaining: u64,
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
