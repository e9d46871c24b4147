use std::ops::Range;

use super::{Backend, Listed, Meta, PutMode, PutResult, Reading, Upload};
use crate::{Error, Key};

/// A folder of another backend as a backend of its own: each tenant has one, and sees no other.
#[derive(Debug)]
pub struct Prefixed<B> {
    backend: B,
    prefix: Key,
}

impl<B: Backend> Prefixed<B> {
    /// Creates a backend of the objects below `prefix`.
    pub fn new(backend: B, prefix: Key) -> Self {
        Self { backend, prefix }
    }

    fn inner(&self, key: &Key) -> Key {
        Key::of(format!("{}/{key}", self.prefix))
    }

    fn outer(&self, key: &Key) -> Option<Key> {
        let own = key.as_str().strip_prefix(self.prefix.as_str())?.strip_prefix('/')?;
        Some(Key::of(own.to_owned()))
    }
}

impl<B: Backend> Backend for Prefixed<B> {
    fn location(&self) -> String {
        format!("{}/{}", self.backend.location(), self.prefix)
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        self.backend.read(&self.inner(key), range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        let upload = self.backend.write()?;
        Ok(Box::new(PrefixedUpload { upload, prefix: &self.prefix }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.backend.head(&self.inner(key))
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let inner: Vec<Key> = keys.iter().map(|key| self.inner(key)).collect();
        let missing = self.backend.missing(&inner)?;
        Ok(missing.iter().filter_map(|key| self.outer(key)).collect())
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let prefix = match prefix {
            "" => self.prefix.to_string(),
            prefix => format!("{}/{prefix}", self.prefix),
        };
        let after = after.map(|after| self.inner(after));
        let listed = self.backend.list(&prefix, after.as_ref(), limit)?;
        let own = listed.into_iter().filter_map(|listed| {
            let key = self.outer(&listed.key)?;
            Some(Listed { key, meta: listed.meta })
        });
        Ok(own.collect())
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.backend.remove(&self.inner(key))
    }

    fn file(&self, key: &Key) -> Option<std::path::PathBuf> {
        self.backend.file(&self.inner(key))
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        self.backend.sweep(before)
    }

    fn release_reserve(&self) -> Result<bool, Error> {
        self.backend.release_reserve()
    }

    fn refill_reserve(&self) {
        self.backend.refill_reserve();
    }

    fn forget(&self, key: &Key) -> Result<bool, Error> {
        self.backend.forget(&self.inner(key))
    }

    fn now(&self) -> Result<u64, Error> {
        self.backend.now()
    }
}

struct PrefixedUpload<'a> {
    upload: Box<dyn Upload + 'a>,
    prefix: &'a Key,
}

impl std::io::Write for PrefixedUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.upload.flush()
    }
}

impl Upload for PrefixedUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        let key = Key::of(format!("{}/{key}", self.prefix));
        self.upload.finish(&key, mode)
    }
}
