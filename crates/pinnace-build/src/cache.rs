//! A machine's cache on disk.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use pinnace_pex::{ReadSeek, WheelFiles};
use pinnace_store::{Blob, CacheEntry, Digest, Durability, LocalStore, PendingFolder};
use pinnace_wheel::{ReadAt, Wheels};

use crate::Error;

/// A machine's cache on disk: wheels by digest, metadata, index pages and environments.
///
/// Deleting the cache costs time, but changes no result. Several processes may share a folder. The cache
/// implements [`pinnace_wheel::Cache`] and [`Wheels`] for the resolver, and [`WheelFiles`] for PEX files.
///
/// ```
/// use pinnace_build::Cache;
///
/// # let folder = tempfile::tempdir()?;
/// let cache = Cache::open(folder.path())?;
/// cache.remember("greetings-1", "en", b"hello");
/// assert_eq!(cache.recall("greetings-1", "en").as_deref(), Some(&b"hello"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    blobs: LocalStore,
    entries: pinnace_store::Cache,
}

impl Cache {
    /// Opens the cache in a folder, and creates the folder if it is missing. A relative path starts from the current
    /// folder of the process; [`Env::cache_folder`](crate::Env::cache_folder) returns an absolute one.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be created.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        // Environments in the cache are used from other folders.
        let folder = std::path::absolute(folder).map_err(Error::at("open", folder))?;
        let blobs = LocalStore::open(folder.join("wheels"), Durability::Volatile)?;
        let entries = pinnace_store::Cache::new(folder.join("index"));
        Ok(Self { folder, blobs, entries })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the blobs: wheels, source distributions and large files.
    pub fn blobs(&self) -> &LocalStore {
        &self.blobs
    }

    /// Returns the bytes that are cached under a key; `None` on a miss.
    pub fn recall(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let entry = self.entries.get(bucket, key)?;
        let mut bytes = vec![0; usize::try_from(entry.size()).ok()?];
        entry.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    }

    /// Caches bytes under a key. Failures are ignored. A bucket's name ends in the version of its format.
    pub fn remember(&self, bucket: &str, key: &str, bytes: &[u8]) {
        // A missing entry is computed again.
        let _ = self.entries.put(bucket, key, bytes);
    }

    /// Removes damaged wheels among the given ones. Returns true if any of the given wheels is missing now.
    ///
    /// # Errors
    ///
    /// Returns an error if a wheel can be neither read nor removed.
    pub fn remove_damaged<'a>(
        &self,
        wheels: impl IntoIterator<Item = &'a Digest>,
    ) -> Result<bool, Error> {
        let mut removed = false;
        for digest in wheels {
            self.blobs.remove_damaged(digest)?;
            removed |= !self.blobs.contains(digest)?;
        }
        Ok(removed)
    }

    /// Returns the folder of unpacked wheels.
    pub(crate) fn unpacked(&self) -> PathBuf {
        self.folder.join("unpacked").join("1")
    }

    /// Creates a scratch folder for a build, which is removed on drop. Also removes scratch folders that killed
    /// builds left behind a day ago.
    pub(crate) fn workplace(&self, name: &str) -> Result<PendingFolder, Error> {
        let folder = self.folder.join("builds").join("1");
        fs::create_dir_all(&folder).map_err(Error::at("create the folder", &folder))?;
        let new = PendingFolder::create(&folder.join(name), Durability::Volatile)?;
        remove_old(&folder, &new.unfinished_path());
        Ok(new)
    }

    fn file(&self, sha256: &[u8; 32]) -> io::Result<Option<File>> {
        let blob = self.blobs.get(&Digest::new(*sha256)).map_err(to_io)?;
        Ok(blob.map(Blob::into_file))
    }
}

/// The age at which no build can still use a scratch folder.
const LONGEST_BUILD: Duration = Duration::from_secs(86_400);

/// Removes entries of a folder that are at least a day older than the entry `new`. Failures are ignored.
fn remove_old(folder: &Path, new: &Path) {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let Some(limit) = modified(new).and_then(|now| now.checked_sub(LONGEST_BUILD)) else { return };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let old = entries.map(|entry| entry.path());
    for path in old.filter(|path| modified(path).is_some_and(|time| time < limit)) {
        let _ = fs::remove_dir_all(path);
    }
}

impl pinnace_wheel::Cache for Cache {
    fn get(&self, bucket: &str, key: &str) -> Option<Box<dyn ReadAt>> {
        Some(Box::new(Entry(self.entries.get(bucket, key)?)))
    }

    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.remember(bucket, key, bytes);
    }
}

impl Wheels for Cache {
    fn contains(&self, sha256: &[u8; 32]) -> io::Result<bool> {
        self.blobs.contains(&Digest::new(*sha256)).map_err(to_io)
    }

    fn put(&self, body: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<[u8; 32]> {
        let mut writer = self.blobs.writer().map_err(to_io)?;
        io::copy(body, &mut writer)?;
        writer.flush()?;
        match expected {
            None => writer.commit().map(|digest| *digest.as_bytes()).map_err(to_io),
            Some(sha256) => {
                writer.commit_as(&Digest::new(*sha256)).map_err(to_io)?;
                Ok(*sha256)
            }
        }
    }

    fn open(&self, sha256: &[u8; 32]) -> io::Result<Option<Box<dyn ReadAt>>> {
        Ok(self.file(sha256)?.map(|file| Box::new(OpenFile(file)) as Box<dyn ReadAt>))
    }
}

impl WheelFiles for Cache {
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        let missing = || {
            let reason = "it is not in the cache any more; build again";
            io::Error::new(io::ErrorKind::NotFound, reason)
        };
        Ok(Box::new(self.file(sha256)?.ok_or_else(missing)?))
    }
}

/// Converts an error, keeping the kind of the I/O error that caused it. A digest mismatch becomes invalid data.
fn to_io(error: pinnace_store::Error) -> io::Error {
    use pinnace_store::ErrorKind::{Damaged, Mismatch};
    let kind = match (error.kind(), error.io()) {
        (_, Some(io)) => io.kind(),
        (Mismatch { .. } | Damaged { .. }, None) => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

struct Entry(CacheEntry);

impl ReadAt for Entry {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.size())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

struct OpenFile(File);

impl ReadAt for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }
}
