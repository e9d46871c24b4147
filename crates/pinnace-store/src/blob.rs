use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use sha2::{Digest as _, Sha256};

use crate::{Digest, Error, ErrorKind, LocalStore, PendingFile};

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
        let mut hash = Sha256::new();
        let size = hash_all(&mut file, &mut hash)?;
        file.rewind()?;
        Ok((Self { file, size }, Digest::new(hash.finalize().into())))
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

/// A blob on its way into the store, hashed while it is written.
///
/// Dropping it without [`BlobWriter::commit`] leaves nothing behind.
#[derive(Debug)]
#[must_use = "a blob is stored only when it is committed"]
pub struct BlobWriter<'a> {
    store: &'a LocalStore,
    file: PendingFile,
    hash: Sha256,
}

impl<'a> BlobWriter<'a> {
    pub(crate) fn new(store: &'a LocalStore, file: PendingFile) -> Self {
        Self { store, file, hash: Sha256::new() }
    }

    /// Stores the written bytes under their digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system fails; nothing is stored then.
    pub fn commit(self) -> Result<Digest, Error> {
        let digest = Digest::new(self.hash.finalize().into());
        self.store.publish(self.file, &digest)?;
        Ok(digest)
    }

    /// Stores the written bytes if they have the expected digest.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Mismatch`] if they have another digest; nothing is stored then.
    pub fn commit_as(self, expected: &Digest) -> Result<(), Error> {
        let actual = Digest::new(self.hash.finalize().into());
        if actual != *expected {
            return Err(ErrorKind::Mismatch { expected: *expected, actual }.into());
        }
        self.store.publish(self.file, &actual)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn hash_all(file: &mut File, hash: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(n) => {
                hash.update(&buffer[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
