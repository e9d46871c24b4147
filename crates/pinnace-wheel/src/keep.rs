use std::{
    collections::BTreeMap,
    error::Error as StdError,
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::{Address, ProjectName};

/// Bytes that can be read at any offset.
pub trait ReadAt: Send + Sync {
    /// The length in bytes.
    ///
    /// # Errors
    ///
    /// Whatever the source fails with.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    ///
    /// If the source ends before the buffer is full, or fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// What can be made again, by bucket and key. Losing an entry costs time, never an answer.
pub trait Cache: Send + Sync {
    /// The entry that was put last under that key, or `None` for whatever reason.
    fn get(&self, bucket: &str, key: &str) -> Option<Box<dyn ReadAt>>;

    /// Puts an entry. A cache that cannot keep it just does not.
    fn put(&self, bucket: &str, key: &str, bytes: &[u8]);
}

/// Puts an entry that is told apart from a damaged one: its SHA-256 stands in front.
pub(crate) fn put_sealed(cache: &dyn Cache, bucket: &str, key: &str, bytes: &[u8]) {
    let mut sealed = Sha256::digest(bytes).to_vec();
    sealed.extend_from_slice(bytes);
    cache.put(bucket, key, &sealed);
}

/// An entry that was put sealed; a damaged one is not there.
pub(crate) fn get_sealed(
    cache: &dyn Cache,
    bucket: &str,
    key: &str,
    limit: u64,
) -> Option<Vec<u8>> {
    let entry = cache.get(bucket, key)?;
    let mut bytes = vec![0; entry.size().ok().filter(|size| *size <= limit)? as usize];
    entry.read_exact_at(&mut bytes, 0).ok()?;
    let (seal, content) = bytes.split_at_checked(32)?;
    (*Sha256::digest(content) == *seal).then(|| content.to_vec())
}

/// A [`Cache`] in memory, for tests and for programs that want none on disk.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<BTreeMap<(String, String), Vec<u8>>>);

impl Cache for MemoryCache {
    fn get(&self, bucket: &str, key: &str) -> Option<Box<dyn ReadAt>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = entries.get(&(bucket.to_owned(), key.to_owned()))?.clone();
        Some(Box::new(bytes))
    }

    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert((bucket.to_owned(), key.to_owned()), bytes.to_vec());
    }
}

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

/// Reads members of zips, with all the suspicion that they deserve.
///
/// The parser of hostile zips lives elsewhere; this is all that is wanted of it here.
pub trait Members: Send + Sync {
    /// The content of the one member that is wanted; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the zip is malformed, more than one member is wanted, or the member is larger than
    /// `limit` bytes.
    fn read(
        &self,
        zip: &dyn ReadAt,
        wanted: &dyn Fn(&str) -> bool,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Box<dyn StdError + Send + Sync>>;
}

/// Knows user and password for addresses that have none, as a netrc file does.
pub trait Credentials: Send + Sync {
    /// User and password for that address; `None` if it needs none, or they are not known.
    fn find(&self, address: &Address) -> Option<(String, String)>;
}

/// Told of what is going on; asked whether to go on.
pub trait Progress: Send + Sync {
    /// Something happened. Called from many threads.
    fn event(&self, event: Event<'_>);

    /// Whether to stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A project's page was read, from the network or the cache.
    ProjectRead(&'a ProjectName),
    /// So many wheels, of so many bytes altogether as far as known, will be downloaded.
    DownloadsStart {
        /// How many.
        wheels: usize,
        /// Their size, as far as the index tells.
        bytes: u64,
    },
    /// So many bytes more have come.
    Received(u64),
    /// A wheel has been downloaded and verified.
    Downloaded(&'a str),
    /// A source distribution is being built.
    Building(&'a str),
    /// A request failed and is made again.
    Retry {
        /// The address, without credentials.
        url: &'a str,
        /// What went wrong.
        reason: &'a crate::Error,
    },
}

/// Says nothing, and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
