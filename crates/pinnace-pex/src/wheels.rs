use std::io::{self, Read, Seek};

/// A source of bytes that can be read twice.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// Where the builder finds wheels, by the SHA-256 of their bytes.
pub trait WheelFiles: Sync {
    /// Opens a wheel at its start. Its bytes have been verified: they have that digest.
    ///
    /// # Errors
    ///
    /// If it is not there, damaged, or cannot be read.
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>>;
}

/// No wheels, for a PEX file of user code alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWheels;

impl WheelFiles for NoWheels {
    fn open(&self, _sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
