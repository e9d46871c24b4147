use std::io::{self, Cursor, Read, Seek};

use sha2::{Digest, Sha256};

/// A member's content, measured: a zip header holds size and checksum *before* the data.
///
/// Measuring reads the source once and rewinds it; writing reads it a second time and fails if it
/// changed in between. Measuring is independent of the writer, so several sources can be measured
/// on several threads and then written in order.
#[derive(Debug)]
pub struct Content<R> {
    pub(crate) source: R,
    pub(crate) size: u64,
    pub(crate) crc32: u32,
    pub(crate) sha256: [u8; 32],
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
        Ok(Self { source, size, crc32: crc.finalize(), sha256: [0; 32] })
    }
}

impl<'a> Content<Cursor<&'a [u8]>> {
    /// Measures bytes in memory.
    pub fn bytes(bytes: &'a [u8]) -> Self {
        Self {
            source: Cursor::new(bytes),
            size: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
            sha256: Sha256::digest(bytes).into(),
        }
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
}

/// Hands the source's bytes to `each` in pieces; returns how many there were.
pub(crate) fn for_each_chunk(
    source: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                total += n as u64;
                each(&buffer[..n])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
