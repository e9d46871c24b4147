use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Durability, Error, PutResult,
    atomic_file::PREFIX,
    folders::{parent, sync_folder},
};

/// A folder filled beside its final name, which takes the name only when it is complete.
///
/// Dropping it without [`PendingFolder::commit`] removes it. A folder that had the name before is
/// replaced in two steps, and the name is free for an instant between them: systems have no single
/// step that replaces a folder.
///
/// ```
/// use pinnace_store::{Durability, PendingFolder};
///
/// # let place = tempfile::tempdir().unwrap();
/// let path = place.path().join("site");
/// let folder = PendingFolder::create(&path, Durability::Durable)?;
/// std::fs::create_dir(folder.unfinished_path().join("css")).unwrap();
/// folder.commit()?;
/// assert!(path.join("css").is_dir());
/// # Ok::<(), pinnace_store::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a pending folder is removed unless it is committed"]
pub struct PendingFolder {
    temporary: TempDir,
    path: PathBuf,
    durability: Durability,
}

impl PendingFolder {
    /// Starts a folder that will be named `path`, in the same parent folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the parent folder does not exist or cannot be written to.
    pub fn create(path: &Path, durability: Durability) -> Result<Self, Error> {
        let parent = parent(path);
        let temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(parent)
            .map_err(Error::at("create a folder in", parent))?;
        let new = temporary.path().join(NEW);
        fs::create_dir(&new).map_err(Error::at("create the folder", &new))?;
        Ok(Self { temporary, path: path.to_owned(), durability })
    }

    /// Renames the folder to its final name, and replaces any folder that had the name.
    ///
    /// # Errors
    ///
    /// Returns an error if syncing or renaming fails; a folder that had the name before then has it
    /// again.
    pub fn commit(self) -> Result<(), Error> {
        let (new, old) = (self.unfinished_path(), self.temporary.path().join("old"));
        self.settle()?;
        let replaces = self.path.symlink_metadata().is_ok();
        if replaces {
            rename(&self.path, &old).map_err(Error::at("move away", &self.path))?;
        }
        if let Err(error) = rename(&new, &self.path) {
            if replaces {
                rename(&old, &self.path).map_err(Error::at("move back", &self.path))?;
            }
            return Err(Error::at("write", &self.path)(error));
        }
        self.publish()
    }

    /// Renames the folder to its final name, unless the name is taken: a folder that others use is
    /// never replaced.
    ///
    /// # Errors
    ///
    /// Returns an error if syncing or renaming fails.
    pub fn commit_new(self) -> Result<PutResult, Error> {
        self.settle()?;
        match rename(&self.unfinished_path(), &self.path) {
            Ok(()) => self.publish().map(|()| PutResult::Written),
            Err(_) if self.path.symlink_metadata().is_ok() => Ok(PutResult::AlreadyExists),
            Err(error) => Err(Error::at("write", &self.path)(error)),
        }
    }

    fn settle(&self) -> Result<(), Error> {
        match self.durability {
            Durability::Durable => sync_tree(&self.unfinished_path()),
            Durability::Volatile => Ok(()),
        }
    }

    fn publish(&self) -> Result<(), Error> {
        match self.durability {
            Durability::Durable => sync_folder(parent(&self.path)),
            Durability::Volatile => Ok(()),
        }
    }

    /// Returns the path of the folder until it is committed.
    pub fn unfinished_path(&self) -> PathBuf {
        self.temporary.path().join(NEW)
    }

    /// Returns the path of the folder after it is committed.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where folders are published")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// The name of the folder inside the temporary one that is renamed to the final name.
const NEW: &str = "new";

/// Syncs all files below a folder, and the folders themselves.
fn sync_tree(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::at("read", folder))? {
        let entry = entry.map_err(Error::at("read", folder))?;
        let kind = entry.file_type().map_err(Error::at("read", folder))?;
        let path = entry.path();
        if kind.is_dir() {
            sync_tree(&path)?;
        } else if kind.is_file() {
            File::open(&path).and_then(|file| file.sync_all()).map_err(Error::at("sync", &path))?;
        }
    }
    sync_folder(folder)
}
