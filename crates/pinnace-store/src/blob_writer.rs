use std::io::{self, Read, Write};

use crate::{
    Digest, Error, ErrorKind, LocalStore, PendingFile, PutMode,
    hashing::{HashingWriter, hash_pieces},
};

/// A blob on its way into the store, hashed while it is written.
///
/// Dropping it without [`BlobWriter::commit`] leaves nothing behind.
#[derive(Debug)]
#[must_use = "a blob is stored only when it is committed"]
pub struct BlobWriter<'a> {
    store: &'a LocalStore,
    file: HashingWriter<PendingFile>,
}

impl LocalStore {
    /// Stores all bytes of `source` as a blob.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if `source` cannot be read, or [`ErrorKind::Io`] if the store
    /// cannot be written.
    pub fn put(&self, source: &mut impl Read) -> Result<Digest, Error> {
        let mut file = self.pending()?;
        let unreadable = |source| ErrorKind::Source { source }.into();
        let (digest, _) = hash_pieces(source, unreadable, |piece| {
            file.write_all(piece).map_err(Error::at("write to", self.root()))
        })?;
        self.publish(file, &digest)?;
        Ok(digest)
    }

    /// Starts a blob that the caller writes to, for sources that push.
    ///
    /// # Errors
    ///
    /// Returns an error if no file can be created.
    pub fn writer(&self) -> Result<BlobWriter<'_>, Error> {
        Ok(BlobWriter { store: self, file: HashingWriter::new(self.pending()?) })
    }

    fn publish(&self, file: PendingFile, digest: &Digest) -> Result<(), Error> {
        file.publish(self.path(digest), PutMode::Overwrite).map(drop)
    }
}

impl BlobWriter<'_> {
    /// Stores the written bytes under their digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system fails; nothing is stored then.
    pub fn commit(self) -> Result<Digest, Error> {
        let (file, digest) = self.file.finish();
        self.store.publish(file, &digest)?;
        Ok(digest)
    }

    /// Stores the written bytes if they have the expected digest.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Mismatch`] if they have another digest; nothing is stored then.
    pub fn commit_as(self, expected: &Digest) -> Result<(), Error> {
        let (file, actual) = self.file.finish();
        if actual != *expected {
            return Err(ErrorKind::Mismatch { expected: *expected, actual }.into());
        }
        self.store.publish(file, &actual)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
