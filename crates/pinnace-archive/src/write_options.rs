use std::{
    fmt,
    io::{self, Cursor, Read, Seek, Write},
};

use crate::{
    Content, Encoder,
    content::{BUFFER, ReadSeek},
};

/// The options of [`ArchiveBuilder::write`](crate::ArchiveBuilder::write). By default one thread
/// writes, and members are stored.
///
/// ```
/// use pinnace_archive::{Deflate, WriteOptions};
///
/// let deflate = Deflate::new(9);
/// let writing = WriteOptions::default().threads(2).encoder(&deflate);
/// # let _ = writing;
/// ```
#[derive(Clone, Copy, Default)]
pub struct WriteOptions<'a> {
    pub(crate) threads: usize,
    encoder: Option<&'a dyn Encoder>,
    spool: Option<&'a OpenSpool<'a>>,
}

type OpenSpool<'a> = dyn Fn() -> io::Result<Box<dyn Spool>> + Sync + 'a;

/// A buffer for compressed content until the writer needs it, usually a temporary file.
pub trait Spool: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Spool for T {}

/// The largest content that is compressed into memory.
const IN_MEMORY: u64 = 1 << 20;

impl fmt::Debug for WriteOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoder = self.encoder.map(Encoder::id);
        f.debug_struct("WriteOptions")
            .field("threads", &self.threads)
            .field("encoder", &encoder)
            .finish_non_exhaustive()
    }
}

impl<'a> WriteOptions<'a> {
    /// Sets the number of threads that measure and compress ahead of the writer. The number never
    /// changes the bytes.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the encoder, used for each member that it makes smaller. Members copied from other
    /// archives keep their compression.
    #[must_use]
    pub fn encoder(mut self, encoder: &'a dyn Encoder) -> Self {
        self.encoder = Some(encoder);
        self
    }

    /// Sets a spool for compressed content of more than 1 MiB, instead of memory. `open` must
    /// return an empty one.
    ///
    /// ```
    /// # use pinnace_archive::WriteOptions;
    /// let open = || tempfile::tempfile().map(|file| Box::new(file) as _);
    /// let writing = WriteOptions::default().spool(&open);
    /// # let _ = writing;
    /// ```
    #[must_use]
    pub fn spool(mut self, open: &'a OpenSpool<'a>) -> Self {
        self.spool = Some(open);
        self
    }

    /// Reads a source once and measures it. Small contents are kept in memory, so the writer does
    /// not read the source again.
    pub(crate) fn measure<'s>(
        &self,
        mut source: impl ReadSeek + 's,
    ) -> io::Result<Content<Box<dyn ReadSeek + 's>>> {
        if let Some(encoder) = self.encoder {
            return self.encode(source, encoder);
        }
        let size = source.seek(io::SeekFrom::End(0))?;
        source.rewind()?;
        if size < BUFFER as u64 {
            let mut bytes = Vec::with_capacity(size as usize + 1);
            (&mut source).take(BUFFER as u64).read_to_end(&mut bytes)?;
            if bytes.len() < BUFFER {
                return Ok(Content::bytes(bytes).map(|source| Box::new(source) as _));
            }
        }
        Content::measure(source).map(|content| content.map(|source| Box::new(source) as _))
    }

    fn encode<'s>(
        &self,
        mut source: impl ReadSeek,
        encoder: &dyn Encoder,
    ) -> io::Result<Content<Box<dyn ReadSeek + 's>>> {
        let size = source.seek(io::SeekFrom::End(0))?;
        source.rewind()?;
        match self.spool {
            Some(open) if size > IN_MEMORY => {
                let content = Content::encode(source, encoder, open()?)?;
                Ok(content.map(|spool| Box::new(spool) as _))
            }
            _ => {
                let content = Content::encode(source, encoder, Cursor::new(Vec::new()))?;
                Ok(content.map(|spool| Box::new(spool) as _))
            }
        }
    }
}
