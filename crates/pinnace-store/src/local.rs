use std::{
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    Access, Blob, BlobWriter, Digest, Durability, Error, ErrorKind, PendingFile,
    atomic_file::{create_folder, create_lasting_folder, sync_folder},
};

/// Blobs in a folder: `blobs/<2 hex digits>/<62 hex digits>`, read-only files.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: PathBuf,
    durability: Durability,
}

/// The format of a store's folder, kept in its `format` file.
const FORMAT: &str = "pinnace-store 1\n";
/// How large the reserve is: in so many files, of so many bytes each. The list of some objects that are to be
/// removed fits into it.
const RESERVES: usize = 6;
const RESERVE: usize = 64 << 10;

impl LocalStore {
    /// Opens the store in `root`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NewerFormat`]; [`ErrorKind::Io`] if the folder cannot be used.
    pub fn open(root: impl Into<PathBuf>, durability: Durability) -> Result<Self, Error> {
        let store = Self { root: root.into(), durability };
        create_folder(&store.unfinished())?;
        if !store.has_format()? {
            store.found()?;
        }
        Ok(store)
    }

    /// Opens the store in `root`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_existing(
        root: impl Into<PathBuf>,
        durability: Durability,
    ) -> Result<Option<Self>, Error> {
        let store = Self { root: root.into(), durability };
        let is_there = store.has_format()?;
        if is_there {
            // A copy may lack it, and be read all the same.
            let _ = create_folder(&store.unfinished());
        }
        Ok(is_there.then_some(store))
    }

    /// Stores all that `source` gives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Source`] if it cannot be read, [`ErrorKind::Io`] if the store cannot be
    /// written.
    pub fn put(&self, source: &mut impl Read) -> Result<Digest, Error> {
        let mut writer = self.writer()?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let n = match source.read(&mut buffer) {
                Ok(0) => return writer.commit(),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(ErrorKind::Source { source }.into()),
            };
            writer.write_all(&buffer[..n]).map_err(Error::at("write to", &self.root))?;
        }
    }

    /// A blob to write to, for sources that push.
    ///
    /// # Errors
    ///
    /// If no file can be created.
    pub fn writer(&self) -> Result<BlobWriter<'_>, Error> {
        let folder = self.unfinished();
        let file = PendingFile::create_in(&folder, &folder, Access::ReadOnly, self.durability)?;
        Ok(BlobWriter::new(self, file))
    }

    /// Opens a blob after checking every byte of it. `None` if the store has none of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] if its bytes are not its own.
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

    /// Takes a blob away if its bytes are not its own, so that it can be put again by those who ask
    /// [`LocalStore::contains`] first.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or not be removed.
    pub fn remove_damaged(&self, digest: &Digest) -> Result<(), Error> {
        match self.get(digest) {
            Err(error) if matches!(error.kind(), ErrorKind::Damaged { .. }) => {
                let path = self.path(digest);
                fs::remove_file(&path).map_err(Error::at("remove", &path))
            }
            other => other.map(drop),
        }
    }

    /// Whether a blob of that name is there. It is not verified: [`LocalStore::get`] does that.
    ///
    /// # Errors
    ///
    /// If the folder cannot be looked at.
    pub fn contains(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.size(digest)?.is_some())
    }

    /// The size of a blob in bytes; `None` if the store has none of that name. It is not verified.
    ///
    /// # Errors
    ///
    /// As [`LocalStore::contains`].
    pub fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::at("look for", &path)(error)),
        }
    }

    pub(crate) fn publish(&self, mut file: PendingFile, digest: &Digest) -> Result<(), Error> {
        let path = self.path(digest);
        self.make_room(&path)?;
        file.set_path(path);
        file.commit()
    }

    /// Makes the folder of an object.
    pub(crate) fn make_room(&self, path: &Path) -> Result<(), Error> {
        match (path.parent(), self.durability) {
            (Some(folder), Durability::Durable) => create_lasting_folder(folder),
            (Some(folder), Durability::Volatile) => create_folder(folder),
            (None, _) => Ok(()),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.root.join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    /// What is given up where a collection has no room left: bytes, and names for files.
    pub(crate) fn reserve(&self) -> impl Iterator<Item = PathBuf> {
        (0..RESERVES).map(|number| self.root.join("reserve").join(number.to_string()))
    }

    /// Sees to it that there is a reserve in a store that is to last, as far as there is room.
    pub(crate) fn keep_reserve(&self) {
        if self.durability == Durability::Durable {
            let mut missing = self.reserve().filter(|path| !path.exists());
            let _ = missing.try_for_each(|path| self.write_reserve(&path));
        }
    }

    fn write_reserve(&self, path: &Path) -> Result<(), Error> {
        self.make_room(path)?;
        let mut file = PendingFile::create(path, Access::ReadOnly, self.durability)?;
        file.write_all(&noise(RESERVE)).map_err(Error::at("write", path))?;
        file.commit()
    }

    /// Whether it is a store of this format; `false` if it is none yet.
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
            // What is longer is another format.
            file.take(100).read_to_string(&mut found).map_err(Error::at("read", &path))?;
        }
        match found == FORMAT {
            true => Ok(true),
            false => {
                let found = found.lines().next().unwrap_or_default().chars().take(40).collect();
                Err(ErrorKind::NewerFormat { path: self.root.clone(), found }.into())
            }
        }
    }

    /// Makes a new store: what says its format comes last.
    fn found(&self) -> Result<(), Error> {
        if self.durability == Durability::Durable {
            self.make_folders()?;
        }
        self.keep_reserve();
        let path = self.root.join("format");
        let mut file = PendingFile::create(&path, Access::ReadOnly, Durability::Durable)?;
        file.write_all(FORMAT.as_bytes()).map_err(Error::at("write", &path))?;
        file.commit()
    }

    /// Makes all folders of blobs, so that they are synced once and not each at its first blob.
    fn make_folders(&self) -> Result<(), Error> {
        let blobs = self.root.join("blobs");
        create_lasting_folder(&blobs)?;
        (0..=u8::MAX).try_for_each(|start| create_folder(&blobs.join(format!("{start:02x}"))))?;
        sync_folder(&blobs)
    }
}

/// Bytes that no file system can make smaller (xorshift64, Marsaglia 2003).
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
