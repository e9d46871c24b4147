//! Hashing of bytes on their way from one place to another.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::{Digest, Error, ErrorKind};

/// A writer that hashes what it passes on.
#[derive(Debug)]
pub(crate) struct HashingWriter<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, hash: Sha256::new() }
    }

    /// Returns the inner writer, and the digest of the bytes that it took.
    pub(crate) fn finish(self) -> (W, Digest) {
        (self.out, Digest::new(self.hash.finalize().into()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

const BUFFER: usize = 128 * 1024;

/// Reads `source` to its end, hands each piece to `sink`, and returns the digest and the size of
/// all pieces.
pub(crate) fn hash_pieces<E>(
    source: &mut (impl Read + ?Sized),
    unreadable: impl FnOnce(io::Error) -> E,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(Digest, u64), E> {
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = match source.read(&mut buffer) {
            Ok(0) => return Ok((Digest::new(hash.finalize().into()), size)),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        hash.update(&buffer[..n]);
        sink(&buffer[..n])?;
        size += n as u64;
    }
}

/// Copies bytes from `source` to `out`, and returns their digest and size.
pub(crate) fn copy(
    source: &mut dyn Read,
    out: &mut (impl Write + ?Sized),
    unreadable: impl FnOnce(io::Error) -> Error,
) -> Result<(Digest, u64), Error> {
    hash_pieces(source, unreadable, |piece| Ok(out.write_all(piece).map_err(ErrorKind::spool)?))
}
