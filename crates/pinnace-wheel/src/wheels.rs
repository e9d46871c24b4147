use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::ReadAt;

/// Where downloaded wheels are kept, by the SHA-256 of their bytes.
pub trait Wheels: Send + Sync {
    /// Whether that wheel is there.
    ///
    /// # Errors
    ///
    /// If the store cannot be looked at.
    fn contains(&self, sha256: &[u8; 32]) -> io::Result<bool>;

    /// Keeps all that `body` gives, and returns its SHA-256. With `expected` given, other bytes
    /// are not kept: the error then is of [`io::ErrorKind::InvalidData`].
    ///
    /// # Errors
    ///
    /// If `body` fails, or the wheel cannot be kept.
    fn put(&self, body: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<[u8; 32]>;

    /// Opens a wheel, verified; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// If its bytes are not its own, or cannot be read.
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Option<Box<dyn ReadAt>>>;
}

/// [`Wheels`] in memory, for tests and for programs that want none on disk.
#[derive(Debug, Default)]
pub struct MemoryWheels(Mutex<BTreeMap<[u8; 32], Vec<u8>>>);

impl MemoryWheels {
    /// Forgets all wheels.
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
            let reason = "its SHA-256 is another than was expected";
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
