use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::ReadAt;

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
