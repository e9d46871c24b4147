use std::ops::Range;

use super::{Backend, Listed, Meta, Reading, Upload};
use crate::{Condition, Error, Key};

/// A near backend in front of a far one. What never changes under its key is kept near once it was read
/// whole; all that can change, and all that is written, goes to the far one.
///
/// A damaged near copy is seen by whoever reads it, since every content is verified, and healed by
/// [`Cached::forget`] and reading it again.
#[derive(Debug)]
pub struct Cached<N, F> {
    near: N,
    far: F,
}

/// The folders of what never changes.
const FIXED: [&str; 2] = ["blobs/", "packs/"];

impl<N: Backend, F: Backend> Cached<N, F> {
    /// Keeps in `near` what is read of `far`.
    pub fn new(near: N, far: F) -> Self {
        Self { near, far }
    }

    /// Takes an object out of the near backend.
    ///
    /// # Errors
    ///
    /// If the near backend fails.
    pub fn forget(&self, key: &Key) -> Result<(), Error> {
        self.near.remove(key)
    }

    /// Copies an object into the near backend.
    fn fetch(&self, key: &Key) -> Result<(), Error> {
        let Some(mut reading) = self.far.read(key, None)? else { return Ok(()) };
        let mut upload = self.near.write()?;
        std::io::copy(&mut reading.body, &mut upload)
            .map_err(|error| Error::object("fetch", key, error))?;
        upload.finish(key, Condition::Always).map(drop)
    }
}

impl<N: Backend, F: Backend> Backend for Cached<N, F> {
    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        if !FIXED.iter().any(|folder| key.as_str().starts_with(folder)) {
            return self.far.read(key, range);
        }
        if let Some(reading) = self.near.read(key, range.clone())? {
            return Ok(Some(reading));
        }
        if range.is_some() {
            return self.far.read(key, range);
        }
        // A near backend that is full, say, costs speed only.
        match self.fetch(key).and_then(|()| self.near.read(key, None)) {
            Ok(Some(reading)) => Ok(Some(reading)),
            _ => self.far.read(key, None),
        }
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        self.far.write()
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.far.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        self.far.missing(keys)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.far.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.near.remove(key)?;
        self.far.remove(key)
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        self.far.sweep(before)
    }

    fn now(&self) -> Result<u64, Error> {
        self.far.now()
    }
}
