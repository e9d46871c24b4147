use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::ReadAt;

/// A cache of entries that can be recreated, by bucket and key. A lost entry costs time, but never
/// changes an answer.
pub trait Cache: Send + Sync {
    /// Returns the latest entry under that key, or `None` if the cache cannot return it, for
    /// whatever reason.
    fn get(&self, bucket: &str, key: &str) -> Option<Box<dyn ReadAt>>;

    /// Stores an entry. A cache that cannot store it ignores the call.
    fn put(&self, bucket: &str, key: &str, bytes: &[u8]);
}

/// Stores an entry with its SHA-256 in front, so that a damaged entry is detected.
pub(crate) fn put_sealed(cache: &dyn Cache, bucket: &str, key: &str, bytes: &[u8]) {
    let mut sealed = Sha256::digest(bytes).to_vec();
    sealed.extend_from_slice(bytes);
    cache.put(bucket, key, &sealed);
}

/// Returns an entry that `put_sealed` stored. A damaged entry, or one larger than `limit`, counts
/// as absent.
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

/// A [`Cache`] in memory, for tests and for programs without a cache on disk.
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
