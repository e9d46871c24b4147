use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    Access, Blob, BlobWriter, Digest, Durability, Error, ErrorKind, PendingFile,
    publish::{create_folder, create_lasting_folder},
};

/// Blobs in a folder: `blobs/<2 hex digits>/<62 hex digits>`, read-only files.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: PathBuf,
    durability: Durability,
}

/// The format of a store's folder, kept in its `format` file.
const FORMAT: &str = "pinnace-store 1\n";

impl LocalStore {
    /// Opens the store in `root`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NewerFormat`]; [`ErrorKind::Io`] if the folder cannot be used.
    pub fn open(root: impl Into<PathBuf>, durability: Durability) -> Result<Self, Error> {
        let store = Self { root: root.into(), durability };
        create_folder(&store.unfinished())?;
        store.check_format()?;
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
        let root = root.into();
        match root.join("format").exists() {
            true => Self::open(root, durability).map(Some),
            false => Ok(None),
        }
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
            io::Write::write_all(&mut writer, &buffer[..n])
                .map_err(Error::at("write to", &self.root))?;
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
        let path = self.path(digest);
        path.try_exists().map_err(Error::at("look for", &path))
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
            (Some(folder), Durability::Remade) => create_folder(folder),
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

    fn check_format(&self) -> Result<(), Error> {
        check_format(&self.root, FORMAT)
    }
}

/// Reads the folder's `format` file, and writes it where there is none.
fn check_format(root: &Path, format: &str) -> Result<(), Error> {
    let path = root.join("format");
    match fs::read_to_string(&path) {
        Ok(found) if found == format => Ok(()),
        Ok(found) => {
            let found = found.chars().take(40).collect::<String>().trim_end().to_owned();
            Err(ErrorKind::NewerFormat { path: root.to_owned(), found }.into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut file = PendingFile::create(&path, Access::ReadOnly, Durability::Durable)?;
            io::Write::write_all(&mut file, format.as_bytes())
                .map_err(Error::at("write", &path))?;
            file.commit()
        }
        Err(error) => Err(Error::at("read", &path)(error)),
    }
}
