use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempDir};

use crate::{Error, PutResult};

/// The failures that a published file must survive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Survives a power cut: the file is synced before the rename, its folder after it.
    Durable,
    /// Survives a crash of the process, but not of the machine: for data that can be made again.
    Volatile,
}

/// The permissions of a published file. The umask of the process narrows them further.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Written once, never changed: `0444`.
    ReadOnly,
    /// An ordinary file: `0666`.
    ReadWrite,
    /// A program: `0777`.
    Executable,
}

/// A file written beside its final name, which takes the name only when it is complete.
///
/// Dropping it without [`PendingFile::commit`] removes it: a failure leaves nothing behind, and a
/// file that had the name before stays unchanged.
///
/// ```
/// use std::io::Write;
/// use pinnace_store::{Access, Durability, PendingFile};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("report.txt");
/// let mut file = PendingFile::create(&path, Access::ReadWrite, Durability::Durable)?;
/// file.write_all(b"done").unwrap();
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"done");
/// # Ok::<(), pinnace_store::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a pending file is removed unless it is committed"]
pub struct PendingFile {
    temporary: NamedTempFile,
    path: PathBuf,
    durability: Durability,
    /// The number of bytes that the system reported as written.
    written: u64,
}

/// The prefix of the names of unfinished files.
pub(crate) const PREFIX: &str = ".pinnace-";

impl PendingFile {
    /// Starts a file that will be named `path`, in the same folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder does not exist or cannot be written to.
    pub fn create(path: &Path, access: Access, durability: Durability) -> Result<Self, Error> {
        Self::create_in(parent(path), path, access, durability)
    }

    /// Starts a file that will be named `path`, with the unfinished file in `folder`, which is on
    /// the file system of `path`.
    pub(crate) fn create_in(
        folder: &Path,
        path: &Path,
        access: Access,
        durability: Durability,
    ) -> Result<Self, Error> {
        let temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(permissions(access))
            .tempfile_in(folder)
            .map_err(Error::at("create a file in", folder))?;
        Ok(Self { temporary, path: path.to_owned(), durability, written: 0 })
    }

    /// Renames the file to its final name, and replaces any file that had the name.
    ///
    /// # Errors
    ///
    /// Returns an error if syncing or renaming fails; the file is then removed.
    pub fn commit(self) -> Result<(), Error> {
        self.settle()?;
        let Self { temporary, path, durability, .. } = self;
        temporary.persist(&path).map_err(|error| Error::at("write", &path)(error.error))?;
        if durability == Durability::Durable {
            sync_folder(parent(&path))?;
        }
        Ok(())
    }

    /// Renames the file to its final name, unless a file has that name.
    pub(crate) fn commit_new(self) -> Result<PutResult, Error> {
        self.settle()?;
        let Self { temporary, path, durability, .. } = self;
        match temporary.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(PutResult::AlreadyExists);
            }
            Err(error) => return Err(Error::at("write", &path)(error.error)),
        }
        if durability == Durability::Durable {
            sync_folder(parent(&path))?;
        }
        Ok(PutResult::Written)
    }

    /// Syncs a durable file, and checks its length. Nothing is published after a failed sync, or
    /// after a write that the system reported but did not do.
    fn settle(&self) -> Result<(), Error> {
        let file = self.temporary.as_file();
        if self.durability == Durability::Durable {
            file.sync_all().map_err(Error::at("sync", &self.path))?;
        }
        let length = file.metadata().map_err(Error::at("look at", &self.path))?.len();
        if length == self.written {
            return Ok(());
        }
        let reason = format!("{} bytes were written, and {length} are there", self.written);
        Err(Error::at("write", &self.path)(io::Error::other(reason)))
    }

    /// Returns the path of the file until it is committed.
    pub fn unfinished_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Returns the path of the file after it is committed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn set_path(&mut self, path: PathBuf) {
        self.path = path;
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.temporary.write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

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

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::at("create the folder", path))
}

/// Creates a durable folder and its parents: syncs the parent of each new folder.
pub(crate) fn create_lasting_folder(path: &Path) -> Result<(), Error> {
    let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    create_folder(path)?;
    new.into_iter().try_for_each(|folder| sync_folder(parent(folder)))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::at("sync", path))
}

/// Does nothing: other systems cannot open a folder to sync it, and their file systems order
/// renames themselves.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(unix)]
fn permissions(access: Access) -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    Permissions::from_mode(match access {
        Access::ReadOnly => 0o444,
        Access::ReadWrite => 0o666,
        Access::Executable => 0o777,
    })
}
