use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::{Access, Digest, Durability, Error, atomic_file::write_file, folders::create_folder};

/// A cache of reproducible data, by bucket and key.
///
/// Reading from a cache never fails: an entry that is missing, unreadable, truncated or of another
/// format counts as absent. Writing can fail, and the caller may go on without the entry.
///
/// ```
/// use pinnace_store::Cache;
///
/// # let folder = tempfile::tempdir().unwrap();
/// let cache = Cache::new(folder.path());
/// cache.put("pages", "some key", b"a page")?;
/// let entry = cache.get("pages", "some key").expect("it was put");
/// assert_eq!(entry.read_all().unwrap(), b"a page");
/// assert!(cache.get("pages", "another key").is_none());
/// # Ok::<(), pinnace_store::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// The first bytes of an entry. Its length follows, so that a torn entry is detected.
const MAGIC: &[u8; 8] = b"pincach1";
const HEAD: u64 = 16;

impl Cache {
    /// Creates a handle for the cache in `root`. The first `put` creates the folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the entry that was last put under the key.
    pub fn get(&self, bucket: &str, key: &str) -> Option<CacheEntry> {
        CacheEntry::open(&self.path(bucket, key)).ok().flatten()
    }

    /// Writes an entry, and replaces any entry under the key.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system fails. The old entry is then still there.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path(bucket, key);
        create_folder(&self.root.join(bucket))?;
        let length = (bytes.len() as u64).to_le_bytes();
        let pieces: [&[u8]; 3] = [MAGIC, &length, bytes];
        write_file(&path, Access::ReadWrite, Durability::Volatile, &pieces)
    }

    /// Returns the path of an entry. Keys may be long or secret, so only their hash reaches the
    /// disk.
    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        let name = Digest::of(key.as_bytes()).to_hex();
        self.root.join(bucket).join(name)
    }
}

/// An open entry of a [`Cache`]. It stays readable when it is replaced.
#[derive(Debug)]
pub struct CacheEntry {
    file: File,
    size: u64,
}

impl CacheEntry {
    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// Returns an error if the entry is shorter than that, or the file system fails.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        read_exact_at(&self.file, buffer, HEAD.saturating_add(offset))
    }

    /// Returns all bytes of the entry.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system fails.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.size as usize];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let mut head = [0; HEAD as usize];
        read_exact_at(&file, &mut head, 0)?;
        let mut length = [0; 8];
        length.copy_from_slice(&head[8..]);
        let size = u64::from_le_bytes(length);
        let whole = size.checked_add(HEAD) == Some(file.metadata()?.len());
        Ok((head.starts_with(MAGIC) && whole).then_some(Self { file, size }))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
