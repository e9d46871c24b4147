use std::ops::Range;

use super::{Backend, Listed, Meta, Reading, Upload};
use crate::{Error, Key, PutMode, content_key::digest_of, hashing};

/// A near backend that caches a far one. An object that never changes under its key is kept near
/// once it was read whole and verified. Reads of objects that can change, and all writes, go to the
/// far backend.
///
/// The [`Store`](crate::Store) detects a near copy that was damaged later. It
/// [forgets](Backend::forget) that copy and reads the far one.
#[derive(Debug)]
pub struct Cached<N, F> {
    near: N,
    far: F,
}

/// The folders of objects that never change.
const FIXED: [&str; 2] = ["blobs/", "packs/"];

impl<N: Backend, F: Backend> Cached<N, F> {
    /// Creates a backend that caches in `near` the objects read from `far`.
    pub fn new(near: N, far: F) -> Self {
        Self { near, far }
    }

    /// Copies an object into the near backend if it is good.
    fn fetch(&self, key: &Key) -> Result<(), Error> {
        let Some(mut reading) = self.far.read(key, None)? else { return Ok(()) };
        let mut upload = self.near.write()?;
        let failed = |error| Error::object("fetch", key, error);
        let (actual, _) = hashing::copy(&mut *reading.body, &mut *upload, failed)?;
        match digest_of(key) {
            Some((_, digest)) if digest == actual => {
                upload.finish(key, PutMode::Overwrite).map(drop)
            }
            _ => Ok(()),
        }
    }
}

impl<N: Backend, F: Backend> Backend for Cached<N, F> {
    /// Returns the location of the far backend, which holds the objects.
    fn location(&self) -> String {
        self.far.location()
    }

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
        // A failure of the near backend, such as a full disk, costs only speed.
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

    fn release_reserve(&self) -> Result<bool, Error> {
        self.far.release_reserve()
    }

    fn refill_reserve(&self) {
        self.far.refill_reserve();
    }

    fn forget(&self, key: &Key) -> Result<bool, Error> {
        match self.near.head(key)? {
            Some(_) => self.near.remove(key).map(|()| true),
            None => self.far.forget(key),
        }
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        self.far.sweep(before)
    }

    fn now(&self) -> Result<u64, Error> {
        self.far.now()
    }
}
