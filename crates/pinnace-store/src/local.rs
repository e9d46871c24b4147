use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    Access, Blob, Digest, Durability, Error, ErrorKind, PendingFile,
    atomic_file::{make_room, write_file},
    folders::{create_folder, create_lasting_folder, sync_folder},
};

/// A store of blobs in a folder: read-only files `blobs/<2 hex digits>/<62 hex digits>`.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: PathBuf,
    durability: Durability,
}

/// The format of a store's folder, kept in its `format` file.
const FORMAT: &str = "pinnace-store 1\n";
/// The size of the reserve: the number of files, and the bytes in each. A tombstone list of some
/// objects fits into it.
const RESERVES: usize = 6;
const RESERVE: usize = 64 << 10;

impl LocalStore {
    /// Opens the store in `root`, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NewerFormat`] if a newer version made the store, or [`ErrorKind::Io`]
    /// if the folder cannot be used.
    pub fn open(root: impl Into<PathBuf>, durability: Durability) -> Result<Self, Error> {
        let store = Self { root: root.into(), durability };
        create_folder(&store.unfinished())?;
        if !store.has_format()? {
            store.initialize()?;
        }
        Ok(store)
    }

    /// Opens the store in `root`; returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn open_existing(
        root: impl Into<PathBuf>,
        durability: Durability,
    ) -> Result<Option<Self>, Error> {
        let store = Self { root: root.into(), durability };
        let is_there = store.has_format()?;
        if is_there {
            // A copy of a store may lack this folder, and is still readable.
            let _ = create_folder(&store.unfinished());
        }
        Ok(is_there.then_some(store))
    }

    /// Opens a blob after checking every byte of it; returns `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Damaged`] if its bytes do not match its digest.
    pub fn get(&self, digest: &Digest) -> Result<Option<Blob>, Error> {
        let path = self.path(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::at("open", &path)(error)),
        };
        let (blob, actual) = Blob::hash(file).map_err(Error::at("read", &path))?;
        if actual != *digest {
            let at = path.display().to_string();
            return Err(ErrorKind::Damaged { digest: *digest, at, actual }.into());
        }
        Ok(Some(blob))
    }

    /// Removes a blob if its bytes do not match its digest, so that callers which ask
    /// [`LocalStore::contains`] first put it again.
    ///
    /// # Errors
    ///
    /// Returns an error if the blob cannot be read or removed.
    pub fn remove_damaged(&self, digest: &Digest) -> Result<(), Error> {
        match self.get(digest) {
            Err(error) if matches!(error.kind(), ErrorKind::Damaged { .. }) => {
                let path = self.path(digest);
                fs::remove_file(&path).map_err(Error::at("remove", &path))
            }
            other => other.map(drop),
        }
    }

    /// Returns true if the store has a blob of that digest. The blob is not verified:
    /// [`LocalStore::get`] does that.
    ///
    /// # Errors
    ///
    /// Returns an error if its folder cannot be read.
    pub fn contains(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.size(digest)?.is_some())
    }

    /// Returns the size of a blob in bytes, or `None` if the store does not have it. The blob is
    /// not verified.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`LocalStore::contains`].
    pub fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::at("look for", &path)(error)),
        }
    }

    /// Starts a file in the folder of unfinished objects.
    pub(crate) fn pending(&self) -> Result<PendingFile, Error> {
        PendingFile::create_unnamed(&self.unfinished(), Access::ReadOnly, self.durability)
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.root.join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// Returns the text that identifies a store in a folder. Caches of all versions are named by
    /// it.
    pub(crate) fn identity_of(root: &Path, durability: Durability) -> String {
        format!("LocalStore {{ root: {root:?}, durability: {durability:?} }}")
    }

    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    /// Returns the paths of the reserve, which a collection without space removes: they free bytes,
    /// and names for files.
    pub(crate) fn reserve(&self) -> impl Iterator<Item = PathBuf> {
        (0..RESERVES).map(|number| self.root.join("reserve").join(number.to_string()))
    }

    /// Creates the missing reserve files of a durable store, as far as there is space.
    pub(crate) fn fill_reserve(&self) {
        if self.durability == Durability::Durable {
            let mut missing = self.reserve().filter(|path| !path.exists());
            let _ = missing.try_for_each(|path| self.write_reserve(&path));
        }
    }

    fn write_reserve(&self, path: &Path) -> Result<(), Error> {
        make_room(path, self.durability)?;
        write_file(path, Access::ReadOnly, self.durability, &[&noise(RESERVE)])
    }

    /// Returns true if the folder is a store of this format, `false` if it is not a store yet.
    fn has_format(&self) -> Result<bool, Error> {
        let path = self.root.join("format");
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::at("look at", &path)(error)),
        };
        let mut found = String::new();
        if metadata.is_file() {
            let file = File::open(&path).map_err(Error::at("open", &path))?;
            // A longer file is of another format.
            file.take(100).read_to_string(&mut found).map_err(Error::at("read", &path))?;
        }
        if found == FORMAT {
            return Ok(true);
        }
        let found = found.lines().next().unwrap_or_default().chars().take(40).collect();
        Err(ErrorKind::NewerFormat { path: self.root.clone(), found }.into())
    }

    /// Initializes a new store. The format file is written last.
    fn initialize(&self) -> Result<(), Error> {
        if self.durability == Durability::Durable {
            self.make_folders()?;
        }
        self.fill_reserve();
        let path = self.root.join("format");
        write_file(&path, Access::ReadOnly, Durability::Durable, &[FORMAT.as_bytes()])
    }

    /// Creates all folders of blobs, so that they are synced once and not each at its first blob.
    fn make_folders(&self) -> Result<(), Error> {
        let blobs = self.root.join("blobs");
        create_lasting_folder(&blobs)?;
        (0..=u8::MAX).try_for_each(|start| create_folder(&blobs.join(format!("{start:02x}"))))?;
        sync_folder(&blobs)
    }
}

/// Returns bytes that no file system can compress (xorshift64, Marsaglia 2003).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length / 8).flatten().collect()
}
