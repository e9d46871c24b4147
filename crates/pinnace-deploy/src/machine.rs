//! What a machine keeps of releases: contents, unpacked wheels, environments.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_pex::{ReadSeek, WheelFiles};
use pinnace_store::{Blob, Cache, Digest, Durability, LocalStore};

use crate::Error;

/// A machine's folder of what it fetched and laid out. All of it can be made again.
#[derive(Debug)]
pub struct Machine {
    folder: PathBuf,
    blobs: LocalStore,
    cache: Cache,
}

impl Machine {
    /// The folder of the command's cache.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let blobs = LocalStore::open(folder.join("wheels"), Durability::Remade)?;
        let cache = Cache::new(folder.join("index"));
        Ok(Self { folder: folder.to_owned(), blobs, cache })
    }

    /// The contents that are here: wheels, and what is large.
    pub fn blobs(&self) -> &LocalStore {
        &self.blobs
    }

    /// What was learned, and can be learned again.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// All bytes of what was learned; `None` if it was not, or was lost.
    pub fn known(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let entry = self.cache.get(bucket, key)?;
        let mut bytes = vec![0; usize::try_from(entry.size()).ok()?];
        entry.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    }

    /// Keeps what was learned, if it can be kept.
    pub fn learn(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let _ = self.cache.put(bucket, key, bytes);
    }

    /// Where unpacked wheels are, by their digests.
    pub(crate) fn unpacked(&self) -> PathBuf {
        self.folder.join("unpacked").join("1")
    }

    /// Where builds have their folders until they are done.
    pub(crate) fn workplace(&self) -> Result<PathBuf, Error> {
        let folder = self.folder.join("builds").join("1");
        fs::create_dir_all(&folder).map_err(Error::at("create the folder", &folder))?;
        Ok(folder)
    }

    /// Where environments are, by what is in them.
    pub(crate) fn environments(&self) -> PathBuf {
        self.folder.join("environments").join("1")
    }
}

impl WheelFiles for Machine {
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        let digest = Digest::new(*sha256);
        let blob = self.blobs.get(&digest).map_err(io::Error::other)?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{digest} is not here"));
        Ok(Box::new(blob.map(Blob::into_file).ok_or_else(missing)?))
    }
}
