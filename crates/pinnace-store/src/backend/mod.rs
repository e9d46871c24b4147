//! Backends: the places that hold objects.

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

/// A place that holds objects by key: all that a [`Store`](crate::Store) needs of a disk, an object
/// store or a server. The cases in [`conformance`](crate::conformance) define its behavior.
///
/// Objects are written whole or not at all, and every client can read and list a written object at
/// once. Implementations retry by themselves where that makes sense.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Returns the identity of the place as text: backends with equal locations hold the same
    /// objects. The text is an identity and not a label for messages; it holds no credentials.
    ///
    /// Caches on this machine name what they know of a place by its location, so an implementation
    /// returns the same text in every version and for as long as it exists.
    fn location(&self) -> String;

    /// Opens an object, or a range of its bytes, for reading; returns `None` if it does not exist.
    /// A range beyond the end is cut.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error>;

    /// Starts an upload whose key may not be known yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn write(&self) -> Result<Box<dyn Upload + '_>, Error>;

    /// Returns the metadata of an object without reading it, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn head(&self, key: &Key) -> Result<Option<Meta>, Error>;

    /// Returns the keys that have no object, in their order. An implementation that can look up
    /// many at once does so.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let mut missing = Vec::new();
        for key in keys {
            if self.head(key)?.is_none() {
                missing.push(key.clone());
            }
        }
        Ok(missing)
    }

    /// Lists at most `limit` objects below the folder `prefix` (empty for all) that come after
    /// `after`, in an order that does not change. Objects of a folder without subfolders come in
    /// the byte order of their keys; the order of `a-b` and `a/b` is up to the implementation.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error>;

    /// Removes an object. A missing object is not an error.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn remove(&self, key: &Key) -> Result<(), Error>;

    /// Returns the file of this machine that holds an object, if there is one. The caller may read
    /// it in place or link to it, and never writes to it.
    fn file(&self, key: &Key) -> Option<PathBuf> {
        let _ = key;
        None
    }

    /// Removes unfinished uploads that were not written to since `before`, and returns their
    /// number. A backend that does this by itself has nothing to do.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn sweep(&self, before: u64) -> Result<usize, Error> {
        let _ = before;
        Ok(0)
    }

    /// Releases the reserve that the backend holds for a collection without space, and returns true
    /// if there was one.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn release_reserve(&self) -> Result<bool, Error> {
        Ok(false)
    }

    /// Refills the reserve, as far as there is space.
    fn refill_reserve(&self) {}

    /// Drops a cached copy of an object that turned out to be damaged, and returns true if there
    /// was one: reading the object again may then succeed.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn forget(&self, key: &Key) -> Result<bool, Error> {
        let _ = key;
        Ok(false)
    }

    /// Returns the time of the backend, in seconds since 1970: the clock that dates objects.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    fn now(&self) -> Result<u64, Error>;
}

/// An upload in progress. Dropping it leaves nothing visible.
pub trait Upload: Write + Send {
    /// Completes the upload under that key.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails. The object then exists whole or not at all.
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error>;
}

/// The condition under which an object takes its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PutMode {
    /// Always; an object that has the key is replaced.
    Overwrite,
    /// Only if no object has the key yet.
    Create,
}

/// The result of an upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PutResult {
    /// The object was written.
    Written,
    /// The object was not written, since the condition did not hold.
    AlreadyExists,
}

/// An object that is open for reading.
#[expect(missing_debug_implementations, reason = "it holds a reader")]
pub struct Reading {
    /// Number of bytes in the stream.
    pub size: u64,
    /// The object's bytes, as a stream.
    pub body: Box<dyn Read + Send>,
}

/// The metadata of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Meta {
    /// The size in bytes.
    pub size: u64,
    /// The time of writing, in seconds since 1970, by the clock of the backend.
    pub modified: u64,
}

/// An object in a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The key of the object.
    pub key: Key,
    /// The metadata of the object.
    pub meta: Meta,
}
