use std::{
    fmt,
    io::{self, Cursor, Read, Seek, Write},
};

use crate::{Content, Encoder, builder::ReadSeek, content::BUFFER};

/// How [`ArchiveBuilder::write`](crate::ArchiveBuilder::write) goes about it. By default, members
/// are stored, by one thread.
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

/// Where compressed content waits for its turn: a temporary file, mostly.
pub trait Spool: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Spool for T {}

/// Content up to this size is compressed into memory.
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
    /// Measures and compresses ahead of the writer on this many threads. They never change a byte.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Compresses what becomes smaller by it. Members that come from other archives stay as they
    /// are.
    #[must_use]
    pub fn encoder(mut self, encoder: &'a dyn Encoder) -> Self {
        self.encoder = Some(encoder);
        self
    }

    /// Keeps compressed content of more than 1 MiB in what `open` opens, empty, rather than in
    /// memory.
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

    /// Reads a source once. What is small is kept, so that it is read once only.
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
