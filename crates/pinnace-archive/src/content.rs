use std::io::{self, Cursor, Read, Seek, Write};

use sha2::{Digest, Sha256};

use crate::{Encoder, Method};

/// A member's content, measured: a zip header holds size and checksum *before* the data.
///
/// Measuring reads the source once and rewinds it. Writing reads it a second time and fails if it
/// changed in between. Measuring is independent of the writer, so several sources can be measured
/// on several threads and then written in order.
#[derive(Debug)]
pub struct Content<R> {
    pub(crate) source: R,
    pub(crate) method: Method,
    /// The length and the CRC-32 of the bytes that are written.
    pub(crate) kept: u64,
    pub(crate) kept_crc32: u32,
    pub(crate) size: u64,
    pub(crate) crc32: u32,
    pub(crate) sha256: [u8; 32],
    pub(crate) encoder: Option<String>,
    /// True if the source may hold more than was measured, as a spool may.
    pub(crate) spooled: bool,
}

/// A seekable source of bytes, which can be read twice.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// Large enough that reads cost nothing beside hashing, small enough to stay in the L2 cache.
pub(crate) const BUFFER: usize = 128 * 1024;

impl<R: Read + Seek> Content<R> {
    /// Reads the source from its start to its end.
    ///
    /// # Errors
    ///
    /// Returns the error of the source.
    pub fn measure(source: R) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut content = Self::read_through(source, |bytes| hash.update(bytes))?;
        content.sha256 = hash.finalize().into();
        Ok(content)
    }

    /// Measures a source whose SHA-256 the caller has verified already. Only the cheap CRC-32 is
    /// computed.
    ///
    /// # Errors
    ///
    /// Returns the error of the source.
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
    /// Compresses the source into `spool`, or copies it there if compression does not make it
    /// smaller.
    ///
    /// The spool starts empty: use a `Cursor<Vec<u8>>` for content that fits into memory, and a
    /// temporary file otherwise. The encoder can read pieces of [`PIECE`](crate::PIECE) bytes,
    /// however the source is cut.
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
    /// Returns the error of the source, the spool or the encoder, and
    /// [`io::ErrorKind::InvalidInput`] if the spool is not empty or the encoder's method is
    /// `Stored`.
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
    /// Returns the content's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the SHA-256 of the content.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Returns the method with which the content is written.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Replaces the source, which must hold the same bytes.
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

/// A reader that counts and hashes its source. Its reads are of a size that does not depend on the
/// source.
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

    /// Returns size, CRC-32 and SHA-256. Fails if the encoder stopped before the end of the
    /// content.
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

/// Reads until the buffer is full or the source ends. Returns the number of bytes.
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

/// Passes the source's bytes to `each` in pieces. Returns the number of bytes.
pub(crate) fn for_each_chunk(
    source: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    // Most members fit here; allocating a large buffer for each would cost more than reading it.
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
