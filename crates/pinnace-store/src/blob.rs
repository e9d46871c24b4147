use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use crate::{Digest, hashing::hash_pieces};

/// A verified blob, open for reading from its start.
///
/// Its bytes stay as verified: a blob's file is never written to, only replaced whole.
#[derive(Debug)]
pub struct Blob {
    file: File,
    size: u64,
}

impl Blob {
    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the underlying file, for reads at offsets or for another library.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Rewinds a file that was verified while it was written.
    pub(crate) fn rewound(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }

    /// Hashes the whole file, and returns its digest for the caller to compare.
    pub(crate) fn hash(mut file: File) -> io::Result<(Self, Digest)> {
        let (digest, size) = hash_pieces(&mut file, |error| error, |_| Ok(()))?;
        file.rewind()?;
        Ok((Self { file, size }, digest))
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Blob {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
