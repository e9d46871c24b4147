use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    io::{self, Cursor, Write},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Backend, Listed, Meta, PutMode, PutResult, Reading, Upload};
use crate::{Error, Key};

/// A backend in memory: the reference that other backends are compared with, and a double for
/// tests. Its clock stands still until it is set.
#[derive(Clone, Debug)]
pub struct MemoryBackend {
    /// A random number, so that no cache takes this backend for that of another run.
    id: u64,
    state: Arc<Mutex<State>>,
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self { id: RandomState::new().hash_one(()), state: Arc::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Key, (Arc<Vec<u8>>, u64)>,
    now: u64,
}

impl MemoryBackend {
    /// Creates an empty backend.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock, in seconds since 1970.
    pub fn set_now(&self, now: u64) {
        self.state().now = now;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for MemoryBackend {
    fn location(&self) -> String {
        format!("memory:{:016x}", self.id)
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let Some((bytes, _)) = self.state().objects.get(key).cloned() else { return Ok(None) };
        let end = bytes.len() as u64;
        let range = range.unwrap_or(0..end);
        let (start, end) = (range.start.min(end) as usize, range.end.min(end) as usize);
        let part = bytes.get(start..end).unwrap_or_default().to_vec();
        Ok(Some(Reading { size: part.len() as u64, body: Box::new(Cursor::new(part)) }))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(MemoryUpload { backend: self, bytes: Vec::new() }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let meta = |(bytes, modified): &(Arc<Vec<u8>>, u64)| Meta {
            size: bytes.len() as u64,
            modified: *modified,
        };
        Ok(self.state().objects.get(key).map(meta))
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let state = self.state();
        let listed = state.objects.iter().filter(|(key, _)| {
            key.as_str().starts_with(&folder) && after.is_none_or(|after| *key > after)
        });
        let listed = listed.map(|(key, (bytes, modified))| Listed {
            key: key.clone(),
            meta: Meta { size: bytes.len() as u64, modified: *modified },
        });
        Ok(listed.take(limit).collect())
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.state().objects.remove(key);
        Ok(())
    }

    fn now(&self) -> Result<u64, Error> {
        Ok(self.state().now)
    }
}

struct MemoryUpload<'a> {
    backend: &'a MemoryBackend,
    bytes: Vec<u8>,
}

impl Write for MemoryUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for MemoryUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        let mut state = self.backend.state();
        if mode == PutMode::Create && state.objects.contains_key(key) {
            return Ok(PutResult::AlreadyExists);
        }
        let now = state.now;
        state.objects.insert(key.clone(), (Arc::new(self.bytes), now));
        Ok(PutResult::Written)
    }
}
