//! What a machine keeps of releases: contents, unpacked wheels, environments.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use pinnace_pex::{ReadSeek, WheelFiles};
use pinnace_store::{Blob, Cache, Digest, Durability, LocalStore, PendingFolder};

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
        let blobs = LocalStore::open(folder.join("wheels"), Durability::Volatile)?;
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

    /// A folder for a build, which goes when it is dropped. What builds that were killed have left goes, too.
    pub(crate) fn workplace(&self, name: &str) -> Result<PendingFolder, Error> {
        let folder = self.folder.join("builds").join("1");
        fs::create_dir_all(&folder).map_err(Error::at("create the folder", &folder))?;
        let new = PendingFolder::create(&folder.join(name), Durability::Volatile)?;
        remove_old(&folder, &new.unfinished_path());
        Ok(new)
    }

    /// Where environments are, by what is in them.
    pub(crate) fn environments(&self) -> PathBuf {
        self.folder.join("environments").join("1")
    }
}

/// No build takes a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Removes what is in a folder and a day older than something new in it, as far as that can be done.
fn remove_old(folder: &Path, new: &Path) {
    let modified = |path: &Path| fs::metadata(path).and_then(|one| one.modified()).ok();
    let Some(limit) = modified(new).and_then(|now| now.checked_sub(LONGEST)) else { return };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let old = entries.map(|entry| entry.path());
    for path in old.filter(|path| modified(path).is_some_and(|time| time < limit)) {
        let _ = fs::remove_dir_all(path);
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
