//! A folder that will hold a store, but does not now.

use std::{ops::Range, path::PathBuf, sync::OnceLock};

use pinnace_store::{
    Backend, Durability, Error, ErrorKind, Key, Listed, LocalStore, Meta, Reading, Upload,
};

/// The store in a folder that is not there yet, as that of a disk which is to be mounted: it is an error until it is there, and never
/// made anew.
#[derive(Debug)]
pub(crate) struct Later {
    path: PathBuf,
    store: OnceLock<LocalStore>,
}

impl Later {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, store: OnceLock::new() }
    }

    fn there(&self) -> Result<&LocalStore, Error> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let opened = LocalStore::open_existing(self.path.clone(), Durability::Durable)?;
        let store = opened.ok_or_else(|| ErrorKind::Backend {
            doing: "open",
            key: self.path.display().to_string(),
            source: "there is no store any more".into(),
            is_retryable: true,
        })?;
        Ok(self.store.get_or_init(|| store))
    }
}

impl Backend for Later {
    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        Backend::read(self.there()?, key, range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Backend::write(self.there()?)
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.there()?.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        self.there()?.missing(keys)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        Backend::list(self.there()?, prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        Backend::remove(self.there()?, key)
    }

    fn file(&self, key: &Key) -> Option<PathBuf> {
        self.there().ok()?.file(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.there()?.now()
    }
}
