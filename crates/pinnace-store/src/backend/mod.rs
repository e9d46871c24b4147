//! Where objects are kept.

mod cached;
mod instrumented;
mod lazy;
mod limited;
mod local;
mod memory;
mod prefixed;
#[cfg(feature = "s3")]
mod s3;

use std::{
    fmt,
    io::{Read, Write},
    ops::Range,
    path::PathBuf,
};

use crate::{Error, Key};

pub use cached::Cached;
pub use instrumented::{Instrumented, Progress};
pub use lazy::LazyLocal;
pub use limited::Limited;
pub use memory::MemoryBackend;
pub use prefixed::Prefixed;
#[cfg(feature = "s3")]
pub use s3::S3Backend;

/// A place that keeps objects by key. All that a [`Store`](crate::Store) needs of a disk, an object
/// store or a server stands here; [`conformance`](crate::conformance) says in tests what it means.
///
/// Objects are written whole or not at all, and what is written can be read and listed at once by
/// everybody. Implementations retry by themselves what is worth it.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Opens an object for reading, all of it or a range of its bytes; `None` if it is not there. A
    /// range beyond the end is cut.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error>;

    /// Starts an object whose key may not be known yet.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn write(&self) -> Result<Box<dyn Upload + '_>, Error>;

    /// What is known of an object without reading it; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn head(&self, key: &Key) -> Result<Option<Meta>, Error>;

    /// Which of these are not there, in their order. An implementation that can ask for many at once
    /// does.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let mut missing = Vec::new();
        for key in keys {
            if self.head(key)?.is_none() {
                missing.push(key.clone());
            }
        }
        Ok(missing)
    }

    /// The first objects, at most `limit`, below the folder `prefix` (nothing for all), of those that
    /// come after `after`, in an order that does not change. Objects of one folder that holds no folders
    /// are in the order of their keys' bytes; whether `a-b` is before `a/b` is the place's own affair.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error>;

    /// Removes an object; one that is not there is no failure.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn remove(&self, key: &Key) -> Result<(), Error>;

    /// The file of this machine that an object is, if it is one: to be read in place, or linked to, and
    /// never to be written to.
    fn file(&self, key: &Key) -> Option<PathBuf> {
        let _ = key;
        None
    }

    /// Removes unfinished objects that nobody has written to since a time, and tells how many. Where
    /// the place does that itself, there is nothing to do.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn sweep(&self, before: u64) -> Result<usize, Error> {
        let _ = before;
        Ok(0)
    }

    /// Gives up what the place holds in reserve for a collection that has no room left, and tells whether there
    /// was something.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn release_reserve(&self) -> Result<bool, Error> {
        Ok(false)
    }

    /// Holds in reserve again what was given up, as far as there is room.
    fn refill_reserve(&self) {}

    /// Gives up a nearer copy of an object, since it was read and is damaged, and tells whether there was one:
    /// reading it again may be better.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn forget(&self, key: &Key) -> Result<bool, Error> {
        let _ = key;
        Ok(false)
    }

    /// What time it is there, in seconds since 1970: the clock that objects are dated by.
    ///
    /// # Errors
    ///
    /// If the place fails.
    fn now(&self) -> Result<u64, Error>;
}

/// An object on its way. Dropped, it leaves nothing that anybody sees.
pub trait Upload: Write + Send {
    /// Makes it the object of that key.
    ///
    /// # Errors
    ///
    /// If the place fails. The object is then there or not, and never in part.
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error>;
}

/// When an object may take its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PutMode {
    /// In any case; what has the key is replaced.
    Overwrite,
    /// If nothing has it yet.
    Create,
}

/// What became of an object that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PutResult {
    /// It is there.
    Written,
    /// It is not, since the condition did not hold.
    AlreadyExists,
}

/// An object that is being read.
#[expect(missing_debug_implementations, reason = "it holds a reader")]
pub struct Reading {
    /// How many bytes will come.
    pub size: u64,
    /// They.
    pub body: Box<dyn Read + Send>,
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Meta {
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in seconds since 1970 by the clock of the place.
    pub modified: u64,
}

/// An object of a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// What is known of it.
    pub meta: Meta,
}
