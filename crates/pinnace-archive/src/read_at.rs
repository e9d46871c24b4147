use std::{fs::File, io, sync::Arc};

use crate::Error;

/// A source of bytes that can be read at any offset: a file, a slice, ranges of a remote file.
///
/// Reading takes `&self`, so several members can be read in parallel. The source must not change
/// while an archive is open on it: damage to members that are read or copied may go unnoticed.
pub trait ReadAt {
    /// Returns the length in bytes.
    ///
    /// # Errors
    ///
    /// Returns the error of the source.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` with the bytes that start at `offset`.
    ///
    /// # Errors
    ///
    /// Returns [`io::ErrorKind::UnexpectedEof`] if the source ends before the buffer is full.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Returns the bytes without a copy, if they are in memory already. The default returns `None`,
    /// which suits sources that have to read.
    fn bytes_at(&self, _offset: u64, _length: usize) -> Option<&[u8]> {
        None
    }
}

/// Fills `buffer` with the bytes of an archive that start at `offset`.
pub(crate) fn read(source: &impl ReadAt, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
    source.read_exact_at(buffer, offset).map_err(|error| Error::io("read the archive", error))
}

impl ReadAt for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = self.bytes_at(offset, buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn bytes_at(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.get(start..start.checked_add(length)?)
    }
}

macro_rules! shared {
    ($($pointer:ty)*) => {
        $(
            impl<T: ReadAt + ?Sized> ReadAt for $pointer {
                fn size(&self) -> io::Result<u64> {
                    (**self).size()
                }

                fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
                    (**self).read_exact_at(buffer, offset)
                }

                fn bytes_at(&self, offset: u64, length: usize) -> Option<&[u8]> {
                    (**self).bytes_at(offset, length)
                }
            }
        )*
    };
}

shared!(&T Arc<T> Box<T>);

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buffer, offset)
    }

    fn bytes_at(&self, offset: u64, length: usize) -> Option<&[u8]> {
        self.as_slice().bytes_at(offset, length)
    }
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buffer, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    buffer = &mut buffer[n..];
                    offset += n as u64;
                }
            }
        }
        Ok(())
    }
}
