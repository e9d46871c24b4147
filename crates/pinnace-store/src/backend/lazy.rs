use std::{ops::Range, path::PathBuf, sync::OnceLock};

use super::{Backend, Listed, Meta, Reading, Upload};
use crate::{Durability, Error, ErrorKind, Key, LocalStore};

/// The store in a folder that may be missing now, such as that of a disk which is mounted later. Every
/// operation is a retryable error until the store exists; it is never created.
#[derive(Debug)]
pub struct LazyLocal {
    path: PathBuf,
    store: OnceLock<LocalStore>,
}

/// The durability of the store, once it is open.
const DURABILITY: Durability = Durability::Durable;

impl LazyLocal {
    /// Creates a backend for the store in a folder.
    pub fn new(path: PathBuf) -> Self {
        Self { path, store: OnceLock::new() }
    }

    fn opened(&self) -> Result<&LocalStore, Error> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let opened = LocalStore::open_existing(self.path.clone(), DURABILITY)?;
        let store = opened.ok_or_else(|| ErrorKind::Backend {
            doing: "open",
            key: self.path.display().to_string(),
            source: "the store does not exist".into(),
            is_retryable: true,
        })?;
        Ok(self.store.get_or_init(|| store))
    }
}

impl Backend for LazyLocal {
    /// Returns the location of the store that is opened, before and after it is there.
    fn location(&self) -> String {
        LocalStore::identity_of(&self.path, DURABILITY)
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        Backend::read(self.opened()?, key, range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Backend::write(self.opened()?)
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.opened()?.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        self.opened()?.missing(keys)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        Backend::list(self.opened()?, prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        Backend::remove(self.opened()?, key)
    }

    fn file(&self, key: &Key) -> Option<PathBuf> {
        self.opened().ok()?.file(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.opened()?.now()
    }
}
