use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::ReadAt;

/// A store of downloaded wheels, by the SHA-256 of their bytes.
pub trait Wheels: Send + Sync {
    /// Checks whether the store has that wheel.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    fn contains(&self, sha256: &[u8; 32]) -> io::Result<bool>;

    /// Stores all bytes of `body` and returns their SHA-256. Bytes that differ from `expected` are
    /// not stored, and the error is of [`io::ErrorKind::InvalidData`].
    ///
    /// # Errors
    ///
    /// Returns an error if `body` fails, or the wheel cannot be stored.
    fn put(&self, body: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<[u8; 32]>;

    /// Opens a wheel and verifies it. Returns `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes do not match the digest, or cannot be read.
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Option<Box<dyn ReadAt>>>;
}

/// A [`Wheels`] store in memory, for tests and for programs that keep none on disk.
#[derive(Debug, Default)]
pub struct MemoryWheels(Mutex<BTreeMap<[u8; 32], Vec<u8>>>);

impl MemoryWheels {
    /// Removes all wheels.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Wheels for MemoryWheels {
    fn contains(&self, sha256: &[u8; 32]) -> io::Result<bool> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(sha256))
    }

    fn put(&self, body: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<[u8; 32]> {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        if expected.is_some_and(|expected| *expected != sha256) {
            let reason = "its SHA-256 differs from the expected one";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256, bytes);
        Ok(sha256)
    }

    fn open(&self, sha256: &[u8; 32]) -> io::Result<Option<Box<dyn ReadAt>>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned();
        Ok(found.map(|bytes| Box::new(bytes) as Box<dyn ReadAt>))
    }
}
