//! The one way of a file onto the disk: written beside its name, synced, renamed.

use std::{
    fs::Permissions,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    Error, PutMode, PutResult,
    folders::{create_folder, create_lasting_folder, parent, sync_folder},
};

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
        Self::start(parent(path), path.to_owned(), access, durability)
    }

    /// Starts a file in `folder` that is named when it is [published](Self::publish), on the file
    /// system of that folder.
    pub(crate) fn create_unnamed(
        folder: &Path,
        access: Access,
        durability: Durability,
    ) -> Result<Self, Error> {
        Self::start(folder, folder.to_owned(), access, durability)
    }

    fn start(
        folder: &Path,
        path: PathBuf,
        access: Access,
        durability: Durability,
    ) -> Result<Self, Error> {
        let temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(permissions(access))
            .tempfile_in(folder)
            .map_err(Error::at("create a file in", folder))?;
        Ok(Self { temporary, path, durability, written: 0 })
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

    /// Names the file `path`, and publishes it there. Creates the folder of that name first.
    pub(crate) fn publish(mut self, path: PathBuf, mode: PutMode) -> Result<PutResult, Error> {
        make_room(&path, self.durability)?;
        self.path = path;
        match mode {
            PutMode::Overwrite => self.commit().map(|()| PutResult::Written),
            PutMode::Create => self.commit_new(),
        }
    }

    /// Renames the file to its final name, unless a file has that name.
    fn commit_new(self) -> Result<PutResult, Error> {
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
        let reason = format!("{} bytes were written, but the file has {length}", self.written);
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

/// Publishes a file of these bytes under a name in an existing folder.
pub(crate) fn write_file(
    path: &Path,
    access: Access,
    durability: Durability,
    pieces: &[&[u8]],
) -> Result<(), Error> {
    let mut file = PendingFile::create(path, access, durability)?;
    pieces.iter().try_for_each(|piece| file.write_all(piece)).map_err(Error::at("write", path))?;
    file.commit()
}

/// Creates the folder that a file will be in.
pub(crate) fn make_room(path: &Path, durability: Durability) -> Result<(), Error> {
    match (path.parent(), durability) {
        (Some(folder), Durability::Durable) => create_lasting_folder(folder),
        (Some(folder), Durability::Volatile) => create_folder(folder),
        (None, _) => Ok(()),
    }
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
