use std::io::{self, Cursor, Read, Seek, Write};

use sha2::{Digest, Sha256};

use crate::{Encoder, Method};

/// A member's content, measured: a zip header holds size and checksum *before* the data.
///
/// Measuring reads the source once and rewinds it; writing reads it a second time and fails if it
/// changed in between. Measuring is independent of the writer, so several sources can be measured
/// on several threads and then written in order.
#[derive(Debug)]
pub struct Content<R> {
    pub(crate) source: R,
    pub(crate) method: Method,
    /// The length and the CRC-32 of what is written.
    pub(crate) kept: u64,
    pub(crate) kept_crc32: u32,
    pub(crate) size: u64,
    pub(crate) crc32: u32,
    pub(crate) sha256: [u8; 32],
    pub(crate) encoder: Option<String>,
    /// Whether the source may hold more than was measured: a spool may.
    pub(crate) spooled: bool,
}

/// Large enough that reads cost nothing beside hashing, small enough to stay in the L2 cache.
pub(crate) const BUFFER: usize = 128 * 1024;

impl<R: Read + Seek> Content<R> {
    /// Reads the source from its start to its end.
    ///
    /// # Errors
    ///
    /// Whatever the source fails with.
    pub fn measure(source: R) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut content = Self::read_through(source, |bytes| hash.update(bytes))?;
        content.sha256 = hash.finalize().into();
        Ok(content)
    }

    /// The same for a source whose SHA-256 the caller has verified already: only the cheap checksum
    /// is computed.
    ///
    /// # Errors
    ///
    /// Whatever the source fails with.
    pub fn measure_verified(source: R, sha256: [u8; 32]) -> io::Result<Self> {
        let mut content = Self::read_through(source, |_| ())?;
        content.sha256 = sha256;
        Ok(content)
    }

    fn read_through(mut source: R, mut also: impl FnMut(&[u8])) -> io::Result<Self> {
        source.rewind()?;
        let mut crc = crc32fast::Hasher::new();
        let size = for_each_chunk(&mut source, |bytes| {
            crc.update(bytes);
            also(bytes);
            Ok(())
        })?;
        source.rewind()?;
        Ok(Self::stored(source, size, crc.finalize(), [0; 32]))
    }
}

impl<R: Read + Write + Seek> Content<R> {
    /// Reads the source to its end and keeps it in `spool`, compressed; as it is where that is not
    /// smaller.
    ///
    /// The spool starts empty: a `Cursor<Vec<u8>>` for what fits into memory, a temporary file for
    /// what does not. The encoder is fed pieces of [`Encoder::PIECE`](crate::PIECE) bytes, however
    /// the source is cut.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use pinnace_archive::{ArchivePath, Content, Deflate, Mode, Writer};
    ///
    /// let text = "the same line\n".repeat(1000);
    /// let (source, spool) = (Cursor::new(&text), Cursor::new(Vec::new()));
    /// let content = Content::encode(source, &Deflate::default(), spool)?;
    /// let mut writer = Writer::new(Vec::new());
    /// writer.file(&ArchivePath::parse("lines")?, Mode::File, content)?;
    /// let (bytes, summary) = writer.finish()?;
    /// assert!(bytes.len() < 300);
    /// assert!(summary.encoders[0].starts_with("deflate-6:"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever source, spool or encoder fail with.
    pub fn encode(
        mut source: impl Read + Seek,
        encoder: &dyn Encoder,
        mut spool: R,
    ) -> io::Result<Self> {
        let refused = |reason| Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        if encoder.method() == Method::Stored {
            return refused("an encoder's method cannot be `Stored`");
        }
        if spool.seek(io::SeekFrom::End(0))? != 0 {
            return refused("the spool is not empty");
        }
        let mut tally = Tally::new(&mut source);
        encoder.encode(&mut tally, &mut spool)?;
        let kept = spool.stream_position()?;
        let (size, crc32, sha256) = tally.finish()?;
        spool.rewind()?;
        if kept >= size {
            source.rewind()?;
            io::copy(&mut source.take(size), &mut spool)?;
            spool.rewind()?;
            let encoder = Some(encoder.id().to_owned());
            return Ok(Self { spooled: true, encoder, ..Self::stored(spool, size, crc32, sha256) });
        }
        let mut crc = crc32fast::Hasher::new();
        for_each_chunk(&mut (&mut spool).take(kept), |bytes| {
            crc.update(bytes);
            Ok(())
        })?;
        spool.rewind()?;
        Ok(Self {
            method: encoder.method(),
            kept,
            kept_crc32: crc.finalize(),
            encoder: Some(encoder.id().to_owned()),
            spooled: true,
            ..Self::stored(spool, size, crc32, sha256)
        })
    }
}

impl<B: AsRef<[u8]>> Content<Cursor<B>> {
    /// Measures bytes in memory.
    pub fn bytes(bytes: B) -> Self {
        let content = bytes.as_ref();
        let (size, crc32) = (content.len() as u64, crc32fast::hash(content));
        let sha256 = Sha256::digest(content).into();
        Self::stored(Cursor::new(bytes), size, crc32, sha256)
    }
}

impl<R> Content<R> {
    /// The content's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the content.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// How it will be kept.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The same content behind another type of source.
    pub(crate) fn map<S>(self, change: impl FnOnce(R) -> S) -> Content<S> {
        Content {
            source: change(self.source),
            method: self.method,
            kept: self.kept,
            kept_crc32: self.kept_crc32,
            size: self.size,
            crc32: self.crc32,
            sha256: self.sha256,
            encoder: self.encoder,
            spooled: self.spooled,
        }
    }

    pub(crate) fn stored(source: R, size: u64, crc32: u32, sha256: [u8; 32]) -> Self {
        let (kept, kept_crc32) = (size, crc32);
        Self {
            source,
            method: Method::Stored,
            kept,
            kept_crc32,
            size,
            crc32,
            sha256,
            encoder: None,
            spooled: false,
        }
    }
}

/// Counts and hashes what an encoder reads, in pieces whose size does not depend on the source.
struct Tally<R> {
    source: R,
    size: u64,
    crc: crc32fast::Hasher,
    hash: Sha256,
}

impl<R: Read> Tally<R> {
    fn new(source: R) -> Self {
        Self { source, size: 0, crc: crc32fast::Hasher::new(), hash: Sha256::new() }
    }

    /// An encoder that stopped early would lose what it did not read.
    fn finish(mut self) -> io::Result<(u64, u32, [u8; 32])> {
        match self.read(&mut [0])? {
            0 => Ok((self.size, self.crc.finalize(), self.hash.finalize().into())),
            _ => Err(io::Error::other("the encoder did not read all of its input")),
        }
    }
}

impl<R: Read> Read for Tally<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = fill(&mut self.source, buffer)?;
        self.size += n as u64;
        self.crc.update(&buffer[..n]);
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

/// Reads until the buffer is full or the source is at its end.
pub(crate) fn fill(source: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Hands the source's bytes to `each` in pieces; returns how many there were.
pub(crate) fn for_each_chunk(
    source: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    // Most members fit into this: a large buffer for each of them would cost more than its content.
    let mut small = [0; 8 * 1024];
    let mut total = fill(source, &mut small)?;
    each(&small[..total])?;
    if total < small.len() {
        return Ok(total as u64);
    }
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = fill(source, &mut buffer)?;
        total += n;
        each(&buffer[..n])?;
        if n < buffer.len() {
            return Ok(total as u64);
        }
    }
}
